"""How MariaDB and MySQL are written: text by its bytes beside its collation, so that an index serves and code points decide; lists place by place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Date,
    Dialect,
    Double,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    and_,
    cast,
    false,
    func,
    literal_column,
    not_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.mysql.base import MySQLDialect as _MySQLDialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from connectors.selection import UNDELIVERABLE, Kind, Value
from connectors.spi import ColumnDescription
from connectors.sql.dialect import Binds, Decode, Encode, Expression, Place, Standard, guarded, unsealed
from connectors.sql.values import day_text, decimal_text, floating, moment_text, whole_text

LIST = "/*list*/"
"""Stands before the place of a list, which the connection writes out as one place per value: neither server takes a list as one parameter,
and a list that travels as JSON is compared by a collation of its own, so that no index on a text serves it."""

_core: Any = _MySQLDialect
"""SQLAlchemy has no annotations for its constructor."""
_ISO = literal_column("'%Y-%m-%dT%H:%i:%s.%f+00:00'", Text)
_NO_FRACTION = literal_column("'.000000+'", Text), literal_column("'+'", Text)
_FEW_DECIMALS, _MOST_DIGITS = 30, 65
"""Of a decimal's digits, in MariaDB."""


class _Core(_core):  # type: ignore[misc]
    _backslash_escapes = False
    """Sessions run with NO_BACKSLASH_ESCAPES: only a quote ends a text."""


class _Listed(ColumnElement[Any]):
    inherit_cache = False

    def __init__(self, place: BindParameter[Any]) -> None:
        self.place = place


@compiles(_Listed)
def _write(element: _Listed, compiler: SQLCompiler, **more: Any) -> str:
    return f"({LIST}{compiler.process(element.place, **more)})"


class MysqlDialect(Standard):
    """Sessions run in UTC. A text that is to be ordered by its index is not: its order is its bytes', whatever its collation is."""

    name = "mysql"
    core: Dialect = _Core(paramstyle="qmark")

    doubted = frozenset({Kind.DATE})

    def __init__(self, *, collated: bool = True, texts: bool = False, days: bool = False) -> None:
        self._collated, self._texts, self._days = collated, texts, days

    @property
    def exact(self) -> MysqlDialect:
        """Compares texts by their bytes alone: MariaDB refuses to compare a character with a column whose character set does not have it."""
        return MysqlDialect(collated=False, texts=self._texts, days=self._days)

    @property
    def streamed(self) -> MysqlDialect:
        """Rows come as texts, in which a float of single precision would be rounded."""
        return MysqlDialect(collated=self._collated, texts=True, days=self._days)

    @property
    def careful(self) -> MysqlDialect:
        """Compares dates by their day."""
        return MysqlDialect(collated=self._collated, texts=self._texts, days=True)

    def misleads(self, column: ColumnDescription, kind: Kind) -> bool:
        """A moment of which the day is shown."""
        return kind is Kind.DATE and column.kind is Kind.DATETIME

    def wire(self, column: Expression, kind: Kind) -> Expression:
        """Text, because it is exact and fails for nobody; floats as they are, because the text of single precision is rounded."""
        match kind:
            case Kind.FLOAT:
                return column * literal_column("1e0", Double) if self._texts else column
            case Kind.STRING:
                return guarded(self, column, kind, _text(column))
        return self.text(column, kind)

    def text(self, column: Expression, kind: Kind) -> Expression:
        """ISO 8601 and exact decimals, by the database."""
        match kind:
            case Kind.STRING | Kind.DECIMAL:
                return _text(column)
            case Kind.DATE:
                return func.left(_text(column), literal_column("10"), type_=Text)
            case Kind.DATETIME:
                return func.replace(func.date_format(column, _ISO), *_NO_FRACTION, type_=Text)
            case Kind.FLOAT:
                return type_coerce(column, Double)
            case Kind.BOOLEAN:
                return type_coerce(_text(column), Boolean)
        return type_coerce(_text(column), Integer)

    def decode(self, kind: Kind) -> Decode | None:
        """Each kind's check; a zero date is no date."""
        return _DECODED[kind]

    def undeliverable(self, column: Expression, kind: Kind) -> Expression | None:
        """Zero dates and dates that the calendar does not know; bytes that are no UTF-8."""
        match kind:
            case Kind.STRING:
                return and_(column.is_not(None), _unreadable(column))
            case Kind.DATE | Kind.DATETIME:
                day, last = func.dayofmonth(column), func.dayofmonth(func.last_day(column))
                known = func.coalesce(and_(day.between(literal_column("1"), last), func.year(column) >= literal_column("1")), false())
                return and_(column.is_not(None), not_(known))
        return None

    def stored(self, column: Expression, kind: Kind, *, ordered: bool) -> Expression:
        """A text's bytes in UTF-8, whose order is that of code points, without padding; else the bare column."""
        match kind:
            case Kind.STRING:
                return cast(_text(column), LargeBinary)
            case Kind.BOOLEAN:
                return (column != literal_column("0")).self_group()
            case Kind.DATE if self._days:
                return cast(column, Date)
        return column

    def value(self, binds: Binds, parameter: str, kind: Kind, *, ordered: bool) -> Expression:
        """The parameter by its type; a text's bytes."""
        place: Expression = binds.place(parameter, _ENCODED.get(kind))
        return cast(place, LargeBinary) if kind is Kind.STRING else place

    def native(self, binds: Binds, parameter: str, kind: Kind) -> Expression:
        """The parameter as it is: a text is compared by the column's collation."""
        return binds.place(parameter, _ENCODED.get(kind))

    def equal(self, column: Expression, binds: Binds, parameter: str, kind: Kind) -> Expression:
        """Texts by their collation too, which says no more and is what an index serves."""
        exact = super().equal(column, binds, parameter, kind)
        return and_(column == binds.place(parameter), exact).self_group() if self._loose(kind) else exact

    def among(self, column: Expression, binds: Binds, parameter: str, kind: Kind, *, negated: bool) -> Expression:
        """Texts by their collation too, as in :meth:`equal`."""

        def one_of(left: Expression) -> Expression:
            return left.op("IN", is_comparison=True)(_Listed(binds.place(parameter, _each(_ENCODED.get(kind)))))

        exact = one_of(self.stored(column, kind, ordered=False))
        found = and_(one_of(column), exact).self_group() if self._loose(kind) else exact
        return not_(found) if negated else found

    def _loose(self, kind: Kind) -> bool:
        return self._collated and kind is Kind.STRING

    def starts_with(self, column: Expression, binds: Binds, parameter: str) -> Expression:
        """By bytes; and by ``LIKE``, which an index serves."""
        start = cast(binds.place(parameter), LargeBinary)
        head = func.left(cast(_text(column), LargeBinary), func.length(cast(binds.place(parameter), LargeBinary)))
        if not self._collated:
            return head == start
        return and_(column.like(binds.place(parameter, _pattern), escape="!"), head == start).self_group()

    def linked(self, here: Place, there: Place, kind: Kind, where: Expression) -> Expression:
        """Texts by their collation too, so that an index serves; else as a set that is made once, because bytes have no index."""
        if kind is not Kind.STRING:
            return super().linked(here, there, kind, where)
        left, right = (self.stored(column, kind, ordered=False) for _, column in (here, there))
        if self._collated:
            return self.existing(here, there, there[1] == here[1], right == left, where)
        keys = select(right).select_from(there[0]).where(there[1].is_not(None), where)
        return and_(here[1].is_not(None), left.in_(keys)).self_group()

    def plain(self, column: Expression, kind: Kind) -> Expression:
        """A number without the zeros with which its column fills it."""
        return _text(column if kind is Kind.STRING else cast(column, Numeric(_MOST_DIGITS, 0)))

    def scrambled(self, salt: Expression, plain: Expression) -> Expression:
        """Of bytes, because texts of unlike collations do not go together."""
        return func.md5(func.concat(cast(salt, LargeBinary), cast(plain, LargeBinary)), type_=Text)

    def grouping(self, wired: Expression, kind: Kind) -> Expression:
        """Texts by their bytes: a collation takes several for one."""
        return cast(wired, LargeBinary) if kind is Kind.STRING else wired

    def summed(self, column: Expression, kind: Kind) -> Expression:
        """Exact by itself: integers are added as decimals."""
        return func.sum(column) if kind is Kind.FLOAT else _text(func.sum(column))

    def directed(self, stored: Expression, *, descending: bool, nullable: bool) -> list[Expression]:
        """``IS NULL`` first: neither server knows ``NULLS LAST``."""
        order = stored.desc() if descending else stored.asc()
        return [stored.is_(None), order] if nullable else [order]


