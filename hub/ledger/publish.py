"""Publication: durable entries are integrated into the tree, and the tree's head is signed, once a second at most."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event, Thread

from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from hub.ledger import tables
from hub.ledger.batch import locked_head
from hub.ledger.canonical import NO_PREDECESSOR
from hub.ledger.checkpoint import Checkpoint, NoteSigner, open_checkpoint, sign_checkpoint
from hub.ledger.digest import Digest, digest_of
from hub.ledger.errors import DeviceFault, KeyMissing, LedgerCorrupt
from hub.ledger.following import AT_ONCE, NewEntry, new_entries
from hub.ledger.history import LedgerKey, check_last, of_size, read_history
from hub.ledger.hours import Spans, spans, widen
from hub.ledger.keys import Signer, VerifierKey
from hub.ledger.merkle import fold, grow
from hub.ledger.parsing import place, stands_at
from hub.ledger.storing import insert_all
from hub.ledger.tree import peaks
from hub.pacing import Pace, calmly
from hub.store.turns import writing

INTERVAL = 1.0
"""Seconds between looks at the log."""
STEP = 4096
"""Entries that one checkpoint integrates at most, so that no transaction holds the log for long."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Grown:
    before: int
    size: int
    root: bytes
    nodes: list[tuple[int, int, bytes]]
    hours: Spans


