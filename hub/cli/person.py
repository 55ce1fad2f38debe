"""``huitong person``: accounts of people. Whoever proposes does not approve; each gets one half of the invitation."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import note, show_record, show_rows
from hub.cli.session import acting, opened
from hub.people.reading import PersonRecord
from hub.people.service import Told
from hub.settings import load_settings

group = typer.Typer(help="人员账号 People.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="登录名 The name to log in with.")]
Roles = Annotated[list[str], typer.Option("--role", metavar="SCOPE", help="角色 Role, e.g. governance:steward. Repeatable.")]


@group.command("add", epilog=EXAMPLES + "huitong person add zhang.wei --display-name 张伟 --department housing --role governance:steward --actor ren\n\n")
def add(
    name: Name,
    display_name: Annotated[str, typer.Option(help="显示名 Name of the person.")],
    department: Annotated[str, typer.Option(help="所属部门代码 Code of the department.")],
    role: Roles,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """提出账号 Propose an account with its roles; somebody else approves it."""
    with opened() as core:
        _tell(core.people.propose(acting(actor), name, display_name, department, role), "proposal", as_json)


@group.command("approve", epilog=EXAMPLES + "huitong person approve zhang.wei --actor du")
def approve(name: Name, actor: ActorName = None, as_json: AsJson = False) -> None:
    """批准账号及其角色 Approve a proposed account and its roles. Not by who proposed it."""
    with opened() as core:
        _tell(core.people.approve(acting(actor), name), "invitation", as_json)


@group.command("invite", epilog=EXAMPLES + "huitong person invite zhang.wei --actor ren")
def invite(name: Name, actor: ActorName = None, as_json: AsJson = False) -> None:
    """重新邀请 Propose a new enrolment, as for a lost telephone: password and code secret end at once; then `approve`."""
    with opened() as core:
        _tell(core.people.invite(acting(actor), name), "proposal", as_json)


@group.command("disable", epilog=EXAMPLES + "huitong person disable zhang.wei")
def disable(name: Name, actor: ActorName = None, as_json: AsJson = False) -> None:
    """停用账号 Disable an account: its sessions and tokens end at once."""
    with opened() as core:
        _show(core.people.disable(acting(actor), name), as_json)


@group.command(
    "roles", epilog=EXAMPLES + "huitong person roles zhang.wei --role governance:owner --actor ren\n\nhuitong person roles zhang.wei --approve --actor du"
)
def roles(
    name: Name,
    role: Annotated[list[str] | None, typer.Option("--role", metavar="SCOPE", help="拟定的全部角色 All roles the person is to hold. Repeatable.")] = None,
    decision: Annotated[bool | None, typer.Option("--approve/--refuse", help="批准或者退回 Decide what was proposed. Not by who proposed it.")] = None,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """变更角色 Propose other roles, or decide a proposal."""
    if (role is None) == (decision is None):
        raise typer.BadParameter("须给出其一 give one of the two: --role, or --approve / --refuse", param_hint="--role")
    with opened() as core:
        people, by = core.people, acting(actor)
        _show(people.propose_roles(by, name, role) if role is not None else people.approve_roles(by, name, bool(decision)), as_json)


@group.command("list", epilog=EXAMPLES + "huitong person list")
def show(as_json: AsJson = False) -> None:
    """列出人员 List the people."""
    with opened() as core:
        rows = [_row(each) for each in core.people.people()]
    show_rows(rows, as_json, "尚无人员 no people yet: huitong person add")


def _tell(told: Told, half: str, as_json: bool) -> None:
    show_record({**_row(told.person), half: told.code}, as_json, f"{told.person.name}  {told.person.state}\n{half:<14} {told.code}")
    if not as_json:
        where = f"{load_settings().url}/account/enrol"
        note(f"仅显示一次，请当面交给本人；本人凭两半在 72 小时内启用 Shown this once: hand it to the person, who enrols with both halves at {where}")


def _show(record: PersonRecord, as_json: bool) -> None:
    show_record(_row(record), as_json, f"{record.name}  {record.state}  {', '.join(record.roles)}")


def _row(record: PersonRecord) -> dict[str, object]:
    return {
        "name": record.name,
        "display_name": record.display_name,
        "department": record.department,
        "state": record.state,
        "roles": list(record.roles),
        "proposed_roles": None if record.proposed_roles is None else list(record.proposed_roles),
        "created_by": record.created_by,
        "approved_by": record.approved_by,
    }