def _text(column: Expression) -> Expression:
    return func.convert(column.op("USING")(literal_column("utf8mb4")), type_=Text)


def _unreadable(column: Expression) -> Expression:
    binary = func.charset(column) == literal_column("'binary'")
    return and_(binary, cast(_text(column), LargeBinary) != cast(column, LargeBinary))


def _pattern(start: str) -> str:
    return start.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"


def _each(encode: Encode | None) -> Encode:
    return list if encode is None else lambda values: [encode(value) for value in values]


def _decimal(value: Any) -> Decimal:
    number = Decimal(str(value)) if decimal_text(str(value)) is not UNDELIVERABLE else Decimal("NaN")
    if not number.is_finite() or number.adjusted() >= _MOST_DIGITS - _FEW_DECIMALS or -int(number.as_tuple().exponent) > _FEW_DECIMALS:
        raise ValueError("no decimal that the database holds")
    return number


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(str(moment_text(value))).astimezone(UTC).replace(tzinfo=None)


def _truth(value: Any) -> Value:
    return _BITS[value] if value in _BITS else bool(number) if (number := whole_text(value)) is not UNDELIVERABLE else UNDELIVERABLE


_BITS = {"0": False, "1": True, "\0": False, "\1": True}
"""``tinyint(1)``, and ``bit(1)``, whose text is its byte."""
_ENCODED: dict[Kind, Callable[[Any], Any]] = {
    Kind.FLOAT: float,
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: int,
    Kind.DATE: date.fromisoformat,
    Kind.DATETIME: _moment,
}
_DECODED: dict[Kind, Decode] = {
    Kind.STRING: unsealed,
    Kind.INTEGER: whole_text,
    Kind.BIGINT: whole_text,
    Kind.FLOAT: floating,
    Kind.DECIMAL: decimal_text,
    Kind.BOOLEAN: _truth,
    Kind.DATE: day_text,
    Kind.DATETIME: moment_text,
}
