"""``huitong catalog``: manifests are imported, reviewed by somebody else, published; and what is published can be seen."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from connectors.spi import SourceConfig
from hub.catalog.disclosure_report import Asked, Report
from hub.catalog.problems import Refused
from hub.catalog.service import ImportedManifest
from hub.cli import declared_masks, diffing, drafting, drifting, withdraw
from hub.cli.faults import CliFault, ManifestRefused
from hub.cli.options import EXAMPLES, ActorName, AsJson
from hub.cli.output import say, show_json, show_record, show_rows
from hub.cli.session import acting, opened
from hub.core import Core
from schema.model import Resource, Snapshot

group = typer.Typer(help="资源目录 The catalog.", no_args_is_help=True)
group.command(
    "draft",
    epilog=EXAMPLES + "huitong catalog draft civil_affairs.register -o draft.toml\n\n"
    "huitong catalog draft --url sqlite:////data/archive.db --department archives --name 市档案馆 --uscc 125201000093999996",
)(drafting.command)
Number = Annotated[int, typer.Argument(help="导入编号 Number of the import.")]


@group.command("import", epilog=EXAMPLES + "huitong catalog import civil_affairs.toml --actor li\n\nhuitong catalog import - < civil_affairs.toml")
def import_(
    manifest: Annotated[Path, typer.Argument(help="清单(TOML),- 为标准输入 The manifest; - reads standard input.")],
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """导入部门资源目录 Import a department's manifest, whole or not at all; every fault is listed with its line and remedy."""
    text = _read(manifest)
    with opened() as core:
        try:
            made = core.catalog.import_manifest(acting(actor), text)
        except Refused as refused:
            raise ManifestRefused(str(manifest), refused.problems) from None
    resources = ", ".join(made.resources)
    hint = f"请他人审核 let somebody else review it: huitong catalog review {made.id} --approve --actor NAME"
    show_record(_told(made), as_json, f"已导入 imported as {made.id}: {made.department} ({resources})\n{hint}")


