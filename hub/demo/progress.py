"""How far a long part of the preparation has come: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars


class Progress(Protocol):
    """Called as work goes on, at most a few hundred times per part."""

    def __call__(self, part: str, done: int, total: int) -> None:
        """``done`` of ``total`` units of ``part`` are complete."""
        ...


def silent(part: str, done: int, total: int) -> None:
    """Shows nothing."""


@contextmanager
def shown(stream: TextIO) -> Iterator[Progress]:
    """Progress on ``stream``: bars where it is a terminal, else one line for each finished part."""
    if not stream.isatty():
        yield _Lines(stream)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(file=stream)) as bars:
        yield _Bars(bars)


class _Lines:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, part: str, done: int, total: int) -> None:
        if done >= total:
            self._stream.write(f"{part}: {total}\n")
            self._stream.flush()


class _Bars:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, part: str, done: int, total: int) -> None:
        if part not in self._tasks:
            self._tasks[part] = self._bars.add_task(part, total=total)
        self._bars.update(self._tasks[part], completed=done)
