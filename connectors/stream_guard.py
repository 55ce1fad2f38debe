"""What keeps streams of one source within bounds: places of their own, a deadline for each batch, and the source's circuit breaker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Protocol, TypeVar

from connectors.breaker import Breaker
from connectors.errors import SourceBusy, SourceFault
from connectors.selection import Column, Selection, Value
from connectors.spi import Parameters, SourceConfig
from connectors.streaming import Slice, Streamed, Streaming
from connectors.telemetry import Telemetry, outcome_of

T = TypeVar("T")
PATIENCE = 20
"""Times the time of a call: so long a source may take for a batch, the first of which may have to wait for a sort."""


class Timed(Protocol):
    """Runs a call for so many seconds at most, and notes how it went."""

    async def __call__(self, seconds: float, call: Callable[[], Awaitable[T]]) -> T:
        """What the call gives. Raises ``SourceTimeout`` where it takes longer."""
        ...


class StreamGuard:
    """At most ``exchange_sessions`` streams at once, beside the turns of calls: a stream lasts long, and its reader may look rows up meanwhile."""

    def __init__(self, config: SourceConfig, source: Streaming, breaker: Breaker, telemetry: Telemetry, timed: Timed) -> None:
        self._code = config.code
        self._source = source
        self._breaker = breaker
        self._telemetry = telemetry
        self._timed = timed
        self._waits = config.timeout_ms / 1000
        self._seconds = self._waits * PATIENCE
        self._places = asyncio.Semaphore(max(1, config.exchange_sessions))
        self.running = 0
        """Streams that hold a place."""

    def streams(self, selection: Selection) -> bool:
        """As the source says."""
        return self._source.streams(selection)

    async def stream(self, selection: Selection, parameters: Parameters, part: Slice | None, rows: int) -> AsyncGenerator[Streamed, None]:
        """See :meth:`connectors.streaming.Streaming.stream`. Only the waits for batches are the source's time, not what is done with them."""
        async with self._counted(), aclosing(self._source.stream(selection, parameters, part, rows)) as batches:
            while (batch := await self._judged(lambda: anext(batches, None))) is not None:
                yield batch

    async def cuts(self, selection: Selection, parameters: Parameters, key: Column, rows: int) -> Sequence[Value]:
        """See :meth:`connectors.streaming.Streaming.cuts`."""
        async with self._counted():
            return await self._judged(lambda: self._source.cuts(selection, parameters, key, rows))

    async def _judged(self, call: Callable[[], Awaitable[T]]) -> T:
        probe = None if self._breaker.closed else await self._breaker.admit()
        try:
            result = await self._timed(self._seconds, call)
        except SourceFault as fault:
            self._breaker.judge(fault)
            raise
        finally:
            self._breaker.tried(probe)
        self._breaker.judge(None)
        return result

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        outcome = "cancelled"
        try:
            async with self._place():
                yield
            outcome = "ok"
        except SourceFault as fault:
            outcome = outcome_of(fault)
            raise
        finally:
            self._telemetry.outcomes[outcome] += 1

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        self._breaker.check()
        try:
            async with asyncio.timeout(self._waits):
                await self._places.acquire()
        except TimeoutError as error:
            raise SourceBusy(self._code, "as many streams as it bears are under way (`exchange_sessions`)") from error
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._places.release()
