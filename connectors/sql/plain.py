"""Whether a whole column of drivers' values are wire values already: what :mod:`connectors.sql.values` would say of each of them, at a fraction of the price."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import Any

from connectors.sql.dialect import BAD, Decode, unsealed
from connectors.sql.values import DECIMAL, day_text, decimal_text, floating, truth, whole

Plain = Callable[[list[Any]], bool]
"""True only where the decoder would give back every value that is not null as it is."""
_NONE = type(None)
_WHOLE, _TRUTH, _FLOAT, _TEXT = {int, _NONE}, {bool, _NONE}, {float, _NONE}, {str, _NONE}


def _wholes(values: list[Any]) -> bool:
    return _WHOLE.issuperset(map(type, values))


def _truths(values: list[Any]) -> bool:
    return _TRUTH.issuperset(map(type, values))


def _floats(values: list[Any]) -> bool:
    # Infinite or no number where one of them is; so may be the sum of great ones, and then each is looked at.
    return _FLOAT.issuperset(map(type, values)) and math.isfinite(sum(filter(None, values)))


def _unsealed(values: list[Any]) -> bool:
    return BAD not in values and float not in set(map(type, values))


def _decimals(values: list[Any]) -> bool:
    return _TEXT.issuperset(map(type, values)) and None not in map(DECIMAL.fullmatch, [value for value in values if value is not None])


def _days(values: list[Any]) -> bool:
    texts = [value for value in values if value is not None]
    if not _TEXT.issuperset(map(type, texts)) or set(map(len, texts)) - {10} or "W" in "".join(texts):
        return False
    try:
        for text in texts:
            date.fromisoformat(text)
    except ValueError:
        return False
    return True


PLAIN: dict[Decode, Plain] = {
    whole: _wholes,
    truth: _truths,
    bool: _truths,
    floating: _floats,
    unsealed: _unsealed,
    decimal_text: _decimals,
    day_text: _days,
}
"""By decoder."""
