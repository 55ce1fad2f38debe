"""How Dameng DM8 is written: no boolean expressions, no lists as one parameter, texts in an order of its own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from dmSQLAlchemy.dmpython import DMDialect_dmPython
from sqlalchemy import BinaryExpression, Date, DateTime, Dialect, Text, and_, cast, func, literal_column

from connectors.errors import SourceRefused
from connectors.selection import Comparison, Kind
from connectors.spi import Capabilities
from connectors.sql.dialect import Binds, Decode, Encode, Expression, Standard
from connectors.wire import utc_text

MOST_LISTED = 100
"""Values of one list. Each has a place of its own, because DM8 takes no arrays."""

CAPABILITIES = Capabilities(
    comparisons=frozenset({Comparison.EQ, Comparison.NE, Comparison.IN, Comparison.GT, Comparison.GTE, Comparison.LT, Comparison.LTE}),
    order=True,
    text_order=False,
    masks=frozenset(),
    matches=False,
    keys_per_call=MOST_LISTED,
)
_dialect: Any = DMDialect_dmPython


class _Compiler(_dialect.statement_compiler):  # type: ignore[misc]
    def visit_is_not_distinct_from_binary(self, binary: BinaryExpression[Any], operator: Any, **more: Any) -> str:
        # DECODE takes two nulls for equal, as no comparison of DM8 does.
        return f"DECODE({self.process(binary.left, **more)}, {self.process(binary.right, **more)}, 1, 0) = 1"


class _Core(_dialect):  # type: ignore[misc]
    statement_compiler = _Compiler


class DamengDialect(Standard):
    """Dates and moments travel as text; a moment without offset is UTC. What needs a boolean value or an order of texts is the hub's."""

    name = "dm"
    core: Dialect = _Core(paramstyle="qmark")

    def wire(self, column: Expression, kind: Kind) -> Expression:
        """The column, as ISO text for dates and moments."""
        match kind:
            case Kind.DATE:
                return func.to_char(column, literal_column("'YYYY-MM-DD'"), type_=Text)
            case Kind.DATETIME:
                return func.to_char(column, literal_column("'YYYY-MM-DD\"T\"HH24:MI:SS.FF6'"), type_=Text)
        return column

    def decode(self, kind: Kind) -> Decode | None:
        """Decimals as exact text, bits as booleans, moments with their offset."""
        return _DECODED.get(kind)

    def stored(self, column: Expression, kind: Kind, *, ordered: bool) -> Expression:
        """The bare column."""
        return column

    def value(self, binds: Binds, parameter: str, kind: Kind, *, ordered: bool) -> Expression:
        """The parameter; dates and moments cast from text."""
        return _placed(binds, parameter, kind, _ENCODED.get(kind))

    def among(self, column: Expression, binds: Binds, parameter: str, kind: Kind, *, negated: bool) -> Expression:
        """A hundred places, of which a shorter list fills the rest with its last value; an empty one is nobody's."""
        any_ = binds.place(parameter, lambda values: int(bool(values)))
        listed = column.in_([_placed(binds, parameter, kind, _nth(place, kind)) for place in range(MOST_LISTED)])
        return and_(any_ == literal_column("1"), listed)

    def starts_with(self, column: Expression, binds: Binds, parameter: str) -> Expression:
        """Never asked: not among the capabilities."""
        raise SourceRefused(self.name, "it does not compare beginnings of texts")


def _placed(binds: Binds, parameter: str, kind: Kind, encode: Encode | None) -> Expression:
    place: Expression = binds.place(parameter, encode)
    match kind:
        case Kind.DATE:
            return cast(place, Date)
        case Kind.DATETIME:
            return cast(place, DateTime)
    return place


def _nth(place: int, kind: Kind) -> Encode:
    encode = _ENCODED.get(kind)

    def nth(values: Sequence[Any]) -> Any:
        if len(values) > MOST_LISTED:
            raise SourceRefused("dm", f"at most {MOST_LISTED} values of one list; ask for fewer")
        if not values:
            return None
        value = values[min(place, len(values) - 1)]
        return value if encode is None else encode(value)

    return nth


def _moment_text(value: Any) -> str | None:
    """In UTC and without offset, as DM8 reads a timestamp."""
    text = utc_text(value)
    return None if text is None else text.removesuffix("+00:00").replace("T", " ")


def _decimal_text(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


_ENCODED: dict[Kind, Encode] = {Kind.DATETIME: _moment_text, Kind.DECIMAL: Decimal, Kind.BOOLEAN: int}
_DECODED: dict[Kind, Decode] = {Kind.DECIMAL: _decimal_text, Kind.BOOLEAN: bool, Kind.DATETIME: utc_text, Kind.FLOAT: float}
