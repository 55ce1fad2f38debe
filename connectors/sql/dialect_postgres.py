"""How PostgreSQL is written: typed parameters, text by code point, lists as arrays."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Dialect, Double, Numeric, Text, all_, any_, case, cast, collate, extract, func, literal_column
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import TypeEngine

from connectors.selection import Kind
from connectors.sql.dialect import Binds, Decode, Expression

_TYPES: dict[Kind, TypeEngine[Any]] = {
    Kind.STRING: Text(),
    Kind.INTEGER: BigInteger(),
    Kind.BIGINT: BigInteger(),
    Kind.FLOAT: Double(),
    Kind.DECIMAL: Numeric(),
    Kind.BOOLEAN: Boolean(),
    Kind.DATE: Date(),
    Kind.DATETIME: DateTime(timezone=True),
}
_core: Any = PGDialect
"""The plain dialect: asyncpg's own would cast every text parameter. SQLAlchemy has no annotations for its constructor."""
_AS_TEXT = frozenset({Kind.STRING, Kind.DECIMAL, Kind.DATE, Kind.DATETIME})


class PostgresDialect:
    """Sessions run in UTC with ISO dates. A text column that is to be ordered by its index needs one ``COLLATE "C"``."""

    name = "postgresql"
    core: Dialect = _core(paramstyle="numeric_dollar")

    def wire(self, column: Expression, kind: Kind) -> Expression:
        """Text where wire values are text, so that no driver type has to be converted. An infinite date or moment is null."""
        match kind:
            case Kind.DATE:
                return func.to_char(cast(column, Date), literal_column("'YYYY-MM-DD'"), type_=Text)
            case Kind.DATETIME:
                return _moment(cast(column, DateTime(timezone=True)))
        return cast(column, _TYPES[kind]) if kind is not Kind.DECIMAL else cast(column, Text)

    def decode(self, kind: Kind) -> Decode | None:
        """asyncpg's values are wire values already."""
        return None

    def stored(self, column: Expression, kind: Kind, *, ordered: bool) -> Expression:
        """The bare column, so that its index serves; text by code point where it is ordered."""
        return collate(cast(column, Text), "C") if ordered and kind is Kind.STRING else column

    def value(self, binds: Binds, parameter: str, kind: Kind, *, ordered: bool) -> Expression:
        """A text compared for equality stays untyped: PostgreSQL gives it the column's own type, without which an index on ``char(18)`` is not used."""
        if kind is Kind.STRING and not ordered:
            return binds.place(parameter)
        return self._typed(binds, parameter, kind)

    def _typed(self, binds: Binds, parameter: str, kind: Kind) -> Expression:
        if kind not in _AS_TEXT:
            return cast(binds.place(parameter, None, _TYPES[kind]), _TYPES[kind])
        text = cast(binds.place(parameter, None, Text()), Text)
        return text if kind is Kind.STRING else cast(text, _TYPES[kind])

    def among(self, column: Expression, binds: Binds, parameter: str, kind: Kind, *, negated: bool) -> Expression:
        """The list travels as one array."""
        values: Expression = binds.place(parameter, list)
        if kind is not Kind.STRING:
            if kind in _AS_TEXT:
                values = cast(values, ARRAY(Text))
            values = cast(values, ARRAY(_TYPES[kind]))
        return column != all_(values) if negated else column == any_(values)

    def starts_with(self, column: Expression, binds: Binds, parameter: str) -> Expression:
        """By PostgreSQL's own function, to which no character is special."""
        return func.starts_with(cast(column, Text), cast(binds.place(parameter, None, Text()), Text), type_=Boolean)


def _moment(moment: Expression) -> Expression:
    utc = func.timezone(literal_column("'UTC'"), moment)
    whole = func.to_char(utc, literal_column("'YYYY-MM-DD\"T\"HH24:MI:SS'"), type_=Text)
    fraction = case(
        (extract("microseconds", moment) % literal_column("1000000") == literal_column("0"), literal_column("''")),
        else_=func.to_char(utc, literal_column("'.US'")),
    )
    return whole + fraction + literal_column("'+00:00'", Text)
