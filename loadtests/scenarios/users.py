"""Callers for Locust to start: one class for each scenario, and a working day's mixture of all."""

from __future__ import annotations

from collections.abc import Callable

from loadtests.scenarios.caller import Caller
from loadtests.scenarios.tasks import exchange, look_up, nested, pages, refused, verify

Task = Callable[[Caller], None]
_DAY: dict[Task, int] = {look_up: 52, verify: 20, nested: 14, pages: 8, refused: 5, exchange: 1}
"""Of a hundred tasks. Clerks look up and verify; lists are for reports; nightly exchanges are few; some calls are always wrong."""


class LookUp(Caller):
    """One person after the other, by ID number."""

    tasks = [look_up]


class List(Caller):
    """Lists, page by page."""

    tasks = [pages]


class Nested(Caller):
    """Persons with links into other departments' systems."""

    tasks = [nested]


class Verify(Caller):
    """Claims about persons."""

    tasks = [verify]


class Exchange(Caller):
    """Batch exchanges, from the request to the file."""

    pause = (5.0, 15.0)
    tasks = [exchange]


class Refusals(Caller):
    """Calls that have to be refused."""

    tasks = [refused]


class MixedDay(Caller):
    """A working day at the windows: a clerk thinks two to eight seconds between two calls."""

    pause = (2.0, 8.0)
    tasks = [task for task, weight in _DAY.items() for _ in range(weight)]
