"""``huitong disposal``: what becomes of data after a grant's end."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.faults import CliFault
from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import show_record, show_rows
from hub.cli.request import known_state, of_side
from hub.cli.session import acting, opened
from hub.core import Core
from hub.sharing.disposals import DisposalCase, DisposalGiven, DisposalsWanted
from hub.sharing.machine import DISPOSAL

group = typer.Typer(help="数据处置 Disposal of data after a grant's end.", no_args_is_help=True)
Number = Annotated[str, typer.Argument(help="授权编号 Number of the grant.")]


@group.command("list", epilog=EXAMPLES + "huitong disposal list --overdue")
def show_all(
    state: Annotated[str | None, typer.Option(help="DUE | FILED | CONFIRMED")] = None,
    overdue: Annotated[bool | None, typer.Option("--overdue/--in-time", help="仅逾期的，或未逾期的 Only overdue ones, or only others.")] = None,
    first: Annotated[int, typer.Option(min=1, max=200, help="至多件数 At most so many.")] = 50,
    after: Annotated[str | None, typer.Option(metavar="NUMBER", help="接在此授权之后 Those after this grant.")] = None,
    as_json: AsJson = False,
) -> None:
    """列出应作的处置，新授权在前 List disposals, those of the newest grants first."""
    known_state(state, DISPOSAL)
    with opened() as core:
        core.sweep.run()
        found = core.disposals.find(DisposalsWanted(state, overdue, first=first, after=after))
    show_rows([_shown(case) if as_json else _row(case) for case in found], as_json, "没有应作的处置 nothing is to be disposed of")


@group.command("file", epilog=EXAMPLES + "huitong disposal file grant_019a… --statement 已删除全部数据及备份 --certificate proof.pdf")
def file(
    number: Number,
    statement: Annotated[str, typer.Option(help="处置说明 What became of the data.")],
    certificate: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="处置证明；只记其 SHA-256 The certificate; only its SHA-256 is kept.")],
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """需求部门提交处置说明与证明 The consumer files statement and proof."""
    with certificate.open("rb") as read:
        digest = hashlib.file_digest(read, "sha256").hexdigest()
    _do(number, "fileDisposal", "consumer", actor, as_json, DisposalGiven(statement=statement, certificate_hash=digest))


@group.command("confirm", epilog=EXAMPLES + "huitong disposal confirm grant_019a… --actor zhao")
def confirm(
    number: Number,
    send_back: Annotated[bool, typer.Option("--return", help="退回 Return it to the consumer, with an opinion.")] = False,
    opinion: Annotated[str, typer.Option(help="意见 The opinion.")] = "",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """提供部门确认 The provider confirms a disposal; not by who filed it."""
    _do(number, "returnDisposal" if send_back else "confirmDisposal", "provider", actor, as_json, DisposalGiven(opinion=opinion))


def _do(number: str, act: str, side: str, actor: str | None, as_json: bool, given: DisposalGiven) -> None:
    with opened() as core:
        found = _case(core, number)
        done = core.disposals.act(of_side(acting(actor), found.consumer if side == "consumer" else found.provider), act, number, given)
    show_record(_shown(done), as_json, f"{done.grant} {done.application} → {done.resource}: {done.state}, {done.due_on}")


def _case(core: Core, number: str) -> DisposalCase:
    found = core.disposals.get(number)
    if found is None:
        raise CliFault(f"没有待处置的授权 no grant to be disposed of: {number}", "huitong disposal list")
    return found


def _row(case: DisposalCase) -> dict[str, object]:
    return {
        "grant": case.grant,
        "application": case.application,
        "resource": case.resource,
        "state": case.state,
        "due_on": case.due_on.isoformat(),
        "overdue": case.overdue,
        "rule": case.rule,
    }


def _shown(case: DisposalCase) -> dict[str, object]:
    return {**asdict(case), "due_on": case.due_on.isoformat()}
