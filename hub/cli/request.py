"""``huitong request``: access requests, step by step, as the governance endpoint does them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

import typer

from hub.acts import Actor
from hub.catalog.scopes import STEWARD
from hub.cli.faults import CliFault
from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import say, show_json, show_record, show_rows
from hub.cli.request_text import line, whole
from hub.cli.session import acting, opened
from hub.core import Core
from hub.sharing.cases import Case, Wanted
from hub.sharing.machine import REQUEST, Machine

group = typer.Typer(help="共享申请 Access requests.", no_args_is_help=True)
Number = Annotated[str, typer.Argument(help="申请编号 Number of the request.")]
Opinion = Annotated[str, typer.Option(help="意见 The opinion.")]
Reason = Annotated[str | None, typer.Option(metavar="CODE", help="代码化理由，见 huitong rules show refusal A codified reason.")]
Side = Literal["consumer", "provider"]


@group.command("list", epilog=EXAMPLES + "huitong request list --overdue\n\nhuitong request list --state DECIDING --department civil_affairs")
def show_all(
    state: Annotated[str | None, typer.Option(help="状态 Only in this state.")] = None,
    overdue: Annotated[bool | None, typer.Option("--overdue/--in-time", help="仅逾期的，或未逾期的 Only overdue ones, or only others.")] = None,
    department: Annotated[str | None, typer.Option(help="需求或者提供部门 Consumer or provider.")] = None,
    first: Annotated[int, typer.Option(min=1, max=200, help="至多件数 At most so many.")] = 50,
    after: Annotated[str | None, typer.Option(metavar="NUMBER", help="接在此申请之后 Those after this request.")] = None,
    as_json: AsJson = False,
) -> None:
    """列出申请，新者在前 List requests, the newest first: whose turn it is, until when, and who is late."""
    known_state(state, REQUEST)
    with opened() as core:
        core.sweep.run()
        found = core.requests.reader.find(Wanted(state, overdue, department, first=first, after=after))
    show_rows([_shown(case) if as_json else _row(case) for case in found], as_json, "没有申请 no requests")


@group.command("show", epilog=EXAMPLES + "huitong request show request_019a…\n\nhuitong request show request_019a… --agreement")
def show(
    number: Number,
    agreement: Annotated[bool, typer.Option("--agreement", help="只打印协议文本 Print the agreement's text alone.")] = False,
    as_json: AsJson = False,
) -> None:
    """查看一件申请的经过 Show a request with its history."""
    with opened() as core:
        case = _case(core, number)
    if agreement:
        if case.agreement is None:
            raise CliFault(f"{number} 尚无协议 has no agreement yet: {case.state}", "huitong request decide")
        say(case.agreement.rstrip("\n"))
    elif as_json:
        show_json(_shown(case))
    else:
        say(whole(case))
        show_rows([asdict(step) for step in case.history], False, "")


@group.command("endorse", epilog=EXAMPLES + "huitong request endorse request_019a… --actor li")
def endorse(
    number: Number,
    decline: Annotated[bool, typer.Option("--decline", help="不同意 Decline it instead.")] = False,
    opinion: Opinion = "",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """需求部门负责人同意 The consumer department's head endorses a request."""
    _do(number, "decline" if decline else "endorse", "consumer", actor, as_json, opinion=opinion)


@group.command("withdraw", epilog=EXAMPLES + "huitong request withdraw request_019a…")
def withdraw(number: Number, opinion: Opinion = "", actor: ActorName = None, as_json: AsJson = False) -> None:
    """需求部门撤回 The consumer withdraws a request before its decision."""
    _do(number, "withdraw", "consumer", actor, as_json, opinion=opinion)


