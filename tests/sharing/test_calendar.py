"""The working calendar: published years, what an administrator enters over them, and years that are not known yet."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from hub.core import Core
from hub.ledger.tables import entry
from hub.sharing.calendar_service import MOST_DAYS, CalendarService, NewDay
from hub.sharing.calendar_tables import calendar_day
from hub.sharing.workdays import PUBLISHED, Calendar, china_day, china_time
from tests.catalog.homes import NOBODY, SECURITY, SYSTEM, refused, rows

pytestmark = pytest.mark.fast
NOTICE = "国务院办公厅关于2027年部分节假日安排的通知"


@pytest.mark.parametrize(
    ("first", "last", "made_up"),
    [
        (date(2024, 2, 10), date(2024, 2, 17), [date(2024, 2, 4), date(2024, 2, 18)]),
        (date(2025, 1, 28), date(2025, 2, 4), [date(2025, 1, 26), date(2025, 2, 8)]),
        (date(2026, 2, 15), date(2026, 2, 23), [date(2026, 2, 14), date(2026, 2, 28)]),
        (date(2024, 10, 1), date(2024, 10, 7), [date(2024, 9, 29), date(2024, 10, 12)]),
        (date(2025, 10, 1), date(2025, 10, 8), [date(2025, 9, 28), date(2025, 10, 11)]),
        (date(2026, 10, 1), date(2026, 10, 7), [date(2026, 9, 20), date(2026, 10, 10)]),
    ],
    ids=lambda value: str(value) if isinstance(value, date) else "",
)
def test_holidays_and_the_days_that_make_up_for_them(first: date, last: date, made_up: list[date]) -> None:
    """CAT-10: Spring Festival and National Day of three years. Each day made up for is a Saturday or a Sunday."""
    assert not any(PUBLISHED.is_working_day(date.fromordinal(day)) for day in range(first.toordinal(), last.toordinal() + 1))
    assert all(PUBLISHED.is_working_day(day) and day.weekday() >= 5 for day in made_up)
    assert not PUBLISHED.is_provisional(first)


@pytest.mark.parametrize(
    ("event", "days", "due"),
    [
        # 2024: 4 and 18 February, both Sundays, are worked; 10 to 17 February is off.
        (date(2024, 2, 2), 1, date(2024, 2, 4)),
        (date(2024, 2, 9), 1, date(2024, 2, 18)),
        (date(2024, 2, 9), 2, date(2024, 2, 19)),
        (date(2024, 2, 2), 10, date(2024, 2, 21)),
        # 2025: 26 January, a Sunday, and 8 February, a Saturday, are worked; 28 January to 4 February is off.
        (date(2025, 1, 24), 1, date(2025, 1, 26)),
        (date(2025, 1, 27), 1, date(2025, 2, 5)),
        (date(2025, 2, 7), 1, date(2025, 2, 8)),
        (date(2025, 1, 24), 10, date(2025, 2, 13)),
        # 2026: 14 and 28 February, both Saturdays, are worked; 15 to 23 February is off.
        (date(2026, 2, 13), 1, date(2026, 2, 14)),
        (date(2026, 2, 17), 1, date(2026, 2, 24)),
        (date(2026, 2, 27), 1, date(2026, 2, 28)),
        # National Day.
        (date(2024, 9, 27), 8, date(2024, 10, 14)),
        (date(2025, 9, 26), 7, date(2025, 10, 13)),
        (date(2026, 9, 30), 4, date(2026, 10, 12)),
    ],
)
def test_due_days(event: date, days: int, due: date) -> None:
    assert PUBLISHED.due_on(event, days) == due


def test_the_day_of_an_event_is_that_of_china() -> None:
    assert china_day(datetime(2026, 2, 13, 15, 59, tzinfo=UTC)) == date(2026, 2, 13)
    assert china_day(datetime(2026, 2, 13, 16, 0, tzinfo=UTC)) == date(2026, 2, 14)


def test_a_moment_reads_as_in_china_and_forever_is_no_fault() -> None:
    assert china_time(datetime(2028, 2, 28, 16, 0, 1, tzinfo=UTC)) == "2028-02-29T00:00:01+08:00"
    assert china_time(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)) == "9999-12-31T23:59:59+00:00"


def test_what_is_entered_goes_over_what_is_published() -> None:
    calendar = Calendar({date(2026, 7, 6): False, date(2026, 7, 11): True})
    assert (PUBLISHED.due_on(date(2026, 7, 3), 6), calendar.due_on(date(2026, 7, 3), 6)) == (date(2026, 7, 13), date(2026, 7, 13))
    assert (PUBLISHED.due_on(date(2026, 7, 3), 1), calendar.due_on(date(2026, 7, 3), 1)) == (date(2026, 7, 6), date(2026, 7, 7))


def test_a_year_is_known_once_its_first_of_january_and_of_october_are_entered() -> None:
    far = date(2099, 2, 3)
    assert PUBLISHED.is_provisional(far)
    assert Calendar({date(2099, 1, 1): False}).is_provisional(far)
    assert Calendar({date(2099, 1, 1): False, date(2099, 10, 1): True}).is_provisional(far)
    known = Calendar({date(2099, 1, 1): False, date(2099, 10, 1): False})
    assert not known.is_provisional(far)
    assert known.is_provisional(date(2100, 2, 3))


@pytest.mark.parametrize(
    ("event", "due"), [(date(2026, 12, 31), date(2027, 1, 4)), (date(2098, 9, 30), date(2098, 10, 6)), (date(2099, 4, 30), date(2099, 5, 4))]
)
def test_no_term_ends_on_a_holiday_of_fixed_date_in_a_year_without_notice(event: date, due: date) -> None:
    """《全国年节及纪念日放假办法》第二条: 1 January, 1 and 2 May, 1 to 3 October, whatever the year's notice says."""
    assert (PUBLISHED.due_on(event, 1), PUBLISHED.is_provisional(due)) == (due, True)
    assert Calendar({event + timedelta(days=1): True}).due_on(event, 1) == event + timedelta(days=1)


