"""How PostgreSQL is written: typed parameters, text by code point, lists as arrays."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, all_, and_, any_, case, cast, collate, extract, func, literal_column, not_, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.types import BigInteger, Boolean, Date, DateTime, Double, Numeric, Text, TypeEngine

from connectors.selection import Kind
from connectors.sql.dialect import Binds, Decode, Expression, Standard, guarded, unsealed
from connectors.sql.rendering_postgres import PostgresRenderer
from connectors.sql.single import doubled, held
from connectors.sql.values import decimal_text, floating, truth, whole

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

_DATES: tuple[Expression, Expression] = literal_column("DATE '0001-01-01'"), literal_column("DATE '9999-12-31'")
_MOMENTS: tuple[Expression, Expression] = literal_column("TIMESTAMPTZ '0001-01-01 00:00:00+00'"), literal_column("TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'")
"""What ISO 8601 has four digits for: the rest, BC, infinity and later years, cannot be delivered."""
_NO_NUMBERS: list[Expression] = [literal_column(f"'{name}'") for name in ("NaN", "Infinity", "-Infinity")]
_UUID: Expression = literal_column("'uuid'::regtype")
_DECODED: dict[Kind, Decode] = {
    Kind.INTEGER: whole,
    Kind.BIGINT: whole,
    Kind.FLOAT: floating,
    Kind.DECIMAL: decimal_text,
    Kind.BOOLEAN: truth,
    Kind.DATE: unsealed,
    Kind.DATETIME: unsealed,
}


class PostgresDialect(Standard):
    """Sessions run in UTC with ISO dates. A text column that is to be ordered by its index needs one ``COLLATE "C"``."""

    name = "postgresql"
    core: Dialect = _core(paramstyle="numeric_dollar")

    @property
    def renderer(self) -> PostgresRenderer:
        """Of its own."""
        return PostgresRenderer(self)

    def wire(self, column: Expression, kind: Kind) -> Expression:
        """Text where wire values are text, so that no driver type has to be converted; numbers bare, so that none of them fails a cast."""
        if kind in (Kind.DATE, Kind.DATETIME):
            return guarded(self, column, kind, self.text(column, kind))
        return self.text(column, kind)

    def text(self, column: Expression, kind: Kind) -> Expression:
        """ISO 8601 and exact decimals, by the database."""
        match kind:
            case Kind.DATE:
                return func.to_char(cast(column, Date), literal_column("'YYYY-MM-DD'"), type_=Text)
            case Kind.DATETIME:
                return _moment(cast(column, DateTime(timezone=True)))
            case Kind.STRING | Kind.DECIMAL:
                return cast(column, Text)
        return type_coerce(column, _TYPES[kind])

    def decode(self, kind: Kind) -> Decode | None:
        """asyncpg's values are wire values already, but for what cannot be delivered."""
        return _DECODED.get(kind)

    def undeliverable(self, column: Expression, kind: Kind) -> Expression | None:
        """Dates and moments out of the calendar, and numbers that are none."""
        match kind:
            case Kind.DATE:
                wrong = not_(cast(column, Date).between(*_DATES))
            case Kind.DATETIME:
                wrong = not_(cast(column, DateTime(timezone=True)).between(*_MOMENTS))
            case Kind.DECIMAL | Kind.FLOAT:
                wrong = cast(column, Text).in_(_NO_NUMBERS)
            case _:
                return None
        return and_(column.is_not(None), wrong)

    def stored(self, column: Expression, kind: Kind, *, ordered: bool) -> Expression:
        """The bare column, so that its index serves; text by code point where it is ordered; of a moment its day, which for dates changes nothing."""
        if kind is Kind.DATE:
            return cast(column, Date)
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

    def against(self, column: Expression, binds: Binds, parameter: str, kind: Kind, *, ordered: bool) -> Expression:
        """A float as the number that a column of single precision holds for it."""
        if kind is not Kind.FLOAT:
            return self.value(binds, parameter, kind, ordered=ordered)
        given = select(self.value(binds, parameter, kind, ordered=ordered).label("v")).subquery("given")
        return select(held(column, given.c.v)).scalar_subquery()

    def among(self, column: Expression, binds: Binds, parameter: str, kind: Kind, *, negated: bool) -> Expression:
        """The list travels as one array."""
        values: Expression = binds.place(parameter, list)
        if kind is not Kind.STRING:
            if kind in _AS_TEXT:
                values = cast(values, ARRAY(Text))
            values = cast(values, ARRAY(_TYPES[kind]))
        if kind is Kind.FLOAT:
            given = func.unnest(values, type_=Double).table_valued("v", name="given").render_derived()
            values = func.array(select(held(column, given.c.v)).scalar_subquery(), type_=ARRAY(Double))
        left = self.stored(column, kind, ordered=False)
        return left != all_(values) if negated else left == any_(values)

    def claimed(self, column: Expression, binds: Binds, parameter: str, kind: Kind) -> Expression:
        """Texts by the text that is shown: a spelling that is no label of an enumeration would fail the others. UUIDs in either case."""
        if kind is not Kind.STRING:
            return super().claimed(column, binds, parameter, kind)
        shown, texts = cast(column, Text), ARRAY(Text)
        uuid = and_(func.pg_typeof(column) == _UUID, shown == any_(cast(binds.place(parameter, _lowered), texts)))
        return or_(shown == any_(cast(binds.place(parameter, list), texts)), uuid)

    def plain(self, column: Expression, kind: Kind) -> Expression:
        """A number without its scale."""
        return cast(column if kind is Kind.STRING else func.trunc(_numeric(column, kind)), Text)

    def grouping(self, wired: Expression, kind: Kind) -> Expression:
        """Texts by their bytes: a nondeterministic collation takes several for one."""
        return collate(wired, "C") if kind is Kind.STRING else wired

    def summed(self, column: Expression, kind: Kind) -> Expression:
        """Floats as they are shown."""
        return func.sum(doubled(column)) if kind is Kind.FLOAT else super().summed(column, kind)

    def scrambled(self, salt: Expression, plain: Expression) -> Expression:
        """In byte order."""
        return collate(super().scrambled(salt, plain), "C")

    def starts_with(self, column: Expression, binds: Binds, parameter: str) -> Expression:
        """By PostgreSQL's own function, to which no character is special."""
        return func.starts_with(cast(column, Text), cast(binds.place(parameter, None, Text()), Text), type_=Boolean)


class StreamedPostgres(PostgresDialect):
    """For streams as Arrow: dates and moments are selected as what they are, so that the server writes no text; what cannot be delivered shows there."""

    def wire(self, column: Expression, kind: Kind) -> Expression:
        """Bare dates, moments and numbers; texts and decimals as text."""
        if kind in (Kind.DATE, Kind.DATETIME):
            return cast(column, _TYPES[kind])
        return super().wire(column, kind)


def _numeric(column: Expression, kind: Kind) -> Expression:
    # An oid, which is a bigint here, is cast to text and to no numeric.
    return cast(cast(column, Text) if kind is Kind.BIGINT else column, Numeric)


def _lowered(values: Any) -> list[str]:
    return [str(value).lower() for value in values]


def _moment(moment: Expression) -> Expression:
    utc = func.timezone(literal_column("'UTC'"), moment)
    whole = func.to_char(utc, literal_column("'YYYY-MM-DD\"T\"HH24:MI:SS'"), type_=Text)
    fraction = case(
        (extract("microseconds", moment) % literal_column("1000000") == literal_column("0"), literal_column("''")),
        else_=func.to_char(utc, literal_column("'.US'")),
    )
    return whole + fraction + literal_column("'+00:00'", Text)
