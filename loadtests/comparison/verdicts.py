"""What the comparison must show, and whether it does."""

from __future__ import annotations

from dataclasses import dataclass

from loadtests.comparison.records import Record, Records, per_second
from loadtests.comparison.tasks import BY_SOURCE, CLEAR, HUB, UNLOGGED


@dataclass(frozen=True)
class Bound:
    """A bound of a figure, and one to stretch for."""

    wanted: float
    stretch: float | None = None
    least: bool = False
    """The figure must be at least so much, else at most."""

    def held(self, value: float, bound: float | None = None) -> bool:
        """Whether a figure is within the bound."""
        limit = self.wanted if bound is None else bound
        return value >= limit if self.least else value <= limit


@dataclass(frozen=True)
class Verdict:
    """A figure against its bound."""

    group: str
    name: str
    value: float
    bound: Bound
    unit: str = "×"

    @property
    def held(self) -> bool:
        """Whether what is wanted is so."""
        return self.bound.held(self.value)

    @property
    def stretched(self) -> bool:
        """Whether it reaches what was hoped for."""
        return self.bound.stretch is not None and self.bound.held(self.value, self.bound.stretch)


def _most(wanted: float, stretch: float | None = None) -> Bound:
    return Bound(wanted, stretch)


def _less(wanted: float, stretch: float | None = None) -> Bound:
    return Bound(wanted, stretch, least=True)


COMPARED, APART = "compared", "apart"
"""Blocks of rounds."""
AGAINST = ("limit-held", "limit-pool", "strawberry", "postgraphile")
_W1 = (_most(1.4, 1.0), _most(0.5, 0.35), _less(60, 90), _less(4, 6))
MUST_SHOW: tuple[tuple[str, str, tuple[Bound, Bound, Bound, Bound]], ...] = (
    ("W1-16", HUB, _W1),
    ("W1-64", HUB, _W1),
    ("W2", HUB, (_most(1.2, 0.8), _most(0.9, 0.6), _less(35, 50), _less(4, 5))),
    ("W3", HUB, (_most(1.25, 1.05), _most(0.85), _less(22), _less(2.7))),
    ("W3", BY_SOURCE, (_most(0.45, 0.35), _most(0.3), _less(60), _less(7))),
    ("W4", HUB, (_most(1.4, 1.1), _most(0.85, 0.7), _less(35), _less(2.3))),
    ("W5", HUB, (_most(1.9, 1.4), _most(1.15, 0.9), _less(20), _less(1))),
)
"""CPU of the hub: at most so many times that of each limit, and so many times less than each peer."""


def against_peers(records: Records) -> list[Verdict]:
    """The table of workloads."""
    made = []
    for task, server, bounds in MUST_SHOW:
        for other, bound in zip(AGAINST, bounds, strict=True):
            one, two = (other, server) if bound.least else (server, other)
            value = records.ratio(COMPARED, task, one, two)
            if value is not None:
                made.append(Verdict(f"{task}, {server}", f"{'less than' if bound.least else '÷'} {other}", value, bound))
    return made


def own_costs(records: Records, fsync: float) -> list[Verdict]:
    """What ledger, masks and new documents cost, and what the hub's rendering costs a department. ``fsync``: milliseconds of one."""
    found: list[tuple[str, str, float | None, Bound, str]] = [
        ("ledger", "W1-64, answers per second with ÷ without", records.ratio(APART, "W1-64", HUB, UNLOGGED, per_second), _less(0.8, 0.9), "×"),
        ("ledger", "W2, answers per second with ÷ without", records.ratio(APART, "W2", HUB, UNLOGGED, per_second), _less(0.92), "×"),
        ("ledger", "a lone caller waits longer, one fsync apart", _longer(records, fsync), _most(0.5), "ms"),
        ("masks", "W3, answers per second with ÷ without", records.ratio(COMPARED, "W3", HUB, CLEAR, per_second), _less(0.75, 0.85), "×"),
        ("masks", "W3, CPU with ÷ without", records.ratio(COMPARED, "W3", HUB, CLEAR), _most(1.15), "×"),
        ("cold documents", "2 KiB, CPU of the hub", _milliseconds(records.median(COMPARED, "cold", HUB)), _most(10), "ms"),
    ]
    found += [
        ("source", f"{task}, the database's CPU, nothing masked ÷ limit-held", records.ratio(COMPARED, task, CLEAR, "limit-held", _source), _most(2), "×")
        for task in ("W2", "W3")
    ]
    return [Verdict(group, name, value, bound, unit) for group, name, value, bound, unit in found if value is not None]


def steady(rate: str, p50: float, p99: float) -> Verdict:
    """Latency at half of what the hub can carry."""
    return Verdict("latency", f"{rate} at half of the saturation rate, p99 ÷ p50", p99 / p50, _most(3))


def large(size: int, grown: int) -> Verdict:
    """Memory for a large answer; both in bytes."""
    return Verdict("memory", f"an answer of {size / 2**20:.1f} MiB, memory ÷ its size", grown / size, _most(3))


def _source(record: Record) -> float:
    return record.source


def _p50(record: Record) -> float:
    return record.p50


def _longer(records: Records, fsync: float) -> float | None:
    logged, unlogged = (records.median(APART, "W1-1", server, _p50) for server in (HUB, UNLOGGED))
    return None if logged is None or unlogged is None else logged - unlogged - fsync


def _milliseconds(microseconds: float | None) -> float | None:
    return None if microseconds is None else microseconds / 1000
