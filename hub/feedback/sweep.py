"""What time brings to feedback: terms that run out, answers that nobody objects to, days that a changed calendar moves."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Engine, and_, or_, select, update

from hub.feedback.public import forget_paces, is_old
from hub.feedback.service import FeedbackService
from hub.feedback.tables import feedback_case
from hub.sharing.calendar_service import read_calendar
from hub.sharing.due import due_of
from hub.sharing.rules import RuleBook
from hub.sharing.workdays import Calendar, china_day
from hub.store.base import now
from hub.store.turns import writing

_ANSWERED = ("CORRECTED", "EXPLAINED", "REJECTED")


class FeedbackSweep:
    """Records each thing once, whichever process comes first."""

    def __init__(self, engine: Engine, book: RuleBook, service: FeedbackService) -> None:
        self._engine = engine
        self._book = book
        self._service = service
        self._reckoned: Calendar | None = None
        """The calendar by which the copies of due days were last compared."""

    def run(self) -> int:
        """How many things were recorded."""
        with self._engine.connect() as connection:
            calendar = read_calendar(connection)
            moved = self._differing(connection, calendar) if calendar != self._reckoned else []
            old, ripe = is_old(connection), _ripe(connection)
        if old:
            forget_paces(self._engine)
        if moved:
            with writing(self._engine) as connection:
                for same, values in moved:
                    connection.execute(update(feedback_case).where(same).values(**values))
        self._reckoned = calendar
        return len(moved) + sum(self._service.catch_up(number) for number in ripe)

    def _differing(self, connection: Connection, calendar: Calendar) -> list[tuple[ColumnElement[bool], dict[str, str]]]:
        """Once the calendar changed: the days of open terms that are others now."""
        kept = feedback_case.c
        columns = (kept.id, kept.term, kept.term_at, kept.due_on, kept.rule)
        moved: list[tuple[ColumnElement[bool], dict[str, str]]] = []
        for row in connection.execute(select(*columns).where(kept.runs)):
            due = due_of(self._book, calendar, row.term, row.term_at)
            if (row.due_on, row.rule) != (due.on.isoformat(), due.rule):
                same = and_(*(column == value for column, value in zip(columns, row, strict=True)))
                moved.append((same, {"due_on": due.on.isoformat(), "rule": due.rule}))
        return moved


def _ripe(connection: Connection) -> list[str]:
    """Cases whose term is over, and cases that close by themselves."""
    columns, today = feedback_case.c, china_day(now()).isoformat()
    past = columns.runs & (columns.due_on < today) & columns.escalated_by.is_(None)
    over = columns.state.in_(_ANSWERED) & (columns.closes_on < today)
    return list(connection.execute(select(columns.id).where(or_(past, over))).scalars())
