"""``huitong mask``: masking rules on values that nobody has, and what they give away."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from hub.cli.faults import CliFault
from hub.cli.options import EXAMPLES, AsJson
from hub.cli.output import say, show_json, show_rows
from hub.cli.session import opened
from hub.masking.preview import Asked, Declaration, Preview
from hub.masking.preview import preview as make_preview
from hub.masking.touched import touched
from masking.vocabulary import ALGORITHMS

group = typer.Typer(help="脱敏规则 Masking rules.", no_args_is_help=True)


@group.command(
    "preview",
    epilog=EXAMPLES + "huitong mask preview --rule KEEP_FIRST_6_LAST_4 --resource civil_affairs.person --item id_number\n\n"
    'huitong mask preview --algorithm MASK_FROM_X_TO_Y --props \'{"from-x": 6, "to-y": 13}\'\n\nhuitong mask preview --rule household_area --department water_supply\n\n'
    "huitong mask preview --rule NAME --value 欧阳娜娜",
)
def preview(
    rule: Annotated[str | None, typer.Option(help="规则或部门声明的规则代码 A rule, or the code of a department's own. Default: the item's.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="目录类型 Catalog type: string, date, integer …")] = None,
    resource: Annotated[str | None, typer.Option(metavar="CODE", help="资源代码 Code of a resource.")] = None,
    item: Annotated[str | None, typer.Option(metavar="CODE", help="其信息项 An item of it: its meaning, its grants.")] = None,
    department: Annotated[
        str | None, typer.Option(metavar="CODE", help="规则所属部门，默认为资源的部门 The department whose own rule it is; default: the resource's.")
    ] = None,
    algorithm: Annotated[str | None, typer.Option(help="未保存的规则的算法 Algorithm of a rule that is not saved.")] = None,
    props: Annotated[str | None, typer.Option(metavar="JSON", help="其属性，与清单中的写法相同 Its properties, as in a manifest.")] = None,
    fixed: Annotated[bool, typer.Option("--fixed", help="定长 Of fixed length.")] = False,
    share: Annotated[int | None, typer.Option(help="至多显示的百分比 Percent shown at most.")] = None,
    value: Annotated[list[str] | None, typer.Option(help="自行给出的值，默认为合成值 A value of your own; default: synthetic ones. Repeatable.")] = None,
    seed: Annotated[int, typer.Option(help="合成值的种子 Seed of the synthetic values.")] = 0,
    as_json: AsJson = False,
) -> None:
    """预览脱敏规则 Show a rule on synthetic values, what can still be inferred, and which grants it touches. No source is read."""
    if not algorithm and (props or fixed or share is not None):
        raise CliFault("--props、--fixed、--share 须与 --algorithm 同用 stand with --algorithm alone", "--algorithm KEEP_FIRST_N_LAST_M")
    given = Declaration(algorithm, _props(props), 1, fixed, share) if algorithm else None
    asked = Asked(rule, given, type_, resource, item, department, tuple(value or ()), seed)
    with opened() as core:
        made = make_preview(asked, core.catalog.current(), core.registry.applications())
    if as_json:
        # GraphQL's types are many; other commands do without them.
        from hub.cli.explaining import as_plain
        from hub.masking.types import preview_of

        show_json(as_plain(preview_of(made)))
    else:
        _show(made)


@group.command("list", epilog=EXAMPLES + "huitong mask list\n\nhuitong mask list civil_affairs --json")
def show(
    department: Annotated[str | None, typer.Argument(metavar="DEPARTMENT", help="仅此部门声明的规则 Only this department's own rules.")] = None,
    as_json: AsJson = False,
) -> None:
    """列出脱敏规则 List the departments' own rules and how many see an item through each; then the rules that every catalog may name."""
    with opened() as core:
        snapshot, apps = core.catalog.current(), core.registry.applications()
    if department is not None and department not in snapshot.by_department:
        raise CliFault(f"没有已发布目录的部门 no department with a published catalog: {department}", "huitong department list")
    own = {(code, mask.name): mask for code, resources in snapshot.by_department.items() for mask in resources[0].masks.values() if department in (None, code)}
    rows = [
        {
            "rule": mask.label,
            "department": owner,
            "algorithm": mask.algorithm,
            "parameters": list(mask.parameters),
            "version": mask.version,
            "share": mask.share,
            "fixed": mask.fixed,
            "seen_by": sum(1 for _ in touched(snapshot, apps, mask, owner)),
        }
        for (owner, _), mask in own.items()
    ]
    known = [{"rule": " | ".join(each.labels), "types": list(each.types or ("*",)), "share": each.share} for each in ALGORITHMS.values()]
    if as_json:
        show_json({"declared": rows, "rules": [] if department else known})
        return
    show_rows(rows, False, f"没有自定义的规则 no declared rules: {department or '全部部门 all departments'}")
    if department is None:
        say("")
        show_rows(known, False, "")


def _props(text: str | None) -> dict[str, int | str]:
    try:
        found = json.loads(text) if text else {}
    except ValueError as fault:
        raise CliFault(f"--props 不是 JSON is not JSON: {fault}", '{"first-n": 1, "last-m": 1}') from None
    if not isinstance(found, dict):
        raise CliFault("--props 应为对象 must be an object", '{"first-n": 1, "last-m": 1}')
    return found


def _show(made: Preview) -> None:
    say(f"{made.mask.label} v{made.mask.version} ({made.type}), 至多显示 shows at most {made.mask.share} %")
    rows = [
        {
            "meaning": row.meaning.value,
            "before": row.value,
            "after": row.masked if row.masked is not None else "(不显示 withheld)",
            "shown %": row.shown_percent if row.shown_percent is not None else "",
            "candidates": f"{'' if row.count.exact else '≈ '}{row.count.candidates:,}",
            "bits": row.bits,
            "knowing more": "; ".join(f"{each.zh} {each.en}: {each.candidates:,}" for each in row.knowing),
        }
        for row in made.rows
    ]
    show_rows(rows, False, "")
    for zh, en in dict.fromkeys((row.count.zh, row.count.en) for row in made.rows):
        say(f"  · {zh}\n    {en}")
    for each in made.warnings:
        say(f"! {each.code} {each.zh}\n    {each.en}")
    _show_touched(made)


def _show_touched(made: Preview) -> None:
    say(f"涉及 touches: {made.touched_count}")
    rows = [
        {
            "viewer": each.viewer,
            "application": each.application,
            "department": each.department,
            "item": f"{each.resource}.{each.item}",
            "grant": each.grant,
            "by": each.by,
        }
        for each in made.touched
    ]
    if rows:
        show_rows(rows, False, "")
