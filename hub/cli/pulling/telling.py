"""What is told while files come: bars on a terminal, lines anywhere else; on standard error, for results stand on standard output."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from hub.cli.output import harmless, note

_LINE_SECONDS = 10.0


class Telling:
    """Lines: each file that is whole, and every ten seconds how much of all there is."""

    def __init__(self, total: int) -> None:
        self._total, self._bytes = total, 0
        self._told = time.monotonic()

    def say(self, text: str) -> None:
        """A line."""
        note(text)

    def came(self, name: str, size: int) -> Callable[[int], None]:
        """For a file of ``size`` bytes: what is to be told of bytes that come, negative for those that must come again."""
        del name, size

        def took(count: int) -> None:
            self._bytes += count
            if time.monotonic() - self._told > _LINE_SECONDS:
                self._told = time.monotonic()
                note(f"{self._bytes * 100 // max(self._total, 1)} % ({self._bytes}/{self._total} bytes)")

        return took

    def whole(self, name: str) -> None:
        """A file is there, and its digest holds."""
        self.say(f"已完成 whole: {name}")


class Bars(Telling):
    """Bars for all bytes and for each file that comes."""

    def __init__(self, total: int, progress: Progress) -> None:
        super().__init__(total)
        self._progress = progress
        self._all = progress.add_task("全部 all", total=total)
        self._tasks: dict[str, TaskID] = {}

    def say(self, text: str) -> None:
        """A line above the bars."""
        self._progress.console.print(harmless(text), markup=False, highlight=False)

    def came(self, name: str, size: int) -> Callable[[int], None]:
        """As for lines."""
        task = self._tasks[name] = self._progress.add_task(harmless(name), total=size)

        def took(count: int) -> None:
            self._progress.advance(task, count)
            self._progress.advance(self._all, count)

        return took

    def whole(self, name: str) -> None:
        """The file's bar goes; that of all stays."""
        if (task := self._tasks.pop(name, None)) is not None:
            self._progress.remove_task(task)


@contextmanager
def telling(total: int) -> Iterator[Telling]:
    """Bars where standard error is a terminal, else lines."""
    if not sys.stderr.isatty():
        yield Telling(total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, markup=False, emoji=False)) as progress:
        yield Bars(total, progress)
