"""Drivers' values as wire values: exact, or UNDELIVERABLE; never an exception, because one bad value must not cost the others."""

from __future__ import annotations

import math
import re
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.selection import UNDELIVERABLE, Value
from connectors.wire import utc_text

_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
DECIMAL = re.compile(r"[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,5})?", re.ASCII)
_MOST_DIGITS = 100
_EXACT = 2.0**53
"""Up to here every whole number is a float."""


def whole(value: Any) -> Value:
    """An integer, by whatever type it came."""
    if type(value) is int:
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and abs(value) <= _EXACT and value.is_integer():
        return int(value)
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _MOST_DIGITS and value == value.to_integral_value():
        return int(value)
    return UNDELIVERABLE


def whole_text(value: Any) -> Value:
    """An integer that came as text."""
    return int(value) if isinstance(value, str) and len(value) <= _MOST_DIGITS and _WHOLE.fullmatch(value) else UNDELIVERABLE


def floating(value: Any) -> Value:
    """A finite float."""
    if isinstance(value, int | Decimal) or type(value) is float:
        try:
            number = float(value)
        except (OverflowError, ValueError):
            return UNDELIVERABLE
        return number if math.isfinite(number) else UNDELIVERABLE
    return UNDELIVERABLE


def decimal_text(value: Any) -> Value:
    """A decimal's exact text."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        value = repr(value)
    return value if isinstance(value, str) and DECIMAL.fullmatch(value) else UNDELIVERABLE


def truth(value: Any) -> Value:
    """A boolean; a number is true where it is not 0."""
    return bool(value) if isinstance(value, int) else UNDELIVERABLE


def day_text(value: Any) -> Value:
    """An ISO 8601 calendar date of the years 1 to 9999."""
    try:
        # Of ten characters Python takes week dates as well: 2026-W01-1.
        return value if isinstance(value, str) and len(value) == 10 and "W" not in value and date.fromisoformat(value) else UNDELIVERABLE
    except ValueError:
        return UNDELIVERABLE


def moment_text(value: Any) -> Value:
    """A moment in UTC; without an offset it is UTC."""
    moment = utc_text(value)
    return UNDELIVERABLE if moment is None else moment
