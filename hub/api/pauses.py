"""Long work in a thread, for which nobody else waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")
_WORK_SECONDS = 0.0005
_REST_SECONDS = 0.0005
"""Long enough that a waiting event loop gets the interpreter: without a rest it would wait up to the switch interval, 5 ms, again and again."""


class Abandoned(Exception):
    """Nobody waits for the work any more."""


class Pause:
    """What long work calls often."""

    def __init__(self) -> None:
        self.abandoned = False
        self._until = time.perf_counter() + _WORK_SECONDS

    def __call__(self) -> None:
        """Rests where it is time to.

        Raises:
            Abandoned: the work shall end.
        """
        if time.perf_counter() < self._until:
            return
        if self.abandoned:
            raise Abandoned
        time.sleep(_REST_SECONDS)
        self._until = time.perf_counter() + _WORK_SECONDS


class Aside:
    """Runs such work, a little of it at once."""

    def __init__(self, at_once: int = 2) -> None:
        self._threads = CapacityLimiter(at_once)

    async def run(self, work: Callable[[Pause], T]) -> T:
        """What the work returns. It is ended when the caller goes."""
        pause = Pause()
        try:
            return await to_thread.run_sync(work, pause, abandon_on_cancel=True, limiter=self._threads)
        finally:
            pause.abandoned = True
