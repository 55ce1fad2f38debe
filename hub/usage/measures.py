"""What the assessment asks beside calls (ASM-14): unused grants and resources, punctual answers, what is registered."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, or_, select

from hub.feedback.figures import punctuality as feedback_figures
from hub.sharing.calendar_service import read_calendar
from hub.sharing.due import due_of
from hub.sharing.rules import RuleBook
from hub.sharing.steps import Step, steps_of
from hub.sharing.tables import access_request, application, grant, step
from hub.sharing.workdays import china_day
from hub.store.base import now
from hub.usage.query import last_served, lines_of
from hub.usage.report import Punctuality, Registered, UnusedGrant, UnusedResource
from hub.usage.roll import bounds_of
from schema.model import Snapshot

_EXTENDED = re.compile(r"\+(\d{1,3})\b")
_LONGEST = 366
"""An extension that names no number of days is the longest that the rules give; ``due_of`` cuts it to that."""
_OPINION = ("agree", "disagree")
_GONE = ("withdraw", "decline")


def unused_grants(connection: Connection, until: date, days: int, catalog: Snapshot) -> list[UnusedGrant]:
    """Grants that were in force at the end of ``until`` and served no call in the ``days`` days up to it; those longest unused first.

    A grant that was suspended then could not be used; one that was resumed could from that day on.
    """
    begins, ends = bounds_of(until)
    held = (grant.c.valid_from < ends) & or_(grant.c.ended_at.is_(None), grant.c.ended_at >= ends) & or_(grant.c.valid_to.is_(None), grant.c.valid_to > begins)
    columns = (grant.c.id, grant.c.application, grant.c.resource, grant.c.valid_from, application.c.department)
    rows = connection.execute(select(*columns).join(application, application.c.client_id == grant.c.application).where(held)).all()
    recent = last_served(connection, until, until - timedelta(days=days - 1))
    idle = [row for row in rows if (row.application, row.resource) not in recent and (until - china_day(row.valid_from)).days >= days]
    usable = _usable_since(connection, [row.id for row in idle], ends)
    idle = [row for row in idle if row.id not in usable or ((day := usable[row.id]) is not None and (until - day).days >= days)]
    before = _before(connection, until, [row.resource for row in idle])
    found = []
    for row in idle:
        last = before.get((row.application, row.resource))
        since = max(last or date.min, china_day(row.valid_from), usable.get(row.id) or date.min)
        provider = catalog.resources[row.resource].department if row.resource in catalog.resources else row.resource.partition(".")[0]
        found.append(UnusedGrant(row.id, row.application, row.department, row.resource, provider, last, since, (until - since).days))
    return sorted(found, key=lambda each: (-each.days, each.grant))


def unused_resources(connection: Connection, until: date, used: frozenset[str], catalog: Snapshot) -> list[UnusedResource]:
    """Published resources that are not among those ``used``, by code."""
    idle = [resource for code, resource in sorted(catalog.resources.items()) if code not in used]
    last: dict[str, date] = {}
    for (_, code), day in _before(connection, until, [resource.code for resource in idle]).items():
        last[code] = max(day, last.get(code, day))
    return [UnusedResource(each.code, each.name, each.name_en, each.department, last.get(each.code)) for each in idle]


def registered(used: frozenset[str], catalog: Snapshot) -> list[Registered]:
    """What each department has published, most first."""
    made = [
        Registered(department, len(resources), sum(len(each.items) for each in resources), sum(each.code in used for each in resources))
        for department, resources in catalog.by_department.items()
    ]
    return sorted(made, key=lambda each: (-each.resources, each.department))


def request_punctuality(connection: Connection, book: RuleBook, since: date, until: date) -> list[Punctuality]:
    """How providers answered the access requests that reached them, complete, from ``since`` to ``until``.

    The answer is the provider's opinion. Its last day is that of the term that began with the consumer's endorsement, with the extension that was
    allowed. Requests that were withdrawn unanswered, and those for whose answer no rule counts days, are left out.
    """
    begins, ends = bounds_of(since)[0], bounds_of(until)[1]
    reached = select(step.c.subject).where(step.c.step == "complete", step.c.at >= begins, step.c.at < ends)
    statement = select(access_request.c.id, access_request.c.provider, access_request.c.answer).where(access_request.c.id.in_(reached))
    requests = connection.execute(statement).all()
    histories = _histories(connection, [row.id for row in requests])
    calendar, today = read_calendar(connection), china_day(now())
    counts: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(("on_time", "late", "overdue", "open"), 0))
    for row in requests:
        steps = histories[row.id]
        began = next((each.at for each in reversed(steps) if each.step == "endorse"), None)
        due = due_of(book, calendar, row.answer, began, _extended(steps)) if began is not None else None
        if due is not None and due.counted and (state := _state(steps, due.on, today)):
            counts[row.provider][state] += 1
    return [Punctuality(department, **counts[department]) for department in sorted(counts)]


def feedback_punctuality(connection: Connection, since: date, until: date) -> list[Punctuality]:
    """How departments answered the errors that were reported to them from ``since`` to ``until``."""
    found = feedback_figures(connection, bounds_of(since)[0], bounds_of(until)[1])
    return [Punctuality(each.provider, each.in_time, each.late, each.overdue, each.open - each.overdue) for each in found]


def _usable_since(connection: Connection, grants: Sequence[str], ends: datetime) -> dict[str, date | None]:
    """Of grants that were ever suspended before ``ends``: the day of the last resumption, ``None`` where they were suspended then."""
    found: dict[str, date | None] = {}
    for number, steps in _histories(connection, grants).items():
        for each in steps:
            if each.at < ends and each.step in ("suspend", "resume"):
                found[number] = china_day(each.at) if each.step == "resume" else None
    return found


def _before(connection: Connection, until: date, resources: Sequence[str]) -> dict[tuple[str, str], date]:
    return last_served(connection, until, lines=lines_of(connection, sorted(set(resources)))) if resources else {}


def _histories(connection: Connection, requests: Sequence[str]) -> Mapping[str, tuple[Step, ...]]:
    found: dict[str, tuple[Step, ...]] = {}
    for at in range(0, len(requests), 500):
        found |= steps_of(connection, requests[at : at + 500])
    return found


def _extended(steps: Sequence[Step]) -> int:
    allowed = next((each for each in steps if each.step == "allowExtension"), None)
    if allowed is None:
        return 0
    told = _EXTENDED.match(allowed.opinion or "")
    return int(told[1]) if told else _LONGEST


def _state(steps: Sequence[Step], due: date, today: date) -> str | None:
    answered = next((each for each in steps if each.step in _OPINION), None)
    if answered is not None:
        return "on_time" if china_day(answered.at) <= due else "late"
    if any(each.step in _GONE for each in steps):
        return None
    return "overdue" if today > due else "open"
