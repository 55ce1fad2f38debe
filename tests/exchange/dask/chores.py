"""What tests let workers do instead of the work of a chunk; imported by the workers' processes as well."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from hub.exchange.executors.dask_work import Outcome, named, work_with
from hub.exchange.executors.spi import Progress
from hub.exchange.work.task import ChunkFault, ChunkReceipt, ChunkTask


def begun(task: ChunkTask) -> Path:
    """Where a worker says its process id once it works on the attempt."""
    return task.folder / f"begun-{task.number}-{task.attempt}"


def ended(task: ChunkTask) -> Path:
    """Where it says how the attempt ended."""
    return task.folder / f"ended-{task.number}-{task.attempt}"


def go(folder: Path) -> Path:
    """What it waits for."""
    return folder / "go"


async def _patient(task: ChunkTask, progress: Progress) -> ChunkReceipt:
    begun(task).write_text(str(os.getpid()))
    try:
        for turn in range(100_000):
            if go(task.folder).exists():
                break
            progress(turn, 10 * turn)
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        ended(task).write_text("cancelled")
        raise
    task.path.write_bytes(named(task).encode())
    return ChunkReceipt(1, task.path.stat().st_size, "0" * 64)


async def _faulty(task: ChunkTask, _progress: Progress) -> ChunkReceipt:
    if task.number == 1:
        raise ChunkFault("SOURCE_UNAVAILABLE", "数据源不可用", "the source is not available", retryable=True)
    raise ValueError("520100199001010011")


def wait(payload: bytes, mark: str, topic: str) -> Outcome:
    """Works on the chunk until the test says go."""
    return work_with(_patient, payload, mark, topic)


def fail(payload: bytes, mark: str, topic: str) -> Outcome:
    """Chunk 1 fails as chunks do, others as programs do."""
    return work_with(_faulty, payload, mark, topic)
