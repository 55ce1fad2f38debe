"""``huitong catalog drift``: what changed in the sources since their resources were published."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from hub.catalog.drift import find_drift
from hub.cli.faults import FAILED, NOT_REACHABLE, CliFault
from hub.cli.options import AsJson
from hub.cli.output import note, show_json, show_rows
from hub.cli.session import opened


def command(
    what: Annotated[str | None, typer.Argument(metavar="DEPARTMENT[.RESOURCE]", help="仅此部门或资源 Only this department or resource.")] = None,
    as_json: AsJson = False,
) -> None:
    """比对目录与数据源 Compare the published catalog with the live sources. Exit code 1 where they differ, 3 where a source cannot be asked."""
    with opened() as core:
        snapshot = core.catalog.current()
    chosen = [one for one in snapshot.resources.values() if what in (None, one.code, one.department)]
    if what is not None and not chosen:
        raise CliFault(f"没有已发布的部门或资源 no published department or resource {what}", "huitong catalog show")
    found = asyncio.run(find_drift(snapshot.sources, chosen))
    rows = [asdict(one) for one in found.drifts]
    if as_json:
        show_json({"checked": found.checked, "drift": rows, "not_asked": [asdict(one) for one in found.unasked]})
    else:
        show_rows(rows, False, f"{found.checked} 个资源与数据源一致 resource(s) agree with their sources")
        for one in found.unasked:
            note(f"未能比对 not compared: {', '.join(one.resources)}: {one.message}\n  → {one.remedy}")
    if rows or found.unasked:
        raise typer.Exit(FAILED if rows else NOT_REACHABLE)