class Publisher:
    """Signs checkpoints for the log of ``signer``, each an extension of the one before, or none.

    A publisher remembers what it signed: a database set back under its feet is refused, not signed anew.
    """

    def __init__(self, engine: Engine, signer: Signer, *, further: Sequence[NoteSigner] = (), interval: float = INTERVAL) -> None:
        self._engine = engine
        self._signer = signer
        self._further = further
        self._digest = digest_of(signer.verifier_key.name)
        self._interval = interval
        self._signed: Checkpoint | None = None
        self._ending = Event()
        self._thread: Thread | None = None
        self._more = False
        """Whether the last checkpoint left entries to the next one."""
        self.fault: str | None = None
        """Why the last look published nothing although something was new; ``None`` when all is well. Readiness shows it."""

    def start(self) -> None:
        """Publish every ``interval`` seconds from a thread of its own."""
        if self._thread is None:
            self._ending.clear()
            self._thread = Thread(target=self._run, name="huitong-checkpoints", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Publish what is left and end the thread; blocks until then."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def publish(self) -> Checkpoint | None:
        """Integrate up to ``STEP`` entries and store a checkpoint over them; ``None`` when nothing is new.

        Raises:
            LedgerCorrupt: the log does not extend what was signed before. Nothing was signed.
            KeyMissing: the key in force is not here.
            DeviceFault: a device that has to sign too did not.
            SQLAlchemyError: the database refused, or another process published meanwhile.
        """
        with self._engine.connect() as connection:
            line = read_history(connection)
            signer = self._signer.in_force(line[-1].verifier.key_id)
            grown = self._grow(connection, line)
        if grown is None:
            return None
        signed = sign_checkpoint(grown.size, grown.root, signer, self._further)
        with writing(self._engine) as connection:
            # The lock first: whoever published meanwhile is seen only behind it.
            head = locked_head(connection, signed.origin)
            check_last(head.key, read_history(connection))
            if head.size < grown.size or head.key != signer.key_id or last_size(connection) != grown.before:
                return None
            insert_all(connection, tables.node, grown.nodes)
            widen(connection, grown.hours)
            connection.execute(insert(tables.checkpoint).values(size=signed.size, note=signed.note))
        self._signed = signed
        return signed

    def publish_all(self) -> Checkpoint | None:
        """Publish what is there; the last checkpoint made. What comes meanwhile is for the next time: of a busy log there would always be something new."""
        last = None
        while made := self.publish():
            last = made
            if not self._more:
                break
        return last

    def _grow(self, connection: Connection, line: Sequence[LedgerKey]) -> _Grown | None:
        before, tops = self._verified(connection, line)
        # The key in force signs no checkpoint that lies before its announcement: up to there is one step.
        limit = max(STEP, line[-1].size - before)
        # What is written from here on is not waited for: of a busy log there would be a few more behind each piece, and no end before the limit.
        newest = connection.execute(select(func.max(tables.entry.c.seq))).scalar()
        end = before if newest is None else min(before + limit, newest + 1)
        leaves: list[bytes] = []
        nodes: list[tuple[int, int, bytes]] = []
        moments: list[tuple[int, str]] = []
        previous, pace = self._previous(connection, before), Pace()
        while (at := before + len(leaves)) < end and (rows := new_entries(connection, at, min(AT_ONCE, end - at))):
            found = _leaves(rows, at, previous, self._digest)
            nodes += grow(tops, at, found, self._digest)
            moments += [(seq, moment) for seq, _, _, moment in rows]
            leaves += found
            previous = found[-1].hex()
            pace()
        self._more = len(leaves) == limit
        return _Grown(before, before + len(leaves), fold(tops, self._digest), nodes, spans(moments)) if leaves else None

    def _verified(self, connection: Connection, line: Sequence[LedgerKey]) -> tuple[int, list[bytes]]:
        """Size and peaks of the last signed tree, checked against its signature and against this publisher's memory."""
        row = connection.execute(select(tables.checkpoint).order_by(tables.checkpoint.c.size.desc()).limit(1)).one_or_none()
        size = 0 if row is None else row.size
        if self._signed is not None and size < self._signed.size:
            raise LedgerCorrupt(f"entry {size}: the ledger has been set back below its published size {self._signed.size}")
        if row is None:
            return 0, []
        tops = peaks(connection, size)
        self._check(row.note, size, fold(tops, self._digest), of_size(line, size).verifier)
        if self._signed is not None and self._signed.size == size and self._signed.root != fold(tops, self._digest):
            raise LedgerCorrupt(f"entry 0 to {size - 1}: the ledger differs from what was published")
        return size, tops

    def _check(self, note: str, size: int, root: bytes, key: VerifierKey) -> None:
        try:
            last = open_checkpoint(note, [key])
        except ValueError as fault:
            raise LedgerCorrupt(f"the last checkpoint, of {size} entries, is not the ledger's own: {fault}") from fault
        if (last.origin, last.size, last.root) != (self._signer.verifier_key.name, size, root):
            raise LedgerCorrupt(f"the tree over entries 0 to {size - 1} is not the one of its checkpoint")

    def _previous(self, connection: Connection, before: int) -> str:
        if before == 0:
            return NO_PREDECESSOR
        leaf: bytes = connection.execute(select(tables.entry.c.leaf).where(tables.entry.c.seq == before - 1)).scalar_one()
        return leaf.hex()

    def _run(self) -> None:
        with calmly(self._ending):
            while not self._ending.wait(self._interval):
                self._look()
        self._look()

    def _look(self) -> None:
        try:
            self.publish_all()
        except (SQLAlchemyError, sqlite3.Error, OSError) as fault:
            self._report(f"no checkpoint: the control database refused ({type(fault).__name__})")
        except (LedgerCorrupt, KeyMissing, DeviceFault) as fault:
            self._report(f"no checkpoint: {fault}")
        except Exception as fault:  # noqa: BLE001 - whatever the tables hold, the thread goes on and readiness tells
            self._report(f"no checkpoint: the stored tree cannot be read ({type(fault).__name__}); run `huitong ledger verify`")
        else:
            self.fault = None

    def _report(self, fault: str) -> None:
        if fault != self.fault:
            _log.critical("%s", fault)
        self.fault = fault


def last_size(connection: Connection) -> int:
    """How many entries are integrated and published."""
    size: int | None = connection.execute(select(tables.checkpoint.c.size).order_by(tables.checkpoint.c.size.desc()).limit(1)).scalar()
    return size or 0


def _leaves(rows: Sequence[NewEntry], first: int, previous: str, digest: Digest) -> list[bytes]:
    """The leaf hashes of new entries, in an unbroken sequence and chain, each made anew from its bytes."""
    leaves, hashed = [], digest.leaf
    for expected, (stored, held, canonical, _) in enumerate(rows, first):
        if stored != expected:
            raise LedgerCorrupt(f"entry {expected} is missing")
        leaf = hashed(canonical)
        if leaf != held or not (stands_at(canonical, expected, previous) or _place(canonical, expected) == (expected, previous)):
            _place(canonical, expected)
            raise LedgerCorrupt(f"entry {expected} was altered before it was published")
        leaves.append(leaf)
        previous = leaf.hex()
    return leaves


def _place(canonical: bytes, seq: int) -> tuple[int, str]:
    try:
        _, claimed, chain = place(canonical)
    except ValueError as fault:
        raise LedgerCorrupt(f"entry {seq} is not readable") from fault
    return claimed, chain
