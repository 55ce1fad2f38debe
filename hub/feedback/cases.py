"""Feedback and complaints as they are shown: with due day, lateness, history, in lists with filters and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, or_, select

from hub.feedback.given import COMPLAINT, read_evidence
from hub.feedback.public import holds
from hub.feedback.tables import feedback_case
from hub.sharing.calendar_service import read_calendar
from hub.sharing.due import due_of, elapsed, reminder
from hub.sharing.machine import COMPLAINT as COMPLAINTS
from hub.sharing.machine import FEEDBACK, PARTIES, PUBLIC_ACTOR, SYSTEM_ACTOR, Machine
from hub.sharing.rules import RuleBook
from hub.sharing.steps import Step, steps_of
from hub.sharing.workdays import Calendar, china_day
from hub.store.base import now

MOST_LISTED = 200
"""Cases in one page."""


@dataclass(frozen=True, slots=True)
class FeedbackCase:
    """A case. ``reporter`` is a name, ``client_id`` the account; ``due_on`` is the end of the term that runs or ran last, by ``rule``."""

    id: str
    kind: str
    state: str
    due_on: date
    rule: str
    history: tuple[Step, ...]
    resource: str
    item: str | None
    subject_entry: int | None
    about: str | None
    description: str
    reporter: str
    client_id: str | None
    consumer: str
    provider: str
    transferred_from: str | None
    party: str | None
    overdue: bool
    late: str | None
    elapsed: float | None
    reminder: int | None
    received_at: datetime
    answered_at: datetime | None
    closes_on: date | None
    outcome: str | None
    evidence: Mapping[str, Any] | None
    code_hash: str | None = field(repr=False)

    def for_public(self) -> FeedbackCase:
        """The same without the names of people: each step shows the side that did it."""
        return replace(self, history=tuple(replace(step, actor=_side(step, self.kind)) for step in self.history))


@dataclass(frozen=True, slots=True)
class FeedbackWanted:
    """Filters of a list. ``department``: consumer or provider; ``seen_…`` bound it to what the reader may see."""

    state: str | None = None
    kind: str | None = None
    overdue: bool | None = None
    department: str | None = None
    application: str | None = None
    seen_by_department: str | None = None
    seen_applications: tuple[str, ...] | None = None
    first: int = 50
    after: str | None = None


def machine_of(kind: str) -> Machine:
    """The state machine of a kind of case."""
    return COMPLAINTS if kind == COMPLAINT else FEEDBACK


class FeedbackReader:
    """Reads feedback."""

    def __init__(self, engine: Engine, book: RuleBook) -> None:
        self._engine = engine
        self._book = book

    def get(self, number: str, application: str | None = None) -> FeedbackCase | None:
        """One case; only one of this account, where it is given."""
        statement = select(feedback_case).where(feedback_case.c.id == number)
        if application is not None:
            statement = statement.where(feedback_case.c.application == application)
        with self._engine.connect() as connection:
            found = self._cases(connection, connection.execute(statement).all())
        return found[0] if found else None

    def by_code(self, number: str, code: str) -> FeedbackCase | None:
        """A case of the public, for whoever holds its code."""
        found = self.get(number)
        held = holds(code, found.code_hash if found else None)
        return found.for_public() if found and held else None

    def find(self, wanted: FeedbackWanted) -> list[FeedbackCase]:
        """Cases, the newest first."""
        statement = _filtered(select(feedback_case), wanted).order_by(feedback_case.c.id.desc()).limit(max(1, min(wanted.first, MOST_LISTED)))
        with self._engine.connect() as connection:
            return self._cases(connection, connection.execute(statement).all())

    def _cases(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[FeedbackCase]:
        histories = steps_of(connection, [row.id for row in rows])
        calendar = read_calendar(connection)
        return [_case(row, histories[row.id], self._book, calendar) for row in rows]


def _filtered(statement: Select[Any], wanted: FeedbackWanted) -> Select[Any]:
    columns = feedback_case.c
    for column, value in ((columns.state, wanted.state), (columns.kind, wanted.kind), (columns.application, wanted.application)):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.overdue is not None:
        overdue = columns.runs & (columns.due_on < china_day(now()).isoformat())
        statement = statement.where(overdue if wanted.overdue else ~overdue)
    if wanted.department is not None:
        statement = statement.where(or_(columns.consumer == wanted.department, columns.provider == wanted.department))
    if wanted.seen_by_department is not None or wanted.seen_applications is not None:
        own, seen = wanted.seen_by_department, columns.application.in_(wanted.seen_applications or ())
        sides = () if own is None else (columns.consumer == own, _provided(own))
        statement = statement.where(or_(seen, *sides))
    return statement if wanted.after is None else statement.where(columns.id < wanted.after)


def _provided(department: str) -> Any:
    """Complaints are the authority's: what is said of a provider there, the provider does not read."""
    columns = feedback_case.c
    return or_(columns.provider == department, columns.transferred_from == department) & (columns.kind != COMPLAINT)


def is_party(case: FeedbackCase, department: str | None, applications: Sequence[str]) -> bool:
    """Whether a reader who is bounded to a department and to applications may read a case, as :func:`FeedbackReader.find` lists it."""
    if case.client_id in applications or (department is not None and department == case.consumer):
        return True
    return department is not None and case.kind != COMPLAINT and department in (case.provider, case.transferred_from)


def _case(row: Row[Any], history: tuple[Step, ...], book: RuleBook, calendar: Calendar) -> FeedbackCase:
    """What is due is reckoned anew by the calendar as it stands."""
    due, today = due_of(book, calendar, row.term, row.term_at), china_day(now())
    running = row.runs and due.counted
    share = elapsed(calendar, due, today) if running else None
    same = {name: row._mapping[name] for name in _SAME}
    return FeedbackCase(
        **same,
        due_on=due.on,
        rule=due.rule,
        history=history,
        client_id=row.application,
        overdue=running and today > due.on,
        elapsed=share,
        reminder=reminder(share),
        closes_on=date.fromisoformat(row.closes_on) if row.closes_on else None,
        evidence=read_evidence(row.evidence),
    )


_SAME = (
    *("id", "kind", "state", "resource", "item", "subject_entry", "about", "description", "reporter", "consumer", "provider", "transferred_from"),
    *("party", "late", "received_at", "answered_at", "outcome", "code_hash"),
)


def _side(step: Step, kind: str) -> str:
    if step.actor in (SYSTEM_ACTOR.name, PUBLIC_ACTOR.name):
        return step.actor
    found = machine_of(kind).of(step.step)
    party = PARTIES[found[0].who[0]] if found else PARTIES["system"]
    return f"{party.name} {party.name_en.partition(':')[0]}"
