"""Columns of a driver's own Arrow batches as those of a stream: of the kinds' types, with what cannot be delivered made null and counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow
import pyarrow.compute

from connectors.arrow_types import arrow_type, column_of, output_kind
from connectors.selection import Column, Kind, Match, Output
from connectors.sql.dialect import BAD, Decode, unsealed
from connectors.sql.single import BEYOND, shortest
from connectors.sql.values import DECIMAL
from connectors.streaming import Streamed
from masking.rules import tells_nothing

_pa: Any = pyarrow
_pc: Any = pyarrow.compute
"""The kernels are annotated for some of the arguments that they take."""
_EPOCH, _MOMENT = date(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = (date(1, 1, 1) - _EPOCH).days, (date(9999, 12, 31) - _EPOCH).days
_MICROS = tuple(int((moment - _MOMENT).total_seconds()) * 10**6 for moment in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)))
_LAST_MICRO = 10**6 - 1
_NUMERIC = "numeric"
"""How ADBC calls the numbers that it hands over as text."""
_TYPE = b"POSTGRESQL:type"
"""Where ADBC says of a field what type its column has in the server."""
_DECIMAL = f"^(?:{DECIMAL.pattern})$"
Told = tuple[Any, int, bool]
"""A column, how many of its values cannot be delivered, and whether the last one is among them."""


def told(outputs: Sequence[Output], batch: Any, decodes: Sequence[Decode | None]) -> Streamed:
    """The batch as a stream gives it. ``decodes`` read values, as the driver's rows have them, where a column is not of its kind's type.

    Raises:
        ValueError: the driver handed over what is no text.
    """
    arrays = map(_signed, batch.schema, batch.columns)
    columns = [_told(output, column, decode) for output, column, decode in zip(outputs, arrays, decodes, strict=False)]
    fields = [_pa.field(f"o{place}", column.type) for place, (column, _, _) in enumerate(columns)]
    made = _pa.RecordBatch.from_arrays([column for column, _, _ in columns], schema=_pa.schema(fields)) if columns else batch.select([])
    return Streamed(made, tuple(wrong for _, wrong, _ in columns), frozenset(place for place, each in enumerate(columns) if each[2]))


def _signed(field: Any, column: Any) -> Any:
    """ADBC reads an ``oid``, whose 32 bits have no sign, as a number that has one."""
    return column.view(_pa.uint32()).cast(_pa.int64()) if (field.metadata or {}).get(_TYPE) == b"oid" else column


def _told(output: Output, column: Any, decode: Decode | None) -> Told:
    kind = output_kind(output)
    if _pa.types.is_string(column.type):
        # ADBC takes the server's bytes as they come.
        column.validate(full=True)
    if isinstance(output, Match):
        return column.cast(arrow_type(kind)), 0, False
    if output.mask is None:
        return _raw(kind, column, decode)
    if tells_nothing(output.mask):
        return _pa.nulls(len(column), arrow_type(kind)), 0, False
    return _masked(output, kind, column)


def _raw(kind: Kind, column: Any, decode: Decode | None) -> Told:
    types = _pa.types
    match kind:
        case Kind.STRING if types.is_string(column.type):
            return column, 0, False
        case Kind.INTEGER | Kind.BIGINT if types.is_integer(column.type):
            return column.cast(_pa.int64()), 0, False
        case Kind.FLOAT if types.is_floating(column.type):
            column = _doubled(column)
            return _only(column, _pc.is_finite(column))
        case Kind.BOOLEAN if types.is_boolean(column.type):
            return column, 0, False
        case Kind.DECIMAL if types.is_string(column.type):
            return _only(column, _pc.match_substring_regex(column, _DECIMAL))
        case Kind.DATE if types.is_date32(column.type):
            return _within(column, column.view(_pa.int32()), _DAYS[0], _DAYS[1])
        case Kind.DATETIME if column.type == arrow_type(kind):
            return _within(column, column.view(_pa.int64()), _MICROS[0], _MICROS[1] + _LAST_MICRO)
    return _one_by_one(kind, column, decode)


def _doubled(column: Any) -> Any:
    """In double precision; of single precision by its text, as :func:`connectors.sql.single.shortest`."""
    double = column.cast(_pa.float64())
    if not _pa.types.is_float32(column.type):
        return double
    short = column.cast(_pa.string()).cast(_pa.float64())
    further = _pc.add(short, _pc.multiply(_pc.subtract(short, double), BEYOND)).cast(_pa.float32(), safe=False)
    if _pc.any(_pc.and_(_pc.is_finite(double), _pc.not_equal(further, column))).as_py():
        return _pa.array([None if value is None else shortest(value) for value in double.to_pylist()], _pa.float64())
    return short


def _within(column: Any, numbers: Any, least: int, most: int) -> Told:
    found = _pc.min_max(numbers).as_py()
    if found["min"] is None or (found["min"] >= least and found["max"] <= most):
        return column, 0, False
    return _only(column, _pc.and_(_pc.greater_equal(numbers, least), _pc.less_equal(numbers, most)))


def _only(column: Any, right: Any) -> Told:
    """The column without its values for which ``right``, null where they are, is not true."""
    if _pc.all(right).as_py() is not False:
        return column, 0, False
    wrong = _pc.sum(_pc.invert(right)).as_py()
    return _pc.if_else(right, column, _pa.scalar(None, column.type)), wrong, right[-1].as_py() is False


def _masked(output: Column, kind: Kind, column: Any) -> Told:
    if _pa.types.is_string(column.type):
        column, wrong, last = _only(column, _pc.not_equal(column, BAD))
        if kind in (Kind.STRING, Kind.DECIMAL, Kind.DATE, Kind.DATETIME):
            return column.cast(arrow_type(kind)), wrong, last
        more = _one_by_one(kind, column, _number)
        return more[0], wrong + more[1], last or more[2]
    if kind is Kind.FLOAT and _pa.types.is_floating(column.type):
        column = _doubled(column)
        return _only(column, _pc.invert(_pc.is_nan(column)))
    if kind in (Kind.INTEGER, Kind.BIGINT) and _pa.types.is_integer(column.type):
        return column.cast(_pa.int64()), 0, False
    return _one_by_one(kind, column, unsealed)


def _one_by_one(kind: Kind, column: Any, decode: Decode | None) -> Told:
    values = _values(column)
    return column_of(kind, values if decode is None else [None if value is None else decode(value) for value in values])


def _values(column: Any) -> list[Any]:
    """As drivers of rows have them."""
    if not isinstance(column, _pa.ExtensionArray):
        return list(column.to_pylist())
    texts = column.storage.to_pylist()
    return [None if text is None else _number(text) for text in texts] if getattr(column.type, "type_name", "") == _NUMERIC else list(texts)


def _number(text: str) -> Any:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return int(number) if number.is_finite() and number == number.to_integral_value() else number
