"""An archive on a disk: a folder of packed segments (``huitong-bundle/v1``) and its signed list ``archive.json`` (``huitong-archive/v1``).

The same entries under the same checkpoint give the same bytes, on every machine with the same compression library.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from hub.ledger.digest import digest_of
from hub.ledger.keys import Signer, VerifierKey
from hub.ledger.parsing import place

LIST = "archive.json"
FORMAT = "huitong-archive/v1"
_LEVEL = 6
_LONGEST = 1 << 22


class ArchiveFault(Exception):
    """An archive cannot be used, or is not what it should be. ``entry`` is the first entry concerned, where one can be told."""

    def __init__(self, message: str, entry: int | None = None) -> None:
        super().__init__(message)
        self.entry = entry


@dataclass(frozen=True, slots=True)
class Segment:
    """One file: entries from ``first`` on, ``count`` of them; ``bytes`` and ``sha256`` (hexadecimal) of the file as it lies there."""

    file: str
    first: int
    count: int
    bytes: int
    sha256: str

    @property
    def end(self) -> int:
        """Past its last entry."""
        return self.first + self.count


@dataclass(frozen=True, slots=True)
class Listed:
    """A further file of an archive, as its list names it."""

    file: str
    bytes: int
    sha256: str


class SegmentFile:
    """Packs the lines of one segment; the file appears under its name only when it is whole and on the disk."""

    def __init__(self, folder: Path, first: int, count: int) -> None:
        self._path = folder / f"entries-{first:012d}-{first + count - 1:012d}.jsonl.gz"
        self._draft = self._path.with_suffix(".part")
        self._first, self._count = first, count
        self._file = os.fdopen(os.open(self._draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        self._out = _Hashing(self._file)
        # No name and no time in the header: they would make equal content differ.
        self._pack = gzip.GzipFile("", "wb", _LEVEL, self._out, mtime=0)

    def write(self, lines: bytes) -> None:
        """Adds lines."""
        self._pack.write(lines)

    def finish(self) -> Segment:
        """Puts the file in place, synced."""
        self._pack.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.rename(self._path)
        return Segment(self._path.name, self._first, self._count, self._out.written, self._out.digest.hexdigest())

    def discard(self) -> None:
        """Leaves nothing behind."""
        self._file.close()
        self._draft.unlink(missing_ok=True)


class _Hashing(io.RawIOBase):
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.written = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.digest.update(content)
        self.written += len(content)
        return self._file.write(content)


def write_list(folder: Path, signer: Signer, segments: Collection[Segment], also: Collection[Listed] = ()) -> str:
    """Writes ``archive.json``, synced with its folder; its SHA-256. ``also`` are further files."""
    listed = [{"file": each.file, "first": each.first, "count": each.count, "bytes": each.bytes, "sha256": each.sha256} for each in segments]
    content: dict[str, Any] = {"format": FORMAT, "log": signer.verifier_key.name, "segments": listed}
    if also:
        content["also"] = [{"file": each.file, "bytes": each.bytes, "sha256": each.sha256} for each in also]
    value = base64.b64encode(signer.sign(_canonical(content))).decode()
    made = _canonical({**content, "signature": {"key": signer.key_id, "algorithm": signer.algorithm, "value": value}}) + b"\n"
    with os.fdopen(os.open(folder / LIST, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(made)
        file.flush()
        os.fsync(file.fileno())
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return hashlib.sha256(made).hexdigest()


def read_list(folder: Path, log: str, keys: Collection[VerifierKey]) -> list[Segment]:
    """The segments of an archive of this log, whose list one of the keys signed.

    Raises:
        ArchiveFault: it cannot be read, is of another log, or is not signed.
    """
    path = folder / LIST
    try:
        value = orjson.loads(path.read_bytes())
        signature = value.pop("signature")
        segments = [Segment(one["file"], one["first"], one["count"], one["bytes"], one["sha256"]) for one in value["segments"]]
        raw = base64.b64decode(signature["value"], validate=True)
        form, name, also = value["format"], value["log"], any("/" in each.file or each.file.startswith(".") for each in segments)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise ArchiveFault(f"{path} 无法读取 cannot be read: {type(fault).__name__}") from fault
    if form != FORMAT or name != log or also:
        raise ArchiveFault(f"{path} 不是日志 {log} 的归档 is no archive of the log {log}")
    if not any(key.key_id == signature["key"] and key.verify(raw, _canonical(value)) for key in keys):
        raise ArchiveFault(f"{path} 的签名不成立 is not signed with a key of the log")
    return segments


def entries_of(folder: Path, segment: Segment, log: str) -> Iterator[tuple[bytes, bytes]]:
    """The canonical bytes and leaf hashes of a segment's entries, in order; at the end the file is known to be the listed one.

    Raises:
        ArchiveFault: a line is not the entry that should stand there, or the file has other bytes than the list names.
    """
    digest, path = digest_of(log), folder / segment.file
    lines = _lines(path)
    next(lines, None)
    for seq in range(segment.first, segment.end):
        try:
            value = orjson.loads(next(lines))
            canonical: bytes = value["entry"].encode()
            found = place(canonical)[:2]
            leaf = digest.leaf(canonical)
            if found != (log, seq) or value["seq"] != seq or value["leaf"] != base64.b64encode(leaf).decode():
                raise ValueError
        except (StopIteration, ValueError, KeyError, TypeError, AttributeError):
            raise ArchiveFault(f"{path}: 条目 {seq} 已被改动或缺失 entry {seq} was altered or is missing", seq) from None
        yield canonical, leaf
    confirm(folder, segment)


def header_of(folder: Path, segment: Segment) -> dict[str, Any]:
    """The first line of a segment.

    Raises:
        ArchiveFault: it cannot be read.
    """
    try:
        made: dict[str, Any] = orjson.loads(next(_lines(folder / segment.file)))
    except (StopIteration, ValueError):
        raise ArchiveFault(f"{folder / segment.file}: 首行无法读取 the first line cannot be read", segment.first) from None
    return made


def confirm(folder: Path, segment: Segment | Listed) -> None:
    """Compares a file with what the list says of it.

    Raises:
        ArchiveFault: they differ.
    """
    hashed, size = hashlib.sha256(), 0
    path = folder / segment.file
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                hashed.update(piece)
                size += len(piece)
    except OSError as fault:
        raise ArchiveFault(f"{path} 无法读取 cannot be read: {fault.strerror}", _first(segment)) from fault
    if (size, hashed.hexdigest()) != (segment.bytes, segment.sha256):
        raise ArchiveFault(f"{path} 与清单不符 has not the size and SHA-256 that were listed", _first(segment))


def _first(listed: Segment | Listed) -> int | None:
    return listed.first if isinstance(listed, Segment) else None


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") as file:
            while made := file.readline(_LONGEST):
                yield made
    except (OSError, EOFError, zlib.error) as fault:
        raise ArchiveFault(f"{path} 无法读取 cannot be read: {type(fault).__name__}") from fault


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
