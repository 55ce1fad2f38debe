"""Rules for dates and moments, both as ISO 8601 text."""

from __future__ import annotations

from sqlalchemy import Integer, Text, and_, case, cast, or_

from masking import words
from masking.sql.basics import Expression, constant, constants, length_of, nothing, number, part

_DIGITS, _DASHES = (1, 2, 3, 4, 6, 7, 9, 10), (5, 8)
_DATE_LENGTH = 10


def band(text: Expression, dialect: str, years: int) -> Expression:
    """The first day of the band of years; see :func:`masking.reference.band`."""
    year, month, day = part(text, 1, 4), part(text, 6, 2), part(text, 9, 2)
    digits = [part(text, place, 1).in_(constants("0123456789")) for place in _DIGITS]
    dashes = [part(text, place, 1) == constant("-") for place in _DASHES]
    length = length_of(text, dialect)
    is_date, is_moment = length == number(_DATE_LENGTH), _is_moment(text, length)
    shaped = and_(or_(is_date, is_moment), *dashes, *digits, year != constant("0000"))
    exists = and_(month.in_(constants(f"{each:02}" for each in range(1, 13))), day != constant("00"), cast(day, Integer) <= _days(year, month))
    start = _start(year, years, dialect) + case((is_date, constant(words.YEAR_START)), else_=constant(words.YEAR_START + words.MOMENT_START))
    # Two cases, not one condition: a cast must not be tried before the text is known to be digits.
    return case((shaped, case((exists, start), else_=nothing())), else_=nothing())


def _is_moment(text: Expression, length: Expression) -> Expression:
    shortest, longest = words.MOMENT_LENGTHS
    end = part(text, length - number(len(words.UTC_END) - 1), len(words.UTC_END))
    return and_(length.between(number(shortest), number(longest)), part(text, _DATE_LENGTH + 1, 1) == constant("T"), end == constant(words.UTC_END))


def _start(year: Expression, years: int, dialect: str) -> Expression:
    if years == 1:
        return year
    start = cast(year, Integer) - cast(year, Integer) % number(years)
    digits = cast(case((start < number(1), number(1)), else_=start), Text)
    return part(constant("0000") + digits, length_of(digits, dialect) + number(1), 4)


def _days(year: Expression, month: Expression) -> Expression:
    each = cast(year, Integer)
    leap = or_(and_(each % number(4) == number(0), each % number(100) != number(0)), each % number(400) == number(0))
    february = case((leap, number(29)), else_=number(28))
    return case((month == constant("02"), february), (month.in_(constants(["04", "06", "09", "11"])), number(30)), else_=number(31))
