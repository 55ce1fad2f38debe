"""Values on the wire to and from a service: which type holds which kind, and how JSON becomes a wire value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.errors import SourceRefused
from connectors.graphql.types import TypeRef
from connectors.selection import UNDELIVERABLE, Column, Kind, Value
from connectors.wire import comparable, utc_text

_SAFE, _LARGEST, _INT = 2**53, 2**63, 2**31
_DIGITS = 60
"""On either side of a decimal number's point."""
_BUILT_IN: Mapping[str, Kind] = {
    "Int": Kind.INTEGER,
    "Float": Kind.FLOAT,
    "String": Kind.STRING,
    "Boolean": Kind.BOOLEAN,
    "ID": Kind.STRING,
    "Date": Kind.DATE,
    "DateTime": Kind.DATETIME,
    "Decimal": Kind.DECIMAL,
    "BigInt": Kind.BIGINT,
    "Long": Kind.BIGINT,
    "UUID": Kind.STRING,
}
_TEXT = frozenset({Kind.STRING, Kind.DATE, Kind.DATETIME, Kind.DECIMAL, Kind.BIGINT})
_HELD: Mapping[Kind, frozenset[Kind]] = {
    Kind.INTEGER: frozenset({Kind.INTEGER, Kind.BIGINT, Kind.FLOAT, Kind.DECIMAL}),
    Kind.BIGINT: frozenset({Kind.BIGINT, Kind.DECIMAL}),
    Kind.FLOAT: frozenset({Kind.FLOAT}),
    Kind.STRING: _TEXT,
    Kind.BOOLEAN: frozenset({Kind.BOOLEAN}),
    Kind.DATE: frozenset({Kind.DATE, Kind.STRING}),
    Kind.DATETIME: frozenset({Kind.DATETIME, Kind.STRING}),
    Kind.DECIMAL: frozenset({Kind.DECIMAL, Kind.STRING}),
}
"""By what a type holds: the kinds as which its values arrive without loss, where they are well-formed."""


def kind_of(type_: TypeRef, scalars: Mapping[str, str]) -> Kind | None:
    """The kind of a leaf type; ``None`` for a scalar that nobody has mapped."""
    if type_.name in scalars:
        return Kind(scalars[type_.name])
    return Kind.STRING if type_.kind == "ENUM" else _BUILT_IN.get(type_.name)


def holds(held: Kind, kind: Kind) -> bool:
    """Values of a type that holds the one arrive as the other without loss, where they are well-formed."""
    return kind in _HELD[held]


def check_kind(source: str, column: Column, type_: TypeRef, scalars: Mapping[str, str]) -> None:
    """Refuses a column whose values are not of the kind that the catalog promises.

    Raises:
        SourceRefused: names the column, both types and the remedy.
    """
    held = kind_of(type_, scalars)
    if held is None:
        raise SourceRefused(
            source, f'nothing is known of the scalar {type_.name} of the column {column.name}; say what it is: scalars = {{{type_.name} = "string"}}'
        )
    if not holds(held, column.kind):
        raise SourceRefused(
            source, f'the column {column.name} is {type_.name} in the service and {column.kind.value} in the catalog; write type = "{held.value}"'
        )


def sent(value: Value, type_: TypeRef) -> Any:
    """A value as an argument of a type, or ``None`` where it cannot be one: no value that exists there equals it."""
    if isinstance(value, bool):
        return value if type_.name == "Boolean" else None
    if isinstance(value, int):
        return _number(value, type_)
    if isinstance(value, float):
        return value if type_.name == "Float" and math.isfinite(value) else None
    if isinstance(value, str) and type_.name not in ("Int", "Float", "Boolean") and _encodable(value):
        return value
    return None


def _number(value: int, type_: TypeRef) -> Any:
    match type_.name:
        case "Int":
            return value if -_INT <= value < _INT else None
        case "Float":
            return value if abs(value) <= _SAFE else None
        case "String" | "Boolean":
            return None
        case "ID" | "Decimal":
            return str(value)
    if not -_LARGEST <= value < _LARGEST:
        return None
    return value if abs(value) <= _SAFE else str(value)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def received(value: Any, kind: Kind) -> Value:
    """The wire value of a JSON value; undeliverable where it is none of the kind."""
    if value is None:
        return None
    try:
        found = _READERS[kind](value)
    except (ValueError, OverflowError):
        found = None
    return UNDELIVERABLE if found is None else found


def _text(value: Any) -> Value:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and _encodable(value) else None


def _integer(value: Any) -> Value:
    if isinstance(value, str) and len(value) <= 20 and value.isascii():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST else None


def _float(value: Any) -> Value:
    return float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and math.isfinite(value) else None


def _decimal(value: Any) -> Value:
    if isinstance(value, Decimal) and abs(value.adjusted()) <= _DIGITS:
        return format(value, "f")
    number = comparable(str(value), Kind.DECIMAL) if isinstance(value, str | int) and not isinstance(value, bool) else None
    return str(value) if number is not None and number.is_finite() else None


def _boolean(value: Any) -> Value:
    return value if isinstance(value, bool) else None


def _date(value: Any) -> Value:
    return value if isinstance(value, str) and date.fromisoformat(value).isoformat() == value else None


def _datetime(value: Any) -> Value:
    return utc_text(value)


_READERS: Mapping[Kind, Callable[[Any], Value]] = {
    Kind.STRING: _text,
    Kind.INTEGER: _integer,
    Kind.BIGINT: _integer,
    Kind.FLOAT: _float,
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
}


def one(bound: Value | Sequence[Value]) -> Value:
    """The single value of a parameter; null for a list."""
    return bound if isinstance(bound, str | int | float) else None
