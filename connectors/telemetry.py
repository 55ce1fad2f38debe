"""What one source has been through, as plain numbers that cost next to nothing to count; who reads them decides how to show them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from connectors.errors import CircuitOpen, SourceBusy, SourceFault, SourceRefused, SourceTimeout, SourceUnavailable

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds. Upper bounds, inclusive, of a histogram's buckets; one more bucket holds what is beyond."""


class Histogram:
    """Counts durations by size."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    def note(self, seconds: float) -> None:
        """One duration."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds

    def cumulated(self) -> list[tuple[float, int]]:
        """How many lie at or below each bound; the last bound is infinite."""
        found, total = [], 0
        for bound, count in zip((*BOUNDS, float("inf")), self.counts, strict=True):
            total += count
            found.append((bound, total))
        return found


@dataclass(slots=True)
class Telemetry:
    """Of one source. ``outcomes`` counts calls by ``ok``, ``refused``, ``unavailable``, ``timeout``, ``busy``, ``open_circuit``, ``cancelled``."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: Histogram = field(default_factory=Histogram)
    """Of calls that reached the source, without the time that they waited."""
    retries: int = 0
    checks: Counter[bool] = field(default_factory=Counter)
    """Health checks by whether they found the source well."""
    transitions: Counter[str] = field(default_factory=Counter)
    """Of the circuit, by the state that it came to."""
    used: float = 0.0
    """When it was last called, by the guard's clock."""


_OUTCOMES: tuple[tuple[type[SourceFault], str], ...] = (
    (SourceTimeout, "timeout"),
    (SourceBusy, "busy"),
    (CircuitOpen, "open_circuit"),
    (SourceUnavailable, "unavailable"),
    (SourceRefused, "refused"),
)


def outcome_of(fault: SourceFault) -> str:
    """The name of a call that ended with the fault."""
    return next(name for kind, name in _OUTCOMES if isinstance(fault, kind))
