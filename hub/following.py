"""State that other processes change: looked at all the time, taken over when it changed, and not trusted once it can no longer be looked at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog
from anyio import CapacityLimiter, to_thread

LOOK_SECONDS = 0.3
"""Between two looks at the control database's counters."""
STALE_SECONDS = 5.0
"""State that could not be looked at for so long is not relied on any more: calls of identified callers are refused."""
TAKING_SECONDS = 120.0
"""The same for state that takes long by its nature, while it is being taken over."""
log = structlog.get_logger(__name__)


class Followed:
    """One part of the state: the counters ``names``, and what ``take`` does when one of them has moved. Lives on the event loop.

    ``look`` reads all counters in a worker thread, and ``take`` has that thread for itself too. What takes long by its nature (``long``) may
    be ``TAKING_SECONDS`` old while it is being taken over.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        look: Callable[[], Mapping[str, int]],
        take: Callable[[frozenset[str], CapacityLimiter], Awaitable[None]],
        *,
        long: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._names = names
        self._look = look
        self._take = take
        self._long = long
        self._clock = clock
        self._seen: Mapping[str, int] = {}
        self._refreshing = asyncio.Lock()
        # Its own thread: whatever holds the others, a revocation is seen.
        self._limiter = CapacityLimiter(1)
        self._known = clock()
        self._taking = False
        self._following = False

    @property
    def stale(self) -> bool:
        """Whether what is in force could not be compared with the control database for too long."""
        most = TAKING_SECONDS if self._long and self._taking else STALE_SECONDS
        return self._following and self._clock() - self._known > most

    async def refresh(self) -> None:
        """Takes over what changed, if anything did. When it returns, what was committed before the call is in force."""
        async with self._refreshing:
            began = self._clock()
            seen = await to_thread.run_sync(self._look, limiter=self._limiter)
            if changed := frozenset(name for name in self._names if seen.get(name) != self._seen.get(name)):
                self._taking = True
                try:
                    await self._take(changed, self._limiter)
                finally:
                    self._taking = False
            self._seen = seen
            self._known = began

    async def follow(self) -> None:
        """Refreshes until cancelled. A control database that fails is reported once, and asked again."""
        self._following, failed = True, False
        while True:
            try:
                await self.refresh()
            except Exception as fault:  # noqa: BLE001 - whatever fails, the hub must go on following
                if not failed:
                    log.warning("state_not_refreshed", state=self._names, fault=type(fault).__name__)
                failed = True
            else:
                if failed:
                    log.warning("state_refreshed", state=self._names)
                failed = False
            await asyncio.sleep(LOOK_SECONDS)