@group.command("check", epilog=EXAMPLES + "huitong request check request_019a…\n\nhuitong request check request_019a… --missing 使用依据 --missing 时限")
def check(
    number: Number,
    missing: Annotated[list[str] | None, typer.Option(help="所缺材料，一次告知 A missing paper; all of them at once. Repeatable.")] = None,
    opinion: Opinion = "",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """查验材料 The authority checks a request for completeness; there is one notice of what is missing (N809, article 21)."""
    _do(number, "notice" if missing else "complete", None, actor, as_json, missing=tuple(missing or ()), opinion=opinion)


@group.command("supplement", epilog=EXAMPLES + "huitong request supplement request_019a… --opinion 依据为《公共租赁住房管理办法》第七条")
def supplement(number: Number, opinion: Opinion = "", actor: ActorName = None, as_json: AsJson = False) -> None:
    """需求部门补充材料 The consumer supplements a request."""
    _do(number, "supplement", "consumer", actor, as_json, opinion=opinion)


@group.command(
    "opinion", epilog=EXAMPLES + "huitong request opinion request_019a… --agree\n\nhuitong request opinion request_019a… --disagree --reason SCOPE_TOO_WIDE"
)
def opinion_(
    number: Number,
    agree: Annotated[bool, typer.Option("--agree/--disagree", help="同意共享与否 For or against sharing.")],
    reason: Reason = None,
    opinion: Opinion = "",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """提供部门的意见 The provider's opinion."""
    _do(number, "agree" if agree else "disagree", "provider", actor, as_json, reason=None if agree else reason, opinion=opinion)


@group.command(
    "extension",
    epilog=EXAMPLES + "huitong request extension request_019a… ask --opinion 需核实历史数据\n\nhuitong request extension request_019a… allow --days 5",
)
def extension(
    number: Number,
    step: Annotated[
        Literal["ask", "allow", "deny"], typer.Argument(help="ask：提供部门申请；allow、deny：主管部门决定 The provider asks, the authority decides.")
    ],
    days: Annotated[int | None, typer.Option(help="工作日 Working days; default: as many as the rule set allows.")] = None,
    opinion: Opinion = "",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """延长答复期限，限一次 More time for the answer, once."""
    act = {"ask": "requestExtension", "allow": "allowExtension", "deny": "denyExtension"}[step]
    _do(number, act, "provider" if step == "ask" else None, actor, as_json, days=days, opinion=opinion)


@group.command("decide", epilog=EXAMPLES + "huitong request decide request_019a… --approve --actor wang")
def decide(
    number: Number,
    approve: Annotated[bool, typer.Option("--approve/--refuse", help="同意与否 Approve or refuse.")],
    reason: Reason = None,
    opinion: Opinion = "",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """主管部门决定 The authority's decision; a refusal has a codified reason and an opinion."""
    _do(number, "approve" if approve else "refuse", None, actor, as_json, reason=None if approve else reason, opinion=opinion)


@group.command("sign", epilog=EXAMPLES + "huitong request sign request_019a… provider --hash 3f1c…")
def sign(
    number: Number,
    side: Annotated[Side, typer.Argument(help="签署一方 Side that signs.")],
    named: Annotated[str, typer.Option("--hash", metavar="SHA256", help="协议文本的 SHA-256，见 huitong request show SHA-256 of the agreement.")],
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """签署协议 Sign the agreement, naming it by its SHA-256; with the second signature the grant is there."""
    _do(number, "signForProvider" if side == "provider" else "signForConsumer", side, actor, as_json, hash=named)


@group.command("dispute", epilog=EXAMPLES + "huitong request dispute request_019a… escalate consumer --opinion 协商不成")
def dispute(
    number: Number,
    step: Annotated[
        Literal["dispute", "settle", "escalate", "concede", "mediate", "refer", "overrule", "uphold"], typer.Argument(help="步骤，见 docs/sharing.md The step.")
    ],
    side: Annotated[Literal["consumer", "provider", "authority"], typer.Argument(help="以哪一方名义 For which side.")],
    opinion: Opinion = "",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """争议：协商、协调、报本级人民政府 A dispute over a refusal: negotiated, mediated, decided by the government (N809, article 28)."""
    _do(number, step, None if side == "authority" else side, actor, as_json, opinion=opinion)


def known_state(state: str | None, machine: Machine) -> None:
    """Refuses a state that the machine does not have, which would be found nowhere."""
    if state is not None and state not in machine.states:
        raise CliFault(f"没有状态 no state {state}", ", ".join(machine.states))


def of_side(actor: Actor, department: str) -> Actor:
    """Whoever may read the home may act for any department; the ledger names who did, and no name does two steps that are kept apart."""
    return replace(actor, department=department, scopes=actor.scopes | {STEWARD})


def _do(number: str, act: str, side: Side | None, actor: str | None, as_json: bool, **given: Any) -> None:
    with opened() as core:
        found = acting(actor)
        if side is not None:
            case = _case(core, number)
            found = of_side(found, case.consumer if side == "consumer" else case.provider)
        case = core.requests.act(found, act, number, **given)
    show_record(_shown(case), as_json, line(case))


def _case(core: Core, number: str) -> Case:
    found = core.requests.reader.get(number)
    if found is None:
        raise CliFault(f"没有申请 no request {number}", "huitong request list")
    return found


def _row(case: Case) -> dict[str, object]:
    return {
        "id": case.id,
        "application": case.application,
        "resource": case.resource,
        "origin": case.origin,
        "state": case.state,
        "turn": case.party,
        "due_on": case.due_on.isoformat(),
        "overdue": case.overdue,
        "late": case.late,
        "reminder": case.reminder,
        "rule": case.rule,
    }


def _shown(case: Case) -> dict[str, object]:
    return {**asdict(case), "due_on": case.due_on.isoformat()}
