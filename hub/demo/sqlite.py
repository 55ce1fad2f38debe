"""A department's tables as one SQLite file, complete or not there at all."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import islice
from pathlib import Path

from sqlalchemy import Date, DateTime, Numeric, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from hub.demo.city import City
from hub.demo.progress import Progress
from hub.demo.tables import of_department

_BATCH = 5000
_ENCODED = (Date, DateTime, Numeric)
_DIALECT = sqlite.dialect()
_Row = Sequence[object]


def write_database(path: Path, department: str, city: City, progress: Progress) -> None:
    """Write the department's tables to ``path``, which is replaced only when all of it is on the disk.

    Dates and moments become ISO 8601 text, decimals their exact text, booleans 0 and 1.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            _fill(connection, department, city, progress)
        with draft.open("rb+") as written:
            os.fsync(written.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _fill(connection: sqlite3.Connection, department: str, city: City, progress: Progress) -> None:
    # The draft is thrown away on any fault, so nothing needs a journal before it is complete.
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN")
    for code, table in of_department(department):
        connection.execute(str(CreateTable(table).compile(dialect=_DIALECT)))
        _insert(connection, table, city[code], partial(progress, code))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(str(CreateIndex(index).compile(dialect=_DIALECT)))
    connection.execute("COMMIT")
    connection.execute("ANALYZE")


def _insert(connection: sqlite3.Connection, table: Table, rows: Sequence[_Row], report: Callable[[int, int], None]) -> None:
    statement = str(table.insert().compile(dialect=_DIALECT))
    encoded = _encoded(table, rows)
    done = 0
    while batch := list(islice(encoded, _BATCH)):
        connection.executemany(statement, batch)
        done += len(batch)
        report(done, len(rows))


def _encoded(table: Table, rows: Sequence[_Row]) -> Iterator[list[object]]:
    positions = [position for position, column in enumerate(table.columns) if isinstance(column.type, _ENCODED)]
    for row in rows:
        values = list(row)
        for position in positions:
            values[position] = _encode(values[position])
        yield values


def _encode(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
