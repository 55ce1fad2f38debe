"""How a batch reaches the database: few statements, their texts made once, so that what a commit costs beside its fsync stays small."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table

from hub.ledger import tables
from hub.ledger.batches import Batch, Row
from hub.ledger.errors import LedgerCorrupt
from hub.ledger.storing_sqlite import is_ready, store_at_once
from hub.store.plain import driver

_HEAD = "SELECT log, size, batches, leaf, key FROM ledger_head"
_ARRAYS = {"BIGINT": "bigint[]", "SMALLINT": "smallint[]", "TEXT": "text[]", "BLOB": "bytea[]"}


class HeadRow(NamedTuple):
    """The head as it is stored."""

    log: str
    size: int
    batches: int
    leaf: bytes
    key: str | None


def read_head(connection: Connection) -> HeadRow | None:
    """The head's row or ``None``, locked until the transaction ends; SQLite's transaction holds the lock already."""
    if connection.dialect.name == "sqlite":
        row = driver(connection).execute(_HEAD).fetchone()
        return None if row is None else HeadRow(*row)
    row = connection.exec_driver_sql(f"{_HEAD} FOR UPDATE").one_or_none()
    return None if row is None else HeadRow(*row)


def store(connection: Connection, rows: Batch, head: Row) -> None:
    """Writes a batch behind the head, which is locked: as one statement; on SQLite's connections that are not prepared for it as one for each row."""
    if connection.dialect.name == "postgresql":
        columns = [list(column) for table in (rows.entries, rows.accesses) if table for column in zip(*table, strict=True)]
        connection.exec_driver_sql(_at_once(bool(rows.accesses)), (*rows.batch, *columns, *rows.head))
        return
    sqlite = driver(connection)
    if is_ready(connection):
        if not store_at_once(sqlite, rows, head):
            raise LedgerCorrupt("the log's end moved while it was locked")
        return
    sqlite.execute(_each(tables.batch), rows.batch)
    sqlite.executemany(_each(tables.entry), rows.entries)
    sqlite.executemany(_each(tables.access), rows.accesses)
    sqlite.execute("UPDATE ledger_head SET size = ?, batches = ?, leaf = ?", rows.head)


def store_behind(driving: Any, rows: Batch, head: Row) -> bool:
    """Writes a batch in a transaction of one statement, if the head (log, size, batches, leaf, key) is this one; whether it was."""
    if isinstance(driving, sqlite3.Connection):
        return store_at_once(driving, rows, head)
    columns = [list(column) for table in (rows.entries, rows.accesses) if table for column in zip(*table, strict=True)]
    row = driving.execute(_at_once(bool(rows.accesses), compared=True), (*rows.head, *head, *rows.batch, *columns)).fetchone()
    return bool(row[0])


def insert_all(connection: Connection, table: Table, rows: Sequence[Row], *, anew: bool = True) -> None:
    """Inserts rows; those whose key is there already are passed over where not all need be ``anew``."""
    behind = "" if anew else " ON CONFLICT DO NOTHING"
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_unnested(table) + behind, tuple(list(column) for column in zip(*rows, strict=True)))
        return
    for start in range(0, len(rows), _PART):
        part = rows[start : start + _PART]
        connection.exec_driver_sql(_many(table, len(part)) + behind, tuple(chain.from_iterable(part)))


_PART = 1024
"""Rows of one statement: SQLite takes 32,766 parameters (sqlite.org/limits.html)."""


@lru_cache(maxsize=1024)
def _many(table: Table, rows: int) -> str:
    """An insertion of so many rows."""
    places = f"({', '.join('?' * len(table.c))})"
    return f"INSERT INTO {table.name} ({_columns(table)}) VALUES {', '.join([places] * rows)}"  # noqa: S608 - names of the hub's own tables


@lru_cache(maxsize=16)
def _each(table: Table) -> str:
    """An insertion of one row into SQLite."""
    return f"INSERT INTO {table.name} ({_columns(table)}) VALUES ({', '.join('?' * len(table.c))})"  # noqa: S608 - the same


_SET = "UPDATE ledger_head SET size = %s, batches = %s, leaf = %s"


@lru_cache(maxsize=4)
def _at_once(accesses: bool, *, compared: bool = False) -> str:
    """All rows of a batch in one statement, each table's columns as arrays: its text is always the same, and prepared once.

    ``compared``: nothing is written unless the head is as given.
    """
    source = "SELECT {} FROM h" if compared else "SELECT {}"
    values = source.format(", ".join(["%s"] * len(tables.batch.c)))
    behind = ", h" if compared else ""
    parts = [f"b AS (INSERT INTO ledger_batch ({_columns(tables.batch)}) {values})", f"e AS ({_unnested(tables.entry)}{behind})"]
    if accesses:
        parts.append(f"a AS ({_unnested(tables.access)}{behind})")
    if not compared:
        return f"WITH {', '.join(parts)} {_SET}"
    head = f"h AS ({_SET} WHERE log = %s AND size = %s AND batches = %s AND leaf = %s AND coalesce(key, '') = %s RETURNING id)"
    return f"WITH {', '.join([head, *parts])} SELECT count(*) FROM h"  # noqa: S608 - names of the hub's own tables


@lru_cache(maxsize=16)
def _unnested(table: Table) -> str:
    """An insertion of rows that are given by columns."""
    arrays = ", ".join(f"%b::{_ARRAYS[_kind(column.type)]}" for column in table.c)
    return f"INSERT INTO {table.name} ({_columns(table)}) SELECT u.* FROM unnest({arrays}) AS u"  # noqa: S608 - the same


def _kind(type_: Any) -> str:
    made = str(type_.compile())
    return "BLOB" if made.startswith(("BLOB", "LargeBinary")) else made


def _columns(table: Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.c)
