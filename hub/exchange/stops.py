"""Why a job does not go on."""

from __future__ import annotations


class Stopped(Exception):
    """A job that must not go on. ``reason`` is told to its owner; it begins with a code of docs/errors.md."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Lost(Exception):
    """A job that was cancelled, or that another server has taken over: there is nothing to be done about it here."""


class Waiting(Exception):
    """A job that cannot go on now, and will by itself. ``reason`` is told to its owner."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Renewed(Exception):
    """The catalog reads the data elsewhere by now: what goes on row by row, as calls do, goes on there."""
