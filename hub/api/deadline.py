"""A block of work with an end: ``asyncio.timeout`` in what the hot path needs of it."""

from __future__ import annotations

import asyncio
from types import TracebackType

from connectors.deadlines import Deadline


class Within:
    """While the block runs, the present task is cancelled at the event loop's time ``when``; that shows as :class:`TimeoutError`."""

    __slots__ = ("_deadline", "_when")

    def __init__(self, when: float) -> None:
        self._when = when

    def __enter__(self) -> None:
        self._deadline = Deadline(self._when)

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        if self._deadline.stop() and kind is asyncio.CancelledError:
            raise TimeoutError from fault
