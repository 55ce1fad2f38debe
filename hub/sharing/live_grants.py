"""Grants as rows: the live one of an application, and how one is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select

from hub.acts import bump
from hub.sharing.steps import add_step
from hub.sharing.tables import grant
from hub.store.base import now


@dataclass(frozen=True, slots=True)
class NewGrant:
    """A grant to be stored; ``request`` is the access request that gives it."""

    id: str
    application: str
    resource: str
    terms: Mapping[str, Any]
    valid_from: datetime
    valid_to: datetime | None
    approver: str
    request: str
    agreement_hash: str | None


def live_grant(connection: Connection, client_id: str, resource: str) -> Row[Any] | None:
    """The grant that holds or is suspended; there is at most one per application and resource."""
    statement = select(grant).where(grant.c.application == client_id, grant.c.resource == resource, grant.c.state.in_(("ACTIVE", "SUSPENDED")))
    return connection.execute(statement.where(or_(grant.c.valid_to.is_(None), grant.c.valid_to > now()))).first()


def store_grant(connection: Connection, made: NewGrant, actor: str) -> None:
    """Stores an active grant and tells the other processes."""
    values = {"id": made.id, "application": made.application, "resource": made.resource, "state": "ACTIVE", "approver": made.approver}
    times = {"valid_from": made.valid_from, "valid_to": made.valid_to, "created_at": now()}
    more = {"agreement_hash": made.agreement_hash, "created_by": actor, "request": made.request}
    connection.execute(insert(grant).values(**values, **times, **more, terms=terms_text(made.terms)))
    add_step(connection, made.id, actor, "grant")
    bump(connection, "rights")


def terms_text(terms: Mapping[str, Any]) -> str:
    """Terms as they are stored."""
    return json.dumps(terms, ensure_ascii=False, sort_keys=True)
