"""The protocol of executors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hub.exchange.executors.precedence import Precedence
from hub.exchange.work.task import ChunkReceipt, ChunkTask

Progress = Callable[[int, int], None]
"""Told rows and bytes that the attempt has written so far."""


class WorkerLost(Exception):
    """Whoever worked on the chunk is gone, and may even come back: another attempt is made, and this one's files are never accepted."""


class Executor(Protocol):
    """Works on chunks. It keeps nothing: the control database alone knows what is done."""

    precedence: Precedence | None
    """Told of calls that read departments' data, where chunks are worked on by processes that could keep them waiting."""

    @property
    def places(self) -> int:
        """Chunks that it can work on at once, as of now; at least 1."""
        ...

    async def run(self, task: ChunkTask, progress: Progress) -> ChunkReceipt:
        """Works on one chunk. When cancelled, the work is stopped.

        Raises:
            ChunkFault: it came to nothing.
            WorkerLost: nobody knows.
        """
        ...

    async def close(self) -> None:
        """Ends what runs."""
        ...
