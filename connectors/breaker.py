"""A circuit breaker: a source that fails repeatedly is left alone, then tried with a single call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from connectors.errors import CircuitOpen, SourceBusy, SourceFault, SourceUnavailable

FAILURES_TO_OPEN = 5
OPEN_SECONDS = 5.0


class Breaker:
    """Opens after five failures in a row: unavailable or timed out. A refused statement is no failure of the source, nor is the hub's own load.

    ``clock`` gives seconds. After five seconds one call is let through: it closes the circuit by its success and opens it again by its failure.
    Others wait for its result at most ``patience`` seconds. Lives on one event loop.
    """

    def __init__(self, source: str, clock: Callable[[], float], patience: float) -> None:
        self._source = source
        self._clock = clock
        self._patience = patience
        self._failures = 0
        self._closed_again_at = 0.0
        self._probe: asyncio.Event | None = None
        """Set when the call that tries the source has ended."""

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """Judges the source by the call inside.

        Raises:
            CircuitOpen: the source is being left alone; the call was not made.
        """
        probe = await self._admit()
        try:
            yield
        except SourceBusy:
            raise
        except SourceUnavailable:
            self._failures += 1
            self._closed_again_at = self._clock() + OPEN_SECONDS
            raise
        except SourceFault:
            self._failures = 0
            raise
        else:
            self._failures = 0
        finally:
            if probe is not None:
                self._probe = None
                probe.set()

    async def _admit(self) -> asyncio.Event | None:
        """``None`` where the circuit is closed; else the event of the probe that this call is to be."""
        if self._failures < FAILURES_TO_OPEN:
            return None
        try:
            async with asyncio.timeout(self._patience):
                return await self._half_open()
        except TimeoutError as error:
            raise self._open() from error

    async def _half_open(self) -> asyncio.Event | None:
        while self._failures >= FAILURES_TO_OPEN:
            if self._clock() < self._closed_again_at:
                raise self._open()
            if self._probe is None:
                self._probe = asyncio.Event()
                return self._probe
            await self._probe.wait()
        return None

    def _open(self) -> CircuitOpen:
        return CircuitOpen(self._source, "failed repeatedly and is left alone for a few seconds")
