"""People as administrators see them: no hash, no secret."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from hub.people.tables import account_role, person, role_change


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """``created_by`` proposed the account last, ``approved_by`` approved it; ``proposed_roles`` wait for a decision."""

    id: str
    name: str
    display_name: str
    department: str
    state: str
    roles: tuple[str, ...]
    proposed_roles: tuple[str, ...] | None
    created_by: str
    approved_by: str | None
    created_at: datetime


def people(connection: Connection, name: str | None = None) -> list[PersonRecord]:
    """People by name; one of them where a name is given."""
    roles: dict[str, list[str]] = {}
    for row in connection.execute(select(account_role.c.account, account_role.c.role).order_by(account_role.c.role)):
        roles.setdefault(row.account, []).append(row.role)
    waiting = select(role_change.c.person, role_change.c.roles).where(role_change.c.state == "PROPOSED")
    proposed: dict[str, Sequence[str]] = {row.person: json.loads(row.roles) for row in connection.execute(waiting)}
    wanted = select(person).order_by(person.c.name)
    return [
        PersonRecord(
            row.id,
            row.name,
            row.display_name,
            row.department,
            row.state,
            tuple(roles.get(row.id, ())),
            tuple(proposed[row.id]) if row.id in proposed else None,
            row.created_by,
            row.approved_by,
            row.created_at,
        )
        for row in connection.execute(wanted if name is None else wanted.where(person.c.name == name))
    ]


def read_person(connection: Connection, name: str) -> PersonRecord:
    """One person, who exists."""
    return people(connection, name)[0]
