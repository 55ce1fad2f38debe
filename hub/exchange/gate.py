"""Places for chunks, of all jobs of this process, as many as the executor has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from hub.exchange.executors.spi import Executor

_LOOK_SECONDS = 1.0


class Gate:
    """Lets chunks in, first come, first served. Executors gain and lose places as workers come and go."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()
        self.taken = 0

    @property
    def places(self) -> int:
        """That the executor has."""
        return self._executor.places

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Waits for a place and holds it."""
        async with self._turn:
            while self.taken >= self._executor.places:
                self._freed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._freed.wait(), _LOOK_SECONDS)
            self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
            self._freed.set()
