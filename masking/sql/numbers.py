"""Rules for numbers, in whole numbers of 64 bits, with which every database is exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import BigInteger, Double, Text, and_, case, cast, func, literal_column, null, or_

from masking import words
from masking.sql.basics import Expression, constant, constants, length_of, nothing, number, part, position, rewritten

_DIGITS = "0123456789"
_WHOLE_DIGITS, _FRACTION_DIGITS = 18, 100
_BORDER = number(words.NUMBER_LIMIT)


@dataclass(frozen=True, slots=True)
class Parts:
    """A number: whether it is negative, its size's whole part, and as 0 or 1 whether there is more than that and whether that is half or more."""

    negative: Expression
    size: Expression
    more: Expression
    half: Expression


Place = Callable[[Parts], Expression]


def placing(rule: str, step: int) -> Place:
    """Where a rule puts a number; see :func:`masking.reference.number`."""
    return (lambda parts: _lower(parts, step)) if rule == "NUMBER_TO_INTERVAL" else (lambda parts: _nearest(parts, step))


def _lower(parts: Parts, step: int) -> Expression:
    beyond = parts.size + parts.more + number(step - 1)
    return case((parts.negative, -(beyond - beyond % number(step))), else_=parts.size - parts.size % number(step))


def _nearest(parts: Parts, step: int) -> Expression:
    rest = parts.size % number(step)
    nearest = parts.size - rest + case((rest * number(2) + parts.half >= number(step), number(step)), else_=number(0))
    return case((parts.negative, -nearest), else_=nearest)


def integer(column: Expression, place: Place, dialect: str) -> Expression:
    """Of an integer. MySQL's come as their text, of any size."""
    if dialect == "mysql":
        return cast(decimal(cast(column, Text), place, dialect), BigInteger)
    size = func.abs(cast(column, BigInteger), type_=BigInteger)
    return _bordered(column, place(Parts(column < number(0), size, number(0), number(0))))


def floating(column: Expression, place: Place, dialect: str) -> Expression:
    """Of a float. NaN is beyond the border in every database that has it, and SQLite has none."""
    value = column if dialect == "mysql" else cast(column, Double)
    absolute = func.abs(value, type_=Double)
    # SQLite's cast cuts off, and it may have no floor().
    size = cast(absolute if dialect == "sqlite" else func.floor(absolute, type_=Double), BigInteger)
    parts = Parts(value < number(0), size, _bit(absolute > size), _bit(absolute - size >= literal_column("0.5")))
    masked = place(parts)
    # MySQL has no such cast; a product with a float is one.
    masked = masked * literal_column("1e0", Double) if dialect == "mysql" else cast(masked, Double)
    return _bordered(column, masked)


def _bordered(column: Expression, masked: Expression) -> Expression:
    # The column as it is: a cast, which comes behind, fails beyond the border.
    return case((and_(column > -_BORDER, column < _BORDER), masked), else_=null())


def decimal(text: Expression, place: Place, dialect: str) -> Expression:
    """Of a decimal's text, without an exponent; as text."""
    sign = case((part(text, 1, 1) == constant("-"), number(1)), else_=number(0))
    point, length = position(text, ".", dialect), length_of(text, dialect)
    whole = case((point > number(0), point - number(1)), else_=length) - sign
    fraction = case((point > number(0), part(text, point + number(1), length)), else_=constant(""))
    size = cast(part(text, sign + number(1), whole), BigInteger)
    more = _bit(length_of(rewritten(fraction, [("0", "")]), dialect) > number(0))
    parts = Parts(sign == number(1), size, more, _bit(part(fraction, 1, 1).in_(constants("56789"))))
    # A cast must not be tried before the text is known to be digits.
    return case((_plain(text, sign, point, whole, length), cast(place(parts), Text)), else_=nothing())


def _plain(text: Expression, sign: Expression, point: Expression, whole: Expression, length: Expression) -> Expression:
    # The bar behind it, because MySQL takes a text with blanks behind it for the same.
    rest = rewritten(text, [(digit, "") for digit in _DIGITS]) + constant("|")
    signed = or_(and_(sign == number(0), rest.in_(constants(["|", ".|"]))), and_(sign == number(1), rest.in_(constants(["-|", "-.|"]))))
    fraction = or_(point == number(0), (length - point).between(number(1), number(_FRACTION_DIGITS)))
    return and_(signed, whole.between(number(1), number(_WHOLE_DIGITS)), fraction)


def _bit(condition: Expression) -> Expression:
    return case((condition, number(1)), else_=number(0))
