"""Chunks worked on in the hub's own process: its event loop waits for sources, threads do the rest."""

from __future__ import annotations

from hub.exchange.executors.precedence import Precedence
from hub.exchange.executors.spi import Progress
from hub.exchange.work.kit import Kit
from hub.exchange.work.task import ChunkReceipt, ChunkTask


class InlineExecutor:
    """For small hubs and tests: no process besides the hub's. Queries wait while Arrow holds the interpreter."""

    def __init__(self, kit: Kit, places: int = 2) -> None:
        self._kit = kit
        self._places = places
        self.precedence: Precedence | None = None

    @property
    def places(self) -> int:
        """See :class:`hub.exchange.executors.spi.Executor`."""
        return self._places

    async def run(self, task: ChunkTask, progress: Progress) -> ChunkReceipt:
        """See :class:`hub.exchange.executors.spi.Executor`."""
        # Loads Arrow, which a hub without exchanges need not.
        from hub.exchange.work.chunk import run_chunk

        return await run_chunk(task, self._kit, progress)

    async def close(self) -> None:
        """Closes the sources."""
        await self._kit.close()
