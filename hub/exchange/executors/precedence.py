"""Calls go before exchanges: where processors are few, the processes that export stand still while a call is answered, for moments."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

MOST_HELD = 0.03
"""Seconds that processes stand still at once: a call that takes longer waits for something else than a processor."""
LEAST_RUN = 0.03
"""Seconds that they go on after that, whatever calls come."""
_EACH = 2
"""Processors that a process keeps busy: its own, and that of the source's session where the source is on this machine."""


class Stoppable(Protocol):
    """A process that can be told to stand still."""

    def send_signal(self, signal: int) -> None:
        """Raises ProcessLookupError where it is gone."""
        ...


class Precedence:
    """Lives on one event loop. ``working`` tells the processes that work now, ``processors`` how many processors this hub may use.

    A process that stands still when the hub dies is killed by the system all the same (:func:`hub.exchange.dying.die_with`); where that cannot be asked
    of the system, on other systems than Linux, none is made to.
    """

    def __init__(self, working: Callable[[], Sequence[Stoppable]], processors: int | None = None) -> None:
        self._working = working
        self._processors = processors if processors is not None else _processors()
        self._calls = 0
        self._held: list[Stoppable] = []
        self._timer: asyncio.TimerHandle | None = None
        self._free_until = 0.0
        self.times = 0
        """How often processes were made to stand still."""

    def began(self) -> None:
        """A call is in work."""
        self._calls += 1
        if not self._held:
            self._hold()

    def ended(self) -> None:
        """It is not any more."""
        self._calls -= 1
        if self._held and not self._calls:
            self._let_go()

    def _hold(self) -> None:
        working = self._working()
        if not working or _EACH * len(working) < self._processors:
            return
        loop = asyncio.get_running_loop()
        if loop.time() < self._free_until:
            return
        self._held = [*working]
        self.times += 1
        self._tell(signal.SIGSTOP)
        self._timer = loop.call_later(MOST_HELD, self._end)

    def _end(self) -> None:
        self._free_until = asyncio.get_running_loop().time() + LEAST_RUN
        self._let_go()

    def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._tell(signal.SIGCONT)
        self._held = []

    def _tell(self, number: int) -> None:
        for process in self._held:
            with suppress(ProcessLookupError):
                process.send_signal(number)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else sys.maxsize
