"""A circuit breaker: a source that fails repeatedly is left alone, then tried with a single call."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

from connectors.errors import CircuitOpen, SourceBusy, SourceFault, SourceIncomplete, SourceUnavailable

FAILURES_TO_OPEN = 5
"""In a row."""
WINDOW_SECONDS = 10.0
WINDOW_CALLS = 20
"""The fewest calls of a window that are judged by their share of failures."""
FAILURE_SHARE = 0.5
"""Of a window's calls."""
OPEN_SECONDS = 5.0

State = Literal["closed", "open", "half_open"]


class Window:
    """Calls of the last seconds, by outcome."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._parts: deque[list[float]] = deque()
        """Second, calls, failures; oldest first."""

    def note(self, failed: bool) -> None:
        """One call has ended."""
        second = float(int(self._clock()))
        if not self._parts or self._parts[-1][0] != second:
            self._parts.append([second, 0, 0])
        self._parts[-1][1] += 1
        self._parts[-1][2] += failed

    def failing(self) -> bool:
        """Half of enough calls have failed."""
        oldest = self._clock() - WINDOW_SECONDS
        while self._parts and self._parts[0][0] < oldest:
            self._parts.popleft()
        calls = sum(part[1] for part in self._parts)
        return calls >= WINDOW_CALLS and sum(part[2] for part in self._parts) >= FAILURE_SHARE * calls

    def clear(self) -> None:
        """Begins anew."""
        self._parts.clear()


class Breaker:
    """Opens after five failures in a row, or when half of the calls of ten seconds have failed: unavailable or timed out.

    A refused statement is no failure of the source, nor is the hub's own load, nor one list that is missing among others. ``clock`` gives seconds. After five seconds one call is let
    through: it closes the circuit by its success and opens it again by its failure. Others wait for its result at most ``patience`` seconds.
    ``told`` hears of every change of state. Lives on one event loop.
    """

    def __init__(self, source: str, clock: Callable[[], float], patience: float, told: Callable[[State], None] = lambda _: None) -> None:
        self._source = source
        self._clock = clock
        self._patience = patience
        self._told = told
        self._failures = 0
        self._open = False
        self._closed_again_at = 0.0
        self._window = Window(clock)
        self._probe: asyncio.Event | None = None
        """Set when the call that tries the source has ended."""

    @property
    def state(self) -> State:
        """``half_open`` while the source is being tried, or may be by the next call."""
        if not self._open:
            return "closed"
        return "open" if self._probe is None and self._clock() < self._closed_again_at else "half_open"

    @property
    def sound(self) -> bool:
        """Nothing has failed since the last success."""
        return not self._open and not self._failures

    def check(self) -> None:
        """Costs a call nothing while the source is left alone.

        Raises:
            CircuitOpen: it is.
        """
        if self.state == "open":
            raise self._fault()

    def close(self) -> None:
        """The source was found to be well. The next failure opens the circuit again at once."""
        if self._open:
            self._open = False
            self._failures = FAILURES_TO_OPEN - 1
            self._told("closed")

    def open(self) -> None:
        """Leaves the source alone from now on."""
        changed = self.state != "open"
        self._window.clear()
        self._closed_again_at = self._clock() + OPEN_SECONDS
        self._open = True
        if changed:
            self._told("open")

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """Judges the source by the call inside; see :meth:`admit`."""
        probe = await self.admit() if self._open else None
        try:
            yield
        except SourceFault as fault:
            self.judge(fault)
            raise
        else:
            self.judge(None)
        finally:
            self.tried(probe)

    @property
    def closed(self) -> bool:
        """Nobody has to ask :meth:`admit`."""
        return not self._open

    async def admit(self) -> asyncio.Event | None:
        """The probe that the call is to be, where the circuit is open; it must be ended by :meth:`tried`.

        Raises:
            CircuitOpen: the source is being left alone; the call must not be made.
        """
        if not self._open:
            return None
        try:
            async with asyncio.timeout(self._patience):
                return await self._half_open()
        except TimeoutError as error:
            raise self._fault() from error

    def tried(self, probe: asyncio.Event | None) -> None:
        """The call that tried the source has ended, however it did."""
        if probe is not None:
            self._probe = None
            probe.set()

    def judge(self, fault: SourceFault | None) -> None:
        """A call has ended, with a fault or without."""
        if not isinstance(fault, SourceUnavailable):
            self._succeeded()
        elif not isinstance(fault, SourceBusy | SourceIncomplete):
            self._failed()

    def _failed(self) -> None:
        self._failures += 1
        self._window.note(failed=True)
        if self._open or self._failures >= FAILURES_TO_OPEN or self._window.failing():
            self.open()

    def _succeeded(self) -> None:
        self._failures = 0
        self._window.note(failed=False)
        if self._open:
            self._open = False
            self._told("closed")

    async def _half_open(self) -> asyncio.Event | None:
        while self._open:
            if self._clock() < self._closed_again_at:
                raise self._fault()
            if self._probe is None:
                self._probe = asyncio.Event()
                self._told("half_open")
                return self._probe
            await self._probe.wait()
        return None

    def _fault(self) -> CircuitOpen:
        return CircuitOpen(self._source, "failed repeatedly and is left alone for a few seconds")
