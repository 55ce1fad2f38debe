"""``huitong-verify``: the command line. Exit codes: 0 sound, 1 contradiction, 2 usage, 3 cannot be read."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from verifier import commands
from verifier.faults import Fault
from verifier.report import Report

_ABOUT = (
    "核验汇通的回执、检查点、导出、归档与清单，离线，不依赖平台。Verifies receipts, checkpoints, exports, archives and manifests of a Huitong hub, offline.\n"
    "退出码 Exit codes: 0 成立 sound, 1 矛盾 contradiction, 2 用法 usage, 3 无法核验 cannot be verified."
)
_Command = tuple[Callable[[argparse.Namespace, Report], None], str, str]
COMMANDS: dict[str, _Command] = {
    "receipt": (commands.receipt, "回执 receipts of answers", "huitong-verify receipt answer.json --key log.key --proof proof.json"),
    "checkpoint": (
        commands.checkpoint,
        "检查点及两个检查点的一致性 checkpoints, and that one extends the other",
        "huitong-verify checkpoint old.txt new.txt --key log.key --consistency proof.json",
    ),
    "export": (commands.export, "导出文件 exports", "huitong-verify export mine.jsonl --key log.key --receipts receipts.jsonl"),
    "archive": (commands.archive, "归档 archives", "huitong-verify archive /archive/2026 --key keys.jsonl --checkpoint kept.txt"),
    "manifest": (
        commands.manifest,
        "批量交换的清单与文件 manifest and files of a batch exchange",
        "huitong-verify manifest manifest.json data.csv --key log.key",
    ),
    "exchange": (
        commands.exchange,
        "批量交换的目录：清单、文件与日志证明 the folder of a batch exchange: manifest, files and the ledger's proof",
        "huitong-verify exchange persons --key log.key",
    ),
}

_KEPT = "别处保存的检查点 a checkpoint kept elsewhere. Repeatable."


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    made = argparse.ArgumentParser(prog="huitong-verify", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter)
    choices = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, about, example) in COMMANDS.items():
        one = choices.add_parser(name, help=about, description=about, epilog=f"Example: {example}")
        _common(one)
        _own(name, one)
    return made


def _common(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--key", type=Path, action="append", required=True, metavar="FILE", help="日志公钥或密钥历史 the log's public key or key history. Repeatable."
    )
    one.add_argument(
        "--witness", action="append", default=[], metavar="KEY", help="见证方公钥（或其文件） a witness's public key, or the file with it. Repeatable."
    )
    one.add_argument("--quorum", type=_number, metavar="N", help="至少几个见证方 how many of them must have cosigned. Default: all that are given.")
    one.add_argument("--device-key", type=Path, metavar="FILE", help="须有该设备的 SM2 签名 the SM2 public key (PEM) of a device that must have signed.")
    one.add_argument("--json", action="store_true", help="输出 JSON print the report as JSON.")


def _own(name: str, one: argparse.ArgumentParser) -> None:
    if name == "manifest":
        one.add_argument("manifest", type=Path, metavar="MANIFEST", help="清单 manifest.json")
        one.add_argument("files", type=Path, nargs="*", metavar="FILE", help="随附文件 the files that it lists")
        return
    if name == "exchange":
        one.add_argument("folder", type=Path, metavar="FOLDER", help="目录 the folder with manifest.json")
        one.add_argument("--checkpoint", type=Path, action="append", default=[], metavar="FILE", help=_KEPT)
        one.add_argument(
            "--entries", type=Path, action="append", default=[], metavar="FILE", help="含该日志条目的导出 an export with the ledger's entry. Repeatable."
        )
        return
    if name == "checkpoint":
        one.add_argument("older", type=Path, metavar="OLDER", help="检查点 a checkpoint")
        one.add_argument("newer", type=Path, nargs="?", metavar="NEWER", help="较新的检查点 a later one")
        one.add_argument("--consistency", type=Path, metavar="FILE", help="一致性证明 the proof that NEWER extends OLDER.")
        return
    one.add_argument("files", type=Path, nargs="+", metavar="FILE", help=COMMANDS[name][1])
    one.add_argument("--checkpoint", type=Path, action="append", default=[], metavar="FILE", help=_KEPT)
    if name == "receipt":
        one.add_argument("--proof", type=Path, action="append", default=[], metavar="FILE", help="包含证明 an inclusion proof, JSON or tlog-proof. Repeatable.")
    else:
        one.add_argument("--receipts", type=Path, action="append", default=[], metavar="FILE", help="回执，每行一个 receipts, one a line. Repeatable.")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise argparse.ArgumentTypeError("应为整数 a whole number is expected")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line; its exit code."""
    try:
        options = parser().parse_args(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 2
    report = Report(options.command)
    try:
        COMMANDS[options.command][0](options, report)
    except Fault as fault:
        report.find(fault)
    _print(json.dumps(report.as_json(), ensure_ascii=False) if options.json else "\n".join(report.told()))
    return report.code


def _print(text: str) -> None:
    """Also where the terminal's encoding lacks Chinese."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def entry() -> None:
    """For ``huitong-verify.pyz``, which ends with what its function raises."""
    sys.exit(main())
