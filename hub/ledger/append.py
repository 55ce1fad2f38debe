"""Group commit: one commit in flight, and whatever arrives meanwhile is the next batch. A quiet hub commits at once, a busy one waits a moment for more."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from threading import Thread

from sqlalchemy import Engine, update
from sqlalchemy.exc import SQLAlchemyError

from connectors.telemetry import Histogram
from hub.ledger import tables
from hub.ledger.batch import Head, Pending, Work, locked_head, write, write_behind, write_swiftly
from hub.ledger.canonical import record
from hub.ledger.entry import EntryDraft
from hub.ledger.errors import DataWithheld, KeyMissing, LedgerCorrupt, LedgerUnavailable
from hub.ledger.forms import Filled
from hub.ledger.held import Held
from hub.ledger.keys import Signer
from hub.ledger.line import Line, Waiting, resolve
from hub.ledger.pending import Entering, Told
from hub.ledger.receipt import Receipt
from hub.store.turns import writing

BATCH_LIMIT = 256
QUEUE_LIMIT = 4096
PATIENCE_MS = 2000
"""How long a commit of the event loop's entries waits for somebody else's lock of the database."""
IMPATIENCE_MS = 200
"""The same while commits fail: callers are told soon."""
CROWD = 8
"""Calls in work from which on a commit waits for some of them. With fewer, who has come would wait for longer than a commit takes."""
MOST_GATHERED = 64
"""Entries of a commit that are waited for at most."""
PROBE_SECONDS = 1.0
"""While commits fail and nothing is to be written, the database is tried this often."""
LONGEST_SECONDS = 5.0
"""An entry that waited so long for its commit to begin is not written any more; its caller is told so."""
OVERTAKEN = 8
"""Commits that read the log's end, after one that found another process's entries there."""

_LATE = f"the entry was not written within {LONGEST_SECONDS:.0f} s; try again"
_REFUSED = (SQLAlchemyError, sqlite3.Error, OSError, LedgerCorrupt, KeyMissing)


class Ledger:
    """Appends entries to the log of ``signer``; every returned receipt stands for an entry that is on the disk.

    ``append`` and ``append_with`` serve the event loop and share commits; ``append_sync`` serves a command line and needs no ``start``. Other
    processes may append to the same database at the same time.
    """

    def __init__(self, engine: Engine, signer: Signer, *, batch_limit: int = BATCH_LIMIT, queue_limit: int = QUEUE_LIMIT) -> None:
        self._engine = engine
        self._signer = signer
        self._batch_limit = batch_limit
        self._queue_limit = queue_limit
        self._line = Line()
        self.in_work: Callable[[], int] = _none_known
        """How many calls are in work, each with an entry to come."""
        self._open = False
        self._failing = False
        self._end: Head | None = None
        """Where the log ended when this process last wrote to it."""
        self._overtaken = 0
        """Commits for which others are taken to write too."""
        self._thread: Thread | None = None
        self.acts_only: str | None = None
        """Why no entry that stands for data is taken from the event loop; ``None``: all are."""
        self.withheld: Callable[[], str | None] = _nothing
        """Why no data may leave although entries can be written; asked before each entry that stands for data."""
        self.seconds = Histogram()
        """From an entry's draft to its receipt."""
        self.noted: Callable[[Told], object] = _unnoted
        """Told of each entry of the event loop once it is durable; figures are counted by it."""

    @property
    def waiting(self) -> int:
        """Entries that wait to be committed."""
        return len(self._line)

    @property
    def log(self) -> str:
        """The log's name."""
        return self._signer.verifier_key.name

    @property
    def running(self) -> bool:
        """Whether entries are accepted from the event loop; readiness depends on it."""
        return self._open

    @property
    def failing(self) -> bool:
        """Whether the event loop's last commit failed; the next one that succeeds, or a probe of the database, ends it."""
        return self._failing

    async def start(self) -> None:
        """Start the writer's thread."""
        if self._thread is None:
            self._line = Line()
            self._open = True
            self._thread = Thread(target=self._run, name="huitong-ledger", daemon=True)
            self._thread.start()

    async def close(self) -> None:
        """Accept nothing more, commit what waits, end the thread."""
        self._open = False
        self._line.close()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    async def append(self, draft: EntryDraft) -> Receipt:
        """The receipt, once the entry is durable. A cancelled caller's entry is written all the same.

        Raises:
            LedgerUnavailable: the entry is not durable; release nothing.
            EntryRejected: the draft cannot be an entry; nothing was written.
        """
        return await self._enqueue(Pending(draft, record(draft, self.log)))

    async def append_with(self, draft: EntryDraft, work: Work) -> Receipt:
        """As ``append``, with a change that commits in the same transaction.

        Raises:
            Exception: whatever ``work`` raised: then neither its change nor the entry is there, and other entries are not touched.
        """
        return await self._enqueue(Pending(draft, record(draft, self.log), work))

    async def append_filled(self, entry: EntryDraft | Filled, work: Work | None = None) -> Receipt:
        """As ``append`` or ``append_with``, of an entry for which a form may have been filled in already."""
        if not isinstance(entry, Filled):
            return await self._enqueue(Pending(entry, record(entry, self.log), work))
        entry.work = work
        return await self._enqueue(entry)

    def append_sync(self, draft: EntryDraft, work: Work | None = None) -> Receipt:
        """As ``append`` or ``append_with``, in a transaction of its own on the calling thread."""
        result = self._commit([Pending(draft, record(draft, self.log), work)])[0]
        if isinstance(result, Receipt):
            return result
        raise result

    def check_release(self) -> None:
        """Raises :class:`DataWithheld` while no data may leave, so that nobody reads them in vain; their entry would be refused as well."""
        if (reason := self.withheld()) is not None:
            raise DataWithheld(reason)

    async def _enqueue(self, pending: Entering) -> Receipt:
        if pending.releases:
            self.check_release()
        if not self._open:
            raise LedgerUnavailable("the ledger is closed")
        if self.acts_only is not None and not pending.is_act:
            raise LedgerUnavailable(self.acts_only)
        if len(self._line) >= self._queue_limit:
            raise LedgerUnavailable(f"{self._queue_limit} entries wait for the ledger already; try again")
        loop = asyncio.get_running_loop()
        waiting = Waiting(pending, loop.create_future(), loop)
        self._line.put(waiting)
        receipt = await waiting.future
        self.seconds.note(time.perf_counter() - waiting.since)
        self.noted(pending.told)
        return receipt

    def _run(self) -> None:
        held = Held(self._engine)
        try:
            while self._line.awaited(PROBE_SECONDS if self._failing else None):
                # What a commit costs beside its entries is shared by half of the calls in work; the other half is worked on meanwhile.
                if (calls := self.in_work()) >= CROWD:
                    self._line.gather(min(calls // 2, MOST_GATHERED))
                resolve(late := self._line.late(LONGEST_SECONDS), [LedgerUnavailable(_LATE) for _ in late])
                batch = self._line.take(self._batch_limit)
                if batch:
                    resolve(batch, self._judged([waiting.pending for waiting in batch], held))
                else:
                    self._probe(held)
        finally:
            held.close()
            self._open = False
            self._line.end("the ledger's writer has ended; restart the hub")

    def _judged(self, pending: Sequence[Entering], held: Held) -> list[Receipt | Exception]:
        patience = IMPATIENCE_MS if self._failing else PATIENCE_MS
        try:
            results = self._swift(pending, held, patience) or self._written(pending, held, patience)
        except Exception as fault:  # noqa: BLE001 - whatever a commit fails by, its callers are told, and the writer goes on
            self._failing, self._end = True, None
            return [_unavailable(fault) for _ in pending]
        self._failing = False
        return results

    def _written(self, pending: Sequence[Entering], held: Held, patience: int) -> list[Receipt | Exception]:
        with held.writing(patience) as connection:
            results, end = write_behind(connection, pending, self._signer)
        self._end, self._overtaken = end, max(0, self._overtaken - 1)
        return results

    def _swift(self, pending: Sequence[Entering], held: Held, patience: int) -> list[Receipt | Exception] | None:
        """By one statement; ``None``: not in this way."""
        if self._end is None or self._overtaken or not held.is_told(patience) or any(one.work for one in pending):
            return None
        made = write_swiftly(held, pending, self._signer, self._end)
        if made is None:
            self._end, self._overtaken = None, OVERTAKEN
            return None
        self._end = made.head
        return [*made.receipts]

    def _probe(self, held: Held) -> None:
        """A commit that changes nothing but shows that one can be made."""
        try:
            with held.writing(IMPATIENCE_MS) as connection:
                locked_head(connection, self.log)
                connection.execute(update(tables.head).values(size=tables.head.c.size))
        except Exception:  # noqa: BLE001 - the same
            return
        self._failing = False

    def _commit(self, pending: Sequence[Entering]) -> list[Receipt | Exception]:
        try:
            with writing(self._engine) as connection:
                results = write(connection, pending, self._signer)
        except _REFUSED as fault:
            return [_unavailable(fault) for _ in pending]
        return [*results]


def _unnoted(_told: Told) -> None:
    return None


def _none_known() -> int:
    """A hub that does not tell commits at once."""
    return 0


def _nothing() -> None:
    """Nothing withholds data."""


def _unavailable(fault: Exception) -> LedgerUnavailable:
    """Without the driver's text, which may quote values; the cause stays attached for the hub's own log."""
    wrapped = LedgerUnavailable(
        str(fault) if isinstance(fault, LedgerCorrupt | KeyMissing) else f"the control database refused the entry ({type(fault).__name__})"
    )
    wrapped.__cause__ = fault
    return wrapped
