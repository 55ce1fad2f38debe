"""Numbers masked to intervals and round numbers, with the step fixed before the first value comes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from masking import words

_DECIMAL = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{1,100}))?")
_LIMIT = words.NUMBER_LIMIT


def compile_number(rule: str, step: int) -> Callable[[object], int | float | str | None]:
    """A function that equals :func:`masking.reference.number` for this rule and step."""
    place = _lower(step) if rule == "NUMBER_TO_INTERVAL" else _nearest(step)

    def masked(value: object) -> int | float | str | None:
        if isinstance(value, float):
            if not -_LIMIT < value < _LIMIT:
                return None
            size = math.floor(abs(value))
            return float(place(value < 0, size, abs(value) > size, abs(value) - size >= 0.5))
        if isinstance(value, str):
            return _decimal(value)
        if not isinstance(value, int) or isinstance(value, bool) or not -_LIMIT < value < _LIMIT:
            return None
        return place(value < 0, abs(value), False, False)

    def _decimal(value: str) -> str | None:
        if not (found := _DECIMAL.fullmatch(value)):
            return None
        fraction = found[3] or "0"
        return str(place(bool(found[1]), int(found[2]), bool(fraction.strip("0")), fraction[0] >= "5"))

    return masked


Place = Callable[[bool, int, bool, bool], int]
"""From whether a number is negative, its size's whole part, whether there is more than that, and whether that is half or more."""


def _lower(step: int) -> Place:
    def place(negative: bool, size: int, more: bool, _half: bool) -> int:
        return ((-size - more) if negative else size) // step * step

    return place


def _nearest(step: int) -> Place:
    def place(negative: bool, size: int, _more: bool, half: bool) -> int:
        rest = size % step
        nearest = size - rest + (step if 2 * rest + half >= step else 0)
        return -nearest if negative else nearest

    return place
