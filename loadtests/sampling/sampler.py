"""Looks at the main thread by the clock, and adds up what CPU time it took since the last look to where it is now; other threads by their names."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from loadtests.sampling.areas import OTHERS, THREADS, Area, told

_EVERY_SECONDS = 0.001


@dataclass(frozen=True)
class Samples:
    """CPU seconds: ``areas`` by their codes, together what the process took; ``functions`` of the main thread by area's code and name."""

    areas: dict[str, float]
    functions: dict[str, dict[str, float]]
    looks: int


class Sampler:
    """Of this process; made, started and stopped in the main thread. A look costs some 10 µs, which are not counted, and takes place where Python next looks for signals."""

    def __init__(self) -> None:
        self._spent: dict[tuple[Area, str], float] = defaultdict(float)
        self._draw = random.Random(1)  # noqa: S311 - when it looks next: no rhythm of its own may meet one of the program's
        self._on = False
        self._looks = 0
        self._looking = 0.0
        self._last = 0.0
        self._process = 0.0
        self._threads: dict[int, float] = {}

    def start(self) -> None:
        """From now on."""
        self._spent.clear()
        self._looks, self._looking = 0, 0.0
        self._threads = _threads()
        self._process, self._last = time.process_time(), time.thread_time()
        self._on = True
        signal.signal(signal.SIGALRM, self._look)
        self._next()

    def stop(self) -> Samples:
        """What was seen since the start."""
        # A look that is due already comes behind this.
        self._on = False
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        areas: dict[str, float] = defaultdict(float)
        functions: dict[str, dict[str, float]] = defaultdict(dict)
        for (area, name), seconds in self._spent.items():
            areas[area.code] += seconds
            functions[area.code][name] = seconds
        names = {thread.native_id: thread.name for thread in threading.enumerate()}
        for number, seconds in _threads().items():
            if number != threading.main_thread().native_id:
                areas[THREADS.get(names.get(number, ""), OTHERS).code] += seconds - self._threads.get(number, 0.0)
        # Threads that have ended meanwhile.
        areas[OTHERS.code] += max(0.0, time.process_time() - self._process - self._looking - sum(areas.values()))
        return Samples(dict(areas), dict(functions), self._looks)

    def _next(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, _EVERY_SECONDS * self._draw.uniform(0.5, 1.5))

    def _look(self, _number: int, frame: FrameType | None) -> None:
        if not self._on:
            return
        now = time.thread_time()
        self._spent[told(frame)] += now - self._last
        self._looks += 1
        self._next()
        # What a look costs is nobody's.
        self._last = time.thread_time()
        self._looking += self._last - now


def _threads() -> dict[int, float]:
    """CPU seconds of each thread of this process by its number (proc(5), ``schedstat``: nanoseconds)."""
    found = {}
    for place in Path("/proc/self/task").iterdir():
        try:
            found[int(place.name)] = int((place / "schedstat").read_text(encoding="ascii").split()[0]) / 1e9
        except OSError:
            continue
    return found
