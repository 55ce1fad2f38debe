"""How SQLite is written: loose types, binary text order, lists as JSON."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Float, Function, Integer, Numeric, Text, and_, case, cast, collate, func, literal_column, null, select
from sqlalchemy.dialects import sqlite

from connectors.selection import Kind
from connectors.sql.dialect import Binds, Decode, Encode, Expression
from connectors.wire import utc_text

UTC_FUNCTION = "huitong_utc"
"""The function :func:`connectors.wire.utc_text`, which every connection registers: SQLite's own date functions know milliseconds only."""


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


def _json(values: Any) -> str:
    return orjson.dumps(list(values)).decode()


def _json_moments(values: Any) -> str:
    return _json(utc_text(value) for value in values)


class SqliteDialect:
    """Dates, moments and decimals lie as ISO or exact text, or as numbers; booleans as 0 and 1.

    Decimals are compared as SQLite's numbers: exactly up to 15 significant digits.
    """

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
        """Binary text, whatever the column's collation; numbers for decimals; moments in one form."""
        match kind:
            case Kind.STRING | Kind.DATE:
                return collate(column, "BINARY")
            case Kind.DECIMAL:
                return cast(column, Numeric)
            case Kind.DATETIME:
                return _moment(column)
        return column

    def value(self, binds: Binds, parameter: str, kind: Kind, *, ordered: bool) -> Expression:
        """The parameter, in the form of :meth:`stored`."""
        if kind is Kind.DECIMAL:
            return cast(binds.place(parameter), Numeric)
        encode: Encode | None = utc_text if kind is Kind.DATETIME else None
        return binds.place(parameter, encode)

    def among(self, column: Expression, binds: Binds, parameter: str, kind: Kind, *, negated: bool) -> Expression:
        """The list travels as one JSON text."""
        listed = func.json_each(binds.place(parameter, _json_moments if kind is Kind.DATETIME else _json, Text())).table_valued("value")
        value = cast(listed.c.value, Numeric) if kind is Kind.DECIMAL else listed.c.value
        left, inner = self.stored(column, kind, ordered=False), select(value)
        return left.not_in(inner) if negated else left.in_(inner)

    def starts_with(self, column: Expression, binds: Binds, parameter: str) -> Expression:
        """A range, so that an index serves it."""
        left = collate(column, "BINARY")
        return and_(left >= binds.place(parameter), left < binds.place(parameter, after_prefix))
