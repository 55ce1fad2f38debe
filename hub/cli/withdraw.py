"""``huitong catalog withdraw``, ``restore`` and ``withdrawals``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from hub.cli.options import ActorName, AsJson
from hub.cli.output import note, show_json, show_record, show_rows
from hub.cli.session import acting, opened
from hub.core import Core
from hub.withdrawal.recipients import Recipient
from hub.withdrawal.service import Withdrawal, WithdrawalService

Resource = Annotated[str, typer.Argument(help="资源代码 Code of the resource.")]


def withdraw_command(
    resource: Resource,
    reason: Annotated[str, typer.Option(help="撤回原因 Why.")],
    document: Annotated[str | None, typer.Option(help="依据文号 Number of the paper that orders it.")] = None,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """撤回资源 Take a resource out of service at once: queries, exchanges, downloads. Prints who has data of it."""
    with opened() as core:
        service = _service(core)
        done = service.withdraw(acting(actor), resource, reason, document)
        if not as_json:
            note(f"{done.id}  {done.resource}  {done.state}  {done.withdrawn_at.isoformat(timespec='seconds')}")
        found, first = service.recipients(resource), service.archived_before()
    _show(done, found, as_json, first)


def restore_command(
    resource: Resource,
    assessment: Annotated[str, typer.Option(help="评估结论 What the assessment found, and what was done.")],
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """评估后恢复资源 Give a resource back after an assessment. Not by who withdrew it."""
    with opened() as core:
        done = _service(core).restore(acting(actor), resource, assessment)
    show_record(asdict(done), as_json, f"{done.id}  {done.resource}  {done.state}")


def withdrawals_command(
    recipients: Annotated[str | None, typer.Option(metavar="RESOURCE", help="列出其接收方 Who has, or may have, data of this resource.")] = None,
    as_json: AsJson = False,
) -> None:
    """列出撤回记录 List withdrawals, or the recipients of a resource, withdrawn or not."""
    with opened() as core:
        service = _service(core)
        if recipients is None:
            show_rows([asdict(each) for each in service.find()], as_json, "没有撤回的资源 nothing was withdrawn")
        else:
            _show(None, service.recipients(recipients), as_json, service.archived_before())


def _service(core: Core) -> WithdrawalService:
    return WithdrawalService(core.engine, core.acts, core.catalog.current)


def _show(done: Withdrawal | None, found: list[Recipient], as_json: bool, first: int) -> None:
    if first:
        note(f"条目 {first} 之前的日志仅存于归档，其接收方不在列 entries before {first} are in the archive alone: their recipients are not listed")
    if as_json:
        told = [_told(each) for each in found]
        show_json({**asdict(done), "recipients": told} if done else told)
    else:
        show_rows([_row(each) for each in found], False, "没有接收方 nobody has data of it")


def _told(found: Recipient) -> dict[str, Any]:
    return {**asdict(found), "purposes": list(found.purposes), "exchanges": list(found.exchanges)}


def _row(found: Recipient) -> dict[str, object]:
    return {
        "application": found.name or found.application or "public",
        "department": found.department,
        "grants": [f"{each.id} {each.state}{f' {each.disposal}' if each.disposal else ''}" for each in found.grants],
        "calls": found.calls,
        "rows": found.rows,
        "exchanges": [f"{copy.exchange} {copy.state}" for copy in found.copies],
        "downloads": found.downloads,
        "last_at": found.last_at,
    }
