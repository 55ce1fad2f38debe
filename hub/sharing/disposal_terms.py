"""The term of a disposal: it begins with the end of a grant, and whoever is late has that recorded, whether a sweep came before or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from hub.sharing.calendar_service import read_calendar
from hub.sharing.due import agreed_due
from hub.sharing.filing import DISPOSAL_DAYS
from hub.sharing.machine import DISPOSAL, SYSTEM_ACTOR
from hub.sharing.rules import RuleBook
from hub.sharing.steps import add_step
from hub.sharing.tables import access_request, disposal, grant
from hub.sharing.workdays import china_day
from hub.store.base import now


def make_due(connection: Connection, book: RuleBook, number: str, ended: datetime) -> None:
    """A disposal is due from the end of a grant, in the working days that its agreement sets."""
    request = select(access_request.c.terms).join(grant, grant.c.request == access_request.c.id).where(grant.c.id == number)
    stored = connection.execute(request).scalar()
    days = json.loads(stored).get("disposal_days", DISPOSAL_DAYS) if stored else DISPOSAL_DAYS
    due = agreed_due(book, read_calendar(connection), "disposal", ended, days)
    values = {"grant": number, "state": DISPOSAL.initial, "ended_at": ended, "working_days": days}
    connection.execute(insert(disposal).values(**values, due_on=due.on.isoformat(), rule=due.rule))


def note_breach(connection: Connection, book: RuleBook, case: Mapping[str, Any]) -> bool:
    """Records once that the term ran out before proof was filed, and who was to act then."""
    due = agreed_due(book, read_calendar(connection), "disposal", case["ended_at"], case["working_days"])
    if not (DISPOSAL.states[case["state"]].counts and case["late"] is None and china_day(now()) > due.on):
        return False
    party = DISPOSAL.party(case["state"], {})
    connection.execute(update(disposal).where(disposal.c.grant == case["grant"]).values(late=party))
    add_step(connection, case["grant"], SYSTEM_ACTOR.name, "breach", f"{party}: {due.on.isoformat()} {due.rule}")
    return True
