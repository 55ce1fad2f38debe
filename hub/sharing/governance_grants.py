"""Mutations on grants and disposals."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from hub.api.context import Context
from hub.api.governance_acts import do_act
from hub.api.plain import plain
from hub.sharing.disposal_graphql import disposal_of
from hub.sharing.disposals import DisposalGiven
from hub.sharing.governance_inputs import (
    ConfirmDisposalInput,
    CreateGrantInput,
    FileTerminationInput,
    GrantInput,
    SuspendGrantInput,
    TerminateGrantInput,
)
from hub.sharing.governance_types import DisposalActPayload, GrantPayload, grant_of
from hub.sharing.grant_acts import GrantGiven
from hub.sharing.request_inputs import FileDisposalInput

Info = strawberry.Info[Context, None]


async def _act(info: Info, act: str, number: str, given: GrantGiven) -> GrantPayload:
    sharing = info.context.live.core.sharing
    done, problems = await do_act(info, lambda actor: sharing.act_on_grant(actor, act, number, given))
    return GrantPayload(grant=grant_of(done) if done else None, problems=problems)


async def _dispose(info: Info, act: str, number: str, given: DisposalGiven) -> DisposalActPayload:
    disposals = info.context.live.core.disposals
    done, problems = await do_act(info, lambda actor: disposals.act(actor, act, number, given))
    return DisposalActPayload(disposal=disposal_of(done) if done else None, problems=problems)


@strawberry.type
class GrantMutations:
    """Acts on grants and disposals."""

    @strawberry.mutation(description="登记纸面批准的授权\n\nRecords a grant that was decided on paper")
    async def create_grant(self, info: Info, input: CreateGrantInput) -> GrantPayload:
        given = plain(input)
        for name in ("valid_from", "valid_to"):
            given[name] = datetime.fromisoformat(given[name]) if given[name] else None
        sharing = info.context.live.core.sharing
        done, problems = await do_act(info, lambda actor: sharing.create_grant(actor, given))
        return GrantPayload(grant=grant_of(done) if done else None, problems=problems)

    @strawberry.mutation(description="撤销授权，下一次调用即生效\n\nRevokes a grant, effective on the next call")
    async def revoke_grant(self, info: Info, input: GrantInput) -> GrantPayload:
        return await _act(info, "revoke", input.id, GrantGiven(input.opinion))

    @strawberry.mutation(description="暂停授权，限期整改\n\nSuspends a grant until it is resumed")
    async def suspend_grant(self, info: Info, input: SuspendGrantInput) -> GrantPayload:
        by = date.fromisoformat(str(input.rectify_by)) if input.rectify_by else None
        sharing, given = info.context.live.core.sharing, GrantGiven(input.opinion, input.reason, by)
        done, problems = await do_act(info, lambda actor: sharing.change_grant(actor, input.id, "SUSPENDED", given))
        return GrantPayload(grant=grant_of(done) if done else None, problems=problems)

    @strawberry.mutation(description="恢复已暂停的授权\n\nResumes a suspended grant")
    async def resume_grant(self, info: Info, input: GrantInput) -> GrantPayload:
        return await _act(info, "resume", input.id, GrantGiven(input.opinion))

    @strawberry.mutation(description="提供部门或者需求部门就终止报备\n\nA side of the grant files its end with the authority")
    async def file_termination(self, info: Info, input: FileTerminationInput) -> GrantPayload:
        return await _act(info, "fileTermination", input.id, GrantGiven(input.opinion, input.reason))

    @strawberry.mutation(description="主管部门不同意终止\n\nThe authority does not accept the end that was filed")
    async def reject_termination(self, info: Info, input: GrantInput) -> GrantPayload:
        return await _act(info, "rejectTermination", input.id, GrantGiven(input.opinion))

    @strawberry.mutation(description="终止授权：已报备，或者拒不整改\n\nTerminates a grant: as filed, or because misuse was not rectified")
    async def terminate_grant(self, info: Info, input: TerminateGrantInput) -> GrantPayload:
        return await _act(info, "terminateUnrectified" if input.unrectified else "terminate", input.id, GrantGiven(input.opinion))

    @strawberry.mutation(description="需求部门提交处置说明与证明\n\nThe consumer department files statement and proof of disposal")
    async def file_disposal(self, info: Info, input: FileDisposalInput) -> DisposalActPayload:
        given = DisposalGiven(statement=input.statement, certificate_hash=input.certificate_hash)
        return await _dispose(info, "fileDisposal", input.grant, given)

    @strawberry.mutation(description="提供部门确认处置，或者退回\n\nThe provider confirms a disposal, or returns it")
    async def confirm_disposal(self, info: Info, input: ConfirmDisposalInput) -> DisposalActPayload:
        return await _dispose(info, "confirmDisposal" if input.accept else "returnDisposal", input.grant, DisposalGiven(input.opinion))
