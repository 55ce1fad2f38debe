"""Batch exchanges: a folder with files and their signed manifest, as ``huitong exchange pull`` leaves it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes as digests

from verifier.faults import Fault, Refuted, Unreadable
from verifier.files import NAME, confirm_signature, spelled
from verifier.notes import Policy, Seen
from verifier.proofs import Inclusion
from verifier.report import Report
from verifier.rows import TEXTS, Rows, columnar
from verifier.texts import content, fields, hashes, lines, octets, parsed, shown, whole
from verifier.tree import digest_of

MANIFEST = "manifest.json"
_WHAT = "清单 the manifest"
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Delivered:
    """One file as the manifest names it; ``form`` is its format."""

    name: str
    form: str
    rows: int
    bytes: int
    sha256: str
    sm3: str | None

    def confirm(self, path: Path, report: Report) -> None:
        """Compare a file with it: size, digests, rows.

        Raises:
            Fault: it is another, or cannot be read.
        """
        rows = self._read(path)
        counted = columnar(path, self.form) if rows is None else rows
        if counted is None:
            report.warn(f"未核对 {self.name} 的行数（需要 pyarrow）", f"the rows of {self.name} were not counted; pyarrow, which is not installed, could")
        elif counted != self.rows:
            raise Refuted(f"{self.name} 有 {counted} 行，清单为 {self.rows} 行", f"{self.name} has {counted} rows where the manifest names {self.rows}")

    def _read(self, path: Path) -> int | None:
        sha256, sm3, rows, size = hashlib.sha256(), digests.Hash(digests.SM3()), Rows(self.form), 0
        try:
            with path.open("rb") as file:
                while piece := file.read(_PIECE):
                    size += len(piece)
                    sha256.update(piece)
                    rows.take(piece)
                    if self.sm3 is not None:
                        sm3.update(piece)
        except OSError as fault:
            raise Refuted(f"缺少 {self.name} 或无法读取", f"{self.name} is missing or cannot be read: {fault.strerror}") from fault
        if size != self.bytes:
            raise Refuted(f"{self.name} 有 {size} 字节，清单为 {self.bytes} 字节", f"{self.name} has {size} bytes where the manifest names {self.bytes}")
        if sha256.hexdigest() != self.sha256 or (self.sm3 is not None and sm3.finalize().hex() != self.sm3):
            raise Refuted(f"{self.name} 的摘要与清单不符", f"{self.name} has not the digest that the manifest names")
        return rows.count if self.form in TEXTS else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the manifest says that the exchange stands in the ledger: ``leaf`` is the commitment to the entry's bytes."""

    log: str
    entry: int
    leaf: bytes
    files: str
    proof: Inclusion | None


def confirm_exchange(folder: Path, policy: Policy, entries: Sequence[Path], given: Collection[Path], report: Report) -> Seen | None:
    """Verify an exchange into the report: manifest, files, and its place in the ledger, whose checkpoint is returned where it is proven.

    ``entries`` are exports that hold the ledger's entry, ``given`` files that may lie in the folder besides.

    Raises:
        Fault: the manifest cannot be read or trusted.
    """
    _check_plain(folder)
    value = parsed(content(folder / MANIFEST), _WHAT)
    exchange, form, listed, plan, told, _ = fields(value, _WHAT, exchange=str, format=str, files=list, plan=dict, ledger=dict, signature=dict)
    place = _place(told)
    report.logs.add(shown(place.log))
    confirm_signature(value, place.log, policy.keys, place.entry + 1, ("清单", "the manifest"))
    report.prove("清单由平台签名", f"the manifest of the exchange {shown(exchange)} is signed by {shown(place.log)}")
    if _digest(listed) != place.files:
        raise Refuted("清单所列文件与日志条目的摘要不符", "the files listed are not those whose digest the ledger's entry names", place.entry)
    if _digest({name: part for name, part in plan.items() if name != "sha256"}) != plan.get("sha256"):
        raise Refuted("计划与其摘要不符", "the plan has not the digest that the manifest names")
    _files(folder, [_delivered(one, form) for one in listed], given, report)
    seen = _proven(place, policy, report)
    for path in entries:
        _entry(path, place, exchange, report)
    return seen


def _check_plain(folder: Path) -> None:
    """Raises where a pipe or a device lies, or is linked to, which would be read without end."""
    try:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.exists() and not (path.is_file() or path.is_dir()):
                raise Unreadable(f"{shown(path.name)} 不是文件", f"{shown(path.name)} is no file")
    except OSError as fault:
        raise Unreadable(f"无法读取 {shown(folder)}", f"cannot read {shown(folder)}: {fault.strerror}") from fault


