"""Is a segment whole, signed for, and what the log itself holds? Asked before it is registered, and again before anything is removed."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection, select

from hub.archive.files import ArchiveFault, Segment, entries_of, header_of
from hub.ledger import tables
from hub.ledger.checkpoint import Checkpoint, open_checkpoint
from hub.ledger.digest import digest_of
from hub.ledger.keys import VerifierKey
from hub.ledger.merkle import fold, grow, verify_consistency

_READ = 2000


def check_segment(connection: Connection, folder: Path, segment: Segment, log: str, keys: Sequence[VerifierKey]) -> None:
    """Verifies a segment against its checkpoint and against the leaves in the control database.

    Raises:
        ArchiveFault: it is not what it should be.
    """
    digest = digest_of(log)
    head, peaks, path = _opened(folder, segment, keys)
    stored = _leaves(connection, segment.first, segment.count)
    for seq, (_, leaf) in enumerate(entries_of(folder, segment, log), segment.first):
        if next(stored) != leaf:
            raise ArchiveFault(f"{segment.file}: 条目 {seq} 与日志不符 entry {seq} is not the log's", seq)
        for _ in grow(peaks, seq, (leaf,), digest):
            pass
    root = fold(peaks, digest)
    held = head.root == root if head.size == segment.end else verify_consistency(segment.end, head.size, root, head.root, path, digest)
    if not held:
        raise ArchiveFault(f"{segment.file}: 各条目不构成检查点的树 the entries do not make up the tree of the checkpoint", segment.first)


def _opened(folder: Path, segment: Segment, keys: Sequence[VerifierKey]) -> tuple[Checkpoint, list[bytes], list[bytes]]:
    """A segment's checkpoint, the peaks before it, and the proof from its end."""
    header = header_of(folder, segment)
    try:
        before, path = ([base64.b64decode(each, validate=True) for each in header[name]] for name in ("before", "consistency"))
        return open_checkpoint(header["checkpoint"], keys), before, path
    except (ValueError, KeyError, TypeError) as fault:
        raise ArchiveFault(f"{segment.file}: 首行不成立 the first line does not hold: {fault}", segment.first) from None


def _leaves(connection: Connection, first: int, count: int) -> Iterator[bytes | None]:
    """The leaf hashes in the control database, of entries that are there and of those that were removed; ``None`` for a missing one."""
    entry, node = tables.entry.c, tables.node.c
    for start in range(first, first + count, _READ):
        ends = start, min(start + _READ, first + count) - 1
        found = {row.seq: row.leaf for row in connection.execute(select(entry.seq, entry.leaf).where(entry.seq.between(*ends)))}
        removed = connection.execute(select(node.idx, node.hash).where(node.level == 0, node.idx.between(*ends)))
        found |= {row.idx: row.hash for row in removed}
        yield from (found.get(seq) for seq in range(start, ends[1] + 1))
