"""JSON items as rows: values found by dotted path and checked against the kind that the catalog promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from connectors.errors import SourceRefused
from connectors.selection import Column, Kind, Row, Value
from connectors.wire import comparable, utc_text


class _WrongType(Exception):
    """A value is not of its column's kind."""


def at(item: Any, path: str) -> Any:
    """What lies at a dotted path; null where there is nothing. The empty path is the whole."""
    for name in path.split(".") if path else ():
        if not isinstance(item, Mapping):
            return None
        item = item.get(name)
    return item


def rows(source: str, items: Iterable[Any], columns: Sequence[Column]) -> list[Row]:
    """Raw rows of the columns.

    Raises:
        SourceRefused: a value has another JSON type than the catalog says; names the column, never the value.
    """
    readers = [(column.name, _READERS[column.kind]) for column in columns]
    return [tuple(_read(source, item, name, reader) for name, reader in readers) for item in items]


def _read(source: str, item: Any, name: str, reader: Callable[[Any], Value]) -> Value:
    value = at(item, name)
    if value is None:
        return None
    try:
        return reader(value)
    except _WrongType as error:
        raise SourceRefused(source, f"the service sends {name} in another type than the catalog says") from error


def _text(value: Any) -> Value:
    if isinstance(value, str):
        return value
    raise _WrongType


def _integer(value: Any) -> Value:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _WrongType


def _float(value: Any) -> Value:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise _WrongType


def _decimal(value: Any) -> Value:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        number = comparable(str(value), Kind.DECIMAL)
        if number is not None and number.is_finite():
            return str(value)
    raise _WrongType


def _boolean(value: Any) -> Value:
    if isinstance(value, bool):
        return value
    raise _WrongType


def _date(value: Any) -> Value:
    try:
        if isinstance(value, str) and date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError as error:
        raise _WrongType from error
    raise _WrongType


def _datetime(value: Any) -> Value:
    text = utc_text(value)
    if text is None:
        raise _WrongType
    return text


_READERS: dict[Kind, Callable[[Any], Value]] = {
    Kind.STRING: _text,
    Kind.INTEGER: _integer,
    Kind.BIGINT: _integer,
    Kind.FLOAT: _float,
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
}
