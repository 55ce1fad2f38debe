"""Work that follows calls is done a little at a time. A thread that computes without a pause gives the event loop its turn only every 5 ms
(``sys.getswitchinterval``), at each of the many moments at which the loop asks for it: callers notice tenths of a second of such work as much as they last.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event

SLICE = 0.002
"""Seconds of work without a rest."""
REST = 0.004
"""Seconds of a rest."""

_ENDING: ContextVar[Event | None] = ContextVar("ending", default=None)


@contextmanager
def calmly(ending: Event) -> Iterator[None]:
    """Work of the block, and of the tasks and worker threads that it starts, rests at each :class:`Pace`; once ``ending`` is set it makes haste."""
    token = _ENDING.set(ending)
    try:
        yield
    finally:
        _ENDING.reset(token)


class Pace:
    """Called between two pieces of a work; where the work is behind calls (:func:`calmly`) and has gone on for :data:`SLICE`, it rests. Blocks."""

    __slots__ = ("_ending", "_since")

    def __init__(self) -> None:
        self._ending = _ENDING.get()
        self._since = time.perf_counter()

    def __call__(self) -> None:
        if self._ending is not None and time.perf_counter() - self._since > SLICE:
            self._ending.wait(REST)
            self._since = time.perf_counter()
