"""``huitong department``: the departments that provide or use data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import show_record, show_rows
from hub.cli.session import acting, opened

group = typer.Typer(help="部门 Departments.", no_args_is_help=True)


@group.command("add", epilog=EXAMPLES + "huitong department add civil_affairs 市民政局 115201000093900013 --name-en 'Civil Affairs Bureau'")
def add(
    code: Annotated[str, typer.Argument(help="代码 Code: a-z, 0-9, _")],
    name: Annotated[str, typer.Argument(help="名称 Name in Chinese.")],
    uscc: Annotated[str, typer.Argument(help="统一社会信用代码 Unified social credit code (GB 32100).")],
    name_en: Annotated[str, typer.Option(help="英文名称 Name in English.")] = "",
    tier: Annotated[str, typer.Option(help="city | county | township | utility")] = "city",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """登记部门 Register a department. A manifest's import registers its department as well."""
    with opened() as core:
        made = core.catalog.create_department(acting(actor), code=code, name=name, name_en=name_en, uscc=uscc, tier=tier)
    show_record(asdict(made), as_json, f"已登记部门 registered department {made.code} {made.name}")


@group.command("list", epilog=EXAMPLES + "huitong department list --json")
def show(as_json: AsJson = False) -> None:
    """列出部门 List the departments."""
    with opened() as core:
        snapshot = core.catalog.current()
    rows = [asdict(one) | {"resources": len(snapshot.by_department.get(code, ()))} for code, one in sorted(snapshot.departments.items())]
    show_rows(rows, as_json, "尚无部门 no departments yet: huitong department add, or huitong catalog import")


@group.command("disable", epilog=EXAMPLES + "huitong department disable housing")
def disable(code: Annotated[str, typer.Argument(help="部门代码 The department's code.")], actor: ActorName = None, as_json: AsJson = False) -> None:
    """停用部门 Take a department out of use: tokens of its applications and people stop working at once. Its resources stay."""
    _set(code, False, actor, as_json, f"已停用 disabled: {code}")


@group.command("enable", epilog=EXAMPLES + "huitong department enable housing")
def enable(code: Annotated[str, typer.Argument(help="部门代码 The department's code.")], actor: ActorName = None, as_json: AsJson = False) -> None:
    """启用部门 Take a department into use again."""
    _set(code, True, actor, as_json, f"已启用 enabled: {code}")


def _set(code: str, active: bool, actor: str | None, as_json: bool, told: str) -> None:
    with opened() as core:
        core.catalog.set_department_active(acting(actor), code, active)
    show_record({"code": code, "active": active}, as_json, told)
