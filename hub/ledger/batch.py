"""One group commit: drafts become entries, a signature and rows, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import NamedTuple

from sqlalchemy import Connection

from hub.ledger.batches import Batch
from hub.ledger.digest import digest_of
from hub.ledger.errors import LedgerCorrupt
from hub.ledger.held import Held
from hub.ledger.keys import Signer
from hub.ledger.merkle import levels, paths_in
from hub.ledger.pending import Entering
from hub.ledger.pending import Pending as Pending
from hub.ledger.pending import Work as Work
from hub.ledger.receipt import Receipt, batch_text
from hub.ledger.storing import read_head, store, store_behind
from hub.store import plain


def write(connection: Connection, pending: Sequence[Entering], signer: Signer) -> list[Receipt | Exception]:
    """Append a batch within the connection's transaction; in order, the receipt of each draft or the exception of its work.

    The database's head is read anew and locked, so any number of processes may append to one log.

    Raises:
        SQLAlchemyError: the database refused; the transaction must be rolled back.
        LedgerCorrupt: the database holds another log, or none, or another key than the signer's is in force.
        KeyMissing: the key in force is none of the signer's.
    """
    return write_behind(connection, pending, signer)[0]


def write_behind(connection: Connection, pending: Sequence[Entering], signer: Signer) -> tuple[list[Receipt | Exception], Head]:
    """As ``write``; and where the log ends once the transaction is committed."""
    head = locked_head(connection, signer.verifier_key.name)
    # Behind the lock, so that no two keys ever sign at one time: a key that was replaced meanwhile signs nothing more.
    signer = signer.in_force(head.key)
    faults = [_done(connection, one.work) for one in pending]
    standing = [one for one, fault in zip(pending, faults, strict=True) if fault is None]
    if not standing:
        return [fault for fault in faults if fault is not None], head
    made = compose(standing, signer, head)
    store(connection, made.batch, (signer.verifier_key.name, *head))
    receipts = iter(made.receipts)
    return [next(receipts) if fault is None else fault for fault in faults], made.head


def write_swiftly(held: Held, pending: Sequence[Entering], signer: Signer, head: Head) -> Composed | None:
    """Append a batch by one statement, behind the end of the log that is remembered; ``None`` where that is no longer its end.

    The one statement takes the head's lock, compares it with what is remembered, and writes nothing unless all of it is the same: the key too.

    Raises:
        Exception: the database refused; whether the batch is there is not known.
        KeyMissing: the key in force is none of the signer's.
    """
    made = compose(pending, signer.in_force(head.key), head)
    with held.driving() as driving:
        return made if store_behind(driving, made.batch, (signer.verifier_key.name, *head)) else None


class Head(NamedTuple):
    """Where the log ends, and the id of the key in force."""

    size: int
    batches: int
    leaf: bytes
    key: str


def locked_head(connection: Connection, log: str) -> Head:
    """The end of the log, locked until the transaction ends.

    Raises:
        LedgerCorrupt: the database holds another log, or none.
    """
    row = read_head(connection)
    if row is None or row.log != log:
        raise LedgerCorrupt(f"the database holds {'no ledger' if row is None else f'the ledger {row.log!r}'}, not {log!r}; check HUITONG_HOME and the keys")
    return Head(row.size, row.batches, row.leaf, row.key or "")


class Composed(NamedTuple):
    """A batch that is sealed and signed, the receipts of its entries, and where the log ends with it."""

    batch: Batch
    receipts: list[Receipt]
    head: Head


def compose(standing: Sequence[Entering], signer: Signer, head: Head) -> Composed:
    """The batch of these entries behind the head."""
    first, number, previous, _ = head
    entries: list[tuple[object, ...]] = []
    accesses: list[tuple[object, ...]] = []
    leaves: list[bytes] = []
    name = signer.verifier_key.name
    digest = digest_of(name)
    leaf = digest.leaf
    for seq, one in enumerate(standing, first):
        canonical = one.sealed(seq, previous.hex())
        previous = leaf(canonical)
        leaves.append(previous)
        entries.append((seq, number, *one.repeated, previous, canonical))
        for resource, provider in one.places:
            accesses.append((seq, resource, provider))
    rows = levels(leaves, digest)
    root, count, key = rows[-1][0], len(leaves), signer.key_id
    signature = signer.sign(batch_text(name, first, count, root))
    batch = Batch((number, first, count, root, key, signature), entries, accesses, (first + count, number + 1, previous))
    receipts = [
        Receipt(one.call, first + index, root, path, signature, index, count, leaves[index], key)
        for index, (one, path) in enumerate(zip(standing, paths_in(rows), strict=True))
    ]
    return Composed(batch, receipts, Head(first + count, number + 1, previous, key))


def _done(connection: Connection, work: Work | None) -> Exception | None:
    """What the work raised; its changes are undone then, and nobody else's."""
    if work is None:
        return None
    kept = _Kept()
    plain.do(connection, "SAVEPOINT one")
    with kept:
        work(connection)
    # Where the database has ended the transaction by itself (disk full), either of these raises, and the whole batch fails as it must.
    if kept.fault is not None:
        plain.do(connection, "ROLLBACK TO SAVEPOINT one")
    plain.do(connection, "RELEASE SAVEPOINT one")
    return kept.fault


class _Kept(AbstractContextManager[None]):
    """Keeps the exception of its block: it belongs to one draft, not to the batch."""

    fault: Exception | None = None

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> bool:
        self.fault = value if isinstance(value, Exception) else None
        return self.fault is not None
