"""Mutations on access requests: the acts of consumer, provider and authority. Which of them is possible, the state machine says."""

from __future__ import annotations

from typing import Any

import strawberry

from hub.api.context import Context
from hub.api.governance_acts import do_act
from hub.api.plain import plain
from hub.sharing.governance_inputs import (
    CheckRequestInput,
    DecideExtensionInput,
    DisputeOutcomeInput,
    ExtendGrantInput,
    GiveOpinionInput,
    RequestExtensionInput,
    RequestInput,
    ReviewRequestInput,
    SignAgreementInput,
    SigningSide,
)
from hub.sharing.governance_types import ReviewRequestPayload
from hub.sharing.graphql import access_request_of
from hub.sharing.request_inputs import SupplementRequestInput

Info = strawberry.Info[Context, None]


async def _act(info: Info, act: str, number: str, **given: Any) -> ReviewRequestPayload:
    requests = info.context.live.core.requests
    done, problems = await do_act(info, lambda actor: requests.act(actor, act, number, **given))
    return ReviewRequestPayload(access_request=access_request_of(done) if done else None, problems=problems)


@strawberry.type
class RequestMutations:
    """Acts on access requests."""

    @strawberry.mutation(description="需求部门负责人同意申请\n\nThe consumer department endorses a request")
    async def endorse_request(self, info: Info, input: RequestInput) -> ReviewRequestPayload:
        return await _act(info, "endorse", input.id, opinion=input.opinion)

    @strawberry.mutation(description="需求部门负责人不同意申请\n\nThe consumer department does not endorse a request")
    async def decline_request(self, info: Info, input: RequestInput) -> ReviewRequestPayload:
        return await _act(info, "decline", input.id, opinion=input.opinion)

    @strawberry.mutation(description="需求部门撤回申请\n\nThe consumer department withdraws a request before its decision")
    async def withdraw_request(self, info: Info, input: RequestInput) -> ReviewRequestPayload:
        return await _act(info, "withdraw", input.id, opinion=input.opinion)

    @strawberry.mutation(description="需求部门放弃已同意、未生效的申请\n\nThe consumer department gives up an approved request")
    async def abandon_request(self, info: Info, input: RequestInput) -> ReviewRequestPayload:
        return await _act(info, "abandon", input.id, opinion=input.opinion)

    @strawberry.mutation(description="需求部门补充材料\n\nThe consumer department supplements a request")
    async def supplement_request(self, info: Info, input: SupplementRequestInput) -> ReviewRequestPayload:
        given = {name: value for name, value in plain(input).items() if value is not None}
        number, opinion = given.pop("id"), given.pop("opinion")
        return await _act(info, "supplement", number, opinion=opinion, supplement=given)

    @strawberry.mutation(description="查验材料：齐全，或一次性告知所缺\n\nChecks for completeness: complete, or a one-time notice of all that is missing")
    async def check_request(self, info: Info, input: CheckRequestInput) -> ReviewRequestPayload:
        act = "complete" if input.complete else "notice"
        return await _act(info, act, input.id, missing=tuple(input.missing), opinion=input.opinion)

    @strawberry.mutation(description="提供部门的意见\n\nThe provider's opinion")
    async def give_opinion(self, info: Info, input: GiveOpinionInput) -> ReviewRequestPayload:
        reason = None if input.agree else input.reason
        return await _act(info, "agree" if input.agree else "disagree", input.id, reason=reason, opinion=input.opinion)

    @strawberry.mutation(description="提供部门申请延长答复期限，限一次\n\nThe provider asks once for more time")
    async def request_extension(self, info: Info, input: RequestExtensionInput) -> ReviewRequestPayload:
        return await _act(info, "requestExtension", input.id, opinion=input.opinion, days=input.days)

    @strawberry.mutation(description="主管部门决定是否延长\n\nThe authority allows more time, or not")
    async def decide_extension(self, info: Info, input: DecideExtensionInput) -> ReviewRequestPayload:
        act = "allowExtension" if input.allow else "denyExtension"
        return await _act(info, act, input.id, opinion=input.opinion, days=input.days if input.allow else None)

    @strawberry.mutation(description="审核共享申请；申请人与出具意见人不得审核\n\nDecides an access request; not by who filed it or gave the opinion")
    async def review_request(self, info: Info, input: ReviewRequestInput) -> ReviewRequestPayload:
        reason = None if input.approve else input.reason
        return await _act(info, "approve" if input.approve else "refuse", input.id, opinion=input.opinion, reason=reason)

    @strawberry.mutation(description="签署协议，以 SHA-256 指明\n\nSigns the agreement, naming it by its SHA-256")
    async def sign_agreement(self, info: Info, input: SignAgreementInput) -> ReviewRequestPayload:
        act = "signForProvider" if input.side is SigningSide.PROVIDER else "signForConsumer"
        return await _act(info, act, input.id, hash=input.hash)

    @strawberry.mutation(description="需求部门对不予共享提出争议\n\nThe consumer department disputes a refusal")
    async def dispute_request(self, info: Info, input: RequestInput) -> ReviewRequestPayload:
        return await _act(info, "dispute", input.id, opinion=input.opinion)

    @strawberry.mutation(description="经协商，提供部门同意共享\n\nThe provider agrees to share after negotiation")
    async def settle_dispute(self, info: Info, input: RequestInput) -> ReviewRequestPayload:
        return await _act(info, "settle", input.id, opinion=input.opinion)

    @strawberry.mutation(description="协商不成，提请主管部门协调\n\nNegotiation failed: either side takes the dispute to the authority")
    async def escalate_dispute(self, info: Info, input: RequestInput) -> ReviewRequestPayload:
        return await _act(info, "escalate", input.id, opinion=input.opinion)

    @strawberry.mutation(description="主管部门协调：同意共享，或报本级人民政府\n\nThe authority mediates: to share, or before the government")
    async def mediate_dispute(self, info: Info, input: DisputeOutcomeInput) -> ReviewRequestPayload:
        return await _act(info, "mediate" if input.share else "refer", input.id, opinion=input.opinion)

    @strawberry.mutation(description="登记本级人民政府的决定\n\nRecords the government's decision on a dispute")
    async def rule_dispute(self, info: Info, input: DisputeOutcomeInput) -> ReviewRequestPayload:
        return await _act(info, "overrule" if input.share else "uphold", input.id, opinion=input.opinion)

    @strawberry.mutation(description="需求部门不再争议\n\nThe consumer department gives the dispute up")
    async def concede_dispute(self, info: Info, input: RequestInput) -> ReviewRequestPayload:
        return await _act(info, "concede", input.id, opinion=input.opinion)

    @strawberry.mutation(
        description="申请延长授权，条款不变，审批同新申请\n\nFiles a request to prolong a grant by the same terms; it takes the same approvals"
    )
    async def extend_grant(self, info: Info, input: ExtendGrantInput) -> ReviewRequestPayload:
        requests = info.context.live.core.requests
        done, problems = await do_act(info, lambda actor: requests.extend(actor, input.id, str(input.valid_to)))
        return ReviewRequestPayload(access_request=access_request_of(done) if done else None, problems=problems)
