"""What time brings: terms that end, grants that expire, days that a changed calendar moves. Nothing of it decides a call: rights look at the clock themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date

import structlog
from anyio import to_thread
from sqlalchemy import Connection, Engine, Update, and_, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from hub.acts import Acts
from hub.ledger.errors import LedgerUnavailable
from hub.sharing.calendar_service import read_calendar
from hub.sharing.cohorts import forget_questions
from hub.sharing.disposal_terms import note_breach
from hub.sharing.due import Due, agreed_due, due_of
from hub.sharing.grant_acts import GrantActs
from hub.sharing.machine import SYSTEM_ACTOR
from hub.sharing.requests import RequestService
from hub.sharing.rules import RuleBook
from hub.sharing.tables import access_request, disposal, grant_usage
from hub.sharing.workdays import Calendar, china_day
from hub.store.base import now
from hub.store.turns import writing
from hub.verification.store import forget

log = structlog.get_logger(__name__)
SECONDS = 30.0
"""Between two sweeps of a serving hub."""


class _Nothing(Exception):
    """Another process was first: neither change nor entry."""


class Sweep:
    """Records what time has brought, each thing once, whichever process comes first. Lists run it before they read."""

    def __init__(
        self, engine: Engine, acts: Acts, book: RuleBook, requests: RequestService, grants: GrantActs, others: Sequence[Callable[[], int]] = ()
    ) -> None:
        self._engine = engine
        self._acts = acts
        self._book = book
        self._requests = requests
        self._grants = grants
        self._others = others
        self._reckoned: Calendar | None = None
        """The calendar by which the copies of due days were last compared."""

    def run(self) -> int:
        """How many things were recorded. While the ledger cannot be written nothing is, and the next sweep does it."""
        try:
            done = sum(self._grants.expire(number) for number in self._grants.past())
            self._forget_periods()
            done += sum(other() for other in self._others)
            return done + self._moved() + sum(self._late_request(n) for n in self._late()) + sum(self._late_disposal(n) for n in self._undisposed())
        except LedgerUnavailable:
            return 0

    def _moved(self) -> int:
        """Due days are copies of what the rules say by the calendar as it stands; once the calendar changed, those that differ are written anew."""
        with self._engine.connect() as connection:
            calendar = read_calendar(connection)
            if calendar == self._reckoned:
                return 0
            moved = [*self._moved_requests(connection, calendar), *self._moved_disposals(connection, calendar)]
        if moved:
            with writing(self._engine) as connection:
                for statement in moved:
                    connection.execute(statement)
        self._reckoned = calendar
        return len(moved)

    def _moved_requests(self, connection: Connection, calendar: Calendar) -> list[Update]:
        """A case that goes on meanwhile has another term, and keeps the day that it got then."""
        kept = access_request.c
        columns = (kept.id, kept.term, kept.term_at, kept.extended_days, kept.due_on, kept.rule)
        found: dict[tuple[str, date, int], Due] = {}
        moved = []
        for row in connection.execute(select(*columns).where(kept.party.is_not(None))):
            key = row.term, china_day(row.term_at), row.extended_days
            due = found.get(key) or found.setdefault(key, due_of(self._book, calendar, row.term, row.term_at, row.extended_days))
            if (row.due_on, row.rule) != (due.on.isoformat(), due.rule):
                same = and_(*(column == value for column, value in zip(columns, row, strict=True)))
                moved.append(update(access_request).where(same).values(due_on=due.on.isoformat(), rule=due.rule))
        return moved

    def _moved_disposals(self, connection: Connection, calendar: Calendar) -> list[Update]:
        moved = []
        for row in connection.execute(select(disposal).where(disposal.c.state == "DUE")):
            due = agreed_due(self._book, calendar, "disposal", row.ended_at, row.working_days)
            if (row.due_on, row.rule) != (due.on.isoformat(), due.rule):
                moved.append(update(disposal).where(disposal.c.grant == row.grant).values(due_on=due.on.isoformat(), rule=due.rule))
        return moved

    def _late(self) -> list[str]:
        columns = access_request.c
        overdue = (columns.due_on < china_day(now()).isoformat()) & columns.runs & columns.late.is_(None)
        with self._engine.connect() as connection:
            return list(connection.execute(select(columns.id).where(overdue)).scalars())

    def _late_request(self, number: str) -> bool:
        def work(connection: Connection) -> None:
            row = connection.execute(select(access_request).where(access_request.c.id == number)).one()
            if not self._requests.note_breach(connection, dict(row._mapping)):
                raise _Nothing

        try:
            self._acts.do(SYSTEM_ACTOR, "recordBreach", number, work, {"request": number})
        except _Nothing:
            return False
        return True

    def _undisposed(self) -> list[str]:
        overdue = (disposal.c.state == "DUE") & disposal.c.late.is_(None) & (disposal.c.due_on < china_day(now()).isoformat())
        with self._engine.connect() as connection:
            return list(connection.execute(select(disposal.c.grant).where(overdue)).scalars())

    def _late_disposal(self, number: str) -> bool:
        def work(connection: Connection) -> None:
            row = connection.execute(select(disposal).where(disposal.c.grant == number)).one()
            if not note_breach(connection, self._book, dict(row._mapping)):
                raise _Nothing

        try:
            self._acts.do(SYSTEM_ACTOR, "recordBreach", number, work, {"grant": number})
        except _Nothing:
            return False
        return True

    def _forget_periods(self) -> None:
        """Counts of periods that are over serve nobody; a day is kept so that clocks of several hubs may differ."""
        before = int(now().timestamp()) - 86_400
        with self._engine.connect() as connection:
            old = connection.execute(select(grant_usage.c.grant).where(grant_usage.c.until.between(1, before)).limit(1)).first()
        if old:
            with writing(self._engine) as connection:
                connection.execute(delete(grant_usage).where(grant_usage.c.until.between(1, before)))
        forget(self._engine)
        forget_questions(self._engine)


async def sweeping(sweep: Sweep) -> None:
    """Sweeps until cancelled. Whatever fails is reported and tried again."""
    while True:
        try:
            await to_thread.run_sync(sweep.run)
        except SQLAlchemyError as fault:
            log.warning("sharing_not_swept", fault=type(fault).__name__)
        await asyncio.sleep(SECONDS)
