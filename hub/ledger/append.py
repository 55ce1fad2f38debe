"""Group commit: one commit in flight, and whatever arrives meanwhile is the next batch. A quiet hub commits at once, a busy one waits a moment for more."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from threading import Condition, Event, Thread

from sqlalchemy import Engine, update
from sqlalchemy.exc import SQLAlchemyError

from connectors.telemetry import Histogram
from hub.ledger import tables
from hub.ledger.batch import Pending, Work, locked_head, write, writing
from hub.ledger.canonical import record
from hub.ledger.entry import EntryDraft
from hub.ledger.errors import LedgerCorrupt, LedgerUnavailable
from hub.ledger.held import Held
from hub.ledger.keys import Signer
from hub.ledger.receipt import Receipt

BATCH_LIMIT = 256
QUEUE_LIMIT = 4096
PATIENCE_MS = 2000
"""How long a commit of the event loop's entries waits for somebody else's lock of the database."""
IMPATIENCE_MS = 200
"""The same while commits fail: callers are told soon."""
SEVERAL = 4
"""Entries of a batch from which on the hub is busy: the next commit waits while more arrive, for what it costs beside its entries is shared."""
ENOUGH = 48
"""Entries that are not waited for any longer."""
GLANCE_SECONDS, GLANCES = 0.001, 8
"""Between two looks at how many there are, and so many looks at most."""
PROBE_SECONDS = 1.0
"""While commits fail and nothing is to be written, the database is tried this often."""
LONGEST_SECONDS = 5.0
"""An entry that waited so long for its commit to begin is not written any more; its caller is told so."""
ACTS = ("admin", "start", "stop", "key")
"""Kinds of entries that are taken while ``Ledger.acts_only`` holds, so that those who run the hub can do something about it."""

_LATE = f"the entry was not written within {LONGEST_SECONDS:.0f} s; try again"
_REFUSED = (SQLAlchemyError, sqlite3.Error, OSError, LedgerCorrupt)
Result = Receipt | Exception


@dataclass(frozen=True, slots=True)
class _Waiting:
    pending: Pending
    future: asyncio.Future[Receipt]
    loop: asyncio.AbstractEventLoop = field(repr=False)
    since: float = field(default_factory=time.perf_counter)


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
        self._queue: deque[_Waiting] = deque()
        self._changed = Condition()
        self._open = False
        self._failing = False
        self._closing = Event()
        self._last = 0
        self._thread: Thread | None = None
        self.acts_only: str | None = None
        """Why no entry that stands for data is taken from the event loop; ``None``: all are."""
        self.seconds = Histogram()
        """From an entry's draft to its receipt."""

    @property
    def waiting(self) -> int:
        """Entries that wait to be committed."""
        return len(self._queue)

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
            self._open = True
            self._closing.clear()
            self._thread = Thread(target=self._run, name="huitong-ledger", daemon=True)
            self._thread.start()

    async def close(self) -> None:
        """Accept nothing more, commit what waits, end the thread."""
        with self._changed:
            self._open = False
            self._closing.set()
            self._changed.notify()
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

    def append_sync(self, draft: EntryDraft, work: Work | None = None) -> Receipt:
        """As ``append`` or ``append_with``, in a transaction of its own on the calling thread."""
        result = self._commit([Pending(draft, record(draft, self.log), work)])[0]
        if isinstance(result, Receipt):
            return result
        raise result

    async def _enqueue(self, pending: Pending) -> Receipt:
        loop = asyncio.get_running_loop()
        waiting = _Waiting(pending, loop.create_future(), loop)
        with self._changed:
            if not self._open:
                raise LedgerUnavailable("the ledger is closed")
            if self.acts_only is not None and not _is_act(pending.draft):
                raise LedgerUnavailable(self.acts_only)
            if len(self._queue) >= self._queue_limit:
                raise LedgerUnavailable(f"{self._queue_limit} entries wait for the ledger already; try again")
            self._queue.append(waiting)
            self._changed.notify()
        receipt = await waiting.future
        self.seconds.note(time.perf_counter() - waiting.since)
        return receipt

    def _run(self) -> None:
        held = Held(self._engine)
        try:
            while self._awaited():
                self._gather()
                _resolve(late := self._late(), [LedgerUnavailable(_LATE) for _ in late])
                batch = self._next()
                if batch:
                    _resolve(batch, self._judged([waiting.pending for waiting in batch], held))
                else:
                    self._probe(held)
        finally:
            held.close()
            self._abandon()

    def _awaited(self) -> bool:
        """Waits for entries, or for the time of a probe; false when closed and nothing is left."""
        with self._changed:
            while self._open and not self._queue:
                if not self._changed.wait(PROBE_SECONDS if self._failing else None):
                    return True
            return bool(self._queue)

    def _gather(self) -> None:
        """Where the last commit had several entries, waits while more arrive. A caller alone never waits for this."""
        seen = 0
        for _ in range(GLANCES if self._last >= SEVERAL else 0):
            if not seen < len(self._queue) < ENOUGH:
                return
            seen = len(self._queue)
            self._closing.wait(GLANCE_SECONDS)

    def _late(self) -> list[_Waiting]:
        """Those who have waited too long: they would be told of a success that nobody waits for any more."""
        end = time.perf_counter() - LONGEST_SECONDS
        with self._changed:
            return [self._queue.popleft() for _ in range(sum(1 for _ in takewhile(lambda waiting: waiting.since < end, self._queue)))]

    def _next(self) -> list[_Waiting]:
        with self._changed:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._batch_limit))]
        self._last = len(batch)
        return batch

    def _judged(self, pending: Sequence[Pending], held: Held) -> list[Result]:
        try:
            with held.writing(IMPATIENCE_MS if self._failing else PATIENCE_MS) as connection:
                results: list[Result] = [*write(connection, pending, self._signer)]
        except _REFUSED as fault:
            self._failing = True
            return [_unavailable(fault) for _ in pending]
        self._failing = False
        return results

    def _probe(self, held: Held) -> None:
        """A commit that changes nothing but shows that one can be made."""
        try:
            with held.writing(IMPATIENCE_MS) as connection:
                locked_head(connection, self.log)
                connection.execute(update(tables.head).values(size=tables.head.c.size))
        except _REFUSED:
            return
        self._failing = False

    def _commit(self, pending: Sequence[Pending]) -> list[Result]:
        try:
            with writing(self._engine) as connection:
                results = write(connection, pending, self._signer)
        except _REFUSED as fault:
            return [_unavailable(fault) for _ in pending]
        return [*results]

    def _abandon(self) -> None:
        """Whatever ended the thread, nobody waits for ever."""
        with self._changed:
            self._open = False
            left = list(self._queue)
            self._queue.clear()
        _resolve(left, [LedgerUnavailable("the ledger's writer has ended; restart the hub") for _ in left])


def _is_act(draft: EntryDraft) -> bool:
    """Whether an entry stands for no data and no mere refusal. The end of an exchange that failed is an act: it was begun before."""
    return draft.kind in ACTS or (draft.kind == "exchange" and draft.outcome == "FAILED")


def _unavailable(fault: Exception) -> LedgerUnavailable:
    """Without the driver's text, which may quote values; the cause stays attached for the hub's own log."""
    wrapped = LedgerUnavailable(str(fault) if isinstance(fault, LedgerCorrupt) else f"the control database refused the entry ({type(fault).__name__})")
    wrapped.__cause__ = fault
    return wrapped


def _resolve(batch: Sequence[_Waiting], results: Sequence[Result]) -> None:
    """Hand out the results with one wake-up per event loop."""
    for loop in {waiting.loop for waiting in batch}:
        mine = [(waiting.future, result) for waiting, result in zip(batch, results, strict=True) if waiting.loop is loop]
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, mine)


def _settle(mine: Sequence[tuple[asyncio.Future[Receipt], Result]]) -> None:
    for future, result in mine:
        if future.done():
            continue
        if isinstance(result, Receipt):
            future.set_result(result)
        else:
            future.set_exception(result)
