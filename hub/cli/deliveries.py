"""``huitong source deliveries``: what became of the files that departments delivered."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.errors import ConfigFault, SourceUnavailable
from hub.catalog.files import KIND
from hub.cli.faults import NOT_REACHABLE, CliFault
from hub.cli.options import EXAMPLES, AsJson
from hub.cli.output import note, show_json, show_rows
from hub.cli.session import opened

if TYPE_CHECKING:
    from connectors.files.overview import Overview

_SHOWN = 10
"""Findings of a rejected delivery; its report holds the first thousand."""
EPILOG = EXAMPLES + "huitong source deliveries natural_resources.permits"


def deliveries(code: Annotated[str, typer.Argument(metavar="DEPARTMENT.SOURCE", help="数据源 The source.")], as_json: AsJson = False) -> None:
    """列出文件交付 List the deliveries of a source of files: in service, replaced, rejected with the report, or waiting."""
    from connectors.files.overview import overview

    with opened() as core:
        sources = core.catalog.current().sources
    config = sources.get(code)
    if config is None or config.kind != KIND:
        known = ", ".join(sorted(name for name, each in sources.items() if each.kind == KIND))
        raise CliFault(f"没有文件数据源 no source of files {code}", f"huitong source list ({known or '-'})")
    try:
        found = overview(config)
    except ConfigFault as fault:
        raise CliFault(fault.message, fault.hint) from None
    except SourceUnavailable as fault:
        raise CliFault(str(fault), "请检查 url 与目录权限 check `url` and the rights of the hub's user", NOT_REACHABLE) from None
    if as_json:
        show_json([asdict(each) for each in found])
        return
    show_rows([_row(each) for each in found], False, "尚无交付 no deliveries yet")
    for each in found:
        if each.findings is not None:
            _tell(each, each.findings)


def _row(each: Overview) -> dict[str, object]:
    return {
        "object": each.object,
        "delivery": each.delivery,
        "state": f"{each.state}: {each.reason}" if each.reason else each.state,
        "rows": each.rows,
        "encoding": each.encoding,
        "delimiter": repr(each.delimiter) if each.delimiter else None,
        "moment": each.moment,
        "sha256": each.sha256,
    }


def _tell(each: Overview, report: Any) -> None:
    note(f"{each.delivery}: 已退回 rejected, {report.get('total', '?')} 处 findings; {each.report}")
    for finding in report.get("findings", [])[:_SHOWN]:
        place = " ".join(
            f"{name} {finding[key]}" for name, key in (("行 line", "line"), ("列 column", "column"), ("字节 byte", "byte")) if finding[key] is not None
        )
        note(f"  {place or '-'}: {finding['code']} {finding['message']}; {finding['hint']}")