def _files(folder: Path, files: Sequence[Delivered], given: Collection[Path], report: Report) -> None:
    names = {file.name for file in files}
    if len(names) < len(files) or MANIFEST in names:
        raise Refuted("清单中有重复或不可用的文件名", "the manifest names a file twice, or itself")
    for file in files:
        report.count("files")
        try:
            file.confirm(folder / file.name, report)
        except Fault as fault:
            report.find(fault)
        else:
            report.count("rows", file.rows)
            report.count("bytes", file.bytes)
            report.prove(f"{file.name} 与清单一致", f"{file.name} is the listed file")
    known = {path.resolve() for path in given} | {(folder / MANIFEST).resolve()}
    for beside in sorted(path for path in folder.iterdir() if path.name not in names and path.resolve() not in known):
        report.find(Refuted(f"清单中没有 {shown(beside.name)}", f"{shown(beside.name)} lies in the folder and is not in the manifest"))


def _proven(place: Place, policy: Policy, report: Report) -> Seen | None:
    """The checkpoint that holds the entry; what is wrong with the proof is reported."""
    if place.proof is None:
        report.warn("清单中没有日志证明；请重新下载清单", "the manifest holds no proof of the ledger's entry yet: fetch it again")
        return None
    report.count("proofs")
    try:
        if place.proof.index != place.entry:
            raise Refuted("证明属于其他条目", "the proof is that of another entry", place.entry)
        seen = place.proof.confirm(place.leaf, policy)
        if seen.head.log != place.log:
            raise Refuted("证明属于其他日志", "the proof is of another log", place.entry)
    except Fault as fault:
        report.find(fault)
        return None
    report.prove("日志条目已发布", f"proof verified: entry {place.entry} is in the published tree of {seen.head.size} entries")
    return seen


def _entry(path: Path, place: Place, exchange: str, report: Report) -> None:
    """Compare the entry's own bytes, from an export of the ledger, with what the manifest says of it."""
    text = _found(lines(path), place.entry)
    if text is None:
        report.warn(f"{shown(path.name)} 中没有条目 {place.entry}", f"{shown(path.name)} does not hold the entry {place.entry}")
        return
    report.count("entries")
    if digest_of(place.log).leaf(text.encode()) != place.leaf:
        report.find(Refuted("条目与清单中的叶散列不符", "the entry is not the one whose leaf the manifest names", place.entry))
        return
    (details,) = fields(parsed(text.encode(), "条目 the entry"), "条目 the entry", details=dict)
    if (details.get("exchange"), details.get("sha256")) != (exchange, place.files):
        report.find(Refuted("条目记载的是其他文件", "the ledger's entry names other files, or another exchange", place.entry))
        return
    report.prove("日志条目记载了这些文件", f"entry {place.entry} of the ledger names these files")


def _found(source: Iterable[bytes], entry: int) -> str | None:
    for line in source:
        if line.startswith(b"{") and b'"entry":' in line:
            value = parsed(line, "导出文件 the export")
            if value.get("seq") == entry and isinstance(value.get("entry"), str):
                return str(value["entry"])
    return None


def _place(told: dict[str, Any]) -> Place:
    log, entry, leaf, files = fields(told, "ledger", log=str, entry=str, leaf=str, sha256=str)
    proof: Inclusion | None = None
    if "proof" in told:
        index, size, steps, note = fields(told["proof"], "证明 the proof", index=int, size=int, path=list, checkpoint=str)
        proof = Inclusion(whole(index, "index"), whole(size, "size"), hashes(steps, "path"), note)
    return Place(log, whole(entry, "ledger.entry"), octets(leaf, "leaf", 32), files, proof)


def _delivered(value: Any, form: str) -> Delivered:
    name, rows, size, sha256 = fields(value, "文件 the file", name=str, rows=int, bytes=int, sha256=str)
    sm3 = value.get("sm3")
    if not NAME.match(name) or not _HEX.match(sha256) or not (sm3 is None or (isinstance(sm3, str) and _HEX.match(sm3))):
        raise Unreadable("清单中的文件名或摘要不规范", "the manifest holds an ill-formed file name or digest")
    return Delivered(name, form, whole(rows, "rows"), whole(size, "bytes"), sha256, sm3)


def _digest(value: Any) -> str:
    return hashlib.sha256(spelled(value).encode()).hexdigest()
