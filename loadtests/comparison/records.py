"""What was measured of one server in one round, and what follows from several rounds: medians, and ratios within a round."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """One server, one task, one round. CPU in µs for each request that was sent, times in ms, memory in MiB."""

    block: str
    task: str
    server: str
    round: int
    cpu: float
    """Of the server's processes; the hub's with those of its control database."""
    control: float
    """Of these, the control database's own processes."""
    source: float
    """Of the source database."""
    per_second: float
    p50: float
    p99: float
    bytes: float
    answered: int
    asked: int
    resident: float
    peak: float


Value = Callable[[Record], float]


def cpu(record: Record) -> float:
    """µs of the server for each request."""
    return record.cpu


def per_second(record: Record) -> float:
    """Answers per second."""
    return record.per_second


class Records:
    """All that a run has measured."""

    def __init__(self, every: Iterable[Record] = ()) -> None:
        self.every = list(every)

    def of(self, block: str, task: str, server: str) -> list[Record]:
        """In the order of rounds."""
        return sorted((r for r in self.every if (r.block, r.task, r.server) == (block, task, server)), key=lambda r: r.round)

    def tasks(self, block: str) -> list[str]:
        """Codes, as they came first."""
        return list(dict.fromkeys(r.task for r in self.every if r.block == block))

    def servers(self, block: str, task: str) -> list[str]:
        """Names, as they came first."""
        return list(dict.fromkeys(r.server for r in self.every if (r.block, r.task) == (block, task)))

    def median(self, block: str, task: str, server: str, value: Value = cpu) -> float | None:
        """Of all rounds; ``None`` where nothing was measured."""
        found = [value(record) for record in self.of(block, task, server)]
        return statistics.median(found) if found else None

    def ratio(self, block: str, task: str, one: str, other: str, value: Value = cpu) -> float | None:
        """Median of ``one`` ÷ ``other`` within each round that has both."""
        ratios = self.ratios(block, task, one, other, value)
        return statistics.median(ratios) if ratios else None

    def ratios(self, block: str, task: str, one: str, other: str, value: Value = cpu) -> list[float]:
        """The same of each round."""
        others = {record.round: value(record) for record in self.of(block, task, other)}
        return [value(record) / others[record.round] for record in self.of(block, task, one) if others.get(record.round)]


def spread(values: Sequence[float]) -> tuple[float, float]:
    """The least and the most."""
    return min(values), max(values)
