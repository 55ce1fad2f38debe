"""Business time: the moment by which cases are filed, terms run and grants begin and end.

Token times, one-time passwords, sessions and the deadlines of calls keep the real clock (:func:`real_now`, ``time.monotonic``): they guard
the hub itself, and a moved business clock must neither revive an expired token nor let a call run for days. Only tests (:meth:`Clock.at`)
and the demonstration (``huitong demo --clock``) move business time; ``huitong serve`` has no option and no setting that does.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

READ_SECONDS = 0.1
"""A clock file is looked at again after this long, at the earliest."""
_SHIFT = re.compile(r"([+-])(\d{1,6})([dhm])\Z")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_FIRST_YEAR, _LAST_YEAR = 2004, 2100
_log = logging.getLogger(__name__)


class ClockFault(ValueError):
    """A clock file cannot be read or holds no time. ``str()`` names it and says what it may hold."""


def real_now() -> datetime:
    """The present moment of the machine's clock, aware, in UTC; nothing moves it."""
    return datetime.now(UTC)


class Hand:
    """A clock that a test holds: time stands still until it is set."""

    def __init__(self, moment: datetime) -> None:
        self.set(moment)

    def set(self, moment: datetime) -> None:
        """Sets the moment, which must be aware."""
        if moment.tzinfo is None:
            raise ValueError(f"a moment needs its offset: {moment.isoformat()}+08:00")
        self.moment = moment.astimezone(UTC)

    def forward(self, **span: float) -> None:
        """Moves time on, in the words of ``timedelta``: ``forward(days=1, hours=2)``."""
        self.set(self.moment + timedelta(**span))


class ClockFile:
    """A file that says what time it is: an ISO 8601 moment with offset, at which time ran on when the file was written, or ``+14d``, ``-3h``, ``+30m``.

    A file that is gone or garbled later leaves the last reading in force: business time must not jump because somebody writes it just now.

    Raises:
        ClockFault: the file cannot be read now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked = time.monotonic()
        self._complained = False
        self._shift = _read(path)

    def now(self) -> datetime:
        """The moment that the file tells."""
        if time.monotonic() - self._looked >= READ_SECONDS:
            self._looked = time.monotonic()
            self._look()
        return real_now() + self._shift

    def _look(self) -> None:
        try:
            self._shift = _read(self._path)
            self._complained = False
        except ClockFault as fault:
            if not self._complained:
                _log.warning("the clock keeps its last reading: %s", fault)
            self._complained = True


def _read(path: Path) -> timedelta:
    try:
        with path.open(encoding="utf-8") as file:
            written = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
            shift = _shift(file.read(80).strip(), written)
        if not _FIRST_YEAR <= (real_now() + shift).year <= _LAST_YEAR:
            raise ValueError("no year for a calendar")
        return shift
    except (OSError, ValueError, OverflowError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "2026-02-13T09:00:00+08:00, +14d, -3h, +30m"
        raise ClockFault(f"时钟文件不可用 the clock file {path} cannot be used: {reason}") from None


def _shift(text: str, written: datetime) -> timedelta:
    """How far business time is ahead of the machine's."""
    if found := _SHIFT.match(text):
        span = timedelta(**{_UNITS[found[3]]: int(found[2])})
        return span if found[1] == "+" else -span
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no offset")
    return moment - written


class Clock:
    """Tells business time. One per process: :data:`clock`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hands: tuple[Hand, ...] = ()
        self._file: ClockFile | None = None

    def now(self) -> datetime:
        """The present moment of business time, aware, in UTC."""
        if hands := self._hands:
            return hands[-1].moment
        return self._file.now() if self._file else real_now()

    @contextmanager
    def at(self, moment: datetime) -> Iterator[Hand]:
        """Within it, time stands at ``moment`` for every thread of the process; the innermost of several holds. For tests."""
        hand = Hand(moment)
        with self._lock:
            self._hands = (*self._hands, hand)
        try:
            yield hand
        finally:
            with self._lock:
                self._hands = tuple(one for one in self._hands if one is not hand)

    def follow(self, path: Path | None) -> None:
        """Tells the time by a file from now on; ``None``: by the machine's clock again. For the demonstration.

        Raises:
            ClockFault: the file cannot be read or holds no time.
        """
        self._file = ClockFile(path) if path else None


clock = Clock()
"""The process's business clock."""


def now() -> datetime:
    """The present moment of business time, aware, in UTC."""
    return clock.now()
