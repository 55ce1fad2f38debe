"""Numbers masked to intervals and round numbers by Arrow's kernels, exactly: in whole numbers of 64 bits, which hold every number that is masked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow
import pyarrow.compute

from masking import words

_pa: Any = pyarrow
_pc: Any = pyarrow.compute

_DECIMAL = r"^(?P<sign>-?)(?P<whole>[0-9]{1,18})(?P<part>\.[0-9]{1,100})?$"


def compile_number(rule: str, step: int) -> Callable[[Any], Any]:
    """A function of a column of whole numbers, floats or decimals as text; ``None`` for a column of another type."""
    place = _lower(step) if rule == "NUMBER_TO_INTERVAL" else _nearest(step)

    def masked(column: Any) -> Any:
        if _pa.types.is_integer(column.type):
            return _whole(column.cast(_pa.int64()), place)
        if _pa.types.is_floating(column.type):
            return _float(column.cast(_pa.float64()), place)
        if _pa.types.is_string(column.type) or _pa.types.is_large_string(column.type):
            return _decimal(column.cast(_pa.string()), place)
        return None

    return masked


Place = Callable[[Any, Any, Any, Any], Any]
"""From whether numbers are negative, their sizes' whole parts, whether there is more than that, and whether that is half or more."""


def _lower(step: int) -> Place:
    def place(negative: Any, size: Any, more: Any, _half: Any) -> Any:
        below = _times(_pc.divide(size, step), step)
        exact = _pc.and_not(_pc.equal(size, below), more)
        return _pc.if_else(negative, _pc.negate(_pc.if_else(exact, below, _pc.add(below, step))), below)

    return place


def _nearest(step: int) -> Place:
    def place(negative: Any, size: Any, _more: Any, half: Any) -> Any:
        below = _times(_pc.divide(size, step), step)
        twice = _pc.add(_times(_pc.subtract(size, below), 2), _pc.if_else(half, 1, 0))
        nearest = _pc.if_else(_pc.greater_equal(twice, step), _pc.add(below, step), below)
        return _pc.if_else(negative, _pc.negate(nearest), nearest)

    return place


def _times(numbers: Any, factor: int) -> Any:
    return _pc.multiply(numbers, factor)


def _whole(numbers: Any, place: Place) -> Any:
    numbers = _within(numbers, words.NUMBER_LIMIT)
    return place(_pc.less(numbers, 0), _pc.abs(numbers), False, False)


def _float(numbers: Any, place: Place) -> Any:
    numbers = _within(numbers, float(words.NUMBER_LIMIT))
    sizes = _pc.abs(numbers)
    whole = _pc.floor(sizes)
    masked = place(_pc.less(numbers, 0.0), whole.cast(_pa.int64()), _pc.greater(sizes, whole), _pc.greater_equal(_pc.subtract(sizes, whole), 0.5))
    return masked.cast(_pa.float64(), safe=False)


def _within(numbers: Any, limit: Any) -> Any:
    return _pc.if_else(_pc.and_(_pc.less(numbers, limit), _pc.greater(numbers, -limit)), numbers, None)


def _decimal(texts: Any, place: Place) -> Any:
    parts = _pc.extract_regex(texts, _DECIMAL)
    sign, whole, part = (_pc.struct_field(parts, name) for name in ("sign", "whole", "part"))
    more, half = _pc.match_substring_regex(part, "[1-9]"), _pc.match_substring_regex(part, r"^\.[5-9]")
    return place(_pc.equal(sign, "-"), whole.cast(_pa.int64()), more, half).cast(_pa.string())
