"""Which CPU works for whom: servers have the first to themselves, whoever asks and the databases the second."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

ALL = sorted(os.sched_getaffinity(0))
SERVERS, OTHERS = ALL[:1], ALL[1:2] or ALL


@contextmanager
def starting(cpus: Iterable[int]) -> Iterator[None]:
    """What this thread starts in the block runs on these CPUs, with all of its threads and children."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def family(process: int) -> list[int]:
    """A process and all that descend from it."""
    found = [process]
    for one in found:
        for thread in _threads(one):
            found += [int(child) for child in _text(thread / "children").split()]
    return found


def mebibytes(processes: Iterable[int], what: str) -> float:
    """Sum of ``VmRSS`` or ``VmHWM`` (proc(5)) of processes."""
    lines = (line.split() for process in processes for line in _text(Path(f"/proc/{process}/status")).splitlines() if line.startswith(f"{what}:"))
    return sum(int(line[1]) for line in lines) / 1024


def forget_peak(process: int) -> None:
    """Lets ``VmHWM`` begin anew from what is resident now (proc(5), clear_refs)."""
    Path(f"/proc/{process}/clear_refs").write_text("5", encoding="ascii")


def _threads(process: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{process}/task").iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
