"""What a service sends as a column's value, as a wire value: right, unusable in this one row, or of another type than the catalog says."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.selection import UNDELIVERABLE, Kind, Undeliverable, Value
from connectors.wire import utc_text

Reader = Callable[[Any], Value]

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,18})\Z")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?\Z")
_MOST_DIGITS = 60
_EXACT = 2**53
_MOST = 2**63
_TRUTHS: Mapping[str, Value] = {"true": True, "1": True, "false": False, "0": False}


class WrongType(Exception):
    """The catalog promises another type."""


def text(value: Any) -> Value:
    """A text; one with a lone surrogate cannot be delivered."""
    if not isinstance(value, str):
        raise WrongType
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return UNDELIVERABLE
    return value


def integer(value: Any) -> Value:
    """A whole number of 64 bits, also where the service writes ``3.0``, or ``"3"`` as many do because JavaScript has 53 bits alone."""
    if isinstance(value, str) and _WHOLE.match(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise WrongType
    if isinstance(value, int):
        return value if -_MOST <= value < _MOST else UNDELIVERABLE
    if not math.isfinite(value) or not -_EXACT <= value <= _EXACT:
        return UNDELIVERABLE
    if value != int(value):
        raise WrongType
    return int(value)


def floating(value: Any) -> Value:
    """A finite number, also where it is written as text."""
    if isinstance(value, str) and _NUMBER.match(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise WrongType
    try:
        number = float(value)
    except OverflowError:
        return UNDELIVERABLE
    return number if math.isfinite(number) else UNDELIVERABLE


def decimal(value: Any) -> Value:
    """A number's exact text, at most 60 digits on either side of the point."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise WrongType
    written = value if isinstance(value, str) else str(value)
    if not _NUMBER.match(written):
        return UNDELIVERABLE
    number = Decimal(written)
    exponent = number.as_tuple().exponent
    if number.adjusted() >= _MOST_DIGITS or not isinstance(exponent, int) or exponent < -_MOST_DIGITS:
        return UNDELIVERABLE
    return format(number, "f") if "e" in written.lower() else written


def boolean(value: Any) -> Value:
    """True or false, also where the service writes ``1`` and ``0``, as databases without truths do, or the words as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | str) and (written := str(value)) in _TRUTHS:
        return _TRUTHS[written]
    raise WrongType


def day(value: Any) -> Value:
    """A date that is written and exists as ISO 8601 has it."""
    if not isinstance(value, str):
        raise WrongType
    try:
        return value if date.fromisoformat(value).isoformat() == value else UNDELIVERABLE
    except ValueError:
        return UNDELIVERABLE


def moment(value: Any) -> Value:
    """A moment in UTC."""
    if not isinstance(value, str):
        raise WrongType
    return utc_text(value) or UNDELIVERABLE


def _integer_text(written: str) -> Value:
    if len(written) > _MOST_DIGITS or not re.fullmatch(r"[+-]?[0-9]+", written):
        return UNDELIVERABLE
    return integer(int(written))


def _floating_text(written: str) -> Value:
    return floating(float(written)) if _NUMBER.match(written) else UNDELIVERABLE


def _boolean_text(written: str) -> Value:
    return _TRUTHS.get(written, UNDELIVERABLE)


def _stripped(reader: Callable[[str], Value]) -> Reader:
    """Without the white space around it; an empty text is null."""
    return lambda value: reader(written) if (written := str(value).strip()) else None


def _there(reader: Reader) -> Reader:
    """An empty text is null where the type has none."""
    return lambda value: None if value == "" else reader(value)


JSON: Mapping[Kind, Reader] = {
    Kind.STRING: text,
    Kind.INTEGER: _there(integer),
    Kind.BIGINT: _there(integer),
    Kind.FLOAT: _there(floating),
    Kind.DECIMAL: _there(decimal),
    Kind.BOOLEAN: _there(boolean),
    Kind.DATE: _there(day),
    Kind.DATETIME: _there(moment),
}
"""Readers of JSON's values."""

TEXTS: Mapping[Kind, Reader] = {
    Kind.STRING: text,
    Kind.INTEGER: _stripped(_integer_text),
    Kind.BIGINT: _stripped(_integer_text),
    Kind.FLOAT: _stripped(_floating_text),
    Kind.DECIMAL: _stripped(decimal),
    Kind.BOOLEAN: _stripped(_boolean_text),
    Kind.DATE: _stripped(day),
    Kind.DATETIME: _stripped(moment),
}
"""Readers of values that are all texts, as in XML."""


def read(value: Any, reader: Reader) -> Value:
    """The wire value; null and what the parser marked already stay as they are.

    Raises:
        WrongType: the catalog promises another type.
    """
    return value if value is None or isinstance(value, Undeliverable) else reader(value)
