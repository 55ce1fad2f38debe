"""The figures of a day, a line or a period: whole numbers that add up, and what is derived of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

BOUNDS: Final = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000)
"""Upper bounds of the latency buckets in milliseconds, inclusive; one more bucket holds what took longer."""
BUCKETS: Final = (*(f"le_{bound}" for bound in BOUNDS), "le_inf")
"""Names of the buckets. Each counts what lies above the bound before it: they are not cumulated."""
SUMS: Final = (
    "entries",
    "calls",
    "ok",
    "partial",
    "refused",
    "failed",
    "counted",
    "rows",
    "bytes",
    "subjects",
    "undelivered",
    "timed",
    "ms",
    "aged",
    "age",
    "stale",
    "unavailable",
    *BUCKETS,
)
"""Figures that add up over lines and days."""
PEAKS: Final = ("ms_max", "age_max")
"""Figures of which the largest stands for the whole."""
NAMES: Final = SUMS + PEAKS
_values = attrgetter(*NAMES)


@dataclass(slots=True)
class Figures:
    """What was called, and how it went. ``docs/usage.md`` defines each figure.

    One call of three resources is one entry and three calls: ``entries`` is counted at the first resource alone, so that it adds up over
    applications, departments, purposes and days to the number of entries of the log; by resource or provider, ``calls`` is the figure.
    """

    entries: int = 0
    calls: int = 0
    ok: int = 0
    partial: int = 0
    refused: int = 0
    failed: int = 0
    counted: int = 0
    """Served calls that the rules against inflation count."""
    rows: int = 0
    bytes: int = 0
    subjects: int = 0
    """Distinct subjects a day and line; days and lines add up."""
    undelivered: int = 0
    """Values that a source held but that could not be delivered."""
    timed: int = 0
    """Served calls whose time is known."""
    ms: int = 0
    aged: int = 0
    """Served calls whose data's age is known."""
    age: int = 0
    """Seconds."""
    stale: int = 0
    """Served calls of a source that served data older than its cycle."""
    unavailable: int = 0
    """Calls of a source that did not answer."""
    le_5: int = 0
    le_10: int = 0
    le_25: int = 0
    le_50: int = 0
    le_100: int = 0
    le_250: int = 0
    le_500: int = 0
    le_1000: int = 0
    le_2500: int = 0
    le_5000: int = 0
    le_10000: int = 0
    le_30000: int = 0
    le_inf: int = 0
    ms_max: int = 0
    age_max: int = 0

    @classmethod
    def of(cls, values: Iterable[int]) -> Figures:
        """Figures from their values in the order of ``NAMES``."""
        return cls(*values)

    def values(self) -> tuple[int, ...]:
        """Their values in the order of ``NAMES``."""
        found: tuple[int, ...] = _values(self)
        return found

    def add(self, other: Figures) -> None:
        """Adds another line's or day's."""
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in PEAKS:
            setattr(self, name, max(getattr(self, name), getattr(other, name)))

    @property
    def served(self) -> int:
        """Calls that were answered, in whole or in part."""
        return self.ok + self.partial

    @property
    def discounted(self) -> int:
        """Served calls that rules against inflation do not count."""
        return self.served - self.counted

    @property
    def buckets(self) -> tuple[int, ...]:
        """The latency histogram, not cumulated."""
        return tuple(getattr(self, name) for name in BUCKETS)

    @property
    def mean_ms(self) -> float | None:
        """Mean time of a served call in milliseconds."""
        return self.ms / self.timed if self.timed else None

    @property
    def mean_age(self) -> float | None:
        """Mean age of the data in seconds."""
        return self.age / self.aged if self.aged else None

    def percentile(self, percent: int) -> int | None:
        """Upper bound in milliseconds of the bucket in which the percentile lies: ``percent`` of 100 served calls took no longer.

        No more than the longest; ``None`` without any.
        """
        return percentile(self.buckets, self.ms_max, percent)

    def as_json(self) -> dict[str, Any]:
        """Every figure and what is derived of them."""
        plain = {name: getattr(self, name) for name in NAMES if name not in BUCKETS}
        return {
            **{_camel(name): value for name, value in plain.items()},
            "served": self.served,
            "discounted": self.discounted,
            "meanMs": None if self.mean_ms is None else round(self.mean_ms, 1),
            **{f"p{percent}Ms": self.percentile(percent) for percent in (50, 95, 99)},
            "meanAge": None if self.mean_age is None else round(self.mean_age),
            "latency": [{"le": bound, "calls": count} for bound, count in zip((*BOUNDS, None), self.buckets, strict=True)],
        }


def bucket_of(ms: int) -> str:
    """The name of the bucket in which a time lies."""
    return BUCKETS[bisect_left(BOUNDS, ms)]


def percentile(buckets: Sequence[int], longest: int, percent: int) -> int | None:
    """See :meth:`Figures.percentile`: the nearest-rank percentile, told as its bucket's upper bound."""
    total = sum(buckets)
    if not total:
        return None
    rank, seen = -(-total * percent // 100), 0
    for bound, count in zip(BOUNDS, buckets, strict=False):
        seen += count
        if seen >= rank:
            return min(bound, longest)
    return longest


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
