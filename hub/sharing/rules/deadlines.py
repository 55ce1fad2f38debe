"""When a term ends: a pure function of rule book, calendar and event, so that a changed calendar moves every open case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from hub.sharing.rules.book import RuleBook, Term
from hub.sharing.workdays import Calendar, china_day


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day of a term."""

    due_on: date
    provisional: bool
    """The year's calendar is not known yet; the day may move."""
    term: Term

    @property
    def rule(self) -> str:
        """The citation, with a word on it where the day is provisional."""
        return f"{self.term.rule}（暂按周一至周五推算）" if self.provisional else self.term.rule


def recompute(book: RuleBook, calendar: Calendar, code: str, event: datetime, extended_by: int = 0) -> Deadline | None:
    """The deadline of ``code`` for an event, ``extended_by`` working days later; ``None`` where no rule in force counts days.

    Call it with the stored code, event and extension whenever a case is read: a due date that was stored is only a copy of its result.

    Raises:
        ValueError: the term may not be extended so far.
    """
    day = china_day(event)
    term = book.term(code, day)
    if term is None:
        return None
    if not 0 <= extended_by <= term.extension_days:
        raise ValueError(f"{code} may be extended by {term.extension_days} working days at most, not by {extended_by}")
    due = calendar.due_on(day, term.working_days + extended_by)
    return Deadline(due, calendar.is_provisional(due), term)
