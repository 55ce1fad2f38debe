"""What the runs say, against what is wanted."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from loadtests.exchange.measure import Found, ratio
from loadtests.exchange.residents import MASKED, TYPES
from loadtests.exchange.run import COPY, FORMATS, PLAIN, Taken
from loadtests.report import Figure, Report, middle

WANTED = {"ARROW": 0.85, "CSV": 0.70, "PARQUET": 0.60}
"""Of COPY's rows per second."""
MOST_MEBIBYTES = 160.0
LEAST_PLAIN, MOST_LONGER = 5.0, 1.5


def report(found: Sequence[Found]) -> Report:
    """The figures of one run or of several that differ in their workers."""
    first = found[0].extent
    about = (
        f"{first.rows:,} rows of {len(TYPES)} items from PostgreSQL, {len(MASKED)} of them masked, a ledger, rights and chunks as they are; "
        f"{first.rounds} rounds of every way by turns. COPY is psql's, of the same columns, thrown away; the plain program reads with SQLAlchemy "
        f"(stream_results), masks in Python and writes CSV. Seconds of an exchange are those from startExchange to SUCCEEDED over HTTP, its files on "
        f"the disk. Memory is the most that one process had resident (VmHWM), CPU that of whole processes."
    )
    several = len(found) > 1
    figures = [figure for one in found for figure in _of(one, f"{one.extent.executor.partition(':')[0]}, {one.extent.workers}: " if several else "")]
    return Report("Batch exchange", about, figures)


def _of(found: Found, which: str) -> list[Figure]:
    made = [_rate(found, which, way) for way in (COPY, PLAIN, *FORMATS) if found.of(way)]
    for way in FORMATS:
        if not found.of(way):
            continue
        made.append(_ratio(f"{which}{way}: rows per second ÷ COPY", ratio(found, way), WANTED.get(way)))
        made.append(_ratio(f"{which}{way}: rows per second ÷ the plain program", ratio(found, way, PLAIN), LEAST_PLAIN))
        made.append(Figure(f"{which}{way}: memory of an exporting process", max(one.exporting for one in found.of(way)), "MiB", MOST_MEBIBYTES))
        made.append(Figure(f"{which}{way}: memory of the hub", max(one.hub for one in found.of(way)), "MiB"))
        made += [_cpu(found, which, way, whose) for whose in ("exporting", "hub", "PostgreSQL")]
    made += [_cpu(found, which, COPY, "PostgreSQL"), _cpu(found, which, PLAIN, "exporting"), _cpu(found, which, PLAIN, "PostgreSQL")]
    if found.before is not None and found.meanwhile is not None:
        made += [
            Figure(f"{which}look-ups, p50 alone", found.before.p50, "ms"),
            Figure(f"{which}look-ups, p99 alone", found.before.p99, "ms"),
            Figure(f"{which}look-ups, p50 beside exchanges", found.meanwhile.p50, "ms"),
            Figure(f"{which}look-ups, p99 beside exchanges", found.meanwhile.p99, "ms"),
            Figure(f"{which}look-ups, p99 beside exchanges ÷ alone", found.meanwhile.p99 / found.before.p99, "", MOST_LONGER),
        ]
    return made


def _rate(found: Found, which: str, way: str) -> Figure:
    value, spread = _middle([one.per_second for one in found.of(way)])
    return Figure(f"{which}{way}: rows per second", value, "", None, spread)


def _ratio(name: str, values: Sequence[float], wanted: float | None) -> Figure:
    value, spread = _middle(values)
    return Figure(name, value, "", wanted, spread, least=True)


def _cpu(found: Found, which: str, way: str, whose: str) -> Figure:
    def each(one: Taken) -> float:
        return 1e6 * one.cpu.get(whose, 0.0) / one.rows

    return Figure(f"{which}{way}: CPU of {whose}, per million rows", statistics.median(map(each, found.of(way))), "s")


def _middle(values: Sequence[float]) -> tuple[float, tuple[float, float] | None]:
    return middle(values) if len(values) > 1 else (values[0], None)
