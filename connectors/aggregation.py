"""What may be asked of a source about many rows at once: an :class:`Aggregation`, which like a selection holds no caller's value."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from connectors.selection import Binding, Column, Kind, Predicate, Value

_DIGITS = 200
"""Of exact sums: more than any source holds."""
_PLACES = Decimal("1e-10")


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of which figures are made: the exact sum of a number, and the least and the greatest value."""

    column: str
    kind: Kind
    total: bool = False
    extremes: bool = False


@dataclass(frozen=True, slots=True)
class Aggregation:
    """Counts the rows of one object that satisfy ``where``, told apart by ``marks`` and by the values of ``keys``.

    The answer has one row, a *cell*, for each combination that occurs, in no order: one bool for each mark (whether its predicate is true), the
    keys' values, the number of rows, and for each measure a :data:`WIDTH` of values: rows that have a value; of these, rows whose value cannot be
    delivered, which make the measure's other figures void; the sum (a decimal's text; a float for floats) or null; the least and the greatest
    value or null. ``limit`` names the parameter that binds the most cells to return.
    """

    binding: Binding
    where: Predicate | None
    marks: tuple[Predicate, ...]
    keys: tuple[Column, ...]
    measures: tuple[Measure, ...]
    limit: str


WIDTH = 5
"""Values of one measure in a cell."""
GROUPED = frozenset({Kind.STRING, Kind.INTEGER, Kind.BIGINT, Kind.BOOLEAN, Kind.DATE})
"""Kinds of keys: those whose values mean a group. Amounts and moments do not."""
SUMMED = frozenset({Kind.INTEGER, Kind.BIGINT, Kind.FLOAT, Kind.DECIMAL})
RANGED = SUMMED | {Kind.DATE, Kind.DATETIME}


def exact(text: Value) -> Decimal:
    """The number behind a sum's text."""
    return Decimal(str(text))


def added(numbers: list[Decimal]) -> Decimal:
    """The exact sum."""
    with localcontext() as context:
        context.prec = _DIGITS
        return sum(numbers, Decimal(0))


def divided(total: Decimal, count: int) -> Decimal:
    """An average, rounded half-even to ten places."""
    with localcontext() as context:
        context.prec = _DIGITS
        return (total / count).quantize(_PLACES, ROUND_HALF_EVEN)


def plain(number: Decimal) -> str:
    """The number's shortest exact text without an exponent."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
