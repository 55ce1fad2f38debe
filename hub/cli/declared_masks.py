"""``huitong catalog masks``: the departments' own masking rules in all their versions, and what an import would do to masks."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from hub.catalog.mask_review import changes_of
from hub.catalog.mask_versions import RuleVersion, rule_versions
from hub.cli.options import AsJson
from hub.cli.output import show_rows
from hub.cli.session import opened
from hub.store.engine import reading
from schema.model import Snapshot


def command(
    department: Annotated[str | None, typer.Argument(help="部门代码，默认为全部 Code of a department; default: all.")] = None,
    manifest: Annotated[int | None, typer.Option("--import", metavar="N", min=0, help="此导入对脱敏的变更 What this import would do to masks.")] = None,
    as_json: AsJson = False,
) -> None:
    """查看部门自定义的脱敏规则 Show every published version of the departments' own masking rules, as the ledger names them."""
    with opened() as core, reading(core.engine) as connection:
        if manifest is not None:
            changes = [{"change": each.kind, "of": f"{each.target} {each.profile}".strip(), "before": each.before, "after": each.after}
                       for each in changes_of(connection, manifest)]  # fmt: skip
            show_rows(changes, as_json, "脱敏无变化 masks stay as they are")
            return
        snapshot = core.catalog.load(connection)
        rows = [_row(each, snapshot) for each in rule_versions(connection, department)]
    show_rows(rows, as_json, "没有自定义的脱敏规则 no department declares masking rules")


def _row(rule: RuleVersion, snapshot: Snapshot) -> dict[str, Any]:
    said = json.loads(rule.content)
    declared = next((resource.masks for resource in snapshot.by_department.get(rule.department, ())), {})
    held = declared.get(rule.code)
    return {
        "rule": f"{rule.department}.{rule.code}@{rule.version}",
        "algorithm": said["algorithm"],
        "props": json.dumps(said["props"], ensure_ascii=False),
        "fixed": said["fixed"],
        "share": said["share"],
        "import": rule.manifest,
        "in_force": held is not None and held.version == rule.version,
    }
