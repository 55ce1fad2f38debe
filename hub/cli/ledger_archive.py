"""``huitong ledger archive``, ``archives`` and ``prune``: old entries written out, and removed after their time."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from hub.archive.files import ArchiveFault, Segment
from hub.archive.service import SEGMENT, Archives
from hub.cli.faults import CliFault
from hub.cli.options import ActorName, AsJson
from hub.cli.output import show_record, show_rows
from hub.cli.session import acting, opened
from hub.core import Core
from hub.demo.progress import shown, silent
from hub.store.base import CHINA


def archive_command(
    until: Annotated[str, typer.Option(metavar="DATE", help="归档此日之前的条目 Entries from before this day (UTC+8), such as 2026-01-01.")],
    to: Annotated[Path, typer.Option(metavar="DIR", help="归档目录，须为空 A new folder for the archive.")],
    segment: Annotated[int, typer.Option(min=1, max=10_000_000, help="每个文件的条目数 Entries of one file.")] = SEGMENT,
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """归档旧条目 Write old entries out, packed and proven. Removes nothing."""
    with opened() as core:
        core.log.publisher.publish_all()
        with shown(sys.stderr) as bars:
            progress = silent if as_json or not sys.stderr.isatty() else bars
            try:
                made = archives(core).archive(acting(actor), _day(until), to, segment, lambda done, total: progress("entries", done, total))
            except ArchiveFault as fault:
                raise CliFault(str(fault), "归档未登记，请更换目录重试 the archive is not registered; try again with another folder") from None
    record = {"folder": str(to), "first": made[0].first, "count": sum(each.count for each in made), "segments": len(made)}
    show_record(record, as_json, f"已归档 archived: {record['count']} entries from {record['first']} on, {record['segments']} files in {to}")


def archives_command(as_json: AsJson = False) -> None:
    """列出归档 List what is archived, and what of it was removed."""
    with opened() as core:
        rows = [
            {**_row(each.segment), "archived_at": each.archived_at, "removed_at": each.pruned_at, "sha256": each.segment.sha256}
            for each in archives(core).registered()
        ]
    show_rows(rows, as_json, "尚无归档 nothing is archived yet: huitong ledger archive")


def prune_command(
    archive: Annotated[
        list[Path], typer.Option(exists=True, file_okay=False, metavar="DIR", help="归档目录，逐一核验 Folder of an archive, verified again. Repeatable.")
    ],
    approver: Annotated[str, typer.Option(metavar="NAME", help="批准人，须为他人 Who approves the removal: somebody else than the actor.")],
    actor: ActorName = None,
    as_json: AsJson = False,
) -> None:
    """删除已归档且逾保存期的条目 Remove entries that are archived and older than the retention; hashes, batches and checkpoints stay."""
    with opened() as core, shown(sys.stderr) as bars:
        progress = silent if as_json or not sys.stderr.isatty() else bars
        try:
            done = archives(core).prune(acting(actor), approver, archive, lambda now, total: progress("entries", now, total))
        except ArchiveFault as fault:
            raise CliFault(
                str(fault), "请以完好的副本重试，未核验的部分一概不删 try again with a sound copy; nothing was removed that was not verified"
            ) from None
    show_rows([_row(each) for each in done], as_json, "")


def archives(core: Core) -> Archives:
    """The archives of an opened home."""
    return Archives(core.engine, core.acts, core.log, core.settings.ledger_retention_years)


def _row(segment: Segment) -> dict[str, object]:
    return {"first": segment.first, "count": segment.count, "file": segment.file, "bytes": segment.bytes}


def _day(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("请写日期，如 write a day such as 2026-01-01", param_hint="--until") from None
    return datetime(day.year, day.month, day.day, tzinfo=CHINA)
