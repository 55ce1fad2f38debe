"""What is usual: median and spread over the comparable hours of an application's own history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from hub.sharing.workdays import Calendar

KEPT_DAYS = 90
_MOST = 90


@dataclass(frozen=True, slots=True)
class Usual:
    """Of one figure at one hour of a kind of day. ``spread``: from the median to the ninth tenth; ``active``: days of ``days`` on which it was not 0."""

    days: int = 0
    median: int = 0
    spread: int = 0
    active: int = 0

    @classmethod
    def of(cls, values: Sequence[int]) -> Usual:
        """Of the figures of comparable hours, with those of 0."""
        if not values:
            return cls()
        ordered, middle = sorted(values), round(median(values))
        tenth = ordered[min(len(ordered) - 1, len(ordered) * 9 // 10)]
        return cls(len(values), middle, max(0, tenth - middle), sum(value > 0 for value in values))

    def limit(self, floor: int, times: int, spreads: int) -> int:
        """What is not unusual yet."""
        return max(floor, times * self.median, self.median + spreads * self.spread)


@dataclass(frozen=True, slots=True)
class History:
    """An application's past with one resource, or with all: figures by hour; hours of alerts are left out. ``since``: its first day."""

    since: date | None
    hours: Mapping[str, Mapping[str, int]]
    left_out: frozenset[str]

    def usual(self, measure: str, hour: str, calendar: Calendar) -> Usual:
        """What is usual in an hour (``2026-03-05T09``)."""
        return Usual.of([self.hours.get(each, {}).get(measure, 0) for each in self._comparable(hour, calendar)])

    def _comparable(self, hour: str, calendar: Calendar) -> list[str]:
        if self.since is None:
            return []
        day, found = date.fromisoformat(hour[:10]), []
        working = calendar.is_working_day(day)
        for back in range(1, min(_MOST, (day - self.since).days) + 1):
            other = day - timedelta(days=back)
            each = f"{other.isoformat()}{hour[10:]}"
            if calendar.is_working_day(other) == working and each not in self.left_out:
                found.append(each)
        return found
