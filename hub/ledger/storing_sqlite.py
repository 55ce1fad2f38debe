"""How a batch reaches SQLite: as one row of a view of the connection's own, of which a trigger makes the rows of all tables.

Python's driver lets go of the interpreter's lock at each row that a statement writes and at each statement's end. Beside a thread that computes, getting
it back takes up to 5 ms (``sys.getswitchinterval``): a commit of twenty entries in a statement for each row took 200 ms, in one statement 6.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Table

from hub.ledger import tables
from hub.ledger.batches import Batch, Row
from hub.store.plain import driver, told

_READY = "ledger batches at once"
"""Kept with the driver's connection while it is pooled."""
_HASH = tables.HASH.length or 0
_HEAD = ("log", "head_size", "head_batches", "head_leaf", "head_key")
_SET = ("size", "batches", "leaf")
_COLUMNS = (*_HEAD, *(f"batch_{column.name}" for column in tables.batch.c), *_SET, "entries", "leaves", "canonical", "accesses")
_TOLD = tuple(column.name for column in tables.entry.c)[2:-2]
"""Of an entry's row, what is neither its place nor bytes."""


def _values(row: str, places: int) -> str:
    return ", ".join(f"json_extract({row}.value, '$[{place}]')" for place in range(places))


def _into(table: Table) -> str:
    """Columns by name: another process may have added some, or made them in another order."""
    names = ", ".join(f'"{column.name}"' for column in table.c)
    return f"INSERT INTO {table.name} ({names})"


_VIEW = f"CREATE TEMP VIEW IF NOT EXISTS ledger_commit AS SELECT {', '.join(f'NULL AS {name}' for name in _COLUMNS)}"
_TRIGGER = f"""CREATE TEMP TRIGGER IF NOT EXISTS ledger_commit_rows INSTEAD OF INSERT ON ledger_commit BEGIN
    UPDATE ledger_head SET {", ".join(f"{name} = NEW.{name}" for name in _SET)}
        WHERE log = NEW.log AND size = NEW.head_size AND batches = NEW.head_batches AND leaf = NEW.head_leaf AND coalesce(key, '') = NEW.head_key;
    SELECT RAISE(ABORT, 'the log ends elsewhere') WHERE changes() = 0;
    {_into(tables.batch)} VALUES ({", ".join(f"NEW.batch_{column.name}" for column in tables.batch.c)});
    {_into(tables.entry)} SELECT NEW.batch_first + e.key, NEW.batch_id, {_values("e", len(_TOLD))}, substr(NEW.leaves, 1 + {_HASH} * e.key, {_HASH}),
        substr(NEW.canonical, json_extract(e.value, '$[{len(_TOLD)}]'), json_extract(e.value, '$[{len(_TOLD) + 1}]')) FROM json_each(NEW.entries) AS e;
    {_into(tables.access)} SELECT {_values("a", len(tables.access.c))} FROM json_each(NEW.accesses) AS a;
END"""  # noqa: S608 - names of the hub's own tables
_INSERT = f"INSERT INTO ledger_commit VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - the same


def prepare(connection: Connection) -> None:
    """Makes the view and its trigger, which end with the connection. Outside of a transaction, whose end might take them back."""
    if _READY not in connection.info:
        made = driver(connection)
        made.execute(_VIEW)
        made.execute(_TRIGGER)
        connection.info[_READY] = True


def is_ready(connection: Connection) -> bool:
    """Whether :func:`prepare` was called for it."""
    return _READY in connection.info


def store_at_once(driving: Any, rows: Batch, head: Row) -> bool:
    """Writes a batch if the head (log, size, batches, leaf, key) is this one; whether it was. Outside of a transaction the statement is one.

    Raises:
        SQLAlchemyError: the database refused, and nothing was written.
    """
    given = (*head, *rows.batch, *rows.head, *_entries(rows.entries), orjson.dumps(rows.accesses).decode())
    with told(_INSERT):
        try:
            driving.execute(_INSERT, given)
        except sqlite3.IntegrityError as fault:
            if fault.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_TRIGGER:
                raise
            return False
    return True


def _entries(rows: Sequence[Row]) -> tuple[str, bytes, bytes]:
    """What is told of entries, their leaves and their canonical bytes, each one behind the other."""
    told: list[tuple[object, ...]] = []
    texts: list[bytes] = []
    start = 1
    for row in rows:
        text: Any = row[-1]
        told.append((*row[2:-2], start, len(text)))
        texts.append(text)
        start += len(text)
    leaves: Any = [row[-2] for row in rows]
    return orjson.dumps(told).decode(), b"".join(leaves), b"".join(texts)
