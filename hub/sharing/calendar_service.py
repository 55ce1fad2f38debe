"""The working days that an administrator enters: next year's notice, or a change to a published year."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from hub.acts import Actor, Acts
from hub.catalog.problems import Problem, Refused
from hub.catalog.scopes import SECURITY
from hub.listed import listed
from hub.sharing.calendar_tables import calendar_day
from hub.sharing.workdays import Calendar
from hub.store.base import now
from hub.store.upsert import inserting

MOST_DAYS = 400
"""Days in one act: a year's notice has some forty."""
_YEARS = range(2004, 2101)


@dataclass(frozen=True, slots=True)
class NewDay:
    """A day as it is to be entered."""

    day: date
    working: bool
    note: str
    source: str


@dataclass(frozen=True, slots=True)
class EnteredDay:
    """A day as it was entered, by whom and when."""

    day: date
    working: bool
    note: str
    source: str
    set_by: str
    set_at: datetime


def read_calendar(connection: Connection) -> Calendar:
    """The published calendars under the days that were entered."""
    rows = connection.execute(select(calendar_day.c.day, calendar_day.c.working))
    return Calendar({date.fromisoformat(row.day): row.working for row in rows})


class CalendarService:
    """Reads and changes the working calendar. ``set_days`` may raise :class:`Refused`; then nothing was changed."""

    def __init__(self, engine: Engine, acts: Acts) -> None:
        self._engine = engine
        self._acts = acts

    def calendar(self) -> Calendar:
        """The calendar as it stands."""
        with self._engine.connect() as connection:
            return read_calendar(connection)

    def days(self, year: int) -> list[EnteredDay]:
        """The days of a year that were entered, in order."""
        statement = select(calendar_day).where(calendar_day.c.day.like(f"{year:04}-%")).order_by(calendar_day.c.day)
        with self._engine.connect() as connection:
            return [_entered(row) for row in connection.execute(statement)]

    def set_days(self, actor: Actor, days: Sequence[NewDay]) -> list[EnteredDay]:
        """Enters days, or enters them anew; all or none. Open cases are due by the new calendar when they are read next."""
        problems = list(_problems(actor, days))
        target = _span(days)
        if problems:
            self._acts.refuse(actor, "setCalendarDays", target, problems[0])
            raise Refused(*problems)
        moment = now()
        made = [EnteredDay(one.day, one.working, one.note.strip(), one.source.strip(), actor.name, moment) for one in sorted(days, key=lambda one: one.day)]

        def work(connection: Connection) -> list[EnteredDay]:
            entering = inserting(connection, calendar_day).values([_row(one) for one in made])
            changed = {name: entering.excluded[name] for name in ("working", "note", "source", "set_by", "set_at")}
            connection.execute(entering.on_conflict_do_update(index_elements=[calendar_day.c.day], set_=changed))
            return made

        details = {
            "working": [one.day.isoformat() for one in made if one.working],
            "holidays": [one.day.isoformat() for one in made if not one.working],
            **listed("sources", sorted({one.source for one in made})),
        }
        return self._acts.do(actor, "setCalendarDays", target, work, details)


def _problems(actor: Actor, days: Sequence[NewDay]) -> Iterator[Problem]:
    if not actor.may(SECURITY):
        yield Problem("FORBIDDEN", f"需要权限 this act needs {SECURITY}", "请使用具有该角色的账号 use an account that has this role")
        return
    if not 1 <= len(days) <= MOST_DAYS:
        yield Problem("BAD_INPUT", f"一次应登记 1 至 {MOST_DAYS} 日 enter 1 to {MOST_DAYS} days at once", "", "days")
    seen: set[date] = set()
    for i, one in enumerate(days[:MOST_DAYS]):
        if one.day.year not in _YEARS:
            yield Problem("BAD_INPUT", f"年份超出范围 the year is out of range: {one.day}", f"{_YEARS[0]}–{_YEARS[-1]}", f"days[{i}].day")
        if one.day in seen:
            yield Problem("DUPLICATE", f"日期重复 the day stands twice: {one.day}", "请删除其一 remove one", f"days[{i}].day")
        if not 0 < len(one.source.strip()) <= 200:
            yield Problem(
                "BAD_INPUT", "须写明依据，1 至 200 字 name the notice in 1 to 200 characters", "国务院办公厅关于2027年部分节假日安排的通知", f"days[{i}].source"
            )
        if len(one.note) > 200:
            yield Problem("BAD_INPUT", "备注至多 200 字 the note has 200 characters at most", "", f"days[{i}].note")
        seen.add(one.day)


def _span(days: Sequence[NewDay]) -> str:
    if not days:
        return "-"
    first, last = min(one.day for one in days), max(one.day for one in days)
    return first.isoformat() if first == last else f"{first.isoformat()}/{last.isoformat()}"


def _row(one: EnteredDay) -> dict[str, object]:
    values = {"day": one.day.isoformat(), "working": one.working, "note": one.note, "source": one.source}
    return {**values, "set_by": one.set_by, "set_at": one.set_at}


def _entered(row: Row[Any]) -> EnteredDay:
    return EnteredDay(date.fromisoformat(row.day), row.working, row.note, row.source, row.set_by, row.set_at)
