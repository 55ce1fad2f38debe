"""CPU and memory of processes and all that descend from them, also of those that have ended."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from loadtests.comparison.pinned import family, mebibytes

_TICKS = os.sysconf("SC_CLK_TCK")
_LOOK = 0.05
_MODULE = b"hub.exchange.work"


def cpu_of(process: int) -> float:
    """CPU seconds of a process and its descendants; those that have ended count as well, once their parents know of it (proc(5), stat)."""
    return sum(map(_all_time, family(process)))


def _all_time(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS


@dataclass
class Watch:
    """Looks at memory 20 times a second, for as long as the block lasts: the most that any process of a family had resident, in MiB.

    ``own`` is the family's first, ``most`` the largest of those that export.
    """

    process: int
    cpus: Callable[[], dict[str, float]]
    others: Sequence[int] = ()
    """Who exports beside the family."""
    own: float = 0.0
    most: float = 0.0
    spent: dict[str, float] = field(default_factory=dict)
    """CPU seconds of the block, by whose."""
    _before: dict[str, float] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Watch:
        self._before = self.cpus()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self.spent = {name: seconds - self._before.get(name, 0.0) for name, seconds in self.cpus().items()}

    def _look(self) -> None:
        while not self._over.wait(_LOOK):
            first, *others = family(self.process)
            self.own = max(self.own, mebibytes([first], "VmHWM"))
            for each in (*others, *self.others):
                if each in self.others or _exports(each):
                    self.most = max(self.most, mebibytes([each], "VmHWM"))


def _exports(process: int) -> bool:
    """A child that was only just forked still has its parent's memory, and its parent's name."""
    try:
        return _MODULE in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False
