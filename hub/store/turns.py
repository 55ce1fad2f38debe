"""Who of a process's threads writes to a SQLite database next: the one that has waited longest.

SQLite itself keeps no queue: whoever finds it locked sleeps for 1 ms, then longer and longer, and looks again, so that a thread that writes
transaction after transaction leaves the others no gap. Between processes it stays so.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from sqlalchemy import Connection, Engine

from hub.store.engine import PATIENCE_MS


class Turns:
    """A lock that is given in the order in which it was asked for."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def take(self, seconds: float) -> bool:
        """Whether it was this thread's turn within the time."""
        with self._mutex:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=min(seconds, threading.TIMEOUT_MAX)):
            return True
        with self._mutex:
            if mine not in self._waiting:
                # It came in the same instant.
                return True
            self._waiting.remove(mine)
            return False

    def give(self) -> None:
        """To the next."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is to write, committed at the end. SQLite gives the right to write at its beginning."""
    with turn(engine, PATIENCE_MS), engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection, connection.begin():
        yield connection


_OF_FILES: WeakValueDictionary[str, Turns] = WeakValueDictionary()
_MUTEX = threading.Lock()


@contextmanager
def turn(engine: Engine, patience_ms: int) -> Iterator[None]:
    """This thread's turn to write, on SQLite. Where it does not come in time, the database itself says what it says to whoever finds it locked."""
    turns = _of(engine)
    if turns is None:
        yield
        return
    taken = turns.take(patience_ms / 1000 if patience_ms else threading.TIMEOUT_MAX)
    try:
        yield
    finally:
        if taken:
            turns.give()


def _of(engine: Engine) -> Turns | None:
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return None
    with _MUTEX:
        found = _OF_FILES.get(engine.url.database)
        if found is None:
            found = _OF_FILES[engine.url.database] = Turns()
        return found
