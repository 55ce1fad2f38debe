"""Look-ups of one row that are under way at the same time share a statement, where they ask the same with the same rights.

The window clocks itself: a look-up that finds no statement of its kind under way is sent at once, together with those of the same turn of the event
loop; the next ones gather until that statement has come back, or :data:`PATIENCE` has passed. Alone or together, a look-up has the same answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextvars import Context
from typing import Any, Protocol, TypeVar

from connectors.calling import on_behalf
from connectors.coalesced import ALIKE, Batch, LookUp, fail
from connectors.deadlines import FAIR
from connectors.errors import SourceBusy, SourceFault, SourceRefused, SourceTimeout
from connectors.selection import Column, Compare, Comparison, Every, Row, Selection, Value
from connectors.spi import LookingUp, Parameters, SourceConfig
from connectors.telemetry import Telemetry, outcome_of

T = TypeVar("T")
MOST_KEYS = 256
"""Of one statement; every spelling of an identifier is one."""
PATIENCE = 0.005
"""Seconds. How long a look-up waits for a statement of its kind that is under way, before it is sent beside it."""
_KEY, _LIMIT = "#key", "#one"


class Guard(Protocol):
    """How the source is asked: in turn, in time and counted."""

    async def __call__(self, caller: str, ends: float, call: Callable[..., Awaitable[T]], /, *arguments: Any) -> T: ...


Lightest = Callable[[Iterable[str]], str]
"""Of several callers the one in whose line a statement of them all waits, so that who has many calls waiting keeps nobody else waiting."""


class Coalescing:
    """The look-ups of one source, which is a :class:`connectors.spi.LookingUp`. Lives on one event loop."""

    def __init__(self, config: SourceConfig, source: Any, guard: Guard, lightest: Lightest, telemetry: Telemetry) -> None:
        self.code = config.code
        self.pool = config.pool
        self.queue = max(config.queue, 1)
        self.seconds = config.timeout_ms / 1000
        self.source: LookingUp = source
        self.guard = guard
        self.lightest = lightest
        self.telemetry = telemetry
        self.lanes: dict[object, _Lane] = {}

    def shares(self, selection: Selection) -> bool:
        """Whether look-ups of the selection may share statements."""
        return self.source.looks_up(selection)

    async def look_up(self, selection: Selection, parameters: Parameters, key: Column, values: tuple[Value, ...], group: object) -> Row | None:
        """See :meth:`connectors.guard.GuardedSource.look_up`."""
        asked = self._asked(values)
        name = (group, selection, key, _frozen(parameters))
        lane = self.lanes.get(name)
        if lane is None:
            lane = self.lanes[name] = _Lane(self, name, selection, parameters, key)
        lane.join(asked)
        try:
            return await asked.answer
        except asyncio.CancelledError:
            asked.leave()
            raise

    def _asked(self, values: tuple[Value, ...]) -> LookUp:
        loop = asyncio.get_running_loop()
        (caller, ends), now = on_behalf(), loop.time()
        return LookUp(values, loop.create_future(), caller, now, min(ends, now + 2 * self.seconds))


class _Lane:
    """Look-ups of one group that ask the same but for the key: what gathers, in batches, and how many statements are under way."""

    __slots__ = ("_flying", "_key", "_line", "_looking", "_name", "_of", "_parameters", "_selection", "_soon", "_when")

    def __init__(self, of: Coalescing, name: object, selection: Selection, parameters: Parameters, key: Column) -> None:
        self._of, self._name = of, name
        self._selection, self._parameters, self._key = selection, parameters, key
        self._line: list[Batch] = []
        self._flying = 0
        self._soon = False
        """A batch is sent within this turn of the event loop."""
        self._looking: asyncio.TimerHandle | None = None
        self._when = 0.0

    def join(self, asked: LookUp) -> None:
        """Takes a look-up in; it is answered later, by a callback of the event loop.

        Raises:
            SourceBusy: too many wait.
        """
        line = self._line
        if not line or line[-1].keys + len(asked.values) > MOST_KEYS:
            if len(line) >= self._of.queue:
                raise self._ended(SourceBusy(self._of.code, "too many calls wait for it"))
            line.append(Batch())
        line[-1].add(asked)
        if not self._flying:
            if not self._soon:
                self._soon = True
                asyncio.get_running_loop().call_soon(self._begin)
        elif self._looking is None or asked.ends < self._when:
            self._look_at(min(asked.ends, asked.began + PATIENCE))

    def _begin(self) -> None:
        self._soon = False
        self._look()

    def _look(self) -> None:
        """Ends those whose time is over; sends a batch where none is under way, or beside those that are slow, where the source has room."""
        of, now = self._of, asyncio.get_running_loop().time()
        for batch in self._line:
            if min(batch.soonest, batch.first + of.seconds) <= now:
                batch.expire(now, self._over, now - of.seconds)
            if not batch.waiting:
                batch.forget()
        self._line = [batch for batch in self._line if batch.waiting]
        while self._line and (not self._flying or (self._flying < of.pool and self._line[0].first + PATIENCE <= now)):
            self._send()
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        if self._line:
            ends = min([min(batch.soonest, batch.first + of.seconds) for batch in self._line])
            self._look_at(min(ends, self._line[0].first + PATIENCE) if self._flying < of.pool else ends)
        elif not self._flying:
            # Nothing is kept of those who are gone.
            of.lanes.pop(self._name, None)

    def _look_at(self, when: float) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._when = when
        self._looking = asyncio.get_running_loop().call_at(when, self._look)

    def _send(self) -> None:
        """The oldest batch."""
        batch = self._line.pop(0)
        self._flying += 1
        batch.task = asyncio.get_running_loop().create_task(self._fly(batch), context=Context())
        batch.task.add_done_callback(lambda task: self._landed(batch, task))

    def _landed(self, batch: Batch, task: asyncio.Task[None]) -> None:
        self._flying -= 1
        batch.land(task)
        self._look()

    def _over(self, asked: LookUp, now: float) -> SourceFault:
        """What is told of a look-up whose own time is over before its statement is."""
        if asked.batch is None or asked.batch.task is None or now - asked.began < FAIR * self._of.seconds:
            return self._ended(SourceBusy(self._of.code, "the call's own time was over"))
        return self._ended(SourceTimeout(self._of.code, "no answer in time"))

    def _ended(self, fault: SourceFault) -> SourceFault:
        self._of.telemetry.outcomes[outcome_of(fault)] += 1
        return fault

    async def _fly(self, batch: Batch) -> None:
        asked = batch.open()
        batch.watch(self._over)
        rows = await self._together(batch, asked) if len(asked) > 1 else None
        if rows is None:
            await self._one_by_one(asked)
            return
        missing = batch.assign(rows, self._key.kind)
        # A key without a row may still equal one that was found, by the column's own rules: then it is asked by itself.
        if missing and rows and (len(missing) == 1 or await self._together(batch, missing) != []):
            await self._one_by_one(missing)
        else:
            batch.none(missing)

    async def _together(self, batch: Batch, asked: Sequence[LookUp]) -> Sequence[Row] | None:
        values = list(dict.fromkeys([value for each in asked for value in each.values]))
        try:
            return await self._ask(self._of.lightest(dict.fromkeys([each.caller for each in asked])), batch.ends, values, alone=False)
        except SourceRefused:
            return None

    async def _one_by_one(self, several: Sequence[LookUp]) -> None:
        """Each by itself, as many at a time as the source has turns: the last must not wait for all before it, one after the other."""
        left = iter(several)
        if len(several) == 1:
            await self._each(left)
            return
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(len(several), max(1, self._of.pool // self._flying))):
                    group.create_task(self._each(left))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _each(self, left: Iterator[LookUp]) -> None:
        """A look-up that is refused, or whose own time is over, fails by itself; where the source fails, none of the rest is asked."""
        for asked in left:
            try:
                if not asked.answer.done():
                    await self._alone(asked)
            except SourceFault as fault:
                fail(asked, fault)
                if fault.retryable and asyncio.get_running_loop().time() < asked.ends - ALIKE:
                    for each in left:
                        fail(each, fault)

    async def _alone(self, asked: LookUp) -> None:
        rows = await self._ask(asked.caller, asked.ends, asked.values, alone=True)
        asked.tell(rows[0][:-1] if rows else None)

    async def _ask(self, caller: str, ends: float, values: Sequence[Value], *, alone: bool) -> Sequence[Row] | None:
        return await self._of.guard(caller, ends, self._statement, values, alone)

    async def _statement(self, values: Sequence[Value], alone: bool) -> Sequence[Row] | None:
        return await self._of.source.look_up_all(self._selection, self._parameters, self._key, values, alone=alone)


def alone(selection: Selection, parameters: Parameters, key: Column, values: tuple[Value, ...]) -> tuple[Selection, Parameters]:
    """One look-up as a selection and its parameters, for sources that share none."""
    comparison = Comparison.EQ if len(values) == 1 else Comparison.IN
    parts = () if selection.where is None else (selection.where,)
    where = Every((Compare(key.name, key.kind, comparison, _KEY), *parts))
    bound = {**parameters, _KEY: values[0] if len(values) == 1 else values, _LIMIT: 1}
    return Selection(selection.binding, selection.outputs, where, limit=_LIMIT), bound


def _frozen(parameters: Parameters) -> tuple[object, ...]:
    """Equal only where every value is, and its type: ``1``, ``1.0`` and ``True`` are one key of a dictionary."""
    if not parameters:
        return ()
    return tuple([(name, _typed(value)) for name, value in parameters.items()])


def _typed(value: Value | Sequence[Value]) -> tuple[object, ...]:
    if value is None or isinstance(value, str | int | float):
        return value.__class__, value
    return list, *[(each.__class__, each) for each in value]
