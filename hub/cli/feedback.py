"""``huitong feedback``: feedback on wrong data and complaints, step by step, as the governance endpoint does them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

import typer

from hub.cli.faults import CliFault
from hub.cli.feedback_text import line, whole
from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import say, show_json, show_record, show_rows
from hub.cli.request import of_side
from hub.cli.session import acting, opened
from hub.core import Core
from hub.feedback.cases import FeedbackCase, FeedbackWanted
from hub.feedback.given import KINDS, Evidence, Given
from hub.feedback.proof import verify_histories
from hub.sharing.machine import COMPLAINT, FEEDBACK
from hub.store.base import CHINA

group = typer.Typer(help="疑义反馈与投诉 Feedback on wrong data, and complaints.", no_args_is_help=True)
Number = Annotated[str, typer.Argument(help="反馈编号 Number of the feedback.")]
Opinion = Annotated[str, typer.Option(help="意见或理由 Opinion or reasons.")]
Side = Literal["consumer", "provider", "authority"]


@group.command("list", epilog=EXAMPLES + "huitong feedback list --overdue\n\nhuitong feedback list --state VERIFYING --department civil_affairs")
def show_all(
    state: Annotated[str | None, typer.Option(help="状态 Only in this state.")] = None,
    kind: Annotated[str | None, typer.Option(help="ERROR | OMISSION | INFRINGEMENT | COMPLAINT")] = None,
    overdue: Annotated[bool | None, typer.Option("--overdue/--in-time", help="仅逾期的，或未逾期的 Only overdue ones, or only others.")] = None,
    department: Annotated[str | None, typer.Option(help="反馈人的部门或者提供部门 The reporter's department, or the provider.")] = None,
    first: Annotated[int, typer.Option(min=1, max=200, help="至多件数 At most so many.")] = 50,
    after: Annotated[str | None, typer.Option(metavar="NUMBER", help="接在此件之后 Those after this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """列出反馈，新者在前 List feedback, the newest first: whose turn it is, until when, and who is late."""
    if state is not None and state not in {*FEEDBACK.states, *COMPLAINT.states}:
        raise CliFault(f"没有状态 no state {state}", ", ".join(dict.fromkeys((*FEEDBACK.states, *COMPLAINT.states))))
    if kind is not None and kind not in KINDS:
        raise CliFault(f"没有类别 no kind {kind}", ", ".join(KINDS))
    with opened() as core:
        core.sweep.run()
        found = core.feedback.reader.find(FeedbackWanted(state, kind, overdue, department, first=first, after=after))
    show_rows([_shown(case) if as_json else _row(case) for case in found], as_json, "没有反馈 no feedback")


@group.command("show", epilog=EXAMPLES + "huitong feedback show feedback_019a…")
def show(number: Number, as_json: AsJson = False) -> None:
    """查看一件反馈的经过 Show a case with its history."""
    with opened() as core:
        case = _case(core, number)
    if as_json:
        show_json(_shown(case))
    else:
        say(whole(case))
        show_rows([asdict(step) for step in case.history], False, "")


@group.command("accept", epilog=EXAMPLES + "huitong feedback accept feedback_019a… --actor zhou")
def accept(number: Number, opinion: Opinion = "", actor: ActorName = None, as_json: AsJson = False) -> None:
    """提供部门受理 The provider accepts a report and verifies."""
    _do(number, "accept", "provider", actor, as_json, Given(opinion=opinion))


@group.command("correct", epilog=EXAMPLES + "huitong feedback correct feedback_019a… --item birth_date --as-of 2026-02-11T09:00:00+08:00 --actor zhou")
def correct(
    number: Number,
    item: Annotated[list[str], typer.Option(help="已更正的信息项，可重复 An item that was corrected. Repeatable.")],
    as_of: Annotated[str | None, typer.Option(metavar="MOMENT", help="更正后数据源的时点，ISO 8601 Moment of the source's new state.")] = None,
    entry: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, help="反馈之后读取该资源的日志条目 Ledger entry that read the resource after the report.")
    ] = None,
    opinion: Opinion = "",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """提供部门已更正 The provider has corrected: which items, and the evidence, without values."""
    evidence = Evidence(tuple(item), _moment(as_of), entry)
    _do(number, "correct", "provider", actor, as_json, Given(opinion=opinion, evidence=evidence))


@group.command("explain", epilog=EXAMPLES + "huitong feedback explain feedback_019a… --opinion 以户籍登记为准 --actor zhou")
def explain(number: Number, opinion: Opinion = "", actor: ActorName = None, as_json: AsJson = False) -> None:
    """提供部门说明 The provider explains why the data stand as they do."""
    _do(number, "explain", "provider", actor, as_json, Given(opinion=opinion))


@group.command("reject", epilog=EXAMPLES + "huitong feedback reject feedback_019a… --opinion 与原始登记一致 --actor zhou")
def reject(number: Number, opinion: Opinion = "", actor: ActorName = None, as_json: AsJson = False) -> None:
    """提供部门认为不属数据错误 The provider finds no error of its data."""
    _do(number, "reject", "provider", actor, as_json, Given(opinion=opinion))


@group.command("transfer", epilog=EXAMPLES + "huitong feedback transfer feedback_019a… housing --opinion 该项由市住建局登记 --actor zhou")
def transfer(
    number: Number,
    to: Annotated[str, typer.Argument(help="部门代码 Code of the department.")],
    opinion: Opinion = "",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """转办，限一次 Pass a case on to the department whose data they are, once."""
    _do(number, "transfer", "provider", actor, as_json, Given(opinion=opinion, to=to))


@group.command("close", epilog=EXAMPLES + "huitong feedback close feedback_019a… --actor li")
def close(number: Number, opinion: Opinion = "", actor: ActorName = None, as_json: AsJson = False) -> None:
    """反馈人所在部门确认答复，办结 The reporter's department accepts the answer; the case closes."""
    _do(number, "confirm", "consumer", actor, as_json, Given(opinion=opinion))


