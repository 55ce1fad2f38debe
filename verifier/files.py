"""Archives and manifests of batch exchanges: signed lists of files, each with its SHA-256."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.bundles import BundleCheck, Tail
from verifier.faults import Fault, Refuted, Unreadable
from verifier.held import Held
from verifier.keys import Keys
from verifier.notes import Policy
from verifier.report import Report
from verifier.texts import content, fields, octets, parsed, shown, whole

ARCHIVE = "huitong-archive/v1"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Listed:
    """One file as a list names it."""

    name: str
    bytes: int
    sha256: str

    def confirm(self, path: Path) -> None:
        """Refutes a file that is not the one that was listed.

        Raises:
            Fault: it has another content, or cannot be read.
        """
        hashed, size = hashlib.sha256(), 0
        try:
            with path.open("rb") as file:
                while piece := file.read(_PIECE):
                    hashed.update(piece)
                    size += len(piece)
        except OSError as fault:
            raise Unreadable(f"无法读取 {shown(path)}", f"cannot read {shown(path)}: {fault.strerror}") from fault
        if size != self.bytes or hashed.hexdigest() != self.sha256:
            raise Refuted(f"{shown(self.name)} 的内容与清单不符", f"{shown(self.name)} has not the size and SHA-256 that the list names")


def confirm_archive(path: Path, policy: Policy, held: Held, report: Report) -> None:
    """Verify an archive, a folder or its ``archive.json``, into the report.

    Raises:
        Fault: its list cannot be read or trusted.
    """
    listing = path / "archive.json" if path.is_dir() else path
    what = "归档清单 archive.json"
    value = parsed(content(listing), what)
    form, log, segments, _ = fields(value, what, format=str, log=str, segments=list, signature=dict)
    if form != ARCHIVE:
        raise Unreadable(f"不是 {ARCHIVE}", f"this is not a {ARCHIVE}")
    spans = [_span(one) for one in segments]
    end = spans[-1][1] if spans else 0
    confirm_signature(value, log, policy.keys, end, ("归档清单", "the archive's list"))
    tail: Tail | None = None
    for (first, past), one in zip(spans, segments, strict=True):
        tail = _segment(listing.parent, _listed(one, "file"), (log, first, past), tail, policy, held, report)
    (also,) = fields({"also": [], **value}, what, also=list)
    for one in also:
        _also(listing.parent, _listed(one, "file"), report)
    named = {one["file"] for one in [*segments, *also]} | {listing.name}
    for beside in sorted(found.name for found in listing.parent.iterdir() if found.name not in named):
        report.warn(f"{shown(beside)} 不在清单中", f"{shown(beside)} is not in the list, and was not looked at")
    if not report.findings:
        report.prove("归档清单由平台签名", f"the archive's list is signed; {len(segments)} segments, entries {spans[0][0] if spans else 0} to {end - 1}")


def confirm_manifest(path: Path, files: Sequence[Path], keys: Keys, report: Report) -> None:
    """Verify the manifest of a batch exchange and the files that came with it, into the report.

    Raises:
        Fault: the manifest cannot be read or trusted.
    """
    what = "清单 the manifest"
    value = parsed(content(path), what)
    exchange, listed, ledger, signature = fields(value, what, exchange=str, files=list, ledger=dict, signature=dict)
    entry = whole(ledger.get("entry"), "ledger.entry")
    key_id = str(signature.get("key"))
    logs = keys.logs(key_id)
    if not logs:
        raise Refuted(f"清单由未知密钥 {shown(key_id)} 签名", f"the manifest is signed with a key that is not known: {shown(key_id)}")
    report.logs.add(shown(logs[0]))
    confirm_signature(value, logs[0], keys, entry + 1, ("清单", "the manifest"))
    report.prove("清单由平台签名", f"the manifest of the exchange {shown(exchange)} is signed by {shown(logs[0])}")
    named = {one.name: one for one in (_listed(one, "name") for one in listed)}
    for file in files:
        if (one := named.pop(file.name, None)) is None:
            report.find(Refuted(f"清单中没有 {shown(file.name)}", f"{shown(file.name)} is not in the manifest"))
            continue
        _also(file.parent, one, report)
    for name in named:
        report.warn(f"未提供 {shown(name)}", f"{shown(name)} is in the manifest and was not given")


def _segment(folder: Path, listed: Listed, span: tuple[str, int, int], after: Tail | None, policy: Policy, held: Held, report: Report) -> Tail | None:
    log, first, end = span
    report.count("segments")
    try:
        listed.confirm(folder / listed.name)
    except Unreadable as fault:
        report.find(Unreadable(fault.zh, fault.en, first))
        return None
    except Refuted as fault:
        report.find(fault)
    try:
        check = BundleCheck(folder / listed.name, policy, held, report, after)
        if (check.header.kind, check.header.log, check.header.first, check.header.end) != ("segment", log, first, end):
            raise Refuted(f"{shown(listed.name)} 不是清单所列的段", f"{shown(listed.name)} is not the segment that the list names", first)
        return check.run()
    except Fault as fault:
        report.find(fault)
        return None


def _also(folder: Path, listed: Listed, report: Report) -> None:
    report.count("files")
    try:
        listed.confirm(folder / listed.name)
    except Fault as fault:
        report.find(fault)
    else:
        report.prove(f"{shown(listed.name)} 与清单一致", f"{shown(listed.name)} is the listed file")


def _span(value: Any) -> tuple[int, int]:
    first, count = fields(value, "段 the segment", first=int, count=int)
    return whole(first, "first"), whole(first, "first") + whole(count, "count")


def _listed(value: Any, key: str) -> Listed:
    name, size, sha256 = fields(value, "文件 the file", **{key: str, "bytes": int, "sha256": str})
    if not NAME.match(name) or not _HEX.match(sha256):
        raise Unreadable("清单中的文件名或 SHA-256 不规范", "the list holds an ill-formed file name or SHA-256")
    return Listed(name, whole(size, "bytes"), sha256)


def confirm_signature(value: dict[str, Any], log: str, keys: Keys, end: int, what: tuple[str, str]) -> None:
    """Refutes a list that its log did not sign: the signature covers the canonical JSON of all else. ``end``: past the last entry that it tells of.

    Raises:
        Fault: it did not, or the signature is ill-formed.
    """
    key, algorithm, signed = fields(value["signature"], "签名 the signature", key=str, algorithm=str, value=str)
    if algorithm != "Ed25519" or not re.fullmatch(r"[0-9a-f]{8}", key) or set(value["signature"]) != {"key", "algorithm", "value"}:
        raise Unreadable("签名算法或密钥编号不受支持", "the signature is of another algorithm, or its key's id is ill-formed")
    try:
        text = spelled({name: part for name, part in value.items() if name != "signature"}).encode()
    except RecursionError as fault:
        raise Unreadable(f"{what[0]} 嵌套过深", f"{what[1]} is nested too deeply") from fault
    keys.confirm(log, bytes.fromhex(key), (octets(signed, "签名 the signature", 64), text), lambda term: term.over_past(end), what)


def spelled(value: Any) -> str:
    """Canonical JSON as lists are signed: numbers with a fraction as the hub spells them, the shortest that are the same number."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{spelled(key)}:{spelled(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(spelled, value)) + "]"
    if not isinstance(value, float):
        return json.dumps(value, ensure_ascii=False)
    number = repr(value)
    if "e-05" in number:
        sign, digits = "-" * (value < 0), number.lstrip("-").partition("e")[0].replace(".", "")
        return f"{sign}0.0000{digits}"
    return number.replace("e-0", "e-")
