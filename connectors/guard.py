"""What keeps one source's trouble its own: turns, a deadline, a retry budget and a circuit breaker around every call; and its health."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from connectors.aggregating import aggregated
from connectors.aggregation import Aggregation
from connectors.breaker import Breaker, State
from connectors.calling import BOUNDED, on_behalf
from connectors.coalescing import Coalescing, alone
from connectors.deadlines import FAIR, Deadline
from connectors.errors import SourceBusy, SourceFault, SourceRefused, SourceTimeout, SourceUnreachable
from connectors.retries import RetryBudget
from connectors.selection import Binding, Column, Row, Selection, Value
from connectors.spi import Capabilities, ColumnDescription, LookingUp, ObjectDescription, Parameters, Refreshing, Source, SourceCheck, SourceConfig
from connectors.stream_guard import StreamGuard
from connectors.streaming import Slice, Streamed, Streaming
from connectors.telemetry import Telemetry, outcome_of
from connectors.turns import NoTurn, Turns

T = TypeVar("T")
_PATIENCE = 1 / 6
"""Of a source's time: how long a call waits for the one that tries the source."""
RECHECK_SECONDS = 2.0
"""Between health checks of a source that is not well."""
IDLE_SECONDS = 60.0
"""Unused so long, an open source is checked."""
_PAUSE = 0.05
"""Seconds before a read is tried again."""


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
        self._coalescing = Coalescing(config, source, self._counted, self.turns.lightest, self.telemetry) if isinstance(source, LookingUp) else None
        self._clock = clock
        self._retries = RetryBudget()
        self._breaker = Breaker(config.code, clock, self._timeout * _PATIENCE, self._transition)
        self.exchange = StreamGuard(config, source, self._breaker, self.telemetry, self._streamed) if isinstance(source, Streaming) else None
        """Of its streams; ``None`` where it has none."""
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
        return await self._guarded(self._source.fetch, selection, parameters)

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        """See :meth:`connectors.spi.Source.fetch_by_keys`."""
        return await self._guarded(self._source.fetch_by_keys, selection, parameters, key, values)

    async def look_up(self, selection: Selection, parameters: Parameters, key: Column, values: tuple[Value, ...], group: object) -> Row | None:
        """A row whose ``key`` is one of ``values``, the spellings of one identifier, and for which ``selection.where`` holds; ``None`` where there is none.

        ``selection`` has neither order nor limit. Look-ups of the same ``group``, the caller's rights, that ask the same of the same source at the
        same time share a statement where the source can (:class:`connectors.spi.LookingUp`).
        """
        coalescing = self._coalescing
        if coalescing is not None and coalescing.shares(selection):
            return await coalescing.look_up(selection, parameters, key, values, group)
        asked, bound = alone(selection, parameters, key, values)
        rows = await self._guarded(self._source.fetch, asked, bound)
        return rows[0] if rows else None

    async def count(self, selection: Selection, parameters: Parameters) -> int:
        """See :meth:`connectors.spi.Source.count`."""
        return await self._guarded(self._source.count, selection, parameters)

    def streams(self, selection: Selection) -> bool:
        """See :meth:`connectors.streaming.Streaming.streams`."""
        return self.exchange is not None and self.exchange.streams(selection)

    def stream(self, selection: Selection, parameters: Parameters, part: Slice | None, rows: int) -> AsyncGenerator[Streamed, None]:
        """See :meth:`connectors.stream_guard.StreamGuard.stream`."""
        if self.exchange is None:
            raise TypeError("this source does not stream")
        return self.exchange.stream(selection, parameters, part, rows)

    async def cuts(self, selection: Selection, parameters: Parameters, key: Column, rows: int) -> Sequence[Value]:
        """See :meth:`connectors.streaming.Streaming.cuts`."""
        return () if self.exchange is None else await self.exchange.cuts(selection, parameters, key, rows)

    async def aggregate(self, asked: Aggregation, parameters: Parameters) -> Sequence[Row]:
        """See :meth:`connectors.spi.Aggregating.aggregate`; by the hub where the source does not."""
        return await self._guarded(aggregated, self._source, asked, parameters)

    async def describe(self, binding: Binding) -> Sequence[ColumnDescription]:
        """See :meth:`connectors.spi.Source.describe`."""
        return await self._guarded(self._source.describe, binding)

    async def objects(self) -> Sequence[ObjectDescription]:
        """See :meth:`connectors.spi.Source.objects`."""
        return await self._guarded(self._source.objects)

    def as_of(self, binding: Binding) -> datetime | None:
        """See :meth:`connectors.spi.Source.as_of`."""
        return self._source.as_of(binding)

    async def check(self) -> SourceCheck:
        """Asks the source even when its circuit is open, so that one learns why; never raises a source's fault."""
        try:
            turn = await self._turn(*on_behalf())
            try:
                return await self._in_time(on_behalf()[1], self._source.check)
            finally:
                self.turns.end(turn)
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
            well = (await self._in_time(on_behalf()[1], self._source.check)).ok
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

    async def _guarded(self, call: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        return await self._counted(*on_behalf(), call, *arguments)

    async def _counted(self, caller: str, ends: float, call: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """For a caller who is answered at ``ends``, by the event loop's time, at the latest."""
        self.telemetry.used = self._clock()
        outcome = "cancelled"
        try:
            try:
                result = await self._attempt(caller, ends, call, *arguments)
            except SourceUnreachable:
                if not self._repeats(ends):
                    raise
                await asyncio.sleep(_PAUSE)
                result = await self._attempt(caller, ends, call, *arguments)
            outcome = "ok"
        except SourceFault as fault:
            outcome = outcome_of(fault)
            raise
        finally:
            self.telemetry.outcomes[outcome] += 1
        return result

    def _repeats(self, ends: float) -> bool:
        """Whether a call for which no connection came about is made once more: reads may be repeated."""
        if self._until(ends) - asyncio.get_running_loop().time() <= _PAUSE or not self._retries.take():
            return False
        self.telemetry.retries += 1
        return True

    async def _attempt(self, caller: str, ends: float, call: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        self._breaker.check()
        # Waiting for a turn is the hub's own load, not the source's failure: the breaker judges only what the source was asked.
        turn = self.turns.at_once() or await self._turn(caller, ends)
        try:
            probe = None if self._breaker.closed else await self._breaker.admit()
            try:
                result = await self._timed(ends, call, *arguments)
            except SourceFault as fault:
                self._breaker.judge(fault)
                raise
            finally:
                self._breaker.tried(probe)
            self._breaker.judge(None)
            return result
        finally:
            self.turns.end(turn)

    async def _turn(self, caller: str, ends: float) -> object:
        try:
            return self.turns.at_once() or await self.turns.begin(caller, self._until(ends))
        except NoTurn as none:
            reason = "too many calls wait for it" if none.full else "busy; no call could begin in time"
            raise SourceBusy(self.code, reason) from none

    def _until(self, ends: float) -> float:
        """By the event loop's time: the end of the source's time if it began now, or of the caller's."""
        return min(asyncio.get_running_loop().time() + self._timeout, ends)

    async def _streamed(self, seconds: float, call: Callable[[], Awaitable[T]]) -> T:
        """A batch of a stream, whose seconds are more than a call's."""
        self.telemetry.used = self._clock()
        return await self._timed(on_behalf()[1], call, seconds=seconds)

    async def _timed(self, ends: float, call: Callable[..., Awaitable[T]], *arguments: Any, seconds: float = 0.0) -> T:
        loop = asyncio.get_running_loop()
        began, exactly = loop.time(), time.perf_counter()
        try:
            result = await self._in_time(ends, call, *arguments, seconds=seconds)
        except asyncio.CancelledError:
            self._suspect = self._suspect or (self._answered < began and loop.time() - began >= FAIR * self._timeout)
            raise
        except SourceRefused:
            self._answered = loop.time()
            raise
        finally:
            self.telemetry.seconds.note(time.perf_counter() - exactly)
        self._answered, self._suspect = loop.time(), False
        self._retries.succeeded()
        return result

    async def _in_time(self, ends: float, call: Callable[..., Awaitable[T]], *arguments: Any, seconds: float = 0.0) -> T:
        now, most = asyncio.get_running_loop().time(), seconds or self._timeout
        due = min(now + most, ends)
        deadline, bounded = Deadline(due), BOUNDED.set(due)
        try:
            return await call(*arguments)
        except asyncio.CancelledError as error:
            if not deadline.stop():
                raise
            raise deadline.blamed(self.code, due - now, most, error) from error
        except (TimeoutError, SourceTimeout) as error:
            raise deadline.blamed(self.code, due - now, most, error) from error
        finally:
            BOUNDED.reset(bounded)
            deadline.stop()
