"""``huitong ledger export``: the log as a file, for whoever keeps the hub's home."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from hub.acts import make_id
from hub.cli.faults import CliFault
from hub.cli.options import ActorName, AsJson
from hub.cli.output import show_record
from hub.cli.session import acting, opened
from hub.reading.exports import export_draft, new_export
from hub.reading.formats import MEDIA
from hub.reading.views import Scope, View
from schema.faults import Fault

Text = str | None


def export_command(
    output: Annotated[Path, typer.Option("--output", "-o", dir_okay=False, metavar="FILE", help="输出文件，不得已存在 The file to write; must not exist.")],
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help=f"格式 One of {', '.join(MEDIA)}.")] = "jsonl",
    provided_by: Annotated[Text, typer.Option(metavar="DEPARTMENT", help="仅该部门可见的内容 What this department may see as a provider.")] = None,
    since: Annotated[Text, typer.Option(metavar="MOMENT", help="起，含 From, inclusive: ISO 8601 with offset.")] = None,
    until: Annotated[Text, typer.Option(metavar="MOMENT", help="止，不含 To, exclusive.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="类别 Kind of entry: call, deny, admin … Repeatable.")] = None,
    application: Annotated[Text, typer.Option(help="应用 Application.")] = None,
    department: Annotated[Text, typer.Option(help="使用部门 The consumer's department.")] = None,
    resource: Annotated[Text, typer.Option(help="资源 Resource.")] = None,
    outcome: Annotated[Text, typer.Option(help="结果 OK, PARTIAL, REFUSED or FAILED.")] = None,
    purpose: Annotated[Text, typer.Option(help="用途 Purpose.")] = None,
    first: Annotated[Text, typer.Option(help="起始条目 First entry's number.")] = None,
    last: Annotated[Text, typer.Option(help="末尾条目 Last entry's number.")] = None,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """导出日志 Export the log to a file. JSON Lines carry proofs that `huitong-verify` checks. The export is an entry of the log."""
    said = {"from": since, "to": until, "kind": kind, "department": department, "resource": resource, "outcome": outcome, "purpose": purpose}
    said |= {"lowest": first, "highest": last}
    scope = Scope(View.ALL) if provided_by is None else Scope(View.PROVIDED, department=provided_by)
    by = acting(actor)
    with opened() as core:
        core.log.publisher.publish_all()
        app = core.registry.by_name(application) if application else None
        try:
            which = scope.filter({**said, "application": app.client_id if app else application})
            export = new_export(core, scope, which, form, by.name, make_id("call"))
        except Fault as fault:
            raise CliFault(f"{fault.zh} {fault.en}", f"{fault.hint_zh} {fault.hint_en}") from None
        who = {"operator": by.operator}
        core.ledger.append_sync(export_draft(export, export.begun(), **who))
        try:
            with os.fdopen(os.open(output, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                for part in export.parts():
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            raise CliFault(f"{output}: {fault.strerror}", "请另选文件 choose another file") from None
        finally:
            core.ledger.append_sync(export_draft(export, export.ended(), **who))
    ended = export.ended()
    record = {"file": str(output), **{name: ended[name] for name in ("entries", "rows", "bytes", "sha256")}}
    show_record(record, as_json, f"已导出 exported: {export.entries} entries, {export.rows} rows to {output}\nSHA-256 {ended['sha256']}")
