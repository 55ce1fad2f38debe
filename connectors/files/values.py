"""Cells to stored values: text as it is, numbers exact, dates that exist, moments in UTC."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from connectors.files.dates import dated
from connectors.files.findings import Wrong
from connectors.files.options import ColumnSpec, FilePart
from connectors.files.validators import VALIDATORS
from connectors.selection import Kind

Convert = Callable[[Any], Any]
"""From a reader's cell to the value that goes into the snapshot's JSON, ``None`` for null. Raises :class:`Wrong`."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_EXCEL_DIGITS = 10**15
_MOST_DIGITS = 60
_REMEMBERED = 20_000
"""Texts of one column."""
_TRUE = frozenset({"true", "t", "1", "yes", "y", "是"})
_FALSE = frozenset({"false", "f", "0", "no", "n", "否"})
_NINES = str.maketrans("0123456789", "9876543210")


def converter(column: ColumnSpec, file: FilePart, null: str | None) -> Convert:
    """The column's conversion, its nulls, ``nullable`` and validator included; ``null`` is what :meth:`FilePart.null_in` tells of the format."""
    convert = _CONVERTERS[column.kind](file)
    is_text, needed = column.kind is Kind.STRING, not column.nullable or column.unique
    code, valid = VALIDATORS.get(column.validator or "", ("", None))

    def converted(cell: Any) -> Any:
        if cell is None or cell == null or (not is_text and isinstance(cell, str) and not cell.strip()):
            if needed:
                raise Wrong("NULL")
            return None
        value = convert(cell)
        if valid is not None and not valid(value if is_text else str(value)):
            raise Wrong(code)
        return value

    return converted if is_text else _remembering(converted)


def _remembering(convert: Convert) -> Convert:
    """Dates, moments and amounts repeat; their texts are converted once, as far as a small memory goes."""
    known: dict[str, Any] = {}

    def converted(cell: Any) -> Any:
        if type(cell) is not str:
            return convert(cell)
        found = known.get(cell, known)
        if found is known:
            found = convert(cell)
            if len(known) < _REMEMBERED:
                known[cell] = found
        return found

    return converted


def _text(_file: FilePart) -> Convert:
    def convert(cell: Any) -> str:
        if isinstance(cell, bool) or not isinstance(cell, str | int | float | Decimal):
            raise Wrong("TYPE")
        if not isinstance(cell, str):
            return str(_whole(cell)) if not isinstance(cell, Decimal) else _plain(cell)
        if "\0" in cell:
            raise Wrong("NUL")
        return cell

    return convert


def _whole(cell: float | Decimal) -> int:
    if isinstance(cell, int):
        return cell
    if isinstance(cell, Decimal):
        return _whole_exactly(cell)
    if not math.isfinite(cell) or not cell.is_integer():
        raise Wrong("TYPE")
    if abs(cell) >= _EXCEL_DIGITS:
        raise Wrong("DIGITS")
    return int(cell)


def _whole_exactly(number: Decimal) -> int:
    if number.is_finite() and number and number.adjusted() > _MOST_DIGITS:
        # Its digits are never written out.
        raise Wrong("RANGE")
    if not number.is_finite() or number != number.to_integral_value():
        raise Wrong("TYPE")
    return int(number)


def _integer(bits: int) -> Callable[[FilePart], Convert]:
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def convert(cell: Any) -> int:
        if isinstance(cell, str):
            text = cell.strip()
            if not _WHOLE.fullmatch(text):
                raise Wrong("TYPE")
            value = int(text)
        elif isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
            raise Wrong("TYPE")
        else:
            value = _whole(cell)
        if not least <= value <= most:
            raise Wrong("RANGE")
        return value

    return lambda _file: convert


def _float(_file: FilePart) -> Convert:
    def convert(cell: Any) -> float:
        if isinstance(cell, bool) or not isinstance(cell, str | int | float | Decimal) or (isinstance(cell, str) and not _NUMBER.fullmatch(cell.strip())):
            raise Wrong("TYPE")
        try:
            value = float(cell)
        except OverflowError:
            raise Wrong("RANGE") from None
        if not math.isfinite(value):
            raise Wrong("RANGE")
        return value

    return convert


def _decimal(_file: FilePart) -> Convert:
    def convert(cell: Any) -> dict[str, str]:
        if isinstance(cell, bool) or not isinstance(cell, str | int | float | Decimal):
            raise Wrong("TYPE")
        text = repr(cell) if isinstance(cell, float) else str(cell).strip()
        if not _NUMBER.fullmatch(text):
            raise Wrong("TYPE")
        number = Decimal(text)
        if isinstance(cell, float):
            if abs(cell) >= _EXCEL_DIGITS:
                raise Wrong("DIGITS")
            number = Decimal(int(cell)) if cell.is_integer() else number
        if abs(number.adjusted()) > _MOST_DIGITS or len(number.as_tuple().digits) > _MOST_DIGITS:
            raise Wrong("RANGE")
        return {"t": _plain(number), "k": order_key(number)}

    return convert


def _plain(number: Decimal) -> str:
    return format(number or abs(number), "f")


def order_key(number: Decimal) -> str:
    """A short text that equals and orders, by code point, as the number does. ``number`` has at most 999 whole digits."""
    whole, _, fraction = format(abs(number), "f").partition(".")
    whole = whole.lstrip("0")
    digits = f"{len(whole):03}{whole}{fraction.rstrip('0')}" if whole else f"000{fraction.rstrip('0')}"
    return f"0{digits.translate(_NINES)}~" if number < 0 else f"1{digits}"


def _boolean(_file: FilePart) -> Convert:
    def convert(cell: Any) -> bool:
        if isinstance(cell, bool):
            return cell
        text = str(_whole(cell)) if isinstance(cell, int | float | Decimal) else cell.strip().casefold() if isinstance(cell, str) else ""
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise Wrong("TYPE")

    return convert


def _date(file: FilePart) -> Convert:
    def convert(cell: Any) -> str:
        if isinstance(cell, datetime):
            if cell.time() != time.min:
                raise Wrong("TYPE")
            return cell.date().isoformat()
        if isinstance(cell, date):
            return cell.isoformat()
        return dated(cell, file.dates)[0].isoformat() if isinstance(cell, str | float) else _never()

    return convert


def _moment(file: FilePart) -> Convert:
    sign = -1 if file.offset[0] == "-" else 1
    zone = timezone(sign * timedelta(hours=int(file.offset[1:3]), minutes=int(file.offset[4:6])))

    def convert(cell: Any) -> str:
        if isinstance(cell, datetime):
            moment = cell
        elif isinstance(cell, date):
            moment = datetime.combine(cell, time.min)
        elif isinstance(cell, str | float):
            day, clock = dated(cell, file.dates, clock=True)
            moment = datetime.combine(day, clock)
        else:
            raise Wrong("TYPE")
        try:
            utc = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
        except OverflowError:
            raise Wrong("RANGE") from None
        return utc.replace(tzinfo=None).isoformat(" ")

    return convert


def _never() -> str:
    raise Wrong("TYPE")


_CONVERTERS: dict[Kind, Callable[[FilePart], Convert]] = {
    Kind.STRING: _text,
    Kind.INTEGER: _integer(32),
    Kind.BIGINT: _integer(64),
    Kind.FLOAT: _float,
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.DATETIME: _moment,
}
