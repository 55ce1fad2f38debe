"""Files of chunks on the disk: attempts under names of their own, accepted ones under the chunk's name."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from hub.exchange.chunks import Chunk
from hub.exchange.work.task import ChunkReceipt, ChunkTask


def is_whole(task: ChunkTask, receipt: ChunkReceipt) -> bool:
    """Whether the attempt's files are here as the receipt says, so that a crash of the machine does not lose them either."""
    if not _has(task.path, receipt.bytes) or not task.subjects.is_file():
        return False
    sync(task.folder)
    return True


def put(folder: Path, chunk: Chunk) -> bool:
    """Gives an accepted attempt its chunk's name, if it has not got it yet; whether the chunk's files are here."""
    name = folder / chunk.name
    for attempt, final in ((_attempt(folder, chunk, ".subjects"), subjects_of(folder, chunk)), (_attempt(folder, chunk), name)):
        # Whoever took the job over may have been faster.
        with suppress(FileNotFoundError):
            attempt.rename(final)
    return _has(name, chunk.bytes) and subjects_of(folder, chunk).is_file()


def subjects_of(folder: Path, chunk: Chunk) -> Path:
    """Whom an accepted chunk's rows concern."""
    return folder / f".{chunk.name}.subjects"


def discard(folder: Path, chunk: Chunk) -> None:
    """Takes away what an attempt left."""
    for path in (_attempt(folder, chunk), _attempt(folder, chunk, ".subjects")):
        path.unlink(missing_ok=True)


def beside(folder: Path, kept: Iterable[Chunk]) -> list[Path]:
    """All that belongs to no accepted chunk."""
    named: Collection[Path] = {path for chunk in kept for path in (folder / chunk.name, subjects_of(folder, chunk))}
    return [path for path in folder.glob("*") if path not in named and path.is_file()]


def take_away(files: Iterable[Path]) -> None:
    """Whoever else is at it may have been faster."""
    for path in files:
        path.unlink(missing_ok=True)


def tidy_hidden(folder: Path) -> None:
    """Takes away all but the files that are offered."""
    take_away(folder.glob(".*"))


def clear(folder: Path) -> None:
    """Takes everything away."""
    take_away(beside(folder, ()))
    with suppress(OSError):
        folder.rmdir()


def sync(folder: Path) -> None:
    """The folder's names are on the disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _attempt(folder: Path, chunk: Chunk, suffix: str = "") -> Path:
    return folder / f".{chunk.name}.{chunk.attempt}{suffix}"


def _has(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False
