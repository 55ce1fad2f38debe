"""Several worker processes behind one port: a supervisor that starts them, replaces those that end unasked, and ends them all."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from types import FrameType

import structlog

_ENDING = (signal.SIGINT, signal.SIGTERM)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a worker that ended is replaced; doubled each time."""
_STEADY_SECONDS = 60.0
"""Whoever served this long is replaced as if it were the first time."""
BEAT_SECONDS = 1.0
"""How often a worker says that its event loop turns."""
_LOOK_SECONDS, _SILENT_LOOKS = 5.0, 6
"""A worker of which nothing is heard at so many looks is ended. Looks are counted, and not seconds, since a machine that slept has lost none."""
Work = Callable[[int, Callable[[], None]], int]
"""Serves as the worker of a number, from 0; calls its argument once it does, and every ``BEAT_SECONDS`` from then on; returns the exit code.

One that called it once only is not watched."""
log = structlog.get_logger(__name__)


@dataclass
class _Place:
    """One place among the workers, and the process that holds it now."""

    number: int
    process: ForkProcess | None = None
    ready: float = 0.0
    """When the process began to serve."""
    beats: int = 0
    silent: int = 0
    """Looks since it was last heard of."""
    pause: float = _FIRST_PAUSE
    due: float = 0.0
    """When the place is to be filled."""


class Supervisor:
    """Forks ``count`` processes that each do ``work``; ``ready`` is called once all of them serve.

    It serves nothing itself, and must be the only thread of its process: a fork copies no other. Workers have process groups of their own, so
    that a terminal's Ctrl-C reaches them once, through the supervisor. When the supervisor is gone, however it ended, they end in good order.
    """

    def __init__(self, count: int, work: Work, ready: Callable[[], None]) -> None:
        self._places = [_Place(number) for number in range(count)]
        self._work, self._ready = work, ready
        self._signals: list[int] = []
        self._passed = 0
        self._served = False
        self._code = 0
        self._looked = time.monotonic()

    def run(self) -> int:
        """Until SIGINT or SIGTERM, or a worker that fails before all have served, has ended all; a second signal ends them at once. The exit code."""
        with ExitStack() as held:
            wakened = held.enter_context(self._listening())
            self._life, self._said = held.enter_context(_pipe()), held.enter_context(_pipe())
            while True:
                self._fill()
                running = [place.process for place in self._places if place.process is not None]
                if self._signals and not running:
                    return 128 + self._signals[-1] if len(self._signals) > 1 else self._code
                wait([wakened, self._said[0], *(process.sentinel for process in running)], self._seconds())
                _drain(wakened)
                self._hear()
                self._look()
                for place in self._places:
                    self._bury(place)
                self._pass_on()

    @contextmanager
    def _listening(self) -> Iterator[socket.socket]:
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        with reader, writer:
            before = {number: signal.signal(number, self._noted) for number in _ENDING}
            waker = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
            try:
                yield reader
            finally:
                signal.set_wakeup_fd(waker)
                for number, handler in before.items():
                    signal.signal(number, handler)

    def _noted(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)

    def _fill(self) -> None:
        for place in self._places:
            if place.process is None and not self._signals and time.monotonic() >= place.due:
                self._start(place)

    def _start(self, place: _Place) -> None:
        process = get_context("fork").Process(target=self._become, args=(place.number,), name=f"worker-{place.number + 1}")
        # A signal that comes before the worker has handlers of its own must not be taken down in the worker's copy of this object.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        place.process, place.ready, place.beats, place.silent = process, 0.0, 0, 0
        log.info("worker_started", worker=place.number + 1, pid=process.pid)

    def _become(self, number: int) -> None:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        for each in _ENDING:
            signal.signal(each, signal.SIG_DFL)
        os.close(self._life[1])
        threading.Thread(target=_end_with, args=(self._life[0],), daemon=True).start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        sys.exit(self._work(number, lambda: self._say(number)))

    def _say(self, number: int) -> None:
        os.write(self._said[1], bytes([number]))

    def _hear(self) -> None:
        while wait([self._said[0]], 0):
            place = self._places[os.read(self._said[0], 1)[0]]
            place.ready = place.ready or time.monotonic()
            place.beats, place.silent = place.beats + 1, 0
        if not self._served and all(place.ready for place in self._places):
            self._served = True
            self._ready()

    def _look(self) -> None:
        """Ends workers whose event loop has stood still for long: they hold their connections and answer nobody."""
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        for place in self._places:
            place.silent += 1
            if place.silent > _SILENT_LOOKS and place.beats > 1 and place.process is not None and place.process.exitcode is None:
                log.error("worker_hung", worker=place.number + 1, pid=place.process.pid, silent_seconds=int(_LOOK_SECONDS * _SILENT_LOOKS))
                place.process.kill()

    def _bury(self, place: _Place) -> None:
        process = place.process
        if process is None or process.exitcode is None:
            return
        place.process = None
        if self._signals:
            self._code = self._code or int(process.exitcode not in (0, *(-number for number in _ENDING)))
        elif self._served:
            self._replace(place, process)
        else:
            self._code = process.exitcode if process.exitcode > 0 else 1
            self._signals.append(signal.SIGTERM)
        process.close()

    def _replace(self, place: _Place, process: ForkProcess) -> None:
        now = time.monotonic()
        if place.ready and now - place.ready >= _STEADY_SECONDS:
            place.pause = _FIRST_PAUSE
        log.error("worker_ended", worker=place.number + 1, pid=process.pid, exit_code=process.exitcode, replaced_in=place.pause)
        place.due, place.pause = now + place.pause, min(2 * place.pause, _LONGEST_PAUSE)

    def _seconds(self) -> float:
        """Until a place is to be filled, or the workers are to be looked at."""
        waiting = [] if self._signals else [place.due for place in self._places if place.process is None]
        return max(0.0, min([*waiting, self._looked + _LOOK_SECONDS]) - time.monotonic())

    def _pass_on(self) -> None:
        for number in self._signals[self._passed :]:
            for place in self._places:
                if place.process is not None and place.process.pid is not None:
                    os.kill(place.process.pid, number)
            self._passed += 1


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    try:
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


def _drain(wakened: socket.socket) -> None:
    try:
        wakened.recv(4096)
    except BlockingIOError:
        return


def _end_with(life: int) -> None:
    """Nobody writes into the pipe: it ends when the supervisor does."""
    os.read(life, 1)
    os.kill(os.getpid(), signal.SIGTERM)
