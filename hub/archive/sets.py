"""Sets of subjects in an archive: those that a segment's entries name by digest, beside the segment.

A file holds, for each set, its digest (32 bytes), the number of its subjects (8 bytes, big endian), and their hashes of 16 bytes, sorted, one behind
the other; sets stand in the order of their digests. The digest is SHA-256 over the hashes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, select

from hub.archive.files import ArchiveFault, Listed, confirm
from hub.ledger.entry import Entry
from hub.tracing.sets import WIDTH
from hub.tracing.tables import subject_set

_HEAD = 40
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class SetsWritten:
    """What became of the sets that a segment's entries name."""

    file: Listed | None
    """``None`` where no entry names one that is there."""
    missing: tuple[str, ...]
    """Digests, hexadecimal, of those that the control database does not have, or has otherwise than the entries say."""


def named_in(entry: Entry) -> Iterator[str]:
    """Digests, hexadecimal, of the sets that an entry names."""
    return (access.subject_set.digest for access in entry.content.accesses if access.subject_set is not None)


def write_sets(connection: Connection, folder: Path, first: int, count: int, digests: Collection[str]) -> SetsWritten:
    """Writes the sets of the segment of ``count`` entries from ``first`` on, synced. The same sets give the same bytes."""
    if not digests:
        return SetsWritten(None, ())
    path = folder / f"subjects-{first:012d}-{first + count - 1:012d}.sets"
    draft = path.with_suffix(".part")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            missing = [digest for digest in sorted(digests) if not _write(connection, file, bytes.fromhex(digest))]
            size = file.tell()
            file.flush()
            os.fsync(file.fileno())
        if not size:
            draft.unlink()
            return SetsWritten(None, tuple(missing))
        draft.rename(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return SetsWritten(Listed(path.name, size, _sha256(path)), tuple(missing))


def _write(connection: Connection, file: BinaryIO, digest: bytes) -> bool:
    """Whether the set is there, and is what its digest says; else the file is as it was."""
    begun, hashed, subjects = file.tell(), hashlib.sha256(), 0
    file.write(digest + bytes(_HEAD - len(digest)))
    chunks = select(subject_set.c.hashes).where(subject_set.c.digest == digest).order_by(subject_set.c.first)
    for hashes in connection.execution_options(stream_results=True).execute(chunks).scalars():
        file.write(hashes)
        hashed.update(hashes)
        subjects += len(hashes) // WIDTH
    if hashed.digest() != digest:
        file.seek(begun)
        file.truncate()
        return False
    ends = file.tell()
    file.seek(begun + len(digest))
    file.write(subjects.to_bytes(_HEAD - len(digest), "big"))
    file.seek(ends)
    return True


def check_sets(folder: Path, listed: Collection[Listed]) -> None:
    """Reads files of sets back.

    Raises:
        ArchiveFault: one of them is not what was written.
    """
    for each in listed:
        confirm(folder, each)
        sets_in(folder / each.file)


def sets_in(path: Path) -> dict[str, int]:
    """Digest, hexadecimal → number of subjects, of every set in a file, each compared with its digest.

    Raises:
        ArchiveFault: the file cannot be read, or a set is not what its digest says.
    """
    found: dict[str, int] = {}
    try:
        with path.open("rb") as file:
            while head := file.read(_HEAD):
                digest, count = head[:-8], int.from_bytes(head[-8:], "big")
                left, hashed = count * WIDTH, hashlib.sha256()
                while left and (piece := file.read(min(left, _PIECE))):
                    hashed.update(piece)
                    left -= len(piece)
                if left or hashed.digest() != digest:
                    raise ArchiveFault(f"{path}: 主体集合 {digest.hex()[:12]}… 已被改动 the set of subjects was altered")
                found[digest.hex()] = count
    except OSError as fault:
        raise ArchiveFault(f"{path} 无法读取 cannot be read: {fault.strerror}") from fault
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
