"""How SQLite is written: loose types, binary text order, lists as JSON."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Double,
    Function,
    Integer,
    LargeBinary,
    Text,
    and_,
    case,
    cast,
    collate,
    func,
    literal_column,
    not_,
    null,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from connectors.selection import Kind
from connectors.spi import ColumnDescription
from connectors.sql.dialect import Binds, Decode, Encode, Expression, Standard
from connectors.sql.types_sqlite import without_affinity
from connectors.sql.values import day_text, decimal_text, floating, moment_text, truth, whole
from connectors.wire import decimal_key, keyed_decimal, utc_text

UTC_FUNCTION = "huitong_utc"
"""The function :func:`connectors.wire.utc_text`, which every connection registers: SQLite's own date functions know milliseconds only."""

DECIMAL_FUNCTION = "huitong_decimal"
"""The function :func:`connectors.wire.decimal_key`: SQLite's numbers are exact up to 15 digits only."""

SUM_FUNCTION = "huitong_sum"
"""The exact sum of integers and decimals, as text: SQLite's own is of floats, or ends with an error beyond 64 bits."""

FLOAT_SUM_FUNCTION = "huitong_float_sum"
"""The correctly rounded sum of floats: SQLite's own depends on their order."""

SCRAMBLE_FUNCTION = "huitong_scrambled"
"""The function :func:`connectors.wire.scrambled`: SQLite has no hash."""

READABLE_FUNCTION = "huitong_readable"
"""Whether a blob is text in UTF-8, which SQLite itself never asks."""

_INTEGER: Expression = literal_column("'integer'")
_REAL: Expression = literal_column("'real'")
_TEXT: Expression = literal_column("'text'")
_BLOB: Expression = literal_column("'blob'")
"""Storage classes, as typeof() names them."""
_NO_DAYS: Expression = literal_column("'+0 days'")
"""A modifier, without which date() gives 30 February as it is."""
_NO_TEXT = cast(literal_column("x'ff'"), Text)
"""A text that is no UTF-8, and is read as any other such text."""


def after_prefix(prefix: str) -> str | bytes:
    """The least value behind every text that begins with ``prefix``: the next text by code point, or a blob, which SQLite sorts behind all text."""
    for end in range(len(prefix), 0, -1):
        point = ord(prefix[end - 1]) + 1
        if point <= 0x10FFFF:
            return prefix[: end - 1] + chr(0xE000 if point == 0xD800 else point)
    return b""


def _moment(column: Expression) -> Expression:
    return Function(UTC_FUNCTION, _argument(column), type_=Text)


def _readable(column: Expression) -> Expression:
    return Function(READABLE_FUNCTION, cast(column, LargeBinary), type_=Boolean)


def _number(column: Expression) -> Expression:
    return Function(DECIMAL_FUNCTION, _argument(column), type_=Text)


def _argument(column: Expression) -> Expression:
    # A text as its bytes: one that is no UTF-8 would fail the statement before the function is called.
    storage = func.typeof(column)
    return case((storage == _TEXT, cast(column, LargeBinary)), (storage == _BLOB, null()), else_=column)


def _json(values: Any) -> str:
    return orjson.dumps(list(values)).decode()


def _json_moments(values: Any) -> str:
    return _json(utc_text(value) for value in values)


def _json_decimals(values: Any) -> str:
    return _json(decimal_key(value) for value in values)


_DECODED: dict[Kind, Decode] = {
    Kind.INTEGER: whole,
    Kind.BIGINT: whole,
    Kind.FLOAT: floating,
    Kind.DECIMAL: decimal_text,
    Kind.BOOLEAN: truth,
    Kind.DATE: day_text,
    Kind.DATETIME: moment_text,
}
_TYPES: dict[Kind, TypeEngine[Any]] = {Kind.INTEGER: BigInteger(), Kind.BIGINT: BigInteger(), Kind.FLOAT: Double(), Kind.BOOLEAN: Boolean()}
_LISTS = {Kind.DATETIME: _json_moments, Kind.DECIMAL: _json_decimals}