@pytest.fixture
def service(core: Core) -> CalendarService:
    return CalendarService(core.engine, core.acts)


def new(day: str, working: bool = False, source: str = NOTICE) -> NewDay:
    return NewDay(date.fromisoformat(day), working, "", source)


def acts(core: Core) -> list[tuple[str, str | None]]:
    with core.engine.connect() as connection:
        bodies = [json.loads(body) for body in connection.execute(select(entry.c.canonical).order_by(entry.c.seq)).scalars()]
    return [(body["outcome"], body["code"]) for body in bodies if body["operation"] == "setCalendarDays"]


def test_entered_days_are_in_force_at_once_and_may_be_entered_anew(core: Core, service: CalendarService) -> None:
    service.set_days(SECURITY, [new("2099-10-01"), new("2099-01-01")])
    assert [one.day for one in service.days(2099)] == [date(2099, 1, 1), date(2099, 10, 1)]
    assert not service.calendar().is_provisional(date(2099, 6, 1))
    service.set_days(SECURITY, [new("2099-10-01", working=True, source="更正")])
    changed = service.days(2099)[1]
    assert (changed.working, changed.source, changed.set_by) == (True, "更正", SECURITY.name)
    assert service.calendar().is_provisional(date(2099, 6, 1))
    assert service.days(2098) == []
    assert acts(core) == [("OK", None), ("OK", None)]


def test_as_many_notices_as_days_are_entered_and_the_entry_names_those_that_fit(core: Core, service: CalendarService) -> None:
    start = date(2099, 1, 1)
    service.set_days(SECURITY, [new((start + timedelta(days=n)).isoformat(), source=f"{n:03}{'文' * 197}") for n in range(MOST_DAYS)])
    assert acts(core) == [("OK", None)]


@pytest.mark.parametrize(
    ("days", "code", "path"),
    [
        ([], "BAD_INPUT", "days"),
        ([new("2099-01-01"), new("2099-01-01")], "DUPLICATE", "days[1].day"),
        ([new("1999-01-01")], "BAD_INPUT", "days[0].day"),
        ([new("2099-01-01", source=" ")], "BAD_INPUT", "days[0].source"),
        ([NewDay(date(2099, 1, 1), False, "x" * 201, NOTICE)], "BAD_INPUT", "days[0].note"),
        ([NewDay(date.fromordinal(date(2090, 1, 1).toordinal() + i), False, "", NOTICE) for i in range(MOST_DAYS + 1)], "BAD_INPUT", "days"),
    ],
)
def test_faults_are_named_and_nothing_is_entered(core: Core, service: CalendarService, days: list[NewDay], code: str, path: str) -> None:
    problems = refused(service.set_days, SECURITY, days)
    assert [(one.code, one.path) for one in problems] == [(code, path)]
    assert rows(core, calendar_day) == 0
    assert acts(core) == [("REFUSED", code)]


def test_only_the_security_administrator_changes_the_calendar(core: Core, service: CalendarService) -> None:
    for actor in (NOBODY, SYSTEM):
        assert refused(service.set_days, actor, [new("2099-01-01")])[0].code == "FORBIDDEN"
    assert rows(core, calendar_day) == 0
    assert acts(core) == [("REFUSED", "FORBIDDEN")] * 2
