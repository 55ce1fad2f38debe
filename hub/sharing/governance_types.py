"""Types of the governance schema that the sharing workflow answers with."""

from __future__ import annotations

import json

import strawberry

from auth.rights import Operation
from hub.api.governance_types import Problem
from hub.api.types import JSON, Date, DateTime
from hub.sharing.disposal_graphql import Disposal
from hub.sharing.grant_records import GrantRecord
from hub.sharing.graphql import AccessRequest


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
    consumer: str
    request: strawberry.ID | None
    reason: str | None
    agreement_hash: str | None
    rectify_by: Date | None
    termination_filed_by: str | None
    terms: JSON


@strawberry.type
class GrantPayload:
    """Answer of the mutations on grants."""

    grant: GovernanceGrant | None
    problems: list[Problem]


@strawberry.type
class ReviewRequestPayload:
    """Answer of the mutations on access requests."""

    access_request: AccessRequest | None
    problems: list[Problem]


@strawberry.type
class DisposalActPayload:
    """Answer of the mutations on disposals."""

    disposal: Disposal | None
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
        consumer=record.consumer,
        request=strawberry.ID(record.request) if record.request else None,
        reason=record.reason,
        agreement_hash=record.agreement_hash,
        rectify_by=Date(record.rectify_by) if record.rectify_by else None,
        termination_filed_by=record.termination_filed_by,
        terms=JSON(record.terms),
    )
