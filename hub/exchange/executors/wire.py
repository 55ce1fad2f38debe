"""Messages between the hub and its own child processes: pickles, each behind its length in 4 bytes. Nobody else has the pipes."""

from __future__ import annotations

import pickle
from asyncio import StreamReader
from dataclasses import dataclass
from typing import Any

from hub.exchange.work.kit import Secrets
from hub.exchange.work.task import ChunkFault, ChunkReceipt, ChunkTask

_HEAD = 4


@dataclass(frozen=True, slots=True)
class Begin:
    """A chunk to work on, and the keys as they are now: what a task never holds."""

    task: ChunkTask
    secrets: Secrets


@dataclass(frozen=True, slots=True)
class Advanced:
    """Rows and bytes so far."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The chunk's end; ``ChunkFault`` where it came to nothing."""

    outcome: ChunkReceipt | ChunkFault


def message(content: object) -> bytes:
    """The bytes of a message."""
    pickled = pickle.dumps(content, protocol=5)
    return len(pickled).to_bytes(_HEAD, "big") + pickled


async def received(reader: StreamReader) -> Any:
    """The next message.

    Raises:
        EOFError: the other side is gone.
    """
    head = await reader.readexactly(_HEAD)
    return pickle.loads(await reader.readexactly(int.from_bytes(head, "big")))  # noqa: S301 - from this process's own child or parent, by a pipe
