"""A block of work with an end: ``asyncio.timeout`` in what the hot path needs of it, at a third of its cost."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Deadline:
    """While the block runs, the present task is cancelled at the event loop's time ``when``; that shows as :class:`TimeoutError`."""

    __slots__ = ("_cancelling", "_expired", "_task", "_timer", "_when")

    def __init__(self, when: float) -> None:
        self._when = when
        self._expired = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a deadline needs a task")
        self._task, self._cancelling = task, task.cancelling()
        self._timer = loop.call_at(self._when, self._expire)

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._timer.cancel()
        # A cancellation from elsewhere goes before the deadline's own.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from fault

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()
