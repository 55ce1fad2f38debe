"""Whom an exchange concerns: the files of its chunks become the sets that its entry names, however many subjects there are."""

from __future__ import annotations

import hashlib
import tempfile
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import Engine

from hub.exchange.work.subjects import ordered, runs_of
from hub.ledger.entry import SubjectSet
from hub.tracing.sets import WIDTH, store_set

_MEMORY = 2 * 1024 * 1024
"""Bytes that are held of all runs together, in each block."""
_AHEAD = 2
"""Blocks that are sorted at once."""
_LEAST = 64 * WIDTH
_READ = 1024 * 1024


@dataclass
class _Run:
    """Hashes that are sorted and distinct: in a file, or all of them ``held``."""

    path: Path | None
    place: int
    left: int
    """Bytes that are not read yet."""
    held: bytes = b""

    def fill(self, size: int) -> None:
        """Reads on until so many bytes are held: all runs reach about as far then, and few blocks are cut."""
        more = min(size - len(self.held), self.left)
        if more <= 0 or self.path is None:
            return
        with self.path.open("rb") as file:
            file.seek(self.place)
            read = file.read(more)
        if len(read) != more:
            raise OSError("a file of subjects is not whole")
        self.held += read
        self.place, self.left = self.place + more, self.left - more

    def take(self, upto: bytes | None) -> bytes:
        """What is held and not greater."""
        if upto is None:
            taken, self.held = self.held, b""
            return taken
        cut = WIDTH * bisect_right(range(len(self.held) // WIDTH), upto, key=lambda i: self.held[i * WIDTH : (i + 1) * WIDTH])
        taken, self.held = self.held[:cut], self.held[cut:]
        return taken


def merge(files: Sequence[Path], engine: Engine, folder: Path, also: Mapping[str, Iterable[bytes]] | None = None) -> dict[str, SubjectSet]:
    """Writes the set of each resource; when this returns they are durable, and entries may name them.

    ``files`` are those of :class:`hub.exchange.work.subjects.Naming`; ``also`` names subjects besides, of whom the filter spoke. In
    ``folder`` lies meanwhile a file without a name, of 16 bytes a subject: two hubs, of which one takes over what the other was at, never share it.
    Holds some 10 MiB, however many there are.

    Raises:
        OSError: a file is not whole, or that one cannot be written.
    """
    runs: dict[str, list[_Run]] = {}
    for path in files:
        for resource, place, count in runs_of(path):
            runs.setdefault(resource, []).append(_Run(path, place, count * WIDTH))
    for resource, hashes in (also or {}).items():
        if held := bytes(ordered(b"".join(hashes))):
            runs.setdefault(resource, []).append(_Run(None, 0, 0, held))
    return {resource: _written(runs[resource], engine, folder) for resource in sorted(runs)}


def _written(runs: Sequence[_Run], engine: Engine, folder: Path) -> SubjectSet:
    digest, count = hashlib.sha256(), 0
    with tempfile.TemporaryFile(dir=folder) as draft:
        for block in _merged(runs):
            digest.update(block)
            draft.write(block)
            count += len(block) // WIDTH
        draft.seek(0)
        store_set(engine, digest.digest(), _read(draft))
    return SubjectSet(count, digest.hexdigest())


def _merged(runs: Sequence[_Run]) -> Iterator[memoryview]:
    """All hashes in order, each once. What follows is sorted, by threads that do not hold the interpreter, while a block is in hand."""
    with ThreadPoolExecutor(_AHEAD, "subjects") as threads:
        sorting: deque[Future[memoryview]] = deque()
        for block in _blocks(runs):
            sorting.append(threads.submit(ordered, block))
            if len(sorting) > _AHEAD:
                yield sorting.popleft().result()
        yield from (each.result() for each in sorting)


def _blocks(runs: Sequence[_Run]) -> Iterator[bytes]:
    """The hashes of all runs in blocks, each of which is behind the one before; within a block they stand run by run."""
    size = max(_LEAST, _MEMORY // len(runs) // WIDTH * WIDTH)
    runs = list(runs)
    while runs:
        for run in runs:
            run.fill(size)
        # Behind the least of these ends, a run that goes on in its file may have what nobody has seen.
        upto = min((run.held[-WIDTH:] for run in runs if run.left), default=None)
        yield b"".join(run.take(upto) for run in runs)
        runs = [run for run in runs if run.held or run.left]


def _read(draft: IO[bytes]) -> Iterator[bytes]:
    while block := draft.read(_READ):
        yield block
