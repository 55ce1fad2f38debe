"""Access requests as they are shown: with due day, lateness, history, in lists with filters and pages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, or_, select

from hub.sharing.calendar_service import read_calendar
from hub.sharing.due import due_of, elapsed, reminder
from hub.sharing.rules import RuleBook
from hub.sharing.steps import Step, steps_of
from hub.sharing.tables import access_request, application
from hub.sharing.workdays import Calendar, china_day
from hub.store.base import now

MOST_LISTED = 200
"""Cases in one page."""


@dataclass(frozen=True, slots=True)
class Case:
    """An access request. ``elapsed`` is the share of the term that has gone, ``reminder`` 50 or 80 (APP-02), ``late`` who let it run out."""

    id: str
    state: str
    due_on: date
    rule: str
    history: tuple[Step, ...]
    resource: str = ""
    application: str = ""
    consumer: str = ""
    provider: str = ""
    origin: str = ""
    party: str | None = None
    overdue: bool = False
    late: str | None = None
    elapsed: float | None = None
    reminder: int | None = None
    missing: tuple[str, ...] = ()
    reason: str | None = None
    extension: str = "NONE"
    agreement: str | None = None
    agreement_hash: str | None = None
    grant: str | None = None
    extends: str | None = None
    terms: Mapping[str, Any] = field(default_factory=dict)
    by: Mapping[str, str | None] = field(default_factory=dict)
    """Who did which step, by column."""
    created_at: datetime | None = None
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters of a list. ``department``: consumer or provider; ``applications`` (client ids) widens what a department sees."""

    state: str | None = None
    overdue: bool | None = None
    department: str | None = None
    application: str | None = None
    seen_by_department: str | None = None
    seen_applications: tuple[str, ...] | None = None
    first: int = 50
    after: str | None = None


STEP_COLUMNS = tuple(c.name for c in access_request.c if c.name.endswith("_by"))


class CaseReader:
    """Reads access requests."""

    def __init__(self, engine: Engine, book: RuleBook) -> None:
        self._engine = engine
        self._book = book

    def get(self, number: str, application_id: str | None = None) -> Case | None:
        """One request; only one of this application (client id), where it is given."""
        statement = _statement().where(access_request.c.id == number)
        if application_id is not None:
            statement = statement.where(access_request.c.application == application_id)
        with self._engine.connect() as connection:
            found = self.cases(connection, connection.execute(statement).all())
        return found[0] if found else None

    def find(self, wanted: Wanted) -> list[Case]:
        """Requests, the newest first."""
        statement = _filtered(_statement(), wanted).order_by(access_request.c.id.desc()).limit(max(1, min(wanted.first, MOST_LISTED)))
        with self._engine.connect() as connection:
            return self.cases(connection, connection.execute(statement).all())

    def cases(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[Case]:
        """Rows of :func:`_statement` as they are shown, with their histories."""
        histories = steps_of(connection, [row.id for row in rows])
        calendar = read_calendar(connection)
        return [case_of(row, histories[row.id], self._book, calendar) for row in rows]


def _statement() -> Select[Any]:
    return select(access_request, application.c.name.label("application_name")).join(application, application.c.client_id == access_request.c.application)


def _filtered(statement: Select[Any], wanted: Wanted) -> Select[Any]:
    columns = access_request.c
    if wanted.state is not None:
        statement = statement.where(columns.state == wanted.state)
    if wanted.overdue is not None:
        overdue = columns.runs & (columns.due_on < china_day(now()).isoformat())
        statement = statement.where(overdue if wanted.overdue else ~overdue)
    if wanted.department is not None:
        statement = statement.where(or_(columns.consumer == wanted.department, columns.provider == wanted.department))
    if wanted.application is not None:
        statement = statement.where(columns.application == wanted.application)
    if wanted.seen_by_department is not None or wanted.seen_applications is not None:
        department = wanted.seen_by_department
        seen = columns.application.in_(wanted.seen_applications or ())
        statement = statement.where(seen if department is None else or_(seen, columns.consumer == department, columns.provider == department))
    return statement if wanted.after is None else statement.where(columns.id < wanted.after)


def case_of(row: Row[Any], history: tuple[Step, ...], book: RuleBook, calendar: Calendar) -> Case:
    """A request as it is shown at this moment: what is due is reckoned anew by the calendar as it stands."""
    due = due_of(book, calendar, row.term, row.term_at, row.extended_days)
    today = china_day(now())
    running = row.runs and due.counted
    share = elapsed(calendar, due, today) if running else None
    return Case(
        id=row.id,
        state=row.state,
        due_on=due.on,
        rule=due.rule,
        history=history,
        resource=row.resource,
        application=row.application_name,
        consumer=row.consumer,
        provider=row.provider,
        origin=row.origin,
        party=row.party,
        overdue=running and today > due.on,
        late=row.late,
        elapsed=share,
        reminder=reminder(share),
        missing=tuple(json.loads(row.missing)) if row.missing else (),
        reason=row.reason,
        extension=_extension(row, history),
        agreement=row.agreement,
        agreement_hash=row.agreement_hash,
        grant=row.grant,
        extends=row.extends,
        terms=json.loads(row.terms),
        by={name: row._mapping[name] for name in STEP_COLUMNS},
        created_at=row.created_at,
        client_id=row.application,
    )


def _extension(row: Row[Any], history: tuple[Step, ...]) -> str:
    """By the history: the days of an extension that was allowed are those of the answer's term alone, which approval ends."""
    if row.extension_asked_by is None:
        return "NONE"
    if row.extension_decided_by is None:
        return "ASKED"
    return "ALLOWED" if any(step.step == "allowExtension" for step in history) else "DENIED"
