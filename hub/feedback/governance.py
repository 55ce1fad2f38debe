"""Feedback on the governance endpoint: who sees which cases, and the acts of all sides. Which of them is possible, the state machine says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from anyio import to_thread

from hub.api.bounds import bounds
from hub.api.context import Context
from hub.api.governance_acts import do_act
from hub.api.governance_types import Problem
from hub.api.types import DateTime, page_size
from hub.feedback.cases import FeedbackWanted, is_party
from hub.feedback.given import Evidence, Given
from hub.feedback.graphql import Feedback as FeedbackType
from hub.feedback.graphql import FeedbackKind, feedback_of
from hub.people.permissions import Reach
from hub.sharing.machine import COMPLAINT, FEEDBACK, wanted_state
from hub.sharing.own_graphql import swept

Info = strawberry.Info[Context, None]


@strawberry.input(description="反馈编号与意见\n\nNumber of the feedback, and the opinion")
class FeedbackInput:
    """Input of most acts."""

    id: strawberry.ID = strawberry.field(description="编号\n\nNumber")
    opinion: str = strawberry.field(default="", description="意见或理由，至多 4000 字\n\nOpinion or reasons, 4,000 characters at most")


@strawberry.input(description="更正及其证据，不含数据值\n\nA correction with its evidence, without values")
class CorrectFeedbackInput:
    """Input of ``correctFeedback``: items, and ``asOf`` or ``entry`` (COR-02)."""

    id: strawberry.ID = strawberry.field(description="编号\n\nNumber")
    items: list[str] = strawberry.field(description="已更正的信息项，1 至 50 个\n\nItems that were corrected, 1 to 50")
    as_of: DateTime | None = strawberry.field(default=None, description="更正后数据源的时点，在反馈之后\n\nMoment of the source's new state, after the report")
    entry: strawberry.ID | None = strawberry.field(
        default=None, description="反馈之后读取该资源的日志条目\n\nLedger entry of a call that read the resource after the report"
    )
    opinion: str = strawberry.field(default="", description="意见\n\nOpinion")


@strawberry.input(description="转办至其他部门，限一次\n\nPasses a case on to another department, once")
class TransferFeedbackInput:
    """Input of ``transferFeedback``."""

    id: strawberry.ID = strawberry.field(description="编号\n\nNumber")
    to: str = strawberry.field(description="部门代码\n\nCode of the department")
    opinion: str = strawberry.field(description="理由\n\nReasons")


@strawberry.input(description="主管部门会同核实的结果\n\nOutcome of the authority's co-verification")
class CoVerifyFeedbackInput:
    """Input of ``coVerifyFeedback``."""

    id: strawberry.ID = strawberry.field(description="编号\n\nNumber")
    correct: bool = strawberry.field(description="true：责成更正；false：维持答复\n\ntrue: the provider is to correct; false: the answer stands")
    opinion: str = strawberry.field(description="意见\n\nOpinion")


@strawberry.input(description="投诉的处理结果\n\nOutcome of a complaint")
class DecideComplaintInput:
    """Input of ``decideComplaint``."""

    id: strawberry.ID = strawberry.field(description="编号\n\nNumber")
    founded: bool = strawberry.field(description="是否属实\n\nWhether it was found true")
    opinion: str = strawberry.field(description="处理情况或理由\n\nWhat was done, or the reasons")


@strawberry.type(description="反馈操作的结果\n\nAnswer of an act on feedback")
class GovernanceFeedbackPayload:
    """The case, or problems."""

    feedback: FeedbackType | None = strawberry.field(description="案件\n\nThe case")
    problems: list[Problem] = strawberry.field(description="问题；不为空时什么都没有做\n\nProblems; nothing was done where there are any")


@strawberry.type
class FeedbackQueries:
    """Feedback, as far as the caller may see it."""

    @strawberry.field(description="一件反馈\n\nOne case of feedback")
    async def feedback(self, info: Info, id: strawberry.ID) -> FeedbackType | None:
        core, seen = info.context.live.core, bounds(info.context, "feedback")
        found = await to_thread.run_sync(lambda: core.feedback.reader.get(id))
        department = seen.department if seen.reach is Reach.DEPARTMENT else None
        return feedback_of(found) if found and (seen.reach is Reach.ALL or is_party(found, department, seen.client_ids)) else None

    @strawberry.field(description="反馈，新者在前；overdue：已逾期\n\nFeedback, the newest first; overdue: past its due day")
    async def feedbacks(
        self,
        info: Info,
        state: str | None = None,
        kind: FeedbackKind | None = None,
        overdue: bool | None = None,
        department: str | None = None,
        first: int | None = None,
        after: strawberry.ID | None = None,
    ) -> list[FeedbackType]:
        core, seen = info.context.live.core, bounds(info.context, "feedbacks")
        own = seen.department if seen.reach is Reach.DEPARTMENT else None
        applications = None if seen.reach is Reach.ALL else seen.client_ids
        size = page_size(first)
        known = wanted_state(state, FEEDBACK, COMPLAINT)
        wanted = FeedbackWanted(known, kind.value if kind else None, overdue, department, None, own, applications, size, after)
        return [feedback_of(case) for case in await swept(core, lambda: core.feedback.reader.find(wanted))]


async def _act(info: Info, act: str, number: str, **given: Any) -> GovernanceFeedbackPayload:
    service = info.context.live.core.feedback
    done, problems = await do_act(info, lambda actor: service.act(actor, act, number, Given(**given)))
    return GovernanceFeedbackPayload(feedback=feedback_of(done) if done else None, problems=problems)


@strawberry.type
class FeedbackMutations:
    """Acts on feedback."""

    @strawberry.mutation(description="提供部门受理\n\nThe provider accepts a report")
    async def accept_feedback(self, info: Info, input: FeedbackInput) -> GovernanceFeedbackPayload:
        return await _act(info, "accept", input.id, opinion=input.opinion)

    @strawberry.mutation(description="提供部门已更正，附证据\n\nThe provider has corrected, with evidence")
    async def correct_feedback(self, info: Info, input: CorrectFeedbackInput) -> GovernanceFeedbackPayload:
        entry = int(input.entry) if input.entry and input.entry.isascii() and input.entry.isdigit() and len(input.entry) < 19 else None
        as_of = datetime.fromisoformat(str(input.as_of)) if input.as_of is not None else None
        evidence = Evidence(tuple(input.items), as_of, -1 if input.entry and entry is None else entry)
        return await _act(info, "correct", input.id, opinion=input.opinion, evidence=evidence)

    @strawberry.mutation(description="提供部门说明：数据无误的原因等\n\nThe provider explains why the data stand as they do")
    async def explain_feedback(self, info: Info, input: FeedbackInput) -> GovernanceFeedbackPayload:
        return await _act(info, "explain", input.id, opinion=input.opinion)

    @strawberry.mutation(description="提供部门认为不属数据错误\n\nThe provider finds no error of its data")
    async def reject_feedback(self, info: Info, input: FeedbackInput) -> GovernanceFeedbackPayload:
        return await _act(info, "reject", input.id, opinion=input.opinion)

    @strawberry.mutation(description="转办至数据所属的部门，限一次\n\nPasses a case on to the department whose data they are, once")
    async def transfer_feedback(self, info: Info, input: TransferFeedbackInput) -> GovernanceFeedbackPayload:
        return await _act(info, "transfer", input.id, opinion=input.opinion, to=input.to)

    @strawberry.mutation(description="反馈人所在部门确认答复\n\nThe reporter's department accepts the answer")
    async def confirm_feedback(self, info: Info, input: FeedbackInput) -> GovernanceFeedbackPayload:
        return await _act(info, "confirm", input.id, opinion=input.opinion)

    @strawberry.mutation(description="反馈人所在部门提出异议，限一次\n\nThe reporter's department objects to the answer, once")
    async def object_feedback(self, info: Info, input: FeedbackInput) -> GovernanceFeedbackPayload:
        return await _act(info, "object", input.id, opinion=input.opinion)

    @strawberry.mutation(description="反馈人所在部门撤回\n\nThe reporter's department withdraws a report")
    async def withdraw_feedback(self, info: Info, input: FeedbackInput) -> GovernanceFeedbackPayload:
        return await _act(info, "withdraw", input.id, opinion=input.opinion)

    @strawberry.mutation(description="主管部门督办逾期的案件\n\nThe authority urges the provider of an overdue case")
    async def urge_feedback(self, info: Info, input: FeedbackInput) -> GovernanceFeedbackPayload:
        return await _act(info, "urge", input.id, opinion=input.opinion)

    @strawberry.mutation(description="主管部门会同核实：责成更正，或维持答复\n\nThe authority co-verifies: the provider is to correct, or the answer stands")
    async def co_verify_feedback(self, info: Info, input: CoVerifyFeedbackInput) -> GovernanceFeedbackPayload:
        return await _act(info, "order" if input.correct else "uphold", input.id, opinion=input.opinion)

    @strawberry.mutation(description="主管部门处理投诉\n\nThe authority decides a complaint")
    async def decide_complaint(self, info: Info, input: DecideComplaintInput) -> GovernanceFeedbackPayload:
        return await _act(info, "redress" if input.founded else "dismiss", input.id, opinion=input.opinion)
