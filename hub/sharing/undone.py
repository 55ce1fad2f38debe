"""Masks that a grant leaves undone by a link: told to whoever approves it, of the consumer's grants together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, or_, select

from auth.decide import Rights
from auth.rights import GrantTerms, Operation
from hub.catalog.problems import Refused
from hub.masking.linked import decided_by, undone_items
from hub.sharing.grants import read_terms, terms_from
from hub.sharing.tables import application, grant
from hub.store.base import now
from schema.model import Snapshot


def undone_by_grant(connection: Connection, snapshot: Snapshot, client_id: str, resource: str, stored: Mapping[str, Any]) -> list[str]:
    """Items whose values the consumer would see in clear at the end of a link, through a grant by these stored terms beside those in service."""
    if resource not in snapshot.resources:
        return []
    grants = {**_in_service(connection, client_id), resource: read_terms("", resource, json.dumps(stored), "")}
    decided = decided_by(snapshot, Rights(client_id, None, _scopes(grants), (), grants))
    return [f"{one.resource}.{one.item}: CLEAR > {one.way}" for one in undone_items(snapshot, decided) if resource in one.passed]


def undone_by_record(connection: Connection, snapshot: Snapshot, given: Mapping[str, Any]) -> list[str]:
    """The same of terms as an administrator writes them. Faulty ones, and an application that is not there, are told of elsewhere."""
    client_id = connection.execute(select(application.c.client_id).where(application.c.name == given["application"])).scalar()
    resource = snapshot.resources.get(given["resource"])
    if client_id is None or resource is None:
        return []
    try:
        stored = terms_from(resource, given)
    except Refused:
        return []
    return undone_by_grant(connection, snapshot, client_id, resource.code, stored)


def _in_service(connection: Connection, client_id: str) -> dict[str, GrantTerms]:
    live = grant.c.state.in_(("ACTIVE", "SUSPENDED")) & or_(grant.c.valid_to.is_(None), grant.c.valid_to > now())
    rows = connection.execute(select(grant).where(grant.c.application == client_id, live).order_by(grant.c.id))
    return {row.resource: read_terms(row.id, row.resource, row.terms, row.approver) for row in rows}


def _scopes(grants: Mapping[str, GrantTerms]) -> frozenset[str]:
    targets = ["unconditional", *grants]
    return frozenset(f"{operation.scope_prefix}:{target}" for operation in Operation for target in targets)
