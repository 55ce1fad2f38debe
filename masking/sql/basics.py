"""What SQL expressions of masks are made of, alike in every dialect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Integer, Text, case, cast, func, literal, null

from masking import words

Expression = ColumnElement[Any]


def nothing() -> Expression:
    """The withheld value."""
    return cast(null(), Text)


def constant(text: str) -> Expression:
    """A text written into the statement."""
    return literal(text, Text, literal_execute=True)


def constants(choices: Iterable[str]) -> list[Expression]:
    """Texts written into the statement."""
    return [constant(choice) for choice in choices]


def number(value: int) -> Expression:
    """A number written into the statement."""
    return literal(value, Integer, literal_execute=True)


def part(text: Expression, start: Expression | int, length: Expression | int) -> Expression:
    """Characters of a text, the first being 1."""
    places = [number(each) if isinstance(each, int) else each for each in (start, length)]
    return func.substr(text, *places, type_=Text)


def head(text: Expression, length: Expression | int, dialect: str) -> Expression:
    """The first characters of a text."""
    if dialect != "postgresql":
        return part(text, 1, length)
    return func.left(text, number(length) if isinstance(length, int) else length, type_=Text)


def tail(text: Expression, length: int, dialect: str) -> Expression:
    """The last characters of a text that has as many."""
    if dialect != "postgresql":
        return part(text, length_of(text, dialect) - number(length - 1), length)
    return func.right(text, number(length), type_=Text)


def length_of(text: Expression, dialect: str) -> Expression:
    """Characters in a text; MySQL's length() counts bytes."""
    return (func.char_length if dialect == "mysql" else func.length)(text, type_=Integer)


def measured(text: Expression, dialect: str) -> Expression:
    """The length that a share is of: characters without the blanks at both ends."""
    # MySQL's trim() takes no characters; DuckDB's takes other blanks off too where it is told none.
    blanks = [] if dialect == "mysql" else [constant(words.BLANK)]
    trimmed = length_of(func.trim(text, *blanks, type_=Text), dialect)
    if dialect != "postgresql":
        return trimmed
    # Its trim() costs more than all the rest of a mask, and most texts have no blank at all.
    return case((position(text, words.BLANK, dialect) == number(0), length_of(text, dialect)), else_=trimmed)


def position(text: Expression, word: str, dialect: str) -> Expression:
    """Where a word begins, the first character being 1; 0 where it is not."""
    return (func.strpos if dialect == "postgresql" else func.instr)(text, constant(word), type_=Integer)


def rewritten(text: Expression, rewrites: Iterable[tuple[str, str]]) -> Expression:
    """Words replaced by others, one after the other."""
    for word, instead in rewrites:
        text = func.replace(text, constant(word), constant(instead), type_=Text)
    return text


def least(dialect: str, *values: Expression) -> Expression:
    """The least of some numbers."""
    return (func.min if dialect == "sqlite" else func.least)(*values, type_=Integer)