class SqliteDialect(Standard):
    """Dates, moments and decimals lie as ISO or exact text, or as numbers; booleans as 0 and 1. Decimals are compared exactly."""

    name = "sqlite"
    core = sqlite.dialect(paramstyle="qmark")
    doubted = frozenset({Kind.STRING})

    def __init__(self, *, typed: bool = True) -> None:
        self._typed = typed

    @property
    def careful(self) -> SqliteDialect:
        """Compares numbers in columns of texts by their texts."""
        return SqliteDialect(typed=False)

    def misleads(self, column: ColumnDescription, kind: Kind) -> bool:
        """Without an affinity numbers stay numbers, which no text equals and all texts lie behind."""
        return kind is Kind.STRING and without_affinity(column.type)

    def wire(self, column: Expression, kind: Kind) -> Expression:
        """The bare column but for texts, so that every value comes as it is stored."""
        return self.text(column, kind) if kind is Kind.STRING else column

    def text(self, column: Expression, kind: Kind) -> Expression:
        """Text where wire values are text. A blob is no text."""
        match kind:
            case Kind.STRING:
                return case((func.typeof(column) == _BLOB, _NO_TEXT), else_=cast(column, Text))
            case Kind.DATETIME:
                return _moment(column)
            case Kind.DECIMAL | Kind.DATE:
                return cast(column, Text)
        return type_coerce(column, _TYPES[kind])

    def decode(self, kind: Kind) -> Decode | None:
        """A value that is none of its kind cannot be delivered. Texts are checked where they are read."""
        return _DECODED.get(kind)

    def undeliverable(self, column: Expression, kind: Kind) -> Expression:
        """Texts that are none, and values of another storage class than the kind's."""
        storage = func.typeof(column)
        match kind:
            case Kind.STRING:
                wrong = or_(storage == _BLOB, not_(_readable(column)))
            case Kind.INTEGER | Kind.BIGINT:
                wrong = not_(or_(storage == _INTEGER, and_(storage == _REAL, column == cast(column, Integer))))
            case Kind.BOOLEAN:
                wrong = storage != _INTEGER
            case Kind.FLOAT:
                wrong = storage.not_in([_INTEGER, _REAL])
            case Kind.DATE:
                wrong = or_(
                    storage != _TEXT,
                    func.date(column, _NO_DAYS).is_distinct_from(column),
                    func.substr(column, 1, 4) == literal_column("'0000'"),
                )
            case Kind.DATETIME:
                wrong = _moment(column).is_(None)
            case Kind.DECIMAL:
                wrong = _number(column).is_(None)
        return and_(column.is_not(None), wrong)

    def stored(self, column: Expression, kind: Kind, *, ordered: bool) -> Expression:
        """Binary text, whatever the column's collation; decimals and moments in one form each."""
        match kind:
            case Kind.STRING if not self._typed:
                return collate(cast(column, Text), "BINARY")
            case Kind.STRING | Kind.DATE:
                return collate(column, "BINARY")
            case Kind.DECIMAL:
                return _number(column)
            case Kind.DATETIME:
                return _moment(column)
            case Kind.BOOLEAN:
                # As it is read: an integer is true where it is not 0, and Access wrote -1.
                return case((func.typeof(column) == _INTEGER, column != literal_column("0")), else_=column)
        return column

    def value(self, binds: Binds, parameter: str, kind: Kind, *, ordered: bool) -> Expression:
        """The parameter, in the form of :meth:`stored`."""
        encode: Encode | None = {Kind.DATETIME: utc_text, Kind.DECIMAL: decimal_key}.get(kind)
        return binds.place(parameter, encode)

    def equal(self, column: Expression, binds: Binds, parameter: str, kind: Kind) -> Expression:
        """Of a text its own text too: a column of numbers would take ``042`` and ``4.2e1`` for ``42``."""
        same = super().equal(column, binds, parameter, kind)
        return and_(same, cast(column, Text) == binds.place(parameter)) if kind is Kind.STRING else same

    def among(self, column: Expression, binds: Binds, parameter: str, kind: Kind, *, negated: bool) -> Expression:
        """The list travels as one JSON text. Of a text its own text too, as in :meth:`equal`."""
        found = self._listed(self.stored(column, kind, ordered=False), binds, parameter, kind)
        if kind is Kind.STRING:
            found = and_(found, self._listed(cast(column, Text), binds, parameter, kind))
        return not_(found) if negated else found

    @staticmethod
    def _listed(left: Expression, binds: Binds, parameter: str, kind: Kind) -> Expression:
        listed = func.json_each(binds.place(parameter, _LISTS.get(kind, _json), Text())).table_valued("value")
        return left.in_(select(listed.c.value))

    def starts_with(self, column: Expression, binds: Binds, parameter: str) -> Expression:
        """A range, so that an index serves it."""
        left = self.stored(column, Kind.STRING, ordered=True)
        return and_(left >= binds.place(parameter), left < binds.place(parameter, after_prefix))

    def plain(self, column: Expression, kind: Kind) -> Expression:
        """A text's bytes; numbers as they are."""
        return _argument(cast(column, Text) if kind is Kind.STRING else column)

    def scrambled(self, salt: Expression, plain: Expression) -> Expression:
        """By a function of its own."""
        return Function(SCRAMBLE_FUNCTION, salt, plain, type_=Text)

    def summed(self, column: Expression, kind: Kind) -> Expression:
        """By functions of its own."""
        return Function(FLOAT_SUM_FUNCTION if kind is Kind.FLOAT else SUM_FUNCTION, _argument(column), type_=Text)

    def extremes(self, column: Expression, kind: Kind) -> tuple[Expression, Expression]:
        """In the order of :meth:`stored`, and in its form."""
        stored = self.stored(column, kind, ordered=True)
        return func.min(stored), func.max(stored)

    def decode_extreme(self, kind: Kind) -> Decode | None:
        """A decimal from its key."""
        return keyed_decimal if kind is Kind.DECIMAL else self.decode(kind)
