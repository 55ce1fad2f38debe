"""The sharing workflow's part of the governance schema."""

from __future__ import annotations

from datetime import datetime

import strawberry
from anyio import to_thread

from hub.api.bounds import bounds
from hub.api.context import Context
from hub.api.governance_acts import do_act
from hub.api.governance_types import Problem
from hub.api.plain import plain
from hub.sharing.governance_inputs import CreateGrantInput, GrantInput, ReviewRequestInput
from hub.sharing.governance_types import GovernanceGrant, GrantPayload, ReviewRequestPayload, grant_of
from hub.sharing.graphql import AccessRequest, access_request_of
from hub.sharing.service import GrantRecord

Info = strawberry.Info[Context, None]


@strawberry.type
class SharingQueries:
    """Access requests and grants."""

    @strawberry.field(description="共享申请\n\nAccess requests")
    async def access_requests(self, info: Info) -> list[AccessRequest]:
        return [access_request_of(case) for case in await to_thread.run_sync(info.context.services.requests.requests)]

    @strawberry.field(description="授权\n\nGrants")
    async def grants(self, info: Info) -> list[GovernanceGrant]:
        seen = bounds(info.context, "grants")
        found = await to_thread.run_sync(info.context.live.core.sharing.grants)
        return [grant_of(record) for record in found if seen.is_seen(record.application, record.resource.partition(".")[0])]


@strawberry.type
class SharingMutations:
    """Acts on access requests and grants."""

    @strawberry.mutation(description="授权\n\nGrants the use of a resource")
    async def create_grant(self, info: Info, input: CreateGrantInput) -> GrantPayload:
        given = plain(input)
        for name in ("valid_from", "valid_to"):
            given[name] = datetime.fromisoformat(given[name]) if given[name] else None
        sharing = info.context.live.core.sharing
        return _grant_payload(*await do_act(info, lambda actor: sharing.create_grant(actor, given)))

    @strawberry.mutation(description="撤销授权，下一次调用即生效\n\nRevokes a grant, effective on the next call")
    async def revoke_grant(self, info: Info, input: GrantInput) -> GrantPayload:
        sharing = info.context.live.core.sharing
        return _grant_payload(*await do_act(info, lambda actor: sharing.change_grant(actor, input.id, "REVOKED")))

    @strawberry.mutation(description="暂停授权\n\nSuspends a grant")
    async def suspend_grant(self, info: Info, input: GrantInput) -> GrantPayload:
        sharing = info.context.live.core.sharing
        return _grant_payload(*await do_act(info, lambda actor: sharing.change_grant(actor, input.id, "SUSPENDED")))

    @strawberry.mutation(description="审核共享申请；申请人不得审核\n\nDecides an access request; not by who filed it")
    async def review_request(self, info: Info, input: ReviewRequestInput) -> ReviewRequestPayload:
        requests = info.context.services.requests
        done, problems = await do_act(info, lambda actor: requests.review(actor, input.id, input.approve, input.opinion, input.reason))
        return ReviewRequestPayload(access_request=access_request_of(done) if done else None, problems=problems)

    @strawberry.mutation(description="恢复已暂停的授权\n\nResumes a suspended grant")
    async def resume_grant(self, info: Info, input: GrantInput) -> GrantPayload:
        sharing = info.context.live.core.sharing
        return _grant_payload(*await do_act(info, lambda actor: sharing.change_grant(actor, input.id, "ACTIVE")))


def _grant_payload(done: GrantRecord | None, problems: list[Problem]) -> GrantPayload:
    return GrantPayload(grant=grant_of(done) if done else None, problems=problems)
