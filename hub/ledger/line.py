"""Where entries wait for their commit: filled from event loops, emptied by the ledger's writer, without a lock that either could hold against the other."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from threading import Event

from hub.ledger.errors import LedgerUnavailable
from hub.ledger.pending import Entering
from hub.ledger.receipt import Receipt

_GLANCE_SECONDS, _GLANCES, _IDLE_GLANCES = 0.001, 20, 4
"""Between two looks at how many there are; so many looks at most, and so many at most in which nobody came."""


class Waiting:
    """An entry on its way, and who waits for its receipt."""

    __slots__ = ("future", "loop", "pending", "since")

    def __init__(self, pending: Entering, future: asyncio.Future[Receipt], loop: asyncio.AbstractEventLoop) -> None:
        self.pending = pending
        self.future = future
        self.loop = loop
        self.since = time.perf_counter()


class Line:
    """First come, first served. ``put`` is for event loops; one thread does everything else."""

    def __init__(self) -> None:
        # Appending to a deque and taking from its left are atomic.
        self._queue: deque[Waiting] = deque()
        self._called = Event()
        self._closing = Event()
        self._idle = False
        self._ended: str | None = None

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, waiting: Waiting) -> None:
        """Adds an entry. Never waits."""
        self._queue.append(waiting)
        if self._idle:
            self._called.set()
        if self._ended is not None:
            # The thread may have looked for the last time before this entry was there.
            self._abandon(self._ended)

    def close(self) -> None:
        """Nothing more will come: ``awaited`` answers at once from now on."""
        self._closing.set()
        self._called.set()

    def awaited(self, most: float | None) -> bool:
        """Waits until an entry is there, or for ``most`` seconds; false when closed and nothing is left."""
        while not self._queue and not self._closing.is_set():
            self._called.clear()
            self._idle = True
            # Looked at once more behind the flag: whoever came before it was raised did not call.
            due = bool(self._queue) or self._closing.is_set() or self._called.wait(most)
            self._idle = False
            if not due:
                return True
        return bool(self._queue)

    def gather(self, enough: int) -> None:
        """Waits while more arrive, until there are enough: some milliseconds at most."""
        seen, idle = len(self._queue), 0
        for _ in range(_GLANCES):
            if len(self._queue) >= enough or idle == _IDLE_GLANCES:
                return
            self._closing.wait(_GLANCE_SECONDS)
            idle, seen = (idle + 1, seen) if len(self._queue) == seen else (0, len(self._queue))

    def late(self, seconds: float) -> list[Waiting]:
        """Takes those who have waited for longer: they would be told of a success that nobody waits for any more."""
        end, found = time.perf_counter() - seconds, []
        while self._queue and self._queue[0].since < end:
            found.append(self._queue.popleft())
        return found

    def take(self, most: int) -> list[Waiting]:
        """Takes the first, so many at most."""
        return [self._queue.popleft() for _ in range(min(len(self._queue), most))]

    def end(self, reason: str) -> None:
        """Whatever ended the thread, nobody waits for ever: who is left, and who comes, is told the reason."""
        self._ended = reason
        self._abandon(reason)

    def _abandon(self, reason: str) -> None:
        left = []
        # Whoever comes now does the same from another thread.
        with suppress(IndexError):
            while True:
                left.append(self._queue.popleft())
        resolve(left, [LedgerUnavailable(reason) for _ in left])


def resolve(batch: Sequence[Waiting], results: Sequence[Receipt | Exception]) -> None:
    """Hand out the results with one wake-up per event loop."""
    for loop in {waiting.loop for waiting in batch}:
        mine = [(waiting.future, result) for waiting, result in zip(batch, results, strict=True) if waiting.loop is loop]
        # A loop that is closed has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, mine)


def _settle(mine: Sequence[tuple[asyncio.Future[Receipt], Receipt | Exception]]) -> None:
    for future, result in mine:
        if future.done():
            continue
        if isinstance(result, Receipt):
            future.set_result(result)
        else:
            future.set_exception(result)
