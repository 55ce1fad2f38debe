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
        self._end = max((first + count for first, count, _ in self._unsaid), default=0)
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
        found = {seq: {"seq": seq, "leaf": leaf, "canonical": canonical.get(seq), "archived": True} for seq, leaf in leaves.items() if seq < self._end}
        self._report.archived += len(found)
        self._report.unread += sum(row["canonical"] is None for row in found.values())
        return [row for _, row in sorted([*found.items(), *((row["seq"], row) for row in held if row is not None and row["seq"] not in found)])]

    def note(self, entry: Entry) -> None:
        """Takes an act into account by which a segment was removed."""
        if (entry.content.kind, entry.content.operation) == ("admin", PRUNE) and entry.content.details is not None:
            said = entry.content.details
            self._unsaid.discard((said.get("first"), said.get("count"), said.get("sha256")))

    def finish(self) -> None:
        """Reports segments that no act removed."""
        for first, count, _ in sorted(self._unsaid):
            self._report.find("entry", first, f"the entries {first} to {first + count - 1} are marked as archived and removed, and no entry says who did it")
        if self._report.unread:
            self._report.warnings.append(
                f"{self._report.unread} entries before {self._end} are in the archive alone; their hashes were verified, their content was not: give --archive"
            )
