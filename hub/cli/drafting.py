"""``huitong catalog draft``: a manifest from a live source, for a person to check."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from connectors.errors import ConfigFault, SourceFault, SourceUnavailable
from connectors.registry import open_source
from connectors.spi import SourceConfig
from hub.catalog.build import source_config
from hub.catalog.draft.drafting import Draft, Wanted, draft
from hub.catalog.draft.parts import Report
from hub.catalog.manifest import DepartmentPart, SourcePart
from hub.catalog.problems import Problem, Refused, path_of
from hub.catalog.source_checks import source_problems
from hub.cli.faults import FAILED, NOT_REACHABLE, CliFault
from hub.cli.options import AsJson
from hub.cli.output import note, show_json
from hub.cli.session import opened
from hub.core import Core
from hub.settings import load_settings

P = TypeVar("P", bound=BaseModel)
_PATIENCE_MS = 30_000
"""A draft may wait longer for a source than a call does."""
_BY_HAND = "请按 docs/manifest.md 手工编写清单 write the manifest by hand, as docs/manifest.md tells; a REST service: [resources.endpoint]"


def command(
    source: Annotated[str | None, typer.Argument(metavar="DEPARTMENT.SOURCE", help="已登记的数据源 A registered source.")] = None,
    url: Annotated[str | None, typer.Option(help="未登记的数据源的地址，不含口令 Address of a source that is not registered, without password.")] = None,
    secret: Annotated[str | None, typer.Option(help="口令所在 Where the password lies: env:NAME or file:PATH")] = None,
    kind: Annotated[str, typer.Option(help="连接器 Connector.")] = "sql",
    department: Annotated[str | None, typer.Option(help="部门代码 Code of the department.")] = None,
    name: Annotated[str | None, typer.Option(help="部门名称 Name of the department.")] = None,
    uscc: Annotated[str | None, typer.Option(help="部门的统一社会信用代码 Unified social credit code of the department.")] = None,
    code: Annotated[str, typer.Option(help="未登记的数据源的代码 Code for a source that is not registered.")] = "main",
    only: Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="仅这些表或视图 Only these tables and views: public.*; may be repeated.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", dir_okay=False, help="写入文件 Write to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """从数据源起草清单 Write a manifest from a live source, to be checked by a person; registers and publishes nothing."""
    if (source is None) == (url is None):
        raise typer.BadParameter("须指定数据源或 --url name a registered source, or an address by --url", param_hint="DEPARTMENT.SOURCE")
    if source is not None:
        config, wanted = _registered(source)
    else:
        declared = _part(SourcePart, {"code": code, "kind": kind, "url": url, "secret": secret})
        config, wanted = _unregistered(declared, _department(department, name, uscc))
    made = asyncio.run(_drafted(config, replace(wanted, only=tuple(only or ()))))
    _show(made, output, as_json)


def _registered(source: str) -> tuple[SourceConfig, Wanted]:
    with opened() as core:
        snapshot = core.catalog.current()
        config = snapshot.sources.get(source)
        if config is None:
            raise CliFault(f"没有数据源 no source {source}", f"huitong source list ({', '.join(sorted(snapshot.sources)) or '-'})")
        owner, _, short = source.partition(".")
        part = _part(DepartmentPart, _plain(core, owner))
        return config, Wanted(part, short, existing=core.catalog.manifest_text(owner), published=snapshot)


def _plain(core: Core, owner: str) -> dict[str, str]:
    found = core.catalog.current().departments[owner]
    return {"code": found.code, "name": found.name, "name_en": found.name_en, "uscc": found.uscc, "tier": found.tier}


def _unregistered(declared: SourcePart, department: DepartmentPart) -> tuple[SourceConfig, Wanted]:
    home = load_settings().home
    if problems := source_problems(declared, home):
        raise Refused(*problems)
    return source_config(department.code, declared), Wanted(department, declared.code, declared)


def _department(code: str | None, name: str | None, uscc: str | None) -> DepartmentPart:
    missing = [option for option, given in (("--department", code), ("--name", name), ("--uscc", uscc)) if not given]
    if missing:
        raise typer.BadParameter("--url 须连同部门 --url needs its department: --department, --name, --uscc", param_hint=missing[0])
    return _part(DepartmentPart, {"code": code, "name": name, "uscc": uscc})


def _part(model: type[P], given: Mapping[str, Any]) -> P:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = [Problem("BAD_INPUT", f"取值不正确 not usable: {each['msg']}", "", path_of(each["loc"])) for each in error.errors()]
        raise Refused(*problems) from None


async def _drafted(config: SourceConfig, wanted: Wanted) -> Draft:
    try:
        source = open_source(replace(config, timeout_ms=max(config.timeout_ms, _PATIENCE_MS)))
    except ConfigFault as fault:
        raise CliFault(f"数据源的配置不可用 the source's configuration cannot be used: {fault.message}", fault.hint) from None
    try:
        if not source.capabilities.objects:
            raise CliFault(f"{config.kind} 类数据源不能列出其内容 sources of kind {config.kind} cannot list what they hold", _BY_HAND)
        return await draft(source, wanted)
    except SourceUnavailable as fault:
        remedy = f"请核对地址、账号、密钥与网络 check address, account, secret and network ({config.url})"
        raise CliFault(f"数据源不可用 the source cannot be used: {fault}", remedy, NOT_REACHABLE) from None
    except SourceFault as fault:
        raise CliFault(f"数据源拒绝列出其内容 the source refused to list what it holds: {fault}", "请核对账号权限 check the account's rights") from None
    finally:
        await source.close()


def _show(made: Draft, output: Path | None, as_json: bool) -> None:
    if output is not None:
        _write(output, made.text)
    if as_json:
        problems = [{"code": each.code, "path": each.path, "line": each.line, "message": each.message, "hint": each.hint} for each in made.problems]
        show_json({"manifest": made.text, "report": made.report.as_json(), "problems": problems})
    else:
        if output is None:
            sys.stdout.write(made.text)
        _tell(made.report, output)
    if made.problems:
        raise Refused(*made.problems)
    if not made.report.resources:
        raise CliFault("没有可起草的表或视图 there is no table or view to draft", "原因见上 the reasons stand above", FAILED)


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise CliFault(f"无法写入 cannot write {output}: {fault.strerror}", "请换用其他路径 choose another path") from None


def _tell(report: Report, output: Path | None) -> None:
    for left in report.left_out:
        note(f"未列入 left out: {left['object']}: {left['reason']}" + (f"\n  → {left['remedy']}" if left["remedy"] else ""))
    for missing in report.links_left_out:
        note(f"未建链接 no link: {missing['foreign_key']}: {missing['reason']}")
    for text in report.notes:
        note(f"说明 note: {text}")
    links = sum(len(each["links"]) for each in report.resources if isinstance(each["links"], list))
    where = f" → {output}" if output else ""
    note(
        f"{len(report.resources)} 个资源、{links} 个链接{where}；请逐行核对“建议” {len(report.resources)} resource(s), {links} link(s); check every suggestion"
    )
    note("随后 then: huitong catalog import FILE --actor NAME")
