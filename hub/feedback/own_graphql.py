"""Feedback on the data endpoint: what applications, people and the public report, and do with their own cases."""

from __future__ import annotations

from typing import Any

import strawberry
from anyio import to_thread

from auth.rights import OpenClass, SharingClass
from hub.api.context import Context
from hub.api.plain import plain, refusing
from hub.api.types import page_size
from hub.feedback.cases import FeedbackWanted
from hub.feedback.given import Given, Report
from hub.feedback.graphql import Feedback as FeedbackType
from hub.feedback.graphql import FeedbackKind, FeedbackPayload, ReportErrorInput, feedback_of
from hub.sharing.machine import COMPLAINT, FEEDBACK, PUBLIC_ACTOR, wanted_state
from hub.sharing.own_graphql import shared_resource_of, swept
from schema.faults import Code, Fault
from schema.model import Resource

Info = strawberry.Info[Context, None]


@strawberry.type
class OwnFeedbackQueries:
    """The caller's own cases."""

    @strawberry.field(
        description="本方的一件反馈；社会公众凭查询码\n\nOne of the caller's reports; the public gives the look-up code, and sees sides instead of names"
    )
    async def feedback(self, info: Info, id: strawberry.ID, code: str | None = None) -> FeedbackType | None:
        reader, account = info.context.live.core.feedback.reader, info.context.caller.application
        if code is not None:
            found = await to_thread.run_sync(lambda: reader.by_code(id, code))
        else:
            own = info.context.caller.identified() if account is None else account
            found = await to_thread.run_sync(lambda: reader.get(id, own.client_id))
        return feedback_of(found) if found else None

    @strawberry.field(description="本方的反馈，新者在前\n\nThe caller's reports, the newest first")
    async def feedbacks(
        self, info: Info, state: str | None = None, kind: FeedbackKind | None = None, first: int | None = None, after: strawberry.ID | None = None
    ) -> list[FeedbackType]:
        own = info.context.caller.identified().client_id
        wanted = FeedbackWanted(wanted_state(state, FEEDBACK, COMPLAINT), kind.value if kind else None, application=own, first=page_size(first), after=after)
        core = info.context.live.core
        return [feedback_of(case) for case in await swept(core, lambda: core.feedback.reader.find(wanted))]


@strawberry.type
class OwnFeedbackMutations:
    """What reporters do."""

    @strawberry.mutation(
        description="反馈数据疑义，或投诉；未携带令牌者仅可就开放的资源提交，并取得查询码\n\n"
        "Reports wrong data, or complains; without a token on open resources alone, and with a look-up code in the answer"
    )
    async def report_error(self, info: Info, input: ReportErrorInput) -> FeedbackPayload:
        context, given = info.context, plain(input)
        service, code = context.live.core.feedback, given.pop("code")
        resource = _resource(info, given.pop("resource"))
        actor = context.caller.actor() if context.caller.application else PUBLIC_ACTOR
        report = Report(**given)
        filed = await refusing(to_thread.run_sync(lambda: service.report(actor, resource, report, context.address, code)))
        case = filed.case.for_public() if actor is PUBLIC_ACTOR else filed.case
        return FeedbackPayload(feedback=feedback_of(case), code=filed.code)

    @strawberry.mutation(description="确认答复，案件办结\n\nAccepts the answer; the case closes")
    async def confirm_feedback(self, info: Info, id: strawberry.ID, opinion: str = "", code: str | None = None) -> FeedbackPayload:
        return await _act(info, "confirm", id, opinion, code)

    @strawberry.mutation(description="对答复提出异议，限一次，由主管部门会同核实\n\nObjects to the answer, once: the authority co-verifies")
    async def object_feedback(self, info: Info, id: strawberry.ID, opinion: str, code: str | None = None) -> FeedbackPayload:
        return await _act(info, "object", id, opinion, code)

    @strawberry.mutation(description="在答复之前撤回\n\nWithdraws a report before it is answered")
    async def withdraw_feedback(self, info: Info, id: strawberry.ID, opinion: str = "", code: str | None = None) -> FeedbackPayload:
        return await _act(info, "withdraw", id, opinion, code)


async def _act(info: Info, act: str, number: str, opinion: str, code: str | None) -> FeedbackPayload:
    service = info.context.live.core.feedback
    public = info.context.caller.application is None
    if public and code is None:
        info.context.caller.identified()
    actor: Any = PUBLIC_ACTOR if public or code is not None else info.context.caller.actor()
    done = await refusing(to_thread.run_sync(lambda: service.act(actor, act, number, Given(opinion=opinion, code=code))))
    return FeedbackPayload(feedback=feedback_of(done.for_public() if actor is PUBLIC_ACTOR else done))


def _resource(info: Info, code: str) -> Resource:
    """The resource as the caller may know of it: the public of open ones alone.

    Raises:
        Fault: ``NOT_FOUND``.
    """
    if info.context.caller.application is not None:
        return shared_resource_of(info, code)
    found = info.context.snapshot.resources.get(code)
    if found is None or found.sharing_class is SharingClass.NOT_SHARED or found.open_class is not OpenClass.OPEN or found.level != "PUBLIC":
        zh, en = f"没有开放的资源 {code[:120]}", f"no open resource {code[:120]}"
        raise Fault(Code.NOT_FOUND, zh, en, "请用 catalog 查找，或携带令牌", "look it up by catalog, or send a token")
    return found