@group.command("review", epilog=EXAMPLES + "huitong catalog review 7 --approve --opinion 同意 --actor wang")
def review(
    number: Number,
    approve: Annotated[bool, typer.Option("--approve/--reject", help="同意或驳回 Approve or reject.")],
    opinion: Annotated[str, typer.Option(help="审核意见 Opinion.")] = "",
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """审核导入 Approve or reject an import. Not by who imported it. What it would disclose is told before; see `huitong catalog diff --import`."""
    with opened() as core:
        found = _diff(core, number, as_json)
        made = core.catalog.review(acting(actor), number, approve, opinion, found.digest if found else None)
    hint = f"; 发布 publish: huitong catalog publish {number}" if approve else ""
    changes = "".join(f"\n{change}" for change in made.mask_changes)
    show_record(_told(made), as_json, f"{made.department} {number}: {made.state}{hint}{changes}")


@group.command("publish", epilog=EXAMPLES + "huitong catalog publish 7")
def publish(number: Number, actor: ActorName = None, as_json: AsJson = False) -> None:
    """发布已审核的导入 Publish an approved import; a running hub serves it at once, without restart."""
    with opened() as core:
        snapshot = core.catalog.publish(acting(actor), number)
        sources = core.catalog.sources_of(number)
    show_record({"import": number, "snapshot": snapshot}, as_json, f"已发布 published as snapshot {snapshot}{_next_checks(sources)}")


@group.command("export", epilog=EXAMPLES + "huitong catalog export civil_affairs > civil_affairs.toml")
def export(
    department: Annotated[str, typer.Argument(help="部门代码 Code of the department.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", dir_okay=False, help="写入文件 Write to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """导出已发布的清单 Export the published manifest of a department, as it was imported."""
    with opened() as core:
        text = core.catalog.manifest_text(department)
    if text is None:
        raise CliFault(f"部门 {department} 没有已发布的清单 has no published manifest", "huitong catalog show --imports")
    if as_json:
        show_json({"department": department, "manifest": text})
    elif output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")


@group.command("show", epilog=EXAMPLES + "huitong catalog show\n\nhuitong catalog show civil_affairs.person\n\nhuitong catalog show --imports")
def show(
    resource: Annotated[str | None, typer.Argument(help="资源代码 Code of one resource: its items.")] = None,
    imports: Annotated[bool, typer.Option("--imports", help="导入记录及其状态 The imports and where they stand.")] = False,
    as_json: AsJson = False,
) -> None:
    """查看目录 Show the published resources, the items of one, or the imports."""
    with opened() as core:
        if imports:
            show_rows([dict(row) for row in core.catalog.manifests()], as_json, "尚无导入 no imports yet: huitong catalog import")
            return
        snapshot = core.catalog.current()
    if resource is None:
        show_rows([_row(one) for one in snapshot.resources.values()], as_json, "尚无已发布的资源 nothing is published yet: huitong catalog import")
    else:
        _show_one(snapshot, resource, as_json)


group.command(
    "diff", epilog=EXAMPLES + "huitong catalog diff\n\nhuitong catalog diff --pending\n\nhuitong catalog diff --since 2026-01-01T00:00:00+08:00 --json"
)(diffing.command)
group.command("masks", epilog=EXAMPLES + "huitong catalog masks\n\nhuitong catalog masks civil_affairs\n\nhuitong catalog masks --import 7")(
    declared_masks.command
)
group.command("drift", epilog=EXAMPLES + "huitong catalog drift\n\nhuitong catalog drift civil_affairs --json")(drifting.command)


def _diff(core: Core, number: int, as_json: bool) -> Report | None:
    """What an import would disclose, told to people before they decide; ``None`` where there is no such import."""
    try:
        found = diffing.diff(core, Asked(manifest=number))
    except Refused:
        return None
    if not as_json:
        diffing.show_diff(found)
    return found


def _told(made: ImportedManifest) -> dict[str, object]:
    return {name: value for name, value in asdict(made).items() if name != "mask_changes" or value}


def _next_checks(sources: Sequence[SourceConfig]) -> str:
    if not sources:
        return ""
    checks = "; ".join(f"huitong source check {one.code}{_unset(one.secret)}" for one in sources)
    return f"\n接下来检查数据源 check next: {checks}"


def _unset(secret: str | None) -> str:
    kind, _, name = (secret or "").partition(":")
    if kind != "env" or name in os.environ:
        return ""
    return f" (此处未设置 {name}，汇通服务自身的环境须有它 {name} is not set here; the hub's own environment needs it)"


def _show_one(snapshot: Snapshot, code: str, as_json: bool) -> None:
    found = snapshot.resources.get(code)
    if found is None:
        raise CliFault(f"没有已发布的资源 no published resource {code}", "huitong catalog show")
    items = _items(found)
    if as_json:
        links = [{"field": link.field, "item": link.item, "to": f"{link.to_resource}.{link.to_item}"} for link in found.links]
        show_json(_row(found) | {"items": items, "links": links})
        return
    say(f"{found.code}  {found.name} {found.name_en}\n{found.description}")
    show_rows(items, False, "")
    for link in found.links:
        say(f"{link.field}: {link.item} → {link.to_resource}.{link.to_item}")


def _row(resource: Resource) -> dict[str, object]:
    return {
        "code": resource.code,
        "name": resource.name,
        "level": resource.level,
        "sharing_class": resource.sharing_class.value,
        "open_class": resource.open_class.value,
        "operations": sorted(operation.value for operation in resource.operations),
        "source": resource.source,
        "items": len(resource.items),
    }


def _items(resource: Resource) -> list[dict[str, object]]:
    return [
        {
            "code": item.code,
            "name": item.name,
            "type": item.kind.value,
            "identifier": item.code in resource.identifiers,
            "filterable": item.filterable,
            "sharing_class": item.sharing_class.value if item.sharing_class else None,
            "share_mask": item.share_mask,
            "open_mask": item.open_mask,
        }
        for item in resource.items.values()
    ]


def _read(path: Path) -> str:
    if str(path) != "-" and not path.is_file():
        raise typer.BadParameter(f"没有文件 no file {path}", param_hint="manifest")
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        raise CliFault(f"{path}: 第 {fault.start} 字节处不是 UTF-8 not UTF-8 at byte {fault.start}", "请另存为 UTF-8 save it as UTF-8") from None


group.command("withdraw", epilog=EXAMPLES + 'huitong catalog withdraw civil_affairs.person --reason "疑似泄露 suspected leak"')(withdraw.withdraw_command)
group.command("restore", epilog=EXAMPLES + 'huitong catalog restore civil_affairs.person --assessment "已改用更严格的脱敏 masked more strictly" --actor du')(
    withdraw.restore_command
)
group.command("withdrawals", epilog=EXAMPLES + "huitong catalog withdrawals\n\nhuitong catalog withdrawals --recipients civil_affairs.person --json")(
    withdraw.withdrawals_command
)
