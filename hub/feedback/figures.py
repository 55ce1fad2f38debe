"""How punctually departments answer feedback: figures for the assessment of usage (ASM-14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from hub.feedback.given import COMPLAINT
from hub.feedback.tables import feedback_case
from hub.sharing.calendar_service import read_calendar
from hub.sharing.workdays import Calendar, china_day
from hub.store.base import now


@dataclass(slots=True)
class Punctuality:
    """Of one providing department: the feedback that it received within the time asked for; complaints do not count.

    ``in_time`` and ``late`` are first answers by the term's last day or after it; an answer whose rule counts no days is neither.
    ``open`` waits for a first answer, ``overdue`` of it past the last day. ``corrected``, ``explained``, ``rejected`` are the answers as they
    stand now. ``mean_working_days``: from receipt to first answer, the day of receipt not counted; ``None`` where nothing was answered.
    """

    provider: str
    received: int = 0
    in_time: int = 0
    late: int = 0
    open: int = 0
    overdue: int = 0
    corrected: int = 0
    explained: int = 0
    rejected: int = 0
    withdrawn: int = 0
    mean_working_days: float | None = None


_OUTCOMES: Mapping[str, str] = {"CORRECTED": "corrected", "EXPLAINED": "explained", "REJECTED": "rejected"}


def punctuality(connection: Connection, since: datetime, until: datetime) -> list[Punctuality]:
    """The figures per department, by code, of what was received from ``since`` on and before ``until`` (aware moments).

    A case that was passed on counts for the department that has it, from the day on which it got it.
    """
    columns = feedback_case.c
    within = (columns.received_at >= since) & (columns.received_at < until) & (columns.kind != COMPLAINT)
    calendar, today = read_calendar(connection), china_day(now())
    found: dict[str, Punctuality] = {}
    days: dict[str, list[int]] = {}
    for row in connection.execute(select(feedback_case).where(within).order_by(columns.provider)):
        figure = found.setdefault(row.provider, Punctuality(row.provider))
        figure.received += 1
        if row.answered_at is None:
            _waiting(figure, row, today)
        else:
            _answered(figure, row)
            days.setdefault(row.provider, []).append(_working_days(calendar, china_day(row.received_at), china_day(row.answered_at)))
    for provider, each in days.items():
        found[provider].mean_working_days = round(sum(each) / len(each), 2)
    return list(found.values())


def _waiting(figure: Punctuality, row: Row[Any], today: date) -> None:
    if row.state == "WITHDRAWN":
        figure.withdrawn += 1
        return
    figure.open += 1
    figure.overdue += row.runs and row.due_on < today.isoformat()


def _answered(figure: Punctuality, row: Row[Any]) -> None:
    if row.answered_due_on is not None:
        in_time = china_day(row.answered_at).isoformat() <= row.answered_due_on
        figure.in_time += in_time
        figure.late += not in_time
    name = _OUTCOMES[row.outcome]
    setattr(figure, name, getattr(figure, name) + 1)


def _working_days(calendar: Calendar, received: date, answered: date) -> int:
    return sum(calendar.is_working_day(received + timedelta(days=n)) for n in range(1, (answered - received).days + 1))
