"""Sums that SQLite calls for, value by value (``sqlite3.Connection.create_aggregate``)."""

from __future__ import annotations

import math
from decimal import Decimal

from connectors.aggregation import added, plain
from connectors.selection import Undeliverable
from connectors.sql.values import decimal_text, floating

_AT_ONCE = 10_000


class ExactSum:
    """Of integers and decimals, as text; null of none. What is no number is left out: the statement counts it."""

    def __init__(self) -> None:
        self._whole = 0
        self._parts: list[Decimal] = []
        self._any = False

    def step(self, value: object) -> None:
        """Takes one value in."""
        if type(value) is int:
            self._whole += value
            self._any = True
            return
        text = decimal_text(value.decode(errors="replace") if isinstance(value, bytes) else value)
        if text is None or isinstance(text, Undeliverable):
            return
        self._any = True
        self._parts.append(Decimal(str(text)))
        if len(self._parts) >= _AT_ONCE:
            self._parts = [added(self._parts)]

    def finalize(self) -> str | None:
        """The sum."""
        return plain(added([Decimal(self._whole), *self._parts])) if self._any else None


class FloatSum:
    """Of floats, rounded once."""

    def __init__(self) -> None:
        self._parts: list[float] = []

    def step(self, value: object) -> None:
        """Takes one value in."""
        number = floating(value)
        if isinstance(number, float):
            self._parts.append(number)

    def finalize(self) -> float | None:
        """The sum; beyond a float's range infinite."""
        if not self._parts:
            return None
        try:
            return math.fsum(self._parts)
        except OverflowError:
            return math.inf
