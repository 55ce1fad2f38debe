"""Working days 工作日: counted from the day after the event, by the State Council's calendar with its make-up working days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

import chinese_calendar

from hub.store.base import CHINA

_FIXED = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
"""Month and day of the holidays that are the same every year: 《全国年节及纪念日放假办法》第二条, as revised in 2024."""


@dataclass(frozen=True)
class Calendar:
    """The published calendars of chinesecalendar, under the days that an administrator has entered (``calendar_day``)."""

    entered: Mapping[date, bool] = field(default_factory=lambda: MappingProxyType({}))
    """Day → whether it is a working day."""

    def is_working_day(self, day: date) -> bool:
        """Whether people work on this day. A year whose calendar is not published yet is reckoned Monday to Friday, without the holidays of fixed date."""
        if day in self.entered:
            return self.entered[day]
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            return day.weekday() < 5 and (day.month, day.day) not in _FIXED

    def is_provisional(self, day: date) -> bool:
        """Whether the day lies in a year whose calendar is not known yet: due dates there may move."""
        return not (_is_published(day) or self.is_entered(day.year))

    def is_entered(self, year: int) -> bool:
        """Whether the notice of a year has been entered: the days off of every year's notice include 1 January and 1 October."""
        return not any(self.entered.get(date(year, month, 1), True) for month in (1, 10))

    def due_on(self, event: date, working_days: int) -> date:
        """The last day of a term of working days; the day of the event does not count."""
        day = event
        left = working_days
        while left:
            day += timedelta(days=1)
            left -= self.is_working_day(day)
        return day


PUBLISHED = Calendar()
"""The published calendars alone."""


def _is_published(day: date) -> bool:
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return False
    return True


def china_day(moment: datetime) -> date:
    """The day that a moment falls on in China."""
    return moment.astimezone(CHINA).date()


def china_time(moment: datetime) -> str:
    """The moment as it reads in China, to the second; one of the last hours of the year 9999, which has no day there, in UTC."""
    try:
        local = moment.astimezone(CHINA)
    except OverflowError:
        local = moment.astimezone(UTC)
    return local.isoformat(timespec="seconds")


def is_working_day(day: date) -> bool:
    """:meth:`Calendar.is_working_day` of the published calendars."""
    return PUBLISHED.is_working_day(day)


def is_provisional(day: date) -> bool:
    """:meth:`Calendar.is_provisional` of the published calendars."""
    return PUBLISHED.is_provisional(day)


def due_on(event: date, working_days: int) -> date:
    """:meth:`Calendar.due_on` of the published calendars."""
    return PUBLISHED.due_on(event, working_days)
