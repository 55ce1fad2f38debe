"""The masking rules as SQL expressions, so that a raw value does not leave its database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Integer, String, Text, and_, case, cast, collate, func, literal, null, or_

from masking import words
from masking.rules import Mask

SQL_ALGORITHMS: frozenset[str] = frozenset({"KEEP_FIRST_N_LAST_M", "NAME", "ADDRESS_TO_DISTRICT", "DATE_TO_YEAR", "CONSTANT", "NULL"})
"""Algorithms that :func:`masked` can write."""

Expression = ColumnElement[Any]


def masked(mask: Mask, column: Expression, dialect_name: str) -> Expression:
    """The masked column, of type text, equal to :func:`masking.reference.apply` for every stored value.

    ``column`` must be of a text type (cast a date to its ISO text first); from any other type, and for an unknown rule, the value is withheld (NULL).
    """
    if mask.algorithm == "CONSTANT" and len(mask.parameters) == 1:
        return case((column.is_not(None), cast(literal(str(mask.parameters[0]), Text), Text)), else_=_nothing())
    write = _writer(mask)
    if write is None or not isinstance(column.type, String):
        return _nothing()
    if dialect_name == "mysql":
        # Else the column's own collation would decide what a word is.
        column = collate(column, "utf8mb4_bin")
    expression = write(column, dialect_name)
    if dialect_name in ("sqlite", "mysql"):
        # A text with a NUL is withheld: length() and substr() of SQLite stop at it, instr() does not. PostgreSQL has none.
        return case((func.instr(column, func.char(_number(0)), type_=Integer) > _number(0), _nothing()), else_=expression)
    return expression


def _writer(mask: Mask) -> Callable[[Expression, str], Expression] | None:
    match mask.algorithm, mask.parameters:
        case "KEEP_FIRST_N_LAST_M", (int(first), int(last)) if first >= 0 and last >= 0:
            return lambda column, dialect: _keep(column, first, last, dialect)
        case "NAME", ():
            return _name
        case "ADDRESS_TO_DISTRICT", ():
            return _address
        case "DATE_TO_YEAR", ():
            return _year
    return None


def _nothing() -> Expression:
    return cast(null(), Text)


def _constant(text: str) -> Expression:
    return literal(text, Text, literal_execute=True)


def _number(value: int) -> Expression:
    return literal(value, Integer, literal_execute=True)


def _part(text: Expression, start: Expression | int, length: Expression | int) -> Expression:
    numbers = [_number(each) if isinstance(each, int) else each for each in (start, length)]
    return func.substr(text, *numbers, type_=Text)


def _length(text: Expression, dialect: str) -> Expression:
    # MySQL's length() counts bytes.
    return (func.char_length if dialect == "mysql" else func.length)(text, type_=Integer)


def _position(text: Expression, word: str, dialect: str) -> Expression:
    function = func.strpos if dialect == "postgresql" else func.instr
    return function(text, _constant(word), type_=Integer)


def _constants(choices: Iterable[str]) -> list[Expression]:
    return [_constant(choice) for choice in choices]


def _keep(text: Expression, first: int, last: int, dialect: str) -> Expression:
    length = _length(text, dialect)
    stars = _constant(words.STARS)
    hidden = length - _number(first + last)
    between = _part(text, 1, first) + _part(stars, 1, hidden) + _part(text, length - _number(last - 1), last)
    return case((length <= _number(first + last), _part(stars, 1, length)), else_=between)


def _name(text: Expression, dialect: str) -> Expression:
    length = _length(text, dialect)
    end = _constant(words.NAME_END)
    return case(
        (and_(length >= _number(3), _part(text, 1, 2).in_(_constants(words.COMPOUND_SURNAMES))), _part(text, 1, 2) + end),
        (length >= _number(2), _part(text, 1, 1) + end),
        (length == _number(1), end),
        else_=text,
    )


def _address(text: Expression, dialect: str) -> Expression:
    head = _part(text, 1, words.ADDRESS_HEAD)
    roads = _position(_rewritten(head, words.ROAD_REWRITES) + _constant(words.ROAD), words.ROAD, dialect)
    stops = [_position(head + _constant(word), word, dialect) for word in words.STOPS]
    stop = (func.min if dialect == "sqlite" else func.least)(roads, *stops, type_=Integer)
    district = _position(_rewritten(head, words.DIVISION_REWRITES) + _constant(words.DIVISION), words.DIVISION, dialect)
    city = _position(head, words.CITY, dialect)
    shown = case(
        (and_(district.between(_number(2), stop - _number(1)), *_names_division(_part(head, district - _number(1), 1), dialect)), district),
        (and_(city >= _number(1), city < stop, city < district, _part(head, city - _number(1), 1).not_in(_constants(words.NO_CITY_AFTER))), city),
        else_=_number(0),
    )
    return case((text.is_not(None), _part(text, 1, shown) + _constant(words.ADDRESS_END)), else_=_nothing())


def _names_division(before: Expression, dialect: str) -> tuple[Expression, Expression]:
    lowest, highest = (_constant(each) for each in words.IDEOGRAPHS)
    binary = collate(before, "C") if dialect == "postgresql" else before
    return binary.between(lowest, highest), before.not_in(_constants(words.NO_DIVISION_AFTER))


def _rewritten(text: Expression, rewrites: tuple[tuple[str, str], ...]) -> Expression:
    for word, instead in rewrites:
        text = func.replace(text, _constant(word), _constant(instead), type_=Text)
    return text


def _year(text: Expression, dialect: str) -> Expression:
    year, month, day = _part(text, 1, 4), _part(text, 6, 2), _part(text, 9, 2)
    digits = [_part(text, position, 1).in_(_constants(list("0123456789"))) for position in (1, 2, 3, 4, 6, 7, 9, 10)]
    dashes = [_part(text, position, 1) == _constant("-") for position in (5, 8)]
    shaped = and_(_length(text, dialect) == _number(10), *dashes, *digits, year != _constant("0000"))
    exists = and_(month.in_(_constants([f"{number:02}" for number in range(1, 13)])), day != _constant("00"), cast(day, Integer) <= _days(year, month))
    # Two cases, not one condition: a cast must not be tried before the text is known to be digits.
    return case((shaped, case((exists, year + _constant("-01-01")), else_=_nothing())), else_=_nothing())


def _days(year: Expression, month: Expression) -> Expression:
    number = cast(year, Integer)
    leap = or_(and_(number % _number(4) == _number(0), number % _number(100) != _number(0)), number % _number(400) == _number(0))
    february = case((leap, _number(29)), else_=_number(28))
    return case((month == _constant("02"), february), (month.in_(_constants(["04", "06", "09", "11"])), _number(30)), else_=_number(31))
