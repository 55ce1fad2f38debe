"""Feedback as GraphQL shows it, and what is sent with it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from hub.api.types import Date, DateTime
from hub.feedback.cases import FeedbackCase
from hub.sharing.graphql import StepRecord, steps_shown


@strawberry.enum(
    name="FeedbackKind",
    description="反馈类别：ERROR 数据错误；OMISSION 遗漏；INFRINGEMENT 侵犯合法权益；COMPLAINT 对办理的投诉"
    "\n\nKind of feedback: an error, an omission, an infringement of rights, or a complaint about how something was handled",
)
class FeedbackKind(Enum):
    """What is reported."""

    ERROR = "ERROR"
    OMISSION = "OMISSION"
    INFRINGEMENT = "INFRINGEMENT"
    COMPLAINT = "COMPLAINT"


@strawberry.input(description="疑义反馈或投诉\n\nFeedback on wrong data, or a complaint")
class ReportErrorInput:
    """Input of ``reportError`` (COR-01, COR-04, COR-05)."""

    resource: str = strawberry.field(description="资源代码，见 catalog\n\nCode of the resource, as in catalog")
    description: str = strawberry.field(
        description="说明，1 至 4000 字；只由办理各方看到，不写入日志\n\nWhat is wrong, 1 to 4,000 characters; seen by the parties alone, not written to the ledger"
    )
    item: str | None = strawberry.field(default=None, description="有疑义的信息项\n\nCode of the item that is doubted")
    subject_entry: strawberry.ID | None = strawberry.field(
        default=None,
        description="本方对该资源某次调用的日志条目号：以此指明记录，无须发送标识\n\n"
        "Number of the ledger entry of a call of yours on the resource: it tells which record without an identifier",
    )
    kind: FeedbackKind = strawberry.field(default=FeedbackKind.ERROR, description="类别\n\nKind")
    about: strawberry.ID | None = strawberry.field(
        default=None, description="投诉所指的本方此前反馈的编号\n\nOf a complaint: the number of the earlier case of yours that it is about"
    )
    code: str | None = strawberry.field(default=None, description="about 所指案件的查询码，仅社会公众须填\n\nThe look-up code of that case, for the public")


@strawberry.type(description="更正的证据，不含任何数据值\n\nEvidence of a correction, without any value")
class FeedbackEvidence:
    """What shows that data were corrected."""

    items: list[str] = strawberry.field(description="已更正的信息项\n\nItems that were corrected")
    as_of: DateTime | None = strawberry.field(description="更正后数据源的时点\n\nMoment of the source's new state")
    entry: strawberry.ID | None = strawberry.field(
        description="反馈之后读取过更正后数据的日志条目\n\nLedger entry of a call that read the data after the report"
    )


@strawberry.type(description="疑义反馈或投诉\n\nFeedback on wrong data, or a complaint")
class Feedback:
    """One case."""

    id: strawberry.ID = strawberry.field(description="编号\n\nNumber")
    kind: FeedbackKind = strawberry.field(description="类别\n\nKind")
    state: str = strawberry.field(description="状态，见 docs/feedback.md\n\nState, as in docs/feedback.md")
    due_on: Date = strawberry.field(description="当前或者最近期限的最后一日\n\nLast day of the term that runs, or ran last")
    rule: str = strawberry.field(description="该期限所依条文\n\nThe article that sets it")
    resource: str = strawberry.field(description="资源代码\n\nCode of the resource")
    item: str | None = strawberry.field(description="信息项\n\nCode of the item")
    subject_entry: strawberry.ID | None = strawberry.field(description="有疑义的调用的日志条目号\n\nLedger entry of the call whose data are doubted")
    about: strawberry.ID | None = strawberry.field(description="投诉所指的反馈\n\nThe case that a complaint is about")
    description: str = strawberry.field(description="反馈人的说明，按原文；显示时须转义\n\nThe reporter's text as given; escape it where it is shown")
    reporter: str = strawberry.field(description="反馈人：应用、人员或社会公众\n\nWho reported: an application, a person, or the public")
    consumer: str | None = strawberry.field(description="反馈人所在部门\n\nThe reporter's department")
    provider: str = strawberry.field(description="负责核实的部门\n\nDepartment that has to verify")
    party: str | None = strawberry.field(description="轮到何方\n\nWhose turn it is")
    overdue: bool = strawberry.field(description="是否已逾期\n\nWhether the term is over")
    late: str | None = strawberry.field(description="期满时轮到何方\n\nWhose turn it was when the term ended")
    elapsed: float | None = strawberry.field(description="期限已过的比例，按工作日\n\nShare of the term's working days that has gone")
    reminder: int | None = strawberry.field(description="已过 50% 或 80% 的提醒\n\n50 or 80 per cent of the term have gone")
    received_at: DateTime = strawberry.field(description="负责部门收到的时间\n\nWhen the department that has to verify received it")
    answered_at: DateTime | None = strawberry.field(description="首次答复的时间\n\nTime of the first answer")
    outcome: str | None = strawberry.field(description="答复：CORRECTED、EXPLAINED、REJECTED；投诉：REDRESSED、DISMISSED\n\nThe answer")
    evidence: FeedbackEvidence | None = strawberry.field(description="更正的证据\n\nEvidence of the correction")
    closes_on: Date | None = strawberry.field(
        description="反馈人可确认或者异议的最后一日，其后自动办结\n\nLast day on which the reporter may confirm or object; then the case closes by itself"
    )
    history: list[StepRecord] = strawberry.field(description="全部步骤，不可更改\n\nEvery step; none is ever changed")


@strawberry.type(description="反馈操作的结果\n\nAnswer of an act on feedback")
class FeedbackPayload:
    """Answer of ``reportError`` and of what reporters do on the data endpoint."""

    feedback: Feedback = strawberry.field(description="案件\n\nThe case")
    code: str | None = strawberry.field(
        default=None, description="查询码，只在社会公众提交时返回一次\n\nLook-up code, told once to the public that reports without a token"
    )


def feedback_of(case: FeedbackCase) -> Feedback:
    """A case as its parties see it."""
    evidence = case.evidence
    entry = evidence["entry"] if evidence else None
    return Feedback(
        id=strawberry.ID(case.id),
        kind=FeedbackKind(case.kind),
        state=case.state,
        due_on=Date(case.due_on),
        rule=case.rule,
        resource=case.resource,
        item=case.item,
        subject_entry=strawberry.ID(str(case.subject_entry)) if case.subject_entry is not None else None,
        about=strawberry.ID(case.about) if case.about else None,
        description=case.description,
        reporter=case.reporter,
        consumer=case.consumer or None,
        provider=case.provider,
        party=case.party,
        overdue=case.overdue,
        late=case.late,
        elapsed=case.elapsed,
        reminder=case.reminder,
        received_at=DateTime(case.received_at),
        answered_at=DateTime(case.answered_at) if case.answered_at else None,
        outcome=case.outcome,
        evidence=FeedbackEvidence(
            items=list(evidence["items"]),
            as_of=DateTime(datetime.fromisoformat(evidence["asOf"])) if evidence["asOf"] else None,
            entry=strawberry.ID(str(entry)) if entry is not None else None,
        )
        if evidence
        else None,
        closes_on=Date(case.closes_on) if case.closes_on else None,
        history=steps_shown(case.history),
    )
