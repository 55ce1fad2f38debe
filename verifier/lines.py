"""The lines of a bundle: its header, its entries, its closing line. ``docs/verify.md`` defines them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.entries import Entry, read_entry
from verifier.faults import Fault, Refuted, Unreadable
from verifier.keys import Keys
from verifier.notes import Checkpoint, read_checkpoint
from verifier.texts import canonical, fields, hashes, lines, octets, parsed, shown, whole
from verifier.tree import Digest, digest_of

FORMAT, CALLS = "huitong-bundle/v1", "huitong-calls/v1"
"""Whole entries; and rows with what their reader may see of entries, each with its leaf and path."""
_HEADER = frozenset(("format", "kind", "log", "digest", "checkpoint", "first", "count"))
_KINDS = {"segment": _HEADER | {"before", "consistency"}, "extract": _HEADER}
_LINE = {"segment": frozenset(("seq", "entry", "leaf")), "extract": frozenset(("seq", "entry", "leaf", "path"))}
_CLOSING = frozenset(("sha256", "key", "signature"))
_SEQ = re.compile(rb'"seq":(\d{1,16})\}\n\Z')
_HEX = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Header:
    """A bundle's first line; ``head`` is its checkpoint, whose signatures are not verified yet."""

    form: str
    kind: str
    log: str
    digest: Digest
    note: str
    head: Checkpoint
    first: int
    count: int
    before: list[bytes]
    consistency: list[bytes]
    about: bool

    @property
    def end(self) -> int:
        """Past the last entry of a segment."""
        return self.first + self.count


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a bundle."""

    entry: Entry
    path: list[bytes]


@dataclass(frozen=True, slots=True)
class Row:
    """One row about an entry; what it says beside the leaf is vouched for by the closing line alone."""

    seq: int
    leaf: bytes
    call: str
    path: list[bytes]


class Lines:
    """A bundle read from its beginning to its end once, in constant memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = lines(path)
        self._hash = hashlib.sha256()
        self._closing: bytes | None = None
        self.header = self._read_header()

    def entries(self) -> Iterator[Line | Fault]:
        """The entries in turn; what is wrong with a line in its place. Ends early where lines are missing."""
        seq = self.header.first - 1
        for number in range(self.header.count):
            raw = next(self._lines, None)
            if raw is None:
                yield Refuted(*_missing(seq + 1), seq + 1)
                return
            self._hash.update(raw)
            expected = seq + 1 if self.header.kind == "segment" or number == 0 else None
            line = self._line(raw, expected, seq)
            seq = line.entry.seq if isinstance(line, Line) else line.index if expected is None and line.index is not None else seq + 1
            yield line

    def rows(self) -> Iterator[Row | Fault]:
        """Rows in turn, up to the closing line; what is wrong with a line in its place."""
        seq = self.header.first
        for raw in self._lines:
            if raw.startswith(b'{"key":'):
                self._closing = raw
                return
            self._hash.update(raw)
            row = self._row(raw, seq)
            seq = row.seq if isinstance(row, Row) else seq
            yield row

    def close(self, keys: Keys) -> bool:
        """Verify the closing line and that nothing follows it; whether there is one.

        Raises:
            Fault: what stands there is no closing line of this bundle, or a required one is missing.
        """
        raw = self._closing or next(self._lines, None)
        if raw is None:
            if self.header.kind == "extract" or self.header.about:
                raise Refuted("缺少结束行", "the closing line is missing: lines may have been taken out")
            return False
        value = _canonical_line(raw, "结束行 the closing line")
        sha256, key, signature = fields(value, "结束行 the closing line", sha256=str, key=str, signature=str)
        if set(value) != _CLOSING or not re.fullmatch(r"[0-9a-f]{8}", key):
            raise Refuted(f"{self.header.count} 个条目之后还有其他内容", f"something else follows the {self.header.count} entries")
        if sha256 != self._hash.hexdigest():
            raise Refuted("文件内容与结束行的摘要不符", "the file's content has not the digest of its closing line")
        if next(self._lines, None) is not None:
            raise Refuted("结束行之后还有内容", "something follows the closing line")
        signed = octets(signature, "signature", 64), sealed(self.header, sha256)
        size = self.header.head.size
        keys.confirm(self.header.log, bytes.fromhex(key), signed, lambda term: term.sizes[1] is None or size < term.sizes[1], ("结束行", "the closing line"))
        return True

    def _read_header(self) -> Header:
        raw = next(self._lines, b"")
        self._hash.update(raw)
        what = f"{shown(self._path.name)} 的首行 the first line"
        value = _canonical_line(raw, what)
        form, kind, log, digest, note = fields(value, what, format=str, kind=str, log=str, digest=str, checkpoint=str)
        first, count = fields(value, what, first=int, count=int)
        if form not in (FORMAT, CALLS) or kind not in _KINDS or set(value) - {"about"} != _KINDS[kind] or (form == CALLS and kind != "extract"):
            raise Unreadable(f"{what} 不是 {FORMAT} 或 {CALLS}", f"{what} is not that of a {FORMAT} or {CALLS}")
        head = read_checkpoint(note)
        if head.log != log or digest != digest_of(log).name:
            raise Refuted("首行与其检查点的日志或散列算法不同", "the first line names another log or digest than its checkpoint")
        before, consistency = (hashes(value.get(name, []), name, 128) for name in ("before", "consistency"))
        made = Header(form, kind, log, digest_of(log), note, head, whole(first, "first"), whole(count, "count"), before, consistency, "about" in value)
        if kind == "segment" and made.end > head.size:
            raise Refuted("检查点未覆盖全部条目", "the checkpoint does not cover all entries")
        return made

    def _line(self, raw: bytes, expected: int | None, before: int) -> Line | Fault:
        """The entry of a line, which is that of ``expected`` or, in extracts, one after ``before``."""
        told = _SEQ.search(raw)
        seq = expected if expected is not None else int(told[1]) if told else before + 1
        try:
            return self._read_line(raw, seq, before)
        except Refuted as fault:
            return fault
        except Unreadable as fault:
            return Refuted(f"条目 {seq} 的行无法读取：{fault.zh}", f"the line of entry {seq} cannot be read: {fault.en}", seq)

    def _read_line(self, raw: bytes, seq: int, before: int) -> Line:
        what = "该行 the line"
        value = _canonical_line(raw, what)
        told, text, leaf = fields(value, what, seq=int, entry=str, leaf=str)
        if set(value) != _LINE[self.header.kind]:
            raise Unreadable("字段不符", "it has other keys")
        if told != seq or seq <= before:
            raise Refuted(f"应为条目 {seq}，实为 {told}", f"entry {seq} should stand here, and {told} does: entries are missing, doubled or out of order", seq)
        claimed = octets(leaf, "leaf", 32)
        if self.header.digest.leaf(text.encode()) != claimed:
            raise Refuted(f"条目 {seq} 的内容与其散列值不符", f"the bytes of entry {seq} have not its leaf hash", seq)
        path = hashes(value.get("path", []), "path")
        return Line(read_entry(text.encode(), seq, self.header.log, self.header.digest), path)

    def _row(self, raw: bytes, least: int) -> Row | Fault:
        what = "该行 the line"
        try:
            value = _canonical_line(raw, what)
            seq, leaf, call, path = fields(value, what, entry=int, leaf=str, call=str, path=list)
            if whole(seq, "entry") < least:
                raise Refuted(f"条目 {seq} 的次序不符", f"entry {seq} stands out of order", seq)
            return Row(seq, octets(leaf, "leaf", 32), call, hashes(path, "path"))
        except Refuted as fault:
            return fault
        except Unreadable as fault:
            return Refuted(f"条目 {least} 或其后的行无法读取：{fault.zh}", f"a line of entry {least} or later cannot be read: {fault.en}", least)


def _missing(seq: int) -> tuple[str, str]:
    return f"文件在条目 {seq} 之前结束", f"the file ends before entry {seq}: its tail is missing"


def _canonical_line(raw: bytes, what: str) -> Any:
    value = parsed(raw, what)
    if canonical(value) + b"\n" != raw:
        raise Unreadable(f"{what} 不是规范形式的一行", f"{what} is not in canonical form, or not whole")
    return value


def sealed(header: Header, sha256: str) -> bytes:
    """What the signature of a closing line covers."""
    return f"{header.form}\n{header.log}\n{header.head.size}\n{sha256}\n".encode()
