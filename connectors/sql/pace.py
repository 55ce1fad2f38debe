"""How many rows a cursor is asked for at once, so that what is held does not depend on how long they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_FIRST = 64
_BYTES = 8 * 1024 * 1024
"""Of texts in one batch, about."""
_SEEN = 64
"""Rows of a batch that are looked at."""
_GROWTH = 8
"""At most so many times the rows of the batch before: the next ones may be longer."""


class Pace:
    """The rows to ask for next: few at first, then what comes to some 8 MiB by the lengths of the last ones, and never more than ``most``."""

    __slots__ = ("_most", "rows")

    def __init__(self, most: int) -> None:
        self._most = most
        self.rows = min(most, _FIRST)

    def note(self, batch: Sequence[Sequence[Any]]) -> None:
        """Looks at rows that have come."""
        some = batch[:: max(1, len(batch) // _SEEN)]
        if not some:
            return
        mean = sum(len(value) for row in some for value in row if isinstance(value, str | bytes)) / len(some)
        self.rows = max(1, min(self._most, _GROWTH * self.rows, int(_BYTES / max(mean, 1.0))))
