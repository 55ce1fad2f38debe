"""When a case is due: the rule book's term from the event on which it began, and how much of it has gone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from hub.sharing.rules import Deadline, RuleBook, Term, recompute
from hub.sharing.workdays import Calendar, china_day

NO_TERM = "现行规则集未规定期限 no rule set in force sets a term"
UNCOUNTED = "（未定日数）"
REMINDERS = (80, 50)
"""Per cent of a term after which a list reminds of it."""


@dataclass(frozen=True, slots=True)
class Due:
    """The last day of a term, and the article that sets it. ``counted``: a rule counts days; else it is the day of the event itself."""

    on: date
    rule: str
    counted: bool
    since: date
    working_days: int | None
    extendable: int = 0
    """Working days by which the term may be extended, at most."""


def due_of(book: RuleBook, calendar: Calendar, code: str, event: datetime, extended: int = 0) -> Due:
    """The deadline of a term that began with ``event``; the rule sets in force on that day in China count."""
    day = china_day(event)
    term = book.term(code, day)
    extended = min(extended, term.extension_days) if term else 0
    deadline = recompute(book, calendar, code, event, extended)
    if term is not None and deadline is not None:
        return Due(deadline.due_on, deadline.rule, True, day, term.working_days + extended, term.extension_days)
    voice = book.entry(code, day)
    return Due(day, voice.rule + UNCOUNTED if voice else NO_TERM, False, day, None)


def agreed_due(book: RuleBook, calendar: Calendar, code: str, event: datetime, working_days: int) -> Due:
    """The deadline of a term whose days the agreement sets, where the rule book counts none."""
    found = due_of(book, calendar, code, event)
    if found.counted:
        return found
    voice = book.entry(code, found.since)
    on = calendar.due_on(found.since, working_days)
    basis = f"{voice.rule}；共享协议" if voice else "共享协议"
    term = Term(code, working_days, 0, f"{basis}约定{working_days}个工作日", "consumer", "", "")
    return replace(found, on=on, rule=Deadline(on, calendar.is_provisional(on), term).rule, counted=True, working_days=working_days)


def elapsed(calendar: Calendar, due: Due, today: date) -> float | None:
    """The share of the term's working days that has gone: 1.0 on the last day, more when overdue. ``None`` where nothing is counted."""
    if not due.counted or not due.working_days:
        return None
    gone = sum(calendar.is_working_day(due.since + timedelta(days=n)) for n in range(1, (today - due.since).days + 1))
    return round(gone / due.working_days, 4)


def reminder(share: float | None) -> int | None:
    """80 or 50 once so many per cent of a term have gone (APP-02), else ``None``."""
    return None if share is None else next((mark for mark in REMINDERS if share * 100 >= mark), None)
