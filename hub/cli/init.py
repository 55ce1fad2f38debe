"""``huitong init``: makes a home; with ``--bootstrap``, once, the first department, the three administrators' applications, and invitations for the three people."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.acts import Actor
from hub.catalog.scopes import AUDIT, SECURITY, SYSTEM
from hub.cli.faults import CliFault
from hub.cli.options import ActorName, AsJson
from hub.cli.output import note, say, show_json
from hub.cli.session import acting, opened
from hub.core import Core, initialise
from hub.ledger.digest import DigestName
from hub.settings import load_settings

ADMINISTRATORS = (("system_admin", SYSTEM), ("security_admin", SECURITY), ("audit_admin", AUDIT))
"""三员: the applications that a bootstrap makes, and the role of each."""
PEOPLE = (("system", "系统管理员", SYSTEM), ("security", "安全管理员", SECURITY), ("audit", "审计管理员", AUDIT))
"""三员: the people whom a bootstrap invites."""


def command(
    bootstrap: Annotated[
        bool, typer.Option("--bootstrap", help="一次性：登记主管部门与三员账号 Once: the administration and the three administrators' accounts.")
    ] = False,
    department: Annotated[str, typer.Option(help="主管部门代码 Code of the big-data administration.")] = "",
    name: Annotated[str, typer.Option(help="主管部门名称 Its name.")] = "",
    uscc: Annotated[str, typer.Option(help="其统一社会信用代码 Its unified social credit code.")] = "",
    basis: Annotated[str, typer.Option(help="管理依据 Legal basis of the administration.")] = "政务数据共享条例（国务院令第809号）",
    ledger_digest: Annotated[
        DigestName | None, typer.Option(help="日志的杂凑算法，终身不变 Hash function of the ledger, for ever. Default: HUITONG_LEDGER_DIGEST, else SHA256.")
    ] = None,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """初始化 Make the home: keys and control database, no account. May be run again; changes nothing then.

    示例 Examples:

    huitong init

    huitong init --ledger-digest SM3

    huitong init --bootstrap --department city_data --name 市大数据发展管理局 --uscc 11520100009392151C
    """
    settings = load_settings(**({} if ledger_digest is None else {"ledger_digest": ledger_digest}))
    if bootstrap and not (department and name and uscc):
        raise typer.BadParameter("--bootstrap 需要 needs --department, --name, --uscc", param_hint="--bootstrap")
    initialise(settings)
    made: list[dict[str, str]] = []
    people: list[dict[str, str]] = []
    if bootstrap:
        with opened(settings) as core:
            made = _bootstrap(core, acting(actor), {"code": department, "name": name, "uscc": uscc}, basis)
            people = _people(core, acting(actor), department)
    if as_json:
        show_json({"home": str(settings.home), "applications": made, "people": people})
    elif bootstrap:
        _tell_accounts(made, people, settings.url)
    else:
        _tell_next(str(settings.home))


def _bootstrap(core: Core, actor: Actor, department: dict[str, str], basis: str) -> list[dict[str, str]]:
    if core.sharing.applications() or core.people.people():
        raise CliFault(
            "已有应用或者人员，不得再次引导 there are applications or people already: a bootstrap happens once",
            "请以系统管理员登记其他账号 register more as system administrator: huitong app add --role …",
        )
    if department["code"] not in core.catalog.current().departments:
        core.catalog.create_department(actor, **department)
    purpose = {"code": "hub-administration", "scenario": "共享平台管理", "basis": basis}
    made = [core.sharing.create_application(actor, name, department["code"], [purpose], [role]) for name, role in ADMINISTRATORS]
    roles = dict(ADMINISTRATORS)
    return [{"name": one.name, "role": roles[one.name], "client_id": one.client_id, "client_secret": one.client_secret} for one in made]


def _people(core: Core, actor: Actor, department: str) -> list[dict[str, str]]:
    told = core.people.bootstrap(actor, department, PEOPLE)
    return [{"name": one.person.name, "role": one.person.roles[0], "invitation": one.code} for one in told]


def _tell_accounts(made: list[dict[str, str]], people: list[dict[str, str]], url: str) -> None:
    say(f"人员 people: {url}/account/enrol")
    for one in people:
        say(f"{one['name']}  ({one['role']})\n  invitation     {one['invitation']}")
    say("应用 applications:")
    for one in made:
        say(f"{one['name']}  ({one['role']})\n  client_id      {one['client_id']}\n  client_secret  {one['client_secret']}")
    note(
        "邀请码与密钥仅显示一次，请分别交给三位管理员；邀请码 72 小时内有效 Invitations and secrets are shown this once: hand each to its administrator; "
        "invitations hold for 72 hours.\n下一步 next: huitong serve"
    )


def _tell_next(home: str) -> None:
    say(
        f"已初始化 initialised: {home}\n"
        "下一步 next:\n"
        "  huitong init --bootstrap --department CODE --name 名称 --uscc …   三员账号 the three administrators' accounts\n"
        "  huitong catalog import 清单.toml                                 导入资源目录 import a department's manifest\n"
        "  huitong serve                                                   启动 start the hub\n"
        "  huitong doctor                                                  检查 see whether all is well"
    )
