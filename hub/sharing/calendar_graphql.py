"""GraphQL face of the working calendar."""

from __future__ import annotations

from datetime import date

import strawberry

from hub.api.context import Context
from hub.api.governance_acts import do_act
from hub.api.governance_types import Problem
from hub.api.types import Date, DateTime
from hub.sharing.calendar_service import CalendarService, EnteredDay, NewDay

Info = strawberry.Info[Context, None]


@strawberry.input
class CalendarDayInput:
    """A day to enter; ``source`` is the notice that says so."""

    day: Date
    working: bool
    source: str
    note: str = ""


@strawberry.input
class SetCalendarDaysInput:
    """Days to enter, all or none."""

    days: list[CalendarDayInput]


@strawberry.type(description="登记的工作日或者休息日\n\nA day entered as working or off")
class CalendarDay:
    """A day that was entered, by whom and when."""

    day: Date
    working: bool
    note: str
    source: str
    set_by: str
    set_at: DateTime


@strawberry.type
class CalendarPayload:
    """Answer of ``setCalendarDays``."""

    days: list[CalendarDay]
    problems: list[Problem]


def _shown(one: EnteredDay) -> CalendarDay:
    return CalendarDay(day=Date(one.day), working=one.working, note=one.note, source=one.source, set_by=one.set_by, set_at=DateTime(one.set_at))


@strawberry.type
class CalendarMutations:
    """Acts on the working calendar."""

    @strawberry.mutation(description="登记工作日与休息日；未办结事项的到期日随之更新\n\nEnters working days and days off; due days of open cases follow")
    async def set_calendar_days(self, info: Info, input: SetCalendarDaysInput) -> CalendarPayload:
        core = info.context.live.core
        days = [NewDay(date.fromisoformat(str(one.day)), one.working, one.note, one.source) for one in input.days]
        done, problems = await do_act(info, lambda actor: CalendarService(core.engine, core.acts).set_days(actor, days))
        return CalendarPayload(days=[_shown(one) for one in done or ()], problems=problems)
