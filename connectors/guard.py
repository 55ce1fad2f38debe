"""What keeps one source's trouble its own: a concurrency limit, a deadline and a circuit breaker around every call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

from connectors.breaker import Breaker
from connectors.errors import SourceBusy, SourceFault, SourceTimeout
from connectors.selection import Binding, Column, Row, Selection, Value
from connectors.spi import Capabilities, ColumnDescription, ObjectDescription, Parameters, Source, SourceCheck, SourceConfig

T = TypeVar("T")
_LATE = 0.25
"""Of a source's time."""


class GuardedSource:
    """A source of which at most ``pool`` calls run at once, each at most ``timeout_ms`` after waiting at most ``timeout_ms`` for its turn."""

    def __init__(self, config: SourceConfig, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self._code = config.code
        self._timeout = config.timeout_ms / 1000
        self._source = source
        self._turns = asyncio.Semaphore(config.pool)
        self._breaker = Breaker(config.code, clock, self._timeout)

    @property
    def capabilities(self) -> Capabilities:
        """The inner source's."""
        return self._source.capabilities

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        """See :meth:`connectors.spi.Source.fetch`."""
        return await self._guarded(lambda: self._source.fetch(selection, parameters))

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        """See :meth:`connectors.spi.Source.fetch_by_keys`."""
        return await self._guarded(lambda: self._source.fetch_by_keys(selection, parameters, key, values))

    async def count(self, selection: Selection, parameters: Parameters) -> int:
        """See :meth:`connectors.spi.Source.count`."""
        return await self._guarded(lambda: self._source.count(selection, parameters))

    async def describe(self, binding: Binding) -> Sequence[ColumnDescription]:
        """See :meth:`connectors.spi.Source.describe`."""
        return await self._guarded(lambda: self._source.describe(binding))

    async def objects(self) -> Sequence[ObjectDescription]:
        """See :meth:`connectors.spi.Source.objects`."""
        return await self._guarded(self._source.objects)

    def as_of(self, binding: Binding) -> datetime | None:
        """See :meth:`connectors.spi.Source.as_of`."""
        return self._source.as_of(binding)

    async def check(self) -> SourceCheck:
        """Asks the source even when its circuit is open, so that one learns why; never raises a source's fault."""
        try:
            async with self._turn():
                return await self._in_time(self._source.check)
        except SourceFault as fault:
            return SourceCheck(ok=False, message=str(fault), hint="see whether the source is overloaded; `pool` and `timeout_ms` set its limits")

    async def close(self) -> None:
        """Closes the source."""
        await self._source.close()

    async def _guarded(self, call: Callable[[], Awaitable[T]]) -> T:
        # Waiting for a turn is the hub's own load, not the source's failure: the breaker judges only what the source was asked.
        async with self._turn(), self._breaker.watch():
            return await self._in_time(call)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout):
                await self._turns.acquire()
        except TimeoutError as error:
            raise SourceBusy(self._code, "busy; no call could begin in time") from error
        try:
            yield
        finally:
            self._turns.release()

    async def _in_time(self, call: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._timeout
        late: list[float] = []
        noting = loop.call_at(due, lambda: late.append(loop.time() - due))
        try:
            async with asyncio.timeout_at(due):
                return await call()
        except (TimeoutError, SourceTimeout) as error:
            # A deadline that is noticed late tells of a hub that was busy with other things; the answer may have been there in time.
            if late and late[0] > _LATE * self._timeout:
                raise SourceBusy(self._code, "no answer was taken in time; the hub was busy") from error
            if isinstance(error, SourceTimeout):
                raise
            raise SourceTimeout(self._code, "no answer in time; its work was stopped") from error
        finally:
            noting.cancel()
