"""``python -m tests.scale.ledger``: fills a ledger with a city's year, step by step, and measures at each size how what is done with it grows.

Ten million entries take about an hour and 30 GiB. ``--entries`` gives other sizes.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from hub.core import Core, initialise, open_core
from hub.ledger.matching import CallFilter
from hub.ledger.proofs import consistency, inclusion
from hub.ledger.search import search
from hub.ledger.verify import verify
from hub.settings import load_settings
from hub.store.engine import reading
from hub.tracing.index import Indexer
from hub.tracing.search import Bounds, trail
from hub.usage.query import By, sums
from hub.usage.roller import Roller
from hub.usage.rulebook import UsageRules
from tests.scale.filling import Filler
from tests.scale.ledger_page import EVIDENCE, Point, write_page
from tests.scale.year import FIRST_DAY, PEOPLE, Year, application, resource, subject

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
_ASKED = 200
_VERIFIED_UP_TO = 1_000_000
"""Beyond this the whole verification only repeats its rate."""


def main(arguments: Sequence[str]) -> int:
    """Measures, and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale.ledger")
    parser.add_argument("--entries", type=int, nargs="+", default=list(SIZES), help="sizes at which is measured")
    parser.add_argument("--out", type=Path, default=EVIDENCE, help="folder of the page")
    parser.add_argument("--home", type=Path, help="where the ledger lies meanwhile; a temporary directory otherwise")
    options = parser.parse_args(arguments)
    sizes = sorted(options.entries)
    with tempfile.TemporaryDirectory(prefix="huitong-ledger-", dir=options.home) as directory:
        settings = load_settings(home=Path(directory) / "home")
        initialise(settings)
        core = open_core(settings)
        try:
            points: list[Point] = []
            for point in _points(core, sizes):
                # What was measured stays, whatever becomes of the next size.
                points.append(point)
                sys.stdout.write(f"{point}\n{write_page(points, options.out)}\n")
                sys.stdout.flush()
        finally:
            core.close()
    return 0


def _points(core: Core, sizes: Sequence[int]) -> Iterator[Point]:
    filler = Filler(core, Year(sizes[-1]))
    roller = Roller(core.engine, core.ledger, UsageRules.of_home(core.settings.home), "scale", step=25_000)
    before = 0
    for size in sizes:
        point = Point(size)
        _fill(filler, size - before)
        point.rates["entries integrated per second"] = _rate(size - before, core.log.publisher.publish_all)
        point.rates["entries indexed by subject per second"] = _rate(size - before, Indexer(core.engine).catch_up)
        point.rates["entries rolled up per second"] = _rate(size - before, roller.run)
        _sizes(core, point)
        _times(core, point, size)
        if size <= _VERIFIED_UP_TO:
            with reading(core.engine, patience=0) as connection:
                point.rates["entries verified per second"] = _rate(size, partial(verify, connection, [core.log.verifier_key]))
        before = size
        yield point


def _fill(filler: Filler, count: int) -> None:
    told = time.monotonic()
    for done in filler.fill(count):
        if time.monotonic() - told > 10:
            told = time.monotonic()
            sys.stderr.write(f"\r{done:,} of {count:,} entries written")
            sys.stderr.flush()
    sys.stderr.write("\n")


def _rate(count: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def _sizes(core: Core, point: Point) -> None:
    with core.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        used = dict(connection.exec_driver_sql("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").tuples().all()) if point.entries <= 1_000_000 else {}
    whole = (core.settings.home / "control.db").stat().st_size
    point.bytes["the control database, per entry"] = whole / point.entries
    for what, names in (
        ("entries and batches", ("ledger_entry", "ledger_batch")),
        ("the tree", ("ledger_node", "sqlite_autoindex_ledger_node_1")),
        ("subjects", ("ledger_subject_bucket", "ix_ledger_subject_bucket_level")),
    ):
        if used:
            point.bytes[f"{what}, per entry"] = sum(size for name, size in used.items() if name in names) / point.entries
    if used:
        point.bytes["indexes and accesses, per entry"] = (
            sum(size for name, size in used.items() if name.startswith(("ix_ledger", "ledger_access", "sqlite_autoindex_ledger_access"))) / point.entries
        )


def _times(core: Core, point: Point, size: int) -> None:
    draw = random.Random(3)
    with core.engine.connect() as connection:
        ask = _Asking(connection, point)
        ask("inclusion proof of one entry", lambda: inclusion(connection, draw.randrange(size)))
        ask("consistency proof from any size", lambda: consistency(connection, draw.randrange(1, size), size))
        ask("an application's newest 50 calls", lambda: search(connection, CallFilter(application=application(draw.randrange(200))[1]), 50))
        ask("a provider's newest 50 calls of one resource", lambda: search(connection, CallFilter(resource=resource(draw.randrange(300))[1]), 50))
        ask("refusals of one hour", lambda: search(connection, _hour(draw), 50))
        ask("one operator's calls of a day, by one application", lambda: search(connection, _operator(draw), 50), 40)
        ask("every call that carried one person", lambda: trail(connection, [subject(draw.randrange(PEOPLE))], Bounds(), 100))
        year = (FIRST_DAY.date(), date(2026, 1, 1))
        ask("the year's usage by provider", lambda: sums(connection, *year, By.PROVIDER), 5)
        ask("a month's usage by resource", lambda: sums(connection, date(2025, 6, 1), date(2025, 7, 1), By.RESOURCE), 5)


class _Asking:
    def __init__(self, connection: Connection, point: Point) -> None:
        self._connection, self._point = connection, point

    def __call__(self, name: str, question: Callable[[], object], times: int = _ASKED) -> None:
        seconds = []
        for _ in range(times):
            began = time.perf_counter()
            question()
            seconds.append(time.perf_counter() - began)
        self._point.times[name] = (1000 * statistics.median(seconds), 1000 * max(seconds))


def _hour(draw: random.Random) -> CallFilter:
    since = FIRST_DAY + timedelta(days=draw.randrange(360), hours=10)
    return CallFilter(outcome="REFUSED", since=since, until=since + timedelta(hours=1))


def _operator(draw: random.Random) -> CallFilter:
    since = FIRST_DAY + timedelta(days=draw.randrange(360))
    return CallFilter(application=application(draw.randrange(200))[1], operator="工号007", since=since, until=since + timedelta(days=1))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
