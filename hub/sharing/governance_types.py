"""Types of the governance schema that the sharing workflow answers with."""

from __future__ import annotations

import json

import strawberry

from auth.rights import Operation
from hub.api.governance_types import Problem
from hub.api.types import JSON, DateTime
from hub.sharing.graphql import AccessRequest
from hub.sharing.service import GrantRecord


@strawberry.type(description="授权\n\nGrant")
class GovernanceGrant:
    """A grant with its terms."""

    id: strawberry.ID
    application: str
    resource: str
    state: str
    operations: list[Operation]
    purposes: list[str]
    rows: JSON | None
    valid_from: DateTime
    valid_to: DateTime | None
    approver: str


@strawberry.type
class GrantPayload:
    """Answer of the mutations on grants."""

    grant: GovernanceGrant | None
    problems: list[Problem]


@strawberry.type
class ReviewRequestPayload:
    """Answer of ``reviewRequest``."""

    access_request: AccessRequest | None
    problems: list[Problem]


def grant_of(record: GrantRecord) -> GovernanceGrant:
    """A grant as administrators see it."""
    rows = record.terms["rows"]
    return GovernanceGrant(
        id=strawberry.ID(record.id),
        application=record.application,
        resource=record.resource,
        state=record.state,
        operations=[Operation(o) for o in record.terms["operations"]],
        purposes=[p["code"] for p in record.terms["purposes"]],
        rows=JSON(json.loads(rows)) if rows else None,
        valid_from=DateTime(record.valid_from),
        valid_to=DateTime(record.valid_to) if record.valid_to else None,
        approver=record.approver,
    )
