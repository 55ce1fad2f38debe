"""Look-ups that share a statement: who waits for it, and what each of them is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from connectors.errors import SourceFault
from connectors.selection import Kind, Row, Value
from connectors.wire import comparing

ALIKE = 0.05
"""Seconds. Ends that lie so close together are one."""


class LookUp:
    """One caller's: the spellings of one identifier, and the future that he waits for. ``ends`` is his time's end, by the event loop's time."""

    __slots__ = ("answer", "batch", "began", "caller", "ends", "values")

    def __init__(self, values: tuple[Value, ...], answer: asyncio.Future[Row | None], caller: str, began: float, ends: float) -> None:
        self.values = values
        self.answer = answer
        self.caller = caller
        self.began = began
        self.ends = ends
        self.batch: Batch | None = None

    def tell(self, row: Row | None) -> None:
        """The answer, where he still waits."""
        if not self.answer.done():
            self.answer.set_result(row)
            if self.batch is not None:
                self.batch.waiting -= 1

    def leave(self) -> None:
        """The caller was cancelled."""
        if not self.answer.cancelled():
            # What he would have been told concerns nobody any more.
            self.answer.exception()
        elif self.batch is not None:
            self.batch.left()


Over = Callable[[LookUp, float], SourceFault]


class Batch:
    """Look-ups that go into one statement. It is given up when nobody waits for it any more."""

    __slots__ = ("_look_ups", "_timer", "ends", "first", "keys", "soonest", "task", "waiting")

    def __init__(self) -> None:
        self._look_ups: list[LookUp] = []
        self._timer: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[None] | None = None
        self.keys = self.waiting = 0
        self.first = self.soonest = float("inf")
        """When the first of them came; when the first of them ends, and when the last does."""
        self.ends = 0.0

    def add(self, asked: LookUp) -> None:
        """One more, before it is sent."""
        asked.batch = self
        self._look_ups.append(asked)
        self.keys += len(asked.values)
        self.waiting += 1
        if self.waiting == 1:
            self.first = asked.began
        if asked.ends < self.soonest:
            self.soonest = asked.ends
        if asked.ends > self.ends:
            self.ends = asked.ends

    def open(self) -> list[LookUp]:
        """Those who wait."""
        return [each for each in self._look_ups if not each.answer.done()]

    def left(self) -> None:
        """One of those who waited is gone."""
        self.waiting -= 1
        if not self.waiting and self.task is not None:
            self.task.cancel()

    def watch(self, over: Over) -> None:
        """Sees to it that nobody waits beyond his own time while the statement goes on for others."""
        if self.ends - self.soonest <= ALIKE:
            self.ends = self.soonest
        else:
            self._timer = asyncio.get_running_loop().call_at(self.soonest, self._watched, over)

    def _watched(self, over: Over) -> None:
        self.expire(asyncio.get_running_loop().time(), over)
        if self.soonest < self.ends:
            self._timer = asyncio.get_running_loop().call_at(self.soonest, self._watched, over)

    def expire(self, now: float, over: Over, before: float = 0.0) -> None:
        """Tells those whose time is over, or who came ``before`` some time, that it is."""
        for each in self.open():
            if each.ends <= now or each.began <= before:
                each.answer.set_exception(over(each, now))
                self.left()
        waiting = self.open()
        self.soonest = min([each.ends for each in waiting], default=float("inf"))
        self.first = min([each.began for each in waiting], default=float("inf"))

    def assign(self, rows: Sequence[Row], kind: Kind) -> list[LookUp]:
        """Tells everybody his row, by the key's value at its end; those for whom there is none."""
        comparable, asked = comparing(kind), dict[object, list[LookUp]]()
        waiting = self.open()
        for each in waiting:
            for value in each.values:
                asked.setdefault(comparable(value), []).append(each)
        for row in rows:
            known = comparable(row[-1])
            for each in asked.get(known, ()) if known is not None else ():
                each.tell(row[:-1])
        return [each for each in waiting if not each.answer.done()]

    def none(self, missing: Sequence[LookUp]) -> None:
        """There is no row for these."""
        for each in missing:
            each.tell(None)

    def land(self, task: asyncio.Task[None]) -> None:
        """The statement's work is over: nobody is left without an answer, whatever its end was."""
        if self._timer is not None:
            self._timer.cancel()
        error = None if task.cancelled() else task.exception()
        for each in self.open():
            if error is None:
                each.answer.cancel()
            else:
                fail(each, error)
        self.forget()

    def forget(self) -> None:
        """Nobody waits any more. Look-ups know their batch: while it knows them too, they are there with all that was answered until garbage is looked for."""
        self._look_ups.clear()
        self.task = None


def fail(asked: LookUp, error: BaseException) -> None:
    """Tells the caller of an error, by a copy of his own: each is raised in a task of its own, and grows by its traceback."""
    if asked.answer.done():
        return
    if isinstance(error, SourceFault):
        own = error.__class__.__new__(error.__class__)
        own.args = error.args
        own.__dict__.update(error.__dict__)
        own.__cause__, error = error, own
    asked.answer.set_exception(error)
    if asked.batch is not None:
        asked.batch.waiting -= 1
