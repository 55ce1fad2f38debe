"""Entries that were archived and removed, as a verification meets them: their leaf hashes are here, their bytes are where the archive is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, select

from hub.ledger import tables
from hub.ledger.entry import Entry
from hub.ledger.report import Report

ARCHIVE, PRUNE = "ledger.archive", "ledger.prune"
"""Operations of the acts by which entries are written out, and removed."""


class Source(Protocol):
    """Where the bytes of removed entries are read from, in the order of their numbers."""

    def between(self, first: int, last: int) -> Mapping[int, bytes]:
        """Canonical bytes by number, of those that there are."""
        ...


class Removed:
    """What the register says was removed, against the acts in the log that say so."""

    def __init__(self, connection: Connection, source: Source | None, report: Report) -> None:
        self._connection = connection
        self._source = source
        self._report = report
        column = tables.archive.c
        rows = connection.execute(select(column.first, column.count, column.sha256).where(column.pruned_at.is_not(None)).order_by(column.first))
        self._unsaid = {(row.first, row.count, row.sha256) for row in rows}
        self._spans = [(first, first + count) for first, count, _ in self._unsaid]
        self._end = max((end for _, end in self._spans), default=0)
        self._first_unread: int | None = None
        self.leaves = 0
        """Leaf hashes that stand in place of entries."""

    def fill(self, first: int, last: int, held: Sequence[dict[str, Any] | None]) -> list[dict[str, Any] | None]:
        """The rows of these entries, with the removed ones in their places: those have ``archived``, and ``canonical`` only where the archive is at hand."""
        if first >= self._end or len(held) == last - first + 1:
            return list(held)
        node = tables.node.c
        leaves = {row.idx: row.hash for row in self._connection.execute(select(node.idx, node.hash).where(node.level == 0, node.idx.between(first, last)))}
        self.leaves += len(leaves)
        canonical = self._source.between(first, last) if self._source is not None and leaves else {}
        # A leaf hash stands for an entry only where the register says that it was removed: elsewhere the entry is missing.
        near = [(start, end) for start, end in self._spans if start <= last and end > first]
        told = {seq: leaf for seq, leaf in leaves.items() if any(start <= seq < end for start, end in near)}
        found = {seq: {"seq": seq, "leaf": leaf, "canonical": canonical.get(seq), "archived": True} for seq, leaf in told.items()}
        self._report.archived += len(found)
        unread = [seq for seq, row in found.items() if row["canonical"] is None]
        self._report.unread += len(unread)
        if self._first_unread is None:
            self._first_unread = min(unread, default=None)
        return [row for _, row in sorted([*found.items(), *((row["seq"], row) for row in held if row is not None and row["seq"] not in found)])]

    def note(self, entry: Entry) -> None:
        """Takes an act into account by which a segment was removed."""
        if (entry.content.kind, entry.content.operation) == ("admin", PRUNE) and entry.content.details is not None:
            said = entry.content.details
            self._unsaid.discard((said.get("first"), said.get("count"), said.get("sha256")))

    def finish(self) -> None:
        """Reports segments that no act removed, and entries that are nowhere although an archive was given."""
        for first, count, _ in sorted(self._unsaid):
            self._report.find("entry", first, f"the entries {first} to {first + count - 1} are marked as archived and removed, and no entry says who did it")
        if self._report.unread and self._source is not None:
            self._report.find("entry", self._first_unread, f"{self._report.unread} removed entries are not in the archive that was given; give the whole of it")
        elif self._report.unread:
            self._report.warnings.append(
                f"{self._report.unread} entries before {self._end} are in the archive alone; their hashes were verified, their content was not: give --archive"
            )
