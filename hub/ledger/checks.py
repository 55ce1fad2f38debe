"""Verification of one batch: is each entry what was signed, and if not, which one is the first that is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, Text, select, type_coerce
from sqlalchemy.exc import SQLAlchemyError

from hub.ledger import tables
from hub.ledger.append import BATCH_LIMIT
from hub.ledger.archived import Removed
from hub.ledger.canonical import moment
from hub.ledger.digest import Digest, digest_of
from hub.ledger.entry import Entry
from hub.ledger.keys import VerifierKey
from hub.ledger.merkle import levels
from hub.ledger.parsing import verified
from hub.ledger.policy import Policy
from hub.ledger.receipt import batch_text
from hub.ledger.report import Report
from hub.store.base import UtcText

Values = dict[str, Any]


def rows_between(connection: Connection, table: Table, key: Column[Any], first: int, last: int, *also: ColumnElement[bool]) -> list[Values | None]:
    """The rows whose key lies between two numbers, in its order, values as stored; ``None`` for one that the driver cannot read.

    One row at a time is read only where all at once cannot be.
    """
    columns = [type_coerce(column, Text).label(column.name) if isinstance(column.type, UtcText) else column for column in table.c]
    statement = select(*columns).where(key.between(first, last), *also).order_by(key)
    try:
        return [dict(row) for row in connection.execute(statement).mappings()]
    except (SQLAlchemyError, ValueError, TypeError):
        keys = connection.execute(select(key).where(key.between(first, last), *also).order_by(key)).scalars().all()
    return [_row(connection, select(*columns).where(key == one, *also)) for one in keys]


def _row(connection: Connection, statement: Any) -> Values | None:
    try:
        return dict(connection.execute(statement).mappings().one())
    except (SQLAlchemyError, ValueError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Stored:
    """One entry as it is stored: the leaf hash made anew from its bytes, and what the bytes say where they can be read."""

    seq: int
    row: Values
    leaf: bytes
    entry: Entry | None
    archived: bool = False
    """Whether it was removed after it had been archived: then nothing stands beside it, and ``entry`` is ``None`` unless the archive is at hand."""

    @property
    def unread(self) -> bool:
        """Whether nothing but its leaf hash is at hand."""
        return self.archived and self.row["canonical"] is None

    @classmethod
    def of(cls, row: Values, digest: Digest) -> Stored:
        archived = "archived" in row
        if archived and row["canonical"] is None:
            return cls(row["seq"], row, row["leaf"], None, archived)
        canonical = row["canonical"] if isinstance(row["canonical"], bytes) else repr(row["canonical"]).encode()
        leaf = digest.leaf(canonical)
        try:
            return cls(row["seq"], row, leaf, verified(canonical), archived)
        except ValueError:
            return cls(row["seq"], row, leaf, None, archived)


class BatchCheck:
    """Checks the batch of this number, which must begin at entry ``first`` after a leaf ``previous``; ``count`` is how many entries it claims."""

    def __init__(
        self, connection: Connection, policy: Policy, removed: Removed, row: Values | None, number: int, first: int, previous: str, report: Report
    ) -> None:
        self._connection = connection
        self._removed = removed
        self._policy = policy
        self._row: Values = row or {}
        self._number = number
        self._previous = previous
        self._report = report
        self._digest = digest_of(report.log)
        self.first = first
        self.count = self._claimed()
        self.accesses = 0
        self.key = policy.present
        """The key that signed the batch, or should have."""

    def run(self) -> list[Stored]:
        """Report what is wrong; the entries, up to the first that is missing."""
        stored = self._stored()
        signer = self._signer(stored)
        if signer is not None:
            self.key = signer
            self._check_row(stored)
            self._policy.after(self._number, stored)
        else:
            self._report.find("batch", self._locate(stored), f"the signed root of the entries {self.first} to {self.first + self.count - 1} does not fit them")
            self._policy.unsound(self.first, self.count)
        self._check_chain(stored)
        self._check_columns(stored)
        return stored

    def _claimed(self) -> int:
        count = self._row.get("count")
        return count if isinstance(count, int) and 1 <= count <= BATCH_LIMIT else 0

    def _stored(self) -> list[Stored]:
        last = self.first + self.count - 1
        held = rows_between(self._connection, tables.entry, tables.entry.c.seq, self.first, last)
        rows = self._removed.fill(self.first, last, held)
        stored: list[Stored] = []
        for seq, row in enumerate(rows, self.first):
            if row is None or row["seq"] != seq:
                break
            stored.append(Stored.of(row, self._digest))
        if len(stored) < self.count:
            missing = self.first + len(stored)
            self._report.find("entry", missing, f"entry {missing} is missing or unreadable")
        return stored

    def _signer(self, stored: Sequence[Stored]) -> VerifierKey | None:
        if len(stored) < max(self.count, 1) or not isinstance(self._row.get("signature"), bytes):
            return None
        root = levels([one.leaf for one in stored], self._digest)[-1][0]
        return self._policy.signer(self._number, self._row["signature"], batch_text(self._report.log, self.first, self.count, root), stored)

    def _check_row(self, stored: Sequence[Stored]) -> None:
        """The signature holds over the entries themselves: then whatever else the batch's row says must agree."""
        root = levels([one.leaf for one in stored], self._digest)[-1][0]
        says = (self._row["id"], self._row["first"], self._row["root"])
        if says != (self._number, self.first, root) or self._row["key"] != self.key.key_id:
            self._report.find("batch", self.first, f"the row of batch {self._number} does not fit its signature; its entries do")

    def _locate(self, stored: Sequence[Stored]) -> int:
        """The first entry that differs from what was signed, by its own leaf or by the chain; the batch's first where neither tells."""
        for one in stored:
            if one.unread:
                continue
            if one.entry is None or one.entry.seq != one.seq or one.leaf != one.row["leaf"]:
                return one.seq
        broken = [one.seq for one, held in zip(stored, self._links(stored), strict=True) if not held]
        for seq in broken:
            after = self._link_after(stored, seq)
            # An entry that its successor confirms was not altered: then the one before it was.
            return max(seq - 1, self.first) if after else seq
        if stored and self._link_after(stored, stored[-1].seq) is False:
            return stored[-1].seq
        return min(self.first + len(stored), self.first + self.count - 1) if len(stored) < self.count else self.first

    def _links(self, stored: Sequence[Stored]) -> list[bool]:
        """For each entry, whether it names the leaf of the one before."""
        leaves = [self._previous, *(one.leaf.hex() for one in stored)]
        return [one.unread or (one.entry is not None and one.entry.chain == leaf) for one, leaf in zip(stored, leaves, strict=False)]

    def _link_after(self, stored: Sequence[Stored], seq: int) -> bool | None:
        """Whether the entry after ``seq``, or the head's row after the last one, names its leaf; ``None`` where there is none to ask."""
        leaf = stored[seq - self.first].leaf
        rows = rows_between(self._connection, tables.entry, tables.entry.c.seq, seq + 1, seq + 1)
        if not rows or rows[0] is None:
            heads = rows_between(self._connection, tables.head, tables.head.c.size, seq + 1, seq + 1)
            return heads[0]["leaf"] == leaf if heads and heads[0] is not None else None
        after = Stored.of(rows[0], self._digest)
        return after.entry is not None and after.entry.chain == leaf.hex()

    def _check_chain(self, stored: Sequence[Stored]) -> None:
        if not self._report.ok:
            return
        for one, held in zip(stored, self._links(stored), strict=True):
            if not held:
                self._report.find("entry", one.seq, f"entry {one.seq} does not continue the chain of the entry before it")

    def _check_columns(self, stored: Sequence[Stored]) -> None:
        accesses = self._accesses(stored)
        for one in stored:
            if one.unread:
                continue
            if one.entry is None:
                self._report.find("entry", one.seq, f"the bytes of entry {one.seq} are not an entry")
                continue
            if one.archived:
                continue
            expected = {(access.resource, access.provider) for access in one.entry.content.accesses}
            self.accesses += len(expected)
            if self._says(one.entry, one.leaf) != one.row or accesses.get(one.seq, set()) != expected:
                self._report.find("entry", one.seq, f"what is stored beside entry {one.seq} to search by does not repeat what the entry says")

    def _says(self, entry: Entry, leaf: bytes) -> Mapping[str, object]:
        said = entry.content
        return {
            "seq": entry.seq,
            "batch": self._number,
            "at": moment(said.at),
            "call": said.call,
            "kind": said.kind,
            "operation": said.operation,
            "application": said.application,
            "department": said.department,
            "outcome": said.outcome,
            "leaf": leaf,
            "canonical": entry.canonical,
        }

    def _accesses(self, stored: Sequence[Stored]) -> dict[int, set[tuple[object, object]]]:
        found: dict[int, set[tuple[object, object]]] = {}
        if stored:
            for row in rows_between(self._connection, tables.access, tables.access.c.seq, self.first, stored[-1].seq):
                if row is not None:
                    found.setdefault(row["seq"], set()).add((row["resource"], row["provider"]))
        return found
