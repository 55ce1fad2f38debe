"""Rules for names, addresses and e-mail addresses."""

from __future__ import annotations

from sqlalchemy import Text, and_, case, collate, func, or_

from masking import words
from masking.generated import shortest
from masking.sql.basics import Expression, constant, constants, head, least, length_of, measured, nothing, number, part, position, rewritten


def name(text: Expression, dialect: str, share: int) -> Expression:
    """The surname; see :func:`masking.reference.name`."""
    length, counted, end = length_of(text, dialect), measured(text, dialect), constant(words.NAME_END)
    compound = and_(length >= number(3), part(text, 1, 2).in_(constants(words.COMPOUND_SURNAMES)))
    return case(
        (and_(compound, counted >= number(shortest(2, share))), head(text, 2, dialect) + end),
        (compound, end),
        (counted >= number(shortest(1, share)), head(text, 1, dialect) + end),
        (length >= number(1), end),
        else_=text,
    )


def email(text: Expression, dialect: str, share: int) -> Expression:
    """The first character and the domain; see :func:`masking.reference.email`."""
    length, counted, at = length_of(text, dialect), measured(text, dialect), position(text, "@", dialect)
    first = case((at > number(2), number(1)), else_=number(0))
    shown = first + length - at + number(1)
    second = position(part(text, at + number(1), length), "@", dialect)
    too_much = or_(at < number(2), second > number(0), shown >= counted, shown * number(100) > counted * number(share))
    return case((too_much, constant(words.EMAIL_STARS)), else_=part(text, 1, first) + constant(words.EMAIL_STARS) + part(text, at, length))


def address(text: Expression, dialect: str, share: int) -> Expression:
    """The address up to its county-level division; see :func:`masking.reference.address`."""
    opening = part(text, 1, words.ADDRESS_HEAD)
    stop = _stop(opening, dialect)
    district = position(rewritten(opening, words.DIVISION_REWRITES) + constant(words.DIVISION), words.DIVISION, dialect)
    city = position(opening, words.CITY, dialect)
    length = measured(text, dialect)

    def allowed(shown: Expression) -> Expression:
        return case((and_(shown < length, shown * number(100) <= length * number(share)), shown), else_=number(0))

    # Each of these is computed anew wherever it stands, in PostgreSQL at some microseconds a row.
    shown = case(
        (and_(district < stop, _names_division(part(opening, district - number(1), 1), dialect)), allowed(district)),
        (and_(city >= number(1), city < stop, city < district, part(opening, city - number(1), 1).not_in(constants(words.NO_CITY_AFTER))), allowed(city)),
        else_=number(0),
    )
    return case((text.is_not(None), part(text, 1, shown) + constant(words.ADDRESS_END)), else_=nothing())


_NOT_ROADS = "|".join(word.removeprefix(words.ROAD) for word, _ in words.ROAD_REWRITES)
_FROM_STOP = rf"(?:{'|'.join(words.STOPS)}|{words.ROAD}(?!{_NOT_ROADS}))(?:.|\n)*$"


def _stop(opening: Expression, dialect: str) -> Expression:
    """Where the first word of a street or an estate begins; behind the last character where there is none."""
    if dialect == "postgresql":
        return length_of(func.regexp_replace(opening, constant(_FROM_STOP), constant(""), type_=Text), dialect) + number(1)
    roads = position(rewritten(opening, words.ROAD_REWRITES) + constant(words.ROAD), words.ROAD, dialect)
    return least(dialect, roads, *(position(opening + constant(word), word, dialect) for word in words.STOPS))


_OF_NAMES = f"^(?![{words.NO_DIVISION_AFTER}])[{'-'.join(words.IDEOGRAPHS)}]$"


def _names_division(before: Expression, dialect: str) -> Expression:
    """Whether the character before a division's end, empty where none is, is one that a division's name is written with."""
    if dialect == "postgresql":
        return collate(before, "C").regexp_match(constant(_OF_NAMES))
    lowest, highest = (constant(each) for each in words.IDEOGRAPHS)
    return and_(before.between(lowest, highest), before.not_in(constants(words.NO_DIVISION_AFTER)))
