"""How DuckDB is written: PostgreSQL's forms, text by code point by itself, lists as joins; decimals by the key beside their text."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Dialect, Double, Numeric, Text, and_, case, cast, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import TypeEngine

from connectors.files.values import order_key
from connectors.selection import Kind
from connectors.sql.dialect import Binds, Decode, Encode, Expression, Standard
from connectors.wire import utc_text

_core: Any = PGDialect
"""SQLAlchemy has no annotations for its constructor."""
_TYPES: dict[Kind, TypeEngine[Any]] = {
    Kind.STRING: Text(),
    Kind.INTEGER: BigInteger(),
    Kind.BIGINT: BigInteger(),
    Kind.FLOAT: Double(),
    Kind.DECIMAL: Text(),
    Kind.BOOLEAN: Boolean(),
    Kind.DATE: Date(),
    Kind.DATETIME: DateTime(),
}


_EXACT = Numeric(38, 10)
_WHOLE_DIGITS: Expression = literal_column("20")
_FRACTION_DIGITS: Expression = literal_column("10")
"""Of decimals that are added up: so many that the sum of a hundred million fits :data:`_EXACT`."""


def _decimal(value: Any) -> str | None:
    try:
        return order_key(Decimal(str(value)))
    except InvalidOperation:
        return None


def _moment(value: Any) -> str | None:
    text = utc_text(value)
    return text and text.removesuffix("+00:00").replace("T", " ")


_ENCODE: dict[Kind, Callable[[Any], Any]] = {Kind.DECIMAL: _decimal, Kind.DATETIME: _moment}


def _each(encode: Callable[[Any], Any] | None) -> Encode:
    return list if encode is None else lambda values: [encode(value) for value in values]


class DuckDialect(Standard):
    """Moments lie as UTC without zone. Collation is binary: UTF-8 orders as its code points do."""

    name = "duckdb"
    core: Dialect = _core(paramstyle="numeric_dollar")

    def wire(self, column: Expression, kind: Kind) -> Expression:
        """Text where wire values are text."""
        match kind:
            case Kind.DECIMAL:
                return _part(column, "'t'")
            case Kind.DATETIME:
                return _wire_moment(column)
            case Kind.DATE:
                return cast(column, Text)
        return cast(column, _TYPES[kind])

    def decode(self, kind: Kind) -> Decode | None:
        """DuckDB's values are wire values already."""
        return None

    def stored(self, column: Expression, kind: Kind, *, ordered: bool) -> Expression:
        """The bare column, whose statistics and index serve; a decimal's key."""
        return _part(column, "'k'") if kind is Kind.DECIMAL else column

    def value(self, binds: Binds, parameter: str, kind: Kind, *, ordered: bool) -> Expression:
        """The parameter, typed."""
        type_ = _TYPES[kind]
        sent = binds.place(parameter, _ENCODE.get(kind), Text() if kind in (Kind.DATE, Kind.DATETIME) else type_)
        return cast(sent, type_)

    def among(self, column: Expression, binds: Binds, parameter: str, kind: Kind, *, negated: bool) -> Expression:
        """The list travels as one array and is joined by hash."""
        values = cast(binds.place(parameter, _each(_ENCODE.get(kind))), ARRAY(_TYPES[kind]))
        left, inner = self.stored(column, kind, ordered=False), select(func.unnest(values))
        return left.not_in(inner) if negated else left.in_(inner)

    def starts_with(self, column: Expression, binds: Binds, parameter: str) -> Expression:
        """By DuckDB's own function, to which no character is special."""
        return func.starts_with(column, cast(binds.place(parameter, None, Text()), Text), type_=Boolean)

    def unsummable(self, column: Expression, kind: Kind) -> Expression | None:
        """A decimal of more digits than DuckDB's own decimals have."""
        if kind is not Kind.DECIMAL:
            return None
        return and_(column.is_not(None), or_(_digits(column, "1") > _WHOLE_DIGITS, _digits(column, "2") > _FRACTION_DIGITS))

    def summed(self, column: Expression, kind: Kind) -> Expression:
        """Whole numbers as HUGEINT, decimals as DuckDB's own where they fit."""
        match kind:
            case Kind.FLOAT:
                return func.fsum(column)
            case Kind.DECIMAL:
                wrong = self.unsummable(column, kind)
                fitting = column if wrong is None else case((wrong, literal_column("NULL")), else_=_part(column, "'t'"))
                return cast(func.sum(cast(fitting, _EXACT)), Text)
        return cast(func.sum(cast(column, BigInteger)), Text)

    def extremes(self, column: Expression, kind: Kind) -> tuple[Expression, Expression]:
        """A decimal by its key."""
        if kind is Kind.DECIMAL:
            text, key = _part(column, "'t'"), _part(column, "'k'")
            return func.arg_min(text, key), func.arg_max(text, key)
        return super().extremes(column, kind)


def _digits(column: Expression, part: str) -> Expression:
    """Of a decimal's plain text: its length before or behind the point, the sign included."""
    return func.length(func.split_part(_part(column, "'t'"), literal_column("'.'"), literal_column(part)))


def _part(column: Expression, name: str) -> Expression:
    return func.struct_extract(column, literal_column(name), type_=Text)


def _wire_moment(moment: Expression) -> Expression:
    whole = func.strftime(moment, literal_column("'%Y-%m-%dT%H:%M:%S'"), type_=Text)
    micros = func.date_part(literal_column("'us'"), moment) % literal_column("1000000")
    fraction = case((micros == literal_column("0"), literal_column("''", Text)), else_=func.strftime(moment, literal_column("'.%f'"), type_=Text))
    return whole + fraction + literal_column("'+00:00'", Text)
