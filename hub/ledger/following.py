"""What followers of the log read of it: entries as the driver has them, many in one step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

from sqlalchemy import Connection

from hub.pacing import Pace

NewEntry = tuple[int, bytes, bytes, str]
"""An entry as the publisher reads it: number, leaf, canonical bytes, moment."""
AT_ONCE = 256
"""Entries of one step. An entry has 1 MiB at most, a value of SQLite's 10^9 bytes (sqlite.org/limits.html)."""

_END = 2**62
_WHERE = "FROM ledger_entry WHERE seq >= {0} AND seq < {0} ORDER BY seq LIMIT {0}"
# SQLite's driver lets go of the interpreter's lock for each row that it fetches, and has to have it back from a busy event loop: 256 rows come as one.
# Lengths tell where entries end, whatever their bytes are; what is stored otherwise than as bytes is read row by row, as it is.
_COLUMNS = (
    "count(*), total(typeof(canonical) <> 'blob' OR typeof(leaf) <> 'blob'), group_concat(seq), group_concat(length(canonical)), "
    "CAST(group_concat(CAST(canonical AS TEXT), '') AS BLOB), group_concat(hex(leaf), ''), group_concat(at)"
)
_PACKED = f"SELECT {_COLUMNS} FROM (SELECT seq, leaf, canonical, at {_WHERE.format('?')}) AS few"  # noqa: S608 - no value in it


def new_entries(connection: Connection, first: int, most: int) -> list[NewEntry]:
    """The entries from a number on, in their order."""
    return [*_read(connection, first, _END, most)]


def entries_between(connection: Connection, first: int, end: int, most: int) -> Iterator[tuple[int, bytes]]:
    """Numbers and canonical bytes of entries from ``first`` on and before ``end``, in their order; read while they are taken, at the work's pace."""
    pace = Pace()
    for seq, _, canonical, _ in _read(connection, first, end, most):
        yield seq, canonical
        pace()


def _read(connection: Connection, first: int, end: int, most: int) -> Iterator[NewEntry]:
    # PostgreSQL ends a transaction that asks nothing for long: whoever takes entries slowly asks for the next ones before that.
    packed = connection.dialect.name == "sqlite"
    while most > 0 and first < end:
        wanted = min(most, AT_ONCE)
        found = _packed(connection, (first, end, wanted)) if packed else _rows(connection, (first, end, wanted), "%s")
        yield from found
        if len(found) < wanted:
            return
        first, most = found[-1][0] + 1, most - wanted


def _packed(connection: Connection, values: tuple[int, ...]) -> Sequence[NewEntry]:
    count, others, numbers, lengths, canonical, leaves, moments = _cursor(connection, _PACKED, values).fetchone()
    if not count:
        return ()
    leaf, at = bytes.fromhex(leaves), moments.split(",")
    if others or len(leaf) != 32 * count or len(at) != count:
        return _rows(connection, values, "?")
    ends = pairwise(accumulate(map(int, lengths.split(",")), initial=0))
    return [
        (int(number), leaf[32 * index : 32 * index + 32], canonical[start:stop], moment)
        for index, (number, (start, stop), moment) in enumerate(zip(numbers.split(","), ends, at, strict=True))
    ]


def _rows(connection: Connection, values: tuple[int, ...], place: str) -> Sequence[NewEntry]:
    """As the driver has them: of many, SQLAlchemy's own cost more than what is done with them."""
    asked = f"SELECT seq, leaf, canonical, at {_WHERE.format(place)}"
    rows: Sequence[NewEntry] = _cursor(connection, asked, values).fetchall()
    return rows


def _cursor(connection: Connection, asked: str, values: tuple[int, ...]) -> Any:
    return connection.exec_driver_sql(asked, values).cursor
