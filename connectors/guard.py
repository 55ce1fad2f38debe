"""What keeps one source's trouble its own: turns, a deadline, a retry budget and a circuit breaker around every call; and its health."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

from connectors.aggregating import aggregated
from connectors.aggregation import Aggregation
from connectors.breaker import Breaker, State
from connectors.calling import CALLING
from connectors.errors import CircuitOpen, SourceBusy, SourceFault, SourceRefused, SourceTimeout, SourceUnavailable, SourceUnreachable
from connectors.retries import RetryBudget
from connectors.selection import Binding, Column, Row, Selection, Value
from connectors.spi import Capabilities, ColumnDescription, ObjectDescription, Parameters, Refreshing, Source, SourceCheck, SourceConfig
from connectors.telemetry import Telemetry
from connectors.turns import NoTurn, Turns

T = TypeVar("T")
_LATE = 0.25
"""Of a source's time."""
_FAIR = 0.25
"""Of a source's time. A source that was given less is not blamed for having no answer."""
_PATIENCE = 1 / 6
"""Of a source's time: how long a call waits for the one that tries the source."""
RECHECK_SECONDS = 2.0
"""Between health checks of a source that is not well."""
IDLE_SECONDS = 60.0
"""Unused so long, an open source is checked."""
ANSWER_SECONDS = 0.2
"""Of a call's time, kept to make the answer of what the other sources gave."""
_PAUSE = 0.05
"""Seconds before a read is tried again."""

_OUTCOMES: tuple[tuple[type[SourceFault], str], ...] = (
    (SourceTimeout, "timeout"),
    (SourceBusy, "busy"),
    (CircuitOpen, "open_circuit"),
    (SourceUnavailable, "unavailable"),
    (SourceRefused, "refused"),
)


class GuardedSource:
    """A source of which at most ``pool`` calls run and ``queue`` wait, each at most ``timeout_ms`` after waiting at most ``timeout_ms``.

    No call waits or runs beyond the deadline of the hub's call for which it is made (:data:`connectors.calling.CALLING`).
    """

    def __init__(self, config: SourceConfig, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self.code = config.code
        self.telemetry = Telemetry(used=clock())
        self.turns = Turns(config.pool, config.queue, config.timeout_ms / 1000)
        self._timeout = config.timeout_ms / 1000
        self._source = source
        self._clock = clock
        self._retries = RetryBudget()
        self._breaker = Breaker(config.code, clock, self._timeout * _PATIENCE, self._transition)
        self._answered = 0.0
        """When the source last answered, by the event loop's time."""
        self._suspect = False
        """A caller went away after having waited in vain, and nobody has had an answer since."""
        self._checked = clock()

    @property
    def circuit(self) -> State:
        """The circuit's state."""
        return self._breaker.state

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

    async def aggregate(self, asked: Aggregation, parameters: Parameters) -> Sequence[Row]:
        """See :meth:`connectors.spi.Aggregating.aggregate`; by the hub where the source does not."""
        return await self._guarded(lambda: aggregated(self._source, asked, parameters))

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

    async def refresh(self) -> None:
        """See :class:`connectors.spi.Refreshing`; nothing where the source is none. No call: it takes no turn."""
        if isinstance(self._source, Refreshing):
            await self._source.refresh()

    async def close(self) -> None:
        """Closes the source."""
        await self._source.close()

    def due(self) -> bool:
        """Whether the source's health should be looked after: it is not well, nobody is getting answers, or it was not used for a while."""
        ill = self._suspect or self._breaker.state != "closed"
        since = self._checked if ill else max(self._checked, self.telemetry.used)
        return self._clock() - since >= (RECHECK_SECONDS if ill else IDLE_SECONDS)

    async def look_after(self) -> None:
        """A health check of the hub's own: closes the circuit of a source that is well again, opens that of one from which nobody gets answers.

        It takes no caller's turn. Of a source whose calls succeed, a check that fails says nothing.
        """
        self._checked, suspect, self._suspect = self._clock(), self._suspect, False
        try:
            well = (await self._in_time(self._source.check)).ok
        except SourceBusy:
            return
        except SourceFault:
            well = False
        self.telemetry.checks[well] += 1
        if well:
            self._breaker.close()
        elif suspect:
            self._breaker.open()

    def _transition(self, state: State) -> None:
        self.telemetry.transitions[state] += 1

    async def _guarded(self, call: Callable[[], Awaitable[T]]) -> T:
        self.telemetry.used = self._clock()
        outcome = "cancelled"
        try:
            result = await self._tried(call)
            outcome = "ok"
        except SourceFault as fault:
            outcome = next(name for kind, name in _OUTCOMES if isinstance(fault, kind))
            raise
        finally:
            self.telemetry.outcomes[outcome] += 1
        return result

    async def _tried(self, call: Callable[[], Awaitable[T]]) -> T:
        """Once, or twice where no connection came about the first time: reads may be repeated."""
        try:
            return await self._attempt(call)
        except SourceUnreachable:
            pause = _PAUSE
            if self._until() - asyncio.get_running_loop().time() <= pause or not self._retries.take():
                raise
        self.telemetry.retries += 1
        await asyncio.sleep(pause)
        return await self._attempt(call)

    async def _attempt(self, call: Callable[[], Awaitable[T]]) -> T:
        self._breaker.check()
        # Waiting for a turn is the hub's own load, not the source's failure: the breaker judges only what the source was asked.
        async with self._turn(), self._breaker.watch():
            return await self._timed(call)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        calling = CALLING.get()
        try:
            async with self.turns.turn((calling and calling.caller) or "", self._until()):
                yield
        except NoTurn as none:
            reason = "too many calls wait for it" if none.full else "busy; no call could begin in time"
            raise SourceBusy(self.code, reason) from none

    def _until(self) -> float:
        """By the event loop's time: the end of the source's time if it began now, or of the caller's."""
        calling = CALLING.get()
        due = asyncio.get_running_loop().time() + self._timeout
        return due if calling is None or calling.deadline is None else min(due, calling.deadline - ANSWER_SECONDS)

    async def _timed(self, call: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        began, exactly = loop.time(), time.perf_counter()
        try:
            result = await self._in_time(call)
        except asyncio.CancelledError:
            self._suspect = self._suspect or (self._answered < began and loop.time() - began >= _FAIR * self._timeout)
            raise
        except SourceRefused:
            self._answered = loop.time()
            raise
        finally:
            self.telemetry.seconds.note(time.perf_counter() - exactly)
        self._answered, self._suspect = loop.time(), False
        self._retries.succeeded()
        return result

    async def _in_time(self, call: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        due = self._until()
        given = due - loop.time()
        late: list[float] = []
        noting = loop.call_at(due, lambda: late.append(loop.time() - due))
        try:
            async with asyncio.timeout_at(due):
                return await call()
        except (TimeoutError, SourceTimeout) as error:
            # A deadline that is noticed late tells of a hub that was busy with other things; the answer may have been there in time.
            if late and late[0] > _LATE * self._timeout:
                raise SourceBusy(self.code, "no answer was taken in time; the hub was busy") from error
            if given < _FAIR * self._timeout:
                raise SourceBusy(self.code, "the call's own time was over") from error
            if isinstance(error, SourceTimeout):
                raise
            raise SourceTimeout(self.code, "no answer in time; its work was stopped") from error
        finally:
            noting.cancel()
