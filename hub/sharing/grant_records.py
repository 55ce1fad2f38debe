"""Grants as administrators and their holders see them, in lists with filters and pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, or_, select

from hub.sharing.tables import application, grant
from hub.store.base import now


@dataclass(frozen=True, slots=True)
class GrantRecord:
    """One grant as administrators and its holder see it."""

    id: str
    application: str
    resource: str
    state: str
    terms: Mapping[str, Any]
    valid_from: datetime
    valid_to: datetime | None
    approver: str
    request: str | None = None
    """The access request that gave it."""
    reason: str | None = None
    agreement_hash: str | None = None
    rectify_by: date | None = None
    termination_filed_by: str | None = None
    consumer: str = ""


@dataclass(frozen=True, slots=True)
class GrantsWanted:
    """Filters of a list of grants; ``seen_…`` bound it to what the reader may see. ``first``: all where it is ``None``."""

    application: str | None = None
    state: str | None = None
    department: str | None = None
    seen_by_department: str | None = None
    seen_applications: tuple[str, ...] | None = None
    first: int | None = None
    after: str | None = None


def grants_statement() -> Any:
    """Grants with the name and the department of their application."""
    return select(grant, application.c.name.label("application_name"), application.c.department.label("consumer")).join(
        application, application.c.client_id == grant.c.application
    )


def filtered(statement: Any, wanted: GrantsWanted) -> Any:
    """The statement, narrowed to what is wanted."""
    if wanted.application is not None:
        statement = statement.where(grant.c.application == wanted.application)
    if wanted.state is not None:
        statement = statement.where(grant.c.state == wanted.state)
    if wanted.department is not None:
        statement = statement.where(_of_department(wanted.department))
    if wanted.seen_by_department is not None or wanted.seen_applications is not None:
        seen = grant.c.application.in_(wanted.seen_applications or ())
        statement = statement.where(seen if wanted.seen_by_department is None else or_(seen, _of_department(wanted.seen_by_department)))
    return statement if wanted.after is None else statement.where(grant.c.id < wanted.after)


def _of_department(code: str) -> Any:
    return or_(application.c.department == code, grant.c.resource.startswith(f"{code}.", autoescape=True))


def record_of(row: Row[Any]) -> GrantRecord:
    """A grant whose term is over is expired, whether or not that was recorded yet."""
    over = row.state in ("ACTIVE", "SUSPENDED") and row.valid_to is not None and row.valid_to <= now()
    return GrantRecord(
        row.id,
        row.application_name,
        row.resource,
        "EXPIRED" if over else row.state,
        json.loads(row.terms),
        row.valid_from,
        row.valid_to,
        row.approver,
        row.request,
        row.reason,
        row.agreement_hash,
        date.fromisoformat(row.rectify_by) if row.rectify_by else None,
        row.termination_filed_by,
        row.consumer,
    )
