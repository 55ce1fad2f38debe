"""How SQLite is written: loose types, binary text order, lists as JSON."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Float, Function, Integer, Text, and_, case, cast, collate, func, literal_column, null, select
from sqlalchemy.dialects import sqlite

from connectors.selection import Kind
from connectors.sql.dialect import Binds, Decode, Encode, Expression
from connectors.wire import decimal_key, utc_text

UTC_FUNCTION = "huitong_utc"
"""The function :func:`connectors.wire.utc_text`, which every connection registers: SQLite's own date functions know milliseconds only."""

DECIMAL_FUNCTION = "huitong_decimal"
"""The function :func:`connectors.wire.decimal_key`: SQLite's numbers are exact up to 15 digits only."""


_INTEGER: Expression = literal_column("'integer'")
_REAL: Expression = literal_column("'real'")
"""Storage classes, as typeof() names them."""


def after_prefix(prefix: str) -> str | bytes:
    """The least value behind every text that begins with ``prefix``: the next text by code point, or a blob, which SQLite sorts behind all text."""
    for end in range(len(prefix), 0, -1):
        point = ord(prefix[end - 1]) + 1
        if point <= 0x10FFFF:
            return prefix[: end - 1] + chr(0xE000 if point == 0xD800 else point)
    return b""


def _moment(column: Expression) -> Expression:
    return Function(UTC_FUNCTION, column, type_=Text)


def _number(column: Expression) -> Expression:
    return Function(DECIMAL_FUNCTION, column, type_=Text)


def _json(values: Any) -> str:
    return orjson.dumps(list(values)).decode()


def _json_moments(values: Any) -> str:
    return _json(utc_text(value) for value in values)


def _json_decimals(values: Any) -> str:
    return _json(decimal_key(value) for value in values)


_LISTS = {Kind.DATETIME: _json_moments, Kind.DECIMAL: _json_decimals}


class SqliteDialect:
    """Dates, moments and decimals lie as ISO or exact text, or as numbers; booleans as 0 and 1. Decimals are compared exactly."""

    name = "sqlite"
    core = sqlite.dialect(paramstyle="qmark")

    def wire(self, column: Expression, kind: Kind) -> Expression:
        """A value of another storage class than the kind's is null."""
        storage = func.typeof(column)
        match kind:
            case Kind.INTEGER | Kind.BIGINT:
                return case((storage == _INTEGER, cast(column, Integer)), else_=cast(null(), Integer))
            case Kind.FLOAT:
                return case((storage.in_([_REAL, _INTEGER]), cast(column, Float)), else_=cast(null(), Float))
            case Kind.BOOLEAN:
                return case((storage == _INTEGER, cast(column, Integer)), else_=cast(null(), Integer))
            case Kind.DATETIME:
                return _moment(column)
        return cast(column, Text)

    def decode(self, kind: Kind) -> Decode | None:
        """SQLite has no booleans."""
        return bool if kind is Kind.BOOLEAN else None

    def stored(self, column: Expression, kind: Kind, *, ordered: bool) -> Expression:
        """Binary text, whatever the column's collation; decimals and moments in one form each."""
        match kind:
            case Kind.STRING | Kind.DATE:
                return collate(column, "BINARY")
            case Kind.DECIMAL:
                return _number(column)
            case Kind.DATETIME:
                return _moment(column)
        return column

    def value(self, binds: Binds, parameter: str, kind: Kind, *, ordered: bool) -> Expression:
        """The parameter, in the form of :meth:`stored`."""
        encode: Encode | None = {Kind.DATETIME: utc_text, Kind.DECIMAL: decimal_key}.get(kind)
        return binds.place(parameter, encode)

    def among(self, column: Expression, binds: Binds, parameter: str, kind: Kind, *, negated: bool) -> Expression:
        """The list travels as one JSON text."""
        listed = func.json_each(binds.place(parameter, _LISTS.get(kind, _json), Text())).table_valued("value")
        left, inner = self.stored(column, kind, ordered=False), select(listed.c.value)
        return left.not_in(inner) if negated else left.in_(inner)

    def starts_with(self, column: Expression, binds: Binds, parameter: str) -> Expression:
        """A range, so that an index serves it."""
        left = collate(column, "BINARY")
        return and_(left >= binds.place(parameter), left < binds.place(parameter, after_prefix))
