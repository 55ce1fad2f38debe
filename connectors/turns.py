"""Turns at one source: so many calls run, so many wait, and who waits is served by turns of callers, not by arrival."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

_TICKS = 12
"""How often, in the time that a call may take, the queue is looked through."""
_WEIGHT = 0.1
"""Of the newest call in the mean."""


class NoTurn(Exception):
    """There is no place: ``full`` where it was refused at once, else its time passed while it waited."""

    def __init__(self, full: bool) -> None:
        super().__init__()
        self.full = full


Waiter = asyncio.Future[None]


class Turns:
    """At most ``pool`` calls run and at most ``queue`` wait. Lives on one event loop; ``seconds`` is what a call may take.

    Of those who wait only so many are kept as can expect a turn within ``seconds``, judged by how long calls take and by how long those that
    run have been running: at a source that hangs the queue melts away within a fraction of ``seconds``, instead of holding its callers.
    """

    def __init__(self, pool: int, queue: int, seconds: float) -> None:
        self._pool = pool
        self._queue = queue
        self._seconds = seconds
        self._mean = 0.0
        self._running: OrderedDict[object, float] = OrderedDict()
        """When each call began that runs, oldest first."""
        self._callers: OrderedDict[str, deque[Waiter]] = OrderedDict()
        """Who waits, by caller; the next caller to be served first."""
        self._granted = 0
        """Turns given to calls that have not begun yet."""
        self._looking: asyncio.TimerHandle | None = None
        self.waiting = 0

    @property
    def running(self) -> int:
        """Calls that hold a turn."""
        return len(self._running) + self._granted

    @property
    def room(self) -> int:
        """How many calls may wait now."""
        spent = max(self._mean, self._age())
        return self._queue if spent <= 0 else min(self._queue, int(self._pool * self._seconds / spent))

    @asynccontextmanager
    async def turn(self, caller: str, until: float) -> AsyncIterator[None]:
        """Holds a turn; see :meth:`begin`."""
        key = self.at_once() or await self.begin(caller, until)
        try:
            yield
        finally:
            self.end(key)

    def lightest(self, callers: Iterable[str]) -> str:
        """Of several callers the one of whom fewest calls wait."""
        return min(callers, key=lambda caller: len(self._callers.get(caller, ())))

    def at_once(self) -> object | None:
        """A turn that must be ended by :meth:`end`; ``None`` where one has to wait for it."""
        if len(self._running) + self._granted >= self._pool:
            return None
        key = object()
        self._running[key] = asyncio.get_running_loop().time()
        return key

    async def begin(self, caller: str, until: float) -> object:
        """Waits for a turn until the event loop's time ``until``; it must be ended by :meth:`end`.

        Raises:
            NoTurn: there is none.
        """
        await self._wait(caller, until)
        self._granted -= 1
        key = object()
        self._running[key] = asyncio.get_running_loop().time()
        return key

    def end(self, key: object) -> None:
        """The call that held the turn has ended."""
        self._note(asyncio.get_running_loop().time() - self._running.pop(key))
        if self._callers:
            self._grant()

    async def _wait(self, caller: str, until: float) -> None:
        if self.waiting >= self.room:
            self._make_room(caller)
        loop = asyncio.get_running_loop()
        waiter: Waiter = loop.create_future()
        self._callers.setdefault(caller, deque()).append(waiter)
        self.waiting += 1
        self._look_later()
        ends = loop.call_at(until, _end, waiter, False)
        try:
            await waiter
        except BaseException:
            self._leave(caller, waiter)
            if _given(waiter):
                # The turn came in the same moment in which the caller gave up.
                self._granted -= 1
                self._grant()
            raise
        finally:
            ends.cancel()

    def _make_room(self, caller: str) -> None:
        """In a full queue a caller with fewer waiting calls takes the last place of the one that has most."""
        own = len(self._callers.get(caller, ()))
        longest = max(self._callers.values(), key=len, default=None)
        if longest is None or self.room == 0 or len(longest) <= own + 1:
            raise NoTurn(full=True)
        self._send_away(longest)

    def _leave(self, caller: str, waiter: Waiter) -> None:
        """Takes a waiter out who is still in line."""
        line = self._callers.get(caller)
        if line is not None and waiter in line:
            line.remove(waiter)
            self.waiting -= 1
            if not line:
                del self._callers[caller]

    def _grant(self) -> None:
        """Gives free turns away, to each caller one before any gets a second."""
        while self.running < self._pool and self._callers:
            caller, line = next(iter(self._callers.items()))
            waiter = line.popleft()
            self.waiting -= 1
            if line:
                self._callers.move_to_end(caller)
            else:
                del self._callers[caller]
            if waiter.done():
                continue
            self._granted += 1
            waiter.set_result(None)

    def _note(self, seconds: float) -> None:
        self._mean += _WEIGHT * (seconds - self._mean)

    def _age(self) -> float:
        """For how long those that run have been running: half of them at least so long."""
        if len(self._running) < self._pool:
            return 0.0
        began = list(self._running.values())[len(self._running) // 2]
        return asyncio.get_running_loop().time() - began

    def _look_later(self) -> None:
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(self._seconds / _TICKS, self._look)

    def _look(self) -> None:
        """Sends those away who cannot expect a turn in time, from the longest line first."""
        self._looking = None
        for _ in range(self.waiting - self.room):
            self._send_away(max(self._callers.values(), key=len))
        if self.waiting:
            self._look_later()

    def _send_away(self, line: deque[Waiter]) -> None:
        """The last in line."""
        _end(line.pop(), True)
        self.waiting -= 1
        if not line:
            self._callers = OrderedDict((caller, each) for caller, each in self._callers.items() if each)


def _end(waiter: Waiter, full: bool) -> None:
    if not waiter.done():
        waiter.set_exception(NoTurn(full))


def _given(waiter: Waiter) -> bool:
    return waiter.done() and not waiter.cancelled() and waiter.exception() is None
