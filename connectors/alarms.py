"""Moments at which something is done unless it has become needless, which of ends of calls nearly all have: a timer of the event loop for each costs 2 µs.

Alarms of one event loop share a timer, as in the first scheme of Varghese and Lauck (Hashed and Hierarchical Timing Wheels, SOSP 1987).
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Protocol

PER_SECOND = 32
"""Moments a second at which alarms go off; one does at the first that is not before its own."""
SOON = 0.2
"""Seconds. What is due earlier has a timer of its own, for it would be late by much of its time."""
_NOBODYS = contextvars.Context()
"""In which alarms go off: the context of whoever happened to set the timer is nobody else's, and need not be kept."""


class Cancellable(Protocol):
    """An alarm that has not gone off, or has."""

    def cancel(self) -> None:
        """It will not go off."""
        ...


class _Alarm:
    __slots__ = ("_place", "call")

    def __init__(self, place: dict[_Alarm, None], call: Callable[[], object]) -> None:
        self._place = place
        self.call = call
        place[self] = None

    def cancel(self) -> None:
        self._place.pop(self, None)


class _Wheel:
    """Of one event loop. What is cancelled is held no longer, and where nothing is left no timer runs."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._places: dict[int, dict[_Alarm, None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0

    def add(self, due: float, call: Callable[[], object]) -> Cancellable:
        number = int(due * PER_SECOND) + 1
        place = self._places.get(number)
        if place is None:
            place = self._places[number] = {}
            if self._timer is None or number < self._next:
                self._set(number)
        return _Alarm(place, call)

    def _set(self, number: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = number
        self._timer = self.loop.call_at(number / PER_SECOND, self._ring, context=_NOBODYS)

    def _ring(self) -> None:
        self._timer = None
        # A timer may go off a little early, by the resolution of the loop's clock.
        now = max(self._next, int(self.loop.time() * PER_SECOND))
        for number in sorted(number for number, place in self._places.items() if number <= now or not place):
            self._sound(self._places.pop(number))
        if self._places:
            self._set(min(self._places))

    def _sound(self, place: dict[_Alarm, None]) -> None:
        # One may cancel others of its own moment, which are not to go off then.
        while place:
            alarm = next(iter(place))
            alarm.cancel()
            try:
                alarm.call()
            except Exception as fault:  # noqa: BLE001 - one that fails keeps no other from going off
                self.loop.call_exception_handler({"message": "an alarm failed", "exception": fault})


class _Held(threading.local):
    wheel: _Wheel | None = None


_held = _Held()


def at(due: float, call: Callable[[], object]) -> Cancellable:
    """Calls at the running event loop's time ``due``, at most ``1 / PER_SECOND`` s late, unless it is cancelled before; in no particular context."""
    loop = asyncio.get_running_loop()
    if due - loop.time() < SOON:
        return loop.call_at(due, call, context=_NOBODYS)
    wheel = _held.wheel
    if wheel is None or wheel.loop is not loop:
        wheel = _held.wheel = _Wheel(loop)
    return wheel.add(due, call)
