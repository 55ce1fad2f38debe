"""When Python looks for garbage: young objects often, all of them only while no call is in work. A look through a city's types takes tenths of a second."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable

_THRESHOLDS = (20_000, 10, 100_000)
"""How many more objects were made than have gone when the young ones are looked through, which takes some 10 ms. Calls leave nothing behind that has to be
looked for, so that those in work alone must not reach it: by 2,000, 64 calls in work or lists of 1,000 rows had it done all the time, for a twentieth of
their CPU. The last says how seldom all objects are looked through unasked: next to never."""
_EVERY_SECONDS = 60.0
_AT_LATEST_SECONDS = 3600.0
_LOOK_SECONDS = 0.5
EMBEDDED = False
"""Set by a process that holds many hubs one after another: which of its objects are left out for good, it says itself."""


class Collecting:
    """Garbage collection of a serving process. What is there when it starts is left out of it for good."""

    def __init__(self, in_work: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._in_work = in_work
        self._clock = clock
        self._last = clock()
        self._before = gc.get_threshold()

    def start(self) -> None:
        """From now on."""
        if not EMBEDDED:
            gc.collect()
            gc.freeze()
        gc.set_threshold(*_THRESHOLDS)

    def end(self) -> None:
        """Extension modules complain on standard error when what they made outlives them."""
        if not EMBEDDED:
            gc.unfreeze()

    def look(self) -> bool:
        """Collects where it is time to and nobody waits, or where it is long overdue; whether it did."""
        waited = self._clock() - self._last
        if waited < _EVERY_SECONDS or (self._in_work() and waited < _AT_LATEST_SECONDS):
            return False
        gc.collect()
        self._last = self._clock()
        return True

    async def run(self) -> None:
        """Looks until it is cancelled; then all is as before the start."""
        try:
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                self.look()
        finally:
            gc.set_threshold(*self._before)
