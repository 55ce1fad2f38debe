"""``huitong ledger``: verification of the call log."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hub.archive.files import ArchiveFault
from hub.archive.source import ArchiveSource
from hub.cli import ledger_archive, ledger_export, ledger_verifier, trace
from hub.cli.faults import CliFault
from hub.cli.options import EXAMPLES, AsJson
from hub.cli.output import note, say, show_json
from hub.cli.session import opened
from hub.cli.texts import read_text
from hub.core import Core
from hub.demo.progress import shown, silent
from hub.ledger.device import DeviceKey
from hub.ledger.device_check import check_device
from hub.ledger.keys import VerifierKey
from hub.ledger.receipt import Receipt
from hub.ledger.report import Report, read_receipts
from hub.ledger.verify import verify
from hub.store.engine import reading

group = typer.Typer(help="调用日志 The ledger.", no_args_is_help=True)
Files = list[Path] | None


@group.callback()
def ledger() -> None:
    """调用日志 The ledger."""


@group.command(
    "verify",
    epilog=EXAMPLES + "huitong ledger verify\n\nhuitong ledger verify --checkpoint kept-by-the-auditor.txt --receipts receipts.jsonl --key log.key",
)
def verify_command(
    checkpoint: Annotated[
        Files, typer.Option(exists=True, dir_okay=False, help="别处保存的检查点 A checkpoint kept elsewhere (GET /ledger/checkpoint). Repeatable.")
    ] = None,
    receipts: Annotated[
        Files, typer.Option(exists=True, dir_okay=False, help="回执，每行一个 JSON Receipts, one JSON object a line (extensions.receipt). Repeatable.")
    ] = None,
    key: Annotated[
        Files,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="别处保存的公钥，以此为信任起点 A public key kept elsewhere (GET /ledger/key), which alone is trusted then. Repeatable.",
        ),
    ] = None,
    archive: Annotated[
        Files, typer.Option(exists=True, file_okay=False, help="归档目录，其条目已从控制库删除 Folder of an archive whose entries were removed. Repeatable.")
    ] = None,
    device_key: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="签名设备的 SM2 公钥（PEM），以 openssl 核验 SM2 public key of the signing device; openssl checks it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """核验全部日志 Verify every entry, batch, tree node and checkpoint. Exit code 1 where anything contradicts anything.

    Without a checkpoint or receipts kept elsewhere, whoever holds the database and the signing key could have rewritten history.
    """
    checkpoints = [read_text(path) for path in checkpoint or []]
    kept = [receipt for path in receipts or [] for receipt in _receipts(path)]
    keys = [VerifierKey.parse(read_text(path)) for path in key or []]
    with opened() as core:
        report = _verified(core, keys, checkpoints, kept, archive or [], as_json)
        if device_key is not None:
            with reading(core.engine) as connection:
                check_device(connection, DeviceKey.read(device_key, core.ledger.log), checkpoints, report)
    if as_json:
        show_json(report.as_json())
    else:
        _tell(report)
    if not report.ok:
        raise typer.Exit(1)


def _verified(core: Core, given: list[VerifierKey], checkpoints: list[str], receipts: list[Receipt], folders: list[Path], as_json: bool) -> Report:
    # Whoever trusts a key kept elsewhere does not trust the one that lies here, unless the other vouches for it.
    keys = given or [core.log.verifier_key]
    strange = next((one for one in keys if one.name != core.ledger.log), None)
    if strange is not None:
        raise CliFault(f"公钥属于日志 the key is of the log {strange.name!r}", f"请提供日志 {core.ledger.log} 的公钥 give a key of this log: --key")
    try:
        source = ArchiveSource(folders, core.ledger.log, ledger_archive.archives(core).keys)
    except ArchiveFault as fault:
        raise CliFault(str(fault), "请以完好的副本重试 try again with a sound copy") from None
    with shown(sys.stderr) as bars, reading(core.engine, patience=0) as connection:
        progress = silent if as_json or not sys.stderr.isatty() else bars
        report = verify(
            connection,
            keys,
            checkpoints=checkpoints,
            receipts=receipts,
            archive=source if folders else None,
            progress=lambda done, total: progress("entries", done, total),
        )
    for found in source.faults:
        report.find("entry", found.entry, str(found))
    return report


def _receipts(path: Path) -> list[Receipt]:
    try:
        return read_receipts(read_text(path).splitlines())
    except ValueError as fault:
        raise CliFault(f"{path}: {fault}", "每行一个完整的 extensions.receipt one whole extensions.receipt a line") from None


def _tell(report: Report) -> None:
    for warning in report.warnings:
        note(f"注意 note: {warning}")
    for finding in report.findings:
        note(f"不符 {finding.what}: {finding.message}")
    if report.omitted:
        note(f"… 另有 and {report.omitted} more")
    counted = f"{report.entries} entries, {report.batches} batches, {report.checkpoints} checkpoints, {report.receipts} receipts"
    if report.ok:
        say(f"日志完整 the ledger is sound: {counted}; {report.published} published")
    else:
        first = "" if report.first is None else f"; 首个受影响条目 first entry concerned: {report.first}"
        say(f"日志不符 the ledger is NOT sound: {counted}; {len(report.findings) + report.omitted} findings{first}")


group.command("export", epilog=EXAMPLES + "huitong ledger export --format parquet --since 2026-01-01T00:00:00+08:00 --output ledger.parquet")(
    ledger_export.export_command
)
group.command("archive", epilog=EXAMPLES + "huitong ledger archive --until 2026-01-01 --to /archive/2025")(ledger_archive.archive_command)
group.command("archives", epilog=EXAMPLES + "huitong ledger archives")(ledger_archive.archives_command)
group.command("reindex", epilog=EXAMPLES + "huitong ledger reindex")(trace.reindex_command)
group.command("prune", epilog=EXAMPLES + "huitong ledger prune --archive /archive/2020 --approver yao")(ledger_archive.prune_command)
group.command("verifier", epilog=EXAMPLES + "huitong ledger verifier --output huitong-verify.pyz")(ledger_verifier.verifier_command)
