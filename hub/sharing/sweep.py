"""What time brings: terms that end, grants that expire, days that a changed calendar moves. Nothing of it decides a call: rights look at the clock themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from anyio import to_thread
from sqlalchemy import Connection, Engine, Row, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from hub.acts import Acts
from hub.ledger.errors import LedgerUnavailable
from hub.sharing.calendar_service import read_calendar
from hub.sharing.due import agreed_due, due_of
from hub.sharing.grant_acts import GrantActs
from hub.sharing.machine import SYSTEM_ACTOR
from hub.sharing.requests import RequestService
from hub.sharing.rules import RuleBook
from hub.sharing.steps import add_step
from hub.sharing.tables import access_request, disposal, grant_usage
from hub.sharing.workdays import china_day
from hub.store.base import now

log = structlog.get_logger(__name__)
SECONDS = 30.0
"""Between two sweeps of a serving hub."""


class _Nothing(Exception):
    """Another process was first: neither change nor entry."""


class Sweep:
    """Records what time has brought, each thing once, whichever process comes first. Lists run it before they read."""

    def __init__(self, engine: Engine, acts: Acts, book: RuleBook, requests: RequestService, grants: GrantActs) -> None:
        self._engine = engine
        self._acts = acts
        self._book = book
        self._requests = requests
        self._grants = grants

    def run(self) -> int:
        """How many things were recorded. While the ledger cannot be written nothing is, and the next sweep does it."""
        try:
            done = sum(self._grants.expire(number) for number in self._grants.past())
            self._forget_periods()
            return done + self._moved() + sum(self._late_request(n) for n in self._late()) + sum(self._late_disposal(n) for n in self._undisposed())
        except LedgerUnavailable:
            return 0

    def _moved(self) -> int:
        """Due days are copies of what the rules say by the calendar as it stands; those that differ are written anew."""
        with self._engine.connect() as connection:
            calendar = read_calendar(connection)
            rows = connection.execute(select(access_request).where(access_request.c.party.is_not(None))).all()
            due = {row: due_of(self._book, calendar, row.term, row.term_at, row.extended_days) for row in rows}
            moved = {row.id: found for row, found in due.items() if (row.due_on, row.rule) != (found.on.isoformat(), found.rule)}
            ends = {row: agreed_due(self._book, calendar, "disposal", row.ended_at, row.working_days) for row in self._open_disposals(connection)}
            later = {row.grant: found for row, found in ends.items() if (row.due_on, row.rule) != (found.on.isoformat(), found.rule)}
        if moved or later:
            with self._engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
                for number, found in moved.items():
                    values = {"due_on": found.on.isoformat(), "rule": found.rule}
                    connection.execute(update(access_request).where(access_request.c.id == number).values(**values))
                for number, found in later.items():
                    connection.execute(update(disposal).where(disposal.c.grant == number).values(due_on=found.on.isoformat(), rule=found.rule))
        return len(moved) + len(later)

    @staticmethod
    def _open_disposals(connection: Connection) -> Sequence[Row[Any]]:
        return connection.execute(select(disposal).where(disposal.c.state == "DUE")).all()

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
            still = (disposal.c.grant == number) & (disposal.c.state == "DUE") & disposal.c.late.is_(None)
            row = connection.execute(select(disposal).where(still)).first()
            if row is None:
                raise _Nothing
            connection.execute(update(disposal).where(still).values(late="consumer"))
            add_step(connection, number, "system", "breach", f"consumer: {row.due_on} {row.rule}")

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
            with self._engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
                connection.execute(delete(grant_usage).where(grant_usage.c.until.between(1, before)))


async def sweeping(sweep: Sweep) -> None:
    """Sweeps until cancelled. Whatever fails is reported and tried again."""
    while True:
        try:
            await to_thread.run_sync(sweep.run)
        except SQLAlchemyError as fault:
            log.warning("sharing_not_swept", fault=type(fault).__name__)
        await asyncio.sleep(SECONDS)
