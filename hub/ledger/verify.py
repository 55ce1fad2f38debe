"""Full verification of a stored ledger: every entry, batch, tree node and checkpoint made anew from the canonical bytes and compared.

Without a checkpoint or receipts held elsewhere, whoever holds both the database and the signing key can rewrite history; with them, not below them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from hub.ledger import tables
from hub.ledger.archived import Removed, Source
from hub.ledger.canonical import NO_PREDECESSOR, moment
from hub.ledger.checks import BatchCheck, Stored, rows_between
from hub.ledger.digest import digest_of
from hub.ledger.errors import LedgerCorrupt
from hub.ledger.heads import Heads
from hub.ledger.history import LedgerKey, read_history
from hub.ledger.hours import add_to
from hub.ledger.keys import VerifierKey
from hub.ledger.merkle import grow
from hub.ledger.policy import Policy
from hub.ledger.receipt import Receipt, verify_receipt
from hub.ledger.report import LIMIT, Report

CLOCK_TOLERANCE = timedelta(seconds=5)
"""Calls that end together may be written in another order than their times; more is a clock that was set back."""

Progress = Callable[[int, int], None]
"""Called with the entries verified so far and their number."""


def verify(
    connection: Connection,
    keys: Sequence[VerifierKey],
    *,
    checkpoints: Collection[str] = (),
    receipts: Collection[Receipt] = (),
    progress: Progress | None = None,
    archive: Source | None = None,
) -> Report:
    """Verify the ledger that one transaction of this connection shows, in one pass with bounded memory.

    ``keys`` are the public keys that the verifier trusts; what the log's other keys may vouch for follows from its own entries. ``checkpoints`` are signed notes held elsewhere, ``receipts`` those kept by callers, ``archive`` is where entries are read that were removed.
    """
    return _Verification(connection, keys, checkpoints, receipts, archive).run(progress)


class _Verification:
    def __init__(
        self, connection: Connection, keys: Sequence[VerifierKey], checkpoints: Collection[str], receipts: Collection[Receipt], archive: Source | None
    ) -> None:
        self._connection = connection
        self._report = Report(keys[0].name)
        self._digest = digest_of(keys[0].name)
        self._policy = Policy(keys, _stored_keys(connection, self._report), self._report)
        self._heads = Heads(connection, self._policy, checkpoints, self._report)
        self._removed = Removed(connection, archive, self._report)
        self._hours: dict[str, tuple[int, int]] = {}
        self._receipts: dict[int, list[Receipt]] = {}
        for receipt in receipts:
            self._receipts.setdefault(receipt.entry, []).append(receipt)
        self._peaks: list[bytes] = []
        self._size = 0
        self._batches = 0
        self._accesses = 0
        self._nodes = 0
        self._previous = NO_PREDECESSOR
        self._whole = True
        self._latest = datetime.min.replace(tzinfo=UTC)

    def run(self, progress: Progress | None) -> Report:
        total = self._count(tables.entry)
        self._heads.at(0, self._peaks)
        while (check := self._next_batch()) is not None:
            self._take(check)
            if progress is not None:
                progress(self._size, total)
        self._tail(total)
        self._heads.finish(self._size)
        self._account(tables.checkpoint, self._heads.stored)
        self._report.entries, self._report.batches = self._size, self._batches
        return self._report

    def _next_batch(self) -> BatchCheck | None:
        """The batch that begins where the last one ended."""
        found = rows_between(self._connection, tables.batch, tables.batch.c.id, self._batches, self._batches)
        return BatchCheck(self._connection, self._policy, self._removed, found[0], self._batches, self._size, self._previous, self._report) if found else None

    def _take(self, check: BatchCheck) -> None:
        stored = check.run()
        for one in stored:
            self._check_receipts(one, check.key)
            self._check_clock(one)
            if one.entry is not None:
                self._removed.note(one.entry)
        if self._whole:
            self._integrate(stored)
        if len(stored) < check.count:
            self._whole = False
            self._heads.stop()
        self._batches += 1
        self._accesses += check.accesses
        self._size = check.first + check.count
        if stored:
            self._previous = stored[-1].leaf.hex()

    def _check_receipts(self, one: Stored, key: VerifierKey) -> None:
        for receipt in self._receipts.pop(one.seq, ()):
            self._report.receipts += 1
            if not verify_receipt(receipt, key):
                self._report.find("receipt", None, f"the receipt of call {receipt.call!r} was not signed by the key of this log that signs entry {one.seq}")
            elif receipt.leaf != one.leaf:
                self._report.find("receipt", one.seq, f"entry {one.seq} is not the one that the receipt of call {receipt.call!r} promises")

    def _check_clock(self, one: Stored) -> None:
        """The order is that of ``seq``; a clock that was set back deserves a word, no more."""
        if one.entry is None:
            return
        at = one.entry.content.at
        if one.seq < self._heads.published:
            add_to(self._hours, one.seq, moment(at))
        if self._latest - at > CLOCK_TOLERANCE and len(self._report.warnings) < LIMIT:
            self._report.warnings.append(f"entry {one.seq} is dated {(self._latest - at).total_seconds():.0f} s before an entry that precedes it")
        self._latest = max(self._latest, at)

    def _integrate(self, stored: Sequence[Stored]) -> None:
        """Grow the tree leaf by leaf, for a checkpoint may stand at any size, and compare the stored nodes."""
        made: dict[tuple[int, int], tuple[int, bytes]] = {}
        for one in stored:
            for level, index, node in grow(self._peaks, one.seq, (one.leaf,), self._digest):
                made[level, index] = (one.seq, node)
            self._heads.at(one.seq + 1, self._peaks)
        integrated = {address: (seq, node) for address, (seq, node) in made.items() if seq < self._heads.published}
        self._nodes += len(integrated)
        self._compare_nodes(integrated)

    def _compare_nodes(self, made: dict[tuple[int, int], tuple[int, bytes]]) -> None:
        column = tables.node.c
        for level in {level for level, _ in made}:
            indexes = [index for at, index in made if at == level]
            rows = rows_between(self._connection, tables.node, column.idx, min(indexes), max(indexes), column.level == level)
            held = {row["idx"]: row["hash"] for row in rows if row is not None}
            for index in indexes:
                if held.get(index) != made[level, index][1]:
                    self._report.find("tree", index << level, f"the tree's node ({level}, {index}) is missing or altered")

    def _tail(self, total: int) -> None:
        """What lies outside everything that the batches account for."""
        if total + self._removed.leaves != self._size:
            self._report.find("entry", min(total, self._size), f"{total + self._removed.leaves} entries are stored, {self._size} are in batches")
        self._policy.finish()
        self._account(tables.batch, self._batches)
        self._account(tables.access, self._accesses)
        if self._whole:
            self._account(tables.node, self._nodes + self._removed.leaves)
        self._removed.finish()
        self._check_hours()
        for seq, receipts in self._receipts.items():
            self._report.receipts += len(receipts)
            self._report.find("receipt", seq, f"entry {seq}, promised by the receipt of call {receipts[0].call!r}, is missing")
        self._check_head()

    def _account(self, table: Table, expected: int) -> None:
        if (held := self._count(table)) != expected:
            self._report.find("head", None, f"{table.name} has {held} rows where the entries account for {expected}")

    def _check_hours(self) -> None:
        """A search by time reads no entry beyond what the table of hours says: that must leave none out."""
        held = {row.hour: (row.first, row.last) for row in self._connection.execute(select(tables.hour))}
        for hour, (first, last) in self._hours.items():
            if hour not in held or held[hour][0] > first or held[hour][1] < last:
                self._report.find("head", first, f"the table of hours hides entries of {hour} from searches by time")

    def _check_head(self) -> None:
        expected = {
            "id": 1,
            "log": self._report.log,
            "size": self._size,
            "batches": self._batches,
            "leaf": bytes.fromhex(self._previous),
            "key": self._policy.present.key_id,
        }
        if rows_between(self._connection, tables.head, tables.head.c.id, 0, 32767) != [expected]:
            self._report.find("head", None, "the head's row does not say where the log ends; entries may have been removed from the end")

    def _count(self, table: Table) -> int:
        return self._connection.execute(select(func.count()).select_from(table)).scalar_one()


def _stored_keys(connection: Connection, report: Report) -> list[LedgerKey]:
    try:
        return read_history(connection)
    except LedgerCorrupt as fault:
        report.find("key", None, str(fault))
    except SQLAlchemyError:
        report.find("key", None, "the table of keys cannot be read")
    return []
