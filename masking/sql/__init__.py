"""The masking rules as SQL expressions, so that a raw value does not leave its database."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Float, Integer, String, Text, case, cast, collate, func, literal

from masking.rules import Mask
from masking.sql import dates, meanings, numbers, positions
from masking.sql.basics import Expression, nothing, number

SQL_ALGORITHMS: frozenset[str] = frozenset(
    {
        "KEEP_FIRST_N_LAST_M",
        "KEEP_FROM_X_TO_Y",
        "MASK_FIRST_N_LAST_M",
        "MASK_FROM_X_TO_Y",
        "MASK_BEFORE_SPECIAL_CHARS",
        "MASK_AFTER_SPECIAL_CHARS",
        "NAME",
        "PHONE",
        "ADDRESS_TO_DISTRICT",
        "EMAIL",
        "DATE_TO_YEAR",
        "DATE_TO_BAND",
        "NUMBER_TO_INTERVAL",
        "NUMBER_ROUND",
        "CONSTANT",
        "NULL",
    }
)
"""Algorithms that :func:`masked` can write, for every dialect: all but pseudonyms, whose key is not the database's to know."""
_BINARY: Mapping[str, str] = {"mysql": "utf8mb4_bin", "postgresql": "C"}
"""The collation of code points, in dialects whose columns have others."""


def masked(mask: Mask, column: Expression, dialect_name: str) -> Expression:
    """The masked column, equal to :func:`masking.reference.apply` for every stored value: of type text; of the column's type by rules for numbers.

    Rules for texts and dates need a column of type text (cast a date to its ISO text first), those for numbers an integer, a float, or a decimal's
    exact text. From any other type, and for an unknown rule, the value is withheld (NULL).
    """
    match mask.algorithm, mask.parameters:
        case "CONSTANT", (replacement,):
            return case((column.is_not(None), cast(literal(str(replacement), Text), Text)), else_=nothing())
        case ("NUMBER_TO_INTERVAL" | "NUMBER_ROUND") as rule, (int(step),) if step > 0:
            return _number(numbers.placing(rule, step), column, dialect_name)
    write = _writer(mask)
    if write is None or not isinstance(column.type, String):
        return nothing()
    text = _binary(column, dialect_name)
    return _without_nul(text, write(text, dialect_name), dialect_name)


def _number(place: numbers.Place, column: Expression, dialect: str) -> Expression:
    if isinstance(column.type, Integer):
        return numbers.integer(column, place, dialect)
    if isinstance(column.type, Float):
        return numbers.floating(column, place, dialect)
    if isinstance(column.type, String):
        text = _binary(column, dialect)
        return _without_nul(text, numbers.decimal(text, place, dialect), dialect)
    return nothing()


def _binary(column: Expression, dialect: str) -> Expression:
    # Else the column's own collation would decide what a word is, or, where it is nondeterministic, PostgreSQL refuse to look for one.
    binary = _BINARY.get(dialect)
    return collate(column, binary) if binary else column


def _without_nul(column: Expression, expression: Expression, dialect: str) -> Expression:
    """A text with a NUL is withheld: length() and substr() of SQLite stop at it, instr() does not. PostgreSQL has none."""
    if dialect == "postgresql":
        return expression
    nul = func.chr(number(0), type_=Text) if dialect == "duckdb" else func.char(number(0), type_=Text)
    return case((func.instr(column, nul, type_=Integer) > number(0), nothing()), else_=expression)


def _writer(mask: Mask) -> Callable[[Expression, str], Expression] | None:
    share = mask.share
    match mask.algorithm, mask.parameters:
        case "NAME", ():
            return lambda text, dialect: meanings.name(text, dialect, share)
        case "EMAIL", ():
            return lambda text, dialect: meanings.email(text, dialect, share)
        case "ADDRESS_TO_DISTRICT", ():
            return lambda text, dialect: meanings.address(text, dialect, share)
        case "DATE_TO_YEAR", ():
            return lambda text, dialect: dates.band(text, dialect, 1)
        case "DATE_TO_BAND", (int(years),) if years > 0:
            return lambda text, dialect: dates.band(text, dialect, years)
    return positions.writer(mask)
