"""Floats of single precision: what such a number is called, in as few digits as tell it apart, is the value that is shown and compared."""

from __future__ import annotations

import struct

from sqlalchemy import FromClause, case, cast, false, func, literal_column, select
from sqlalchemy.sql.selectable import Alias
from sqlalchemy.types import REAL, Double, Text

from connectors.sql.dialect import Expression

_FLOAT = struct.Struct("!f")
_FEWEST, _MOST = 6, 9
"""Digits: six are always kept, nine always tell two numbers apart (IEEE 754)."""
BEYOND = 1e-7
"""Of the way from a number to its text, so much further: what is in the middle is then another number's."""
_NORMAL = 2.0**-126
_BOUNDS: tuple[Expression, Expression] = literal_column("7.1e-46"), literal_column("3.4028235e38")
"""What PostgreSQL casts to ``real`` without an error."""
_LITTLE: Expression = literal_column("1e-12", Double)
"""Of a number, less than lies between any two of single precision."""
_REAL: Expression = literal_column("'real'::regtype")


def shortest(number: float) -> float:
    """The number whose text is the shortest of those that single precision holds as this one: 0.1 for 0.10000000149011612."""
    for digits in range(_FEWEST if abs(number) >= _NORMAL else 1, _MOST):
        # Above a power of two there is twice as much room as below: the next number up may be the same where the nearest is not.
        for near in (number, number * (1 + 10 ** (1 - digits) / 2)):
            short = float(f"{near:.{digits}g}")
            if _same(short, number):
                return short
    return float(f"{number:.{_MOST}g}")


def _same(short: float, number: float) -> bool:
    try:
        # Not what lies in the middle of two numbers: PostgreSQL takes it for neither.
        return _FLOAT.pack(short + (short - number) * BEYOND) == _FLOAT.pack(number)
    except OverflowError:
        return False


def from_bytes(data: bytes) -> float:
    """From PostgreSQL's binary form of a ``real``."""
    return shortest(_FLOAT.unpack(data)[0])


def to_bytes(number: float) -> bytes:
    """Into that form."""
    return _FLOAT.pack(number)


def doubled(column: Expression) -> Expression:
    """In PostgreSQL the number that is shown, in double precision."""
    return case((func.pg_typeof(column) == _REAL, cast(cast(column, Text), Double)), else_=cast(column, Double))


def held(column: Expression, value: Expression) -> Expression:
    """In PostgreSQL the value to compare the bare column with, so that an index serves: where the column is of single precision, the number that shows
    this value. The order of both is the same. Its type is asked of no row, once for a statement."""
    table: FromClause = column.table
    typed = (table.element if isinstance(table, Alias) else table).alias("typed")
    single = func.pg_typeof(select(typed.c[str(column.key)]).where(false()).scalar_subquery()) == _REAL
    narrow = cast(value, REAL)
    number, shown = cast(narrow, Double), cast(cast(narrow, Text), Double)
    # A value that no number shows lies beside the nearest one, on the side on which it is of what that one shows.
    beside = number + func.abs(number) * _LITTLE * func.sign(value - shown)
    return case((func.abs(value).between(*_BOUNDS), case((single, beside), else_=value)), else_=value)
