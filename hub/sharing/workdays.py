"""Working days 工作日: counted from the day after the event, by the State Council's calendar with its make-up working days."""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar


def is_working_day(day: date) -> bool:
    """Whether people work on this day. A year whose calendar is not published yet is reckoned Monday to Friday."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def is_provisional(day: date) -> bool:
    """Whether the day lies in a year whose calendar is not published yet: due dates there may move."""
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return True
    return False


def due_on(event: date, working_days: int) -> date:
    """The last day of a term of working days; the day of the event does not count."""
    day = event
    left = working_days
    while left:
        day += timedelta(days=1)
        left -= is_working_day(day)
    return day
