"""GraphQL face of applications and grants: who the caller is, what it holds, how it asks for more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry
from anyio import to_thread

from auth.rights import Operation
from hub.api.context import Context
from hub.api.types import JSON, Date, DateTime, Department
from hub.sharing.cases import Case
from hub.sharing.grant_records import GrantRecord
from hub.sharing.steps import Step
from schema.model import Resource

Info = strawberry.Info[Context, None]


@strawberry.type(description="授权\n\nGrant")
class Grant:
    """What the review of an access request gave."""

    id: strawberry.ID
    resource: str
    operations: list[Operation]
    purposes: list[str]
    valid_from: DateTime
    valid_to: DateTime | None
    approver: str


@strawberry.type(description="调用方\n\nThe caller")
class Caller:
    """The calling application."""

    application: str
    department: Department
    scopes: list[str]
    grants: list[Grant]


def grant_of(record: GrantRecord) -> Grant:
    """A grant as its holder sees it."""
    return Grant(
        id=strawberry.ID(record.id),
        resource=record.resource,
        operations=[Operation(o) for o in record.terms["operations"]],
        purposes=[p["code"] for p in record.terms["purposes"]],
        valid_from=DateTime(record.valid_from),
        valid_to=DateTime(record.valid_to) if record.valid_to else None,
        approver=record.approver,
    )


async def grants_of(context: Context) -> list[Grant]:
    """The caller's live grants, read once per call."""
    app = context.caller.application
    if app is None:
        return []
    return list(await context.services.grants(context).load(app.client_id))


async def resolve_me(info: Info) -> Caller:
    """Who calls."""
    context = info.context
    app = context.caller.identified()
    found = context.snapshot.departments.get(app.department)
    about = Department(code=app.department, name=found.name if found else app.department, name_en=(found.name_en or None) if found else None)
    scopes = sorted(context.caller.rights.scopes)
    return Caller(application=app.name, department=about, scopes=scopes, grants=await grants_of(context))


@strawberry.type(description="办理步骤\n\nStep of a case")
class StepRecord:
    """What was done, by whom, when."""

    at: DateTime
    actor: str
    step: str
    opinion: str | None


@strawberry.type(description="共享协议：文本与其 SHA-256\n\nAgreement: its text and the SHA-256 by which it is signed")
class AccessRequestAgreement:
    """The agreement that approval has drawn up."""

    text: str
    hash: str
    signed_by_consumer: bool
    signed_by_provider: bool


@strawberry.type(description="共享申请\n\nAccess request")
class AccessRequest:
    """A filed access request. ``elapsed`` is the share of the running term that has gone, ``reminder`` 50 or 80 per cent of it."""

    id: strawberry.ID
    state: str
    due_on: Date
    rule: str
    history: list[StepRecord]
    resource: str
    application: str
    consumer: str
    provider: str
    origin: str
    party: str | None
    overdue: bool
    late: str | None
    elapsed: float | None
    reminder: int | None
    missing: list[str]
    reason: str | None
    extension: str
    extends: strawberry.ID | None
    grant: strawberry.ID | None
    agreement: AccessRequestAgreement | None
    terms: JSON


@strawberry.type
class AccessRequestPayload:
    """Answer of ``requestAccess``."""

    access_request: AccessRequest


def steps_shown(history: Sequence[Step]) -> list[StepRecord]:
    """A history."""
    return [StepRecord(at=DateTime(s.at), actor=s.actor, step=s.step, opinion=s.opinion) for s in history]


def access_request_of(case: Case) -> AccessRequest:
    """An access request as its sender and its reviewers see it."""
    agreement = None
    if case.agreement is not None and case.agreement_hash is not None:
        signed = {side: case.by[f"{side}_signed_by"] is not None for side in ("consumer", "provider")}
        agreement = AccessRequestAgreement(
            text=case.agreement, hash=case.agreement_hash, signed_by_consumer=signed["consumer"], signed_by_provider=signed["provider"]
        )
    return AccessRequest(
        id=strawberry.ID(case.id),
        state=case.state,
        due_on=Date(case.due_on),
        rule=case.rule,
        history=steps_shown(case.history),
        resource=case.resource,
        application=case.application,
        consumer=case.consumer,
        provider=case.provider,
        origin=case.origin,
        party=case.party,
        overdue=case.overdue,
        late=case.late,
        elapsed=case.elapsed,
        reminder=case.reminder,
        missing=list(case.missing),
        reason=case.reason,
        extension=case.extension,
        extends=strawberry.ID(case.extends) if case.extends else None,
        grant=strawberry.ID(case.grant) if case.grant else None,
        agreement=agreement,
        terms=JSON(case.terms.get("given", case.terms)),
    )


async def file_request(context: Context, resource: Resource, given: dict[str, Any]) -> AccessRequestPayload:
    """Files an access request of the caller."""
    actor = context.caller.actor()
    case = await to_thread.run_sync(lambda: context.services.requests.request_access(actor, resource, given))
    return AccessRequestPayload(access_request=access_request_of(case))