@group.command("object", epilog=EXAMPLES + "huitong feedback object feedback_019a… --opinion 仍与原件不符 --actor li")
def object_(number: Number, opinion: Opinion = "", actor: ActorName = None, as_json: AsJson = False) -> None:
    """反馈人所在部门提出异议，限一次 The reporter's department objects to the answer, once."""
    _do(number, "object", "consumer", actor, as_json, Given(opinion=opinion))


@group.command(
    "decide",
    epilog=EXAMPLES + "huitong feedback decide feedback_019a… order --opinion 原件确有差错 --actor wu\n\nhuitong feedback decide feedback_019a… uphold",
)
def decide(
    number: Number,
    step: Annotated[
        Literal["order", "uphold", "urge", "redress", "dismiss"],
        typer.Argument(help="责成更正、维持、督办；投诉：属实并处理、查无问题 To correct, the answer stands, urge; of a complaint: found true, or not."),
    ],
    opinion: Opinion = "",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """主管部门会同核实、督办、处理投诉 The authority co-verifies, urges, or decides a complaint."""
    _do(number, step, "authority", actor, as_json, Given(opinion=opinion))


@group.command("verify", epilog=EXAMPLES + "huitong feedback verify")
def verify(as_json: AsJson = False) -> None:
    """将全部经过与日志核对 Compare every history with the ledger: a step that was removed, altered or added is named. Exit code 1 then."""
    with opened() as core, core.engine.connect() as connection:
        report = verify_histories(connection)
    if as_json:
        show_json({**asdict(report), "ok": report.ok})
    else:
        for finding in report.findings:
            say(finding)
        say(f"{'一致 sound' if report.ok else '不一致 NOT SOUND'}: {report.cases} 件 cases, {report.steps} 步 steps, {report.unproven} 未及核对 unproven")
    if not report.ok:
        raise typer.Exit(1)


def _do(number: str, act: str, side: Side, actor: str | None, as_json: bool, given: Given) -> None:
    with opened() as core:
        case, found = _case(core, number), acting(actor)
        if side == "consumer" and not case.consumer:
            raise CliFault(f"{number} 由社会公众提交 was reported by the public", "反馈人凭查询码办理 the reporter acts by the look-up code")
        if side != "authority":
            found = of_side(found, case.consumer if side == "consumer" else case.provider)
        case = core.feedback.act(found, act, number, given)
    show_record(_shown(case), as_json, line(case))


def _case(core: Core, number: str) -> FeedbackCase:
    found = core.feedback.reader.get(number)
    if found is None:
        raise CliFault(f"没有反馈 no feedback {number}", "huitong feedback list")
    return found


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CliFault(f"不是时间 no moment: {text}", "2026-02-11T09:00:00+08:00") from None
    return found if found.tzinfo else found.replace(tzinfo=CHINA)


def _row(case: FeedbackCase) -> dict[str, object]:
    return {
        "id": case.id,
        "kind": case.kind,
        "reporter": case.reporter,
        "resource": case.resource,
        "provider": case.provider,
        "state": case.state,
        "turn": case.party,
        "due_on": case.due_on.isoformat(),
        "overdue": case.overdue,
        "late": case.late,
        "rule": case.rule,
    }


def _shown(case: FeedbackCase) -> dict[str, object]:
    shown = {name: value for name, value in asdict(case).items() if name != "code_hash"}
    return {**shown, "due_on": case.due_on.isoformat(), "closes_on": case.closes_on.isoformat() if case.closes_on else None}
