"""Parquet by DuckDB, with every value in a form that needs no further package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb

from connectors.files.findings import Broken, Finding
from connectors.files.reading import Asked, Opened, header_of

TYPE = "parquet type"
"""The one name in what stands for a value of a type that no kind of the catalog holds."""
_ROWS = 5_000
_PLAIN = ("VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "DOUBLE")


def open_parquet(asked: Asked) -> Opened:
    """Reads the schema from the file's end: a file that is cut off has none."""
    connection = closed_duckdb(str(asked.path.parent))
    path = str(asked.path).replace("'", "''")
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()  # noqa: S608 - the hub's own path, quoted
        names = header_of([row[0] for row in described])
        outputs = ", ".join(_output(row[0], row[1]) for row in described)
        reading = connection.execute(f"SELECT {outputs} FROM read_parquet('{path}')")  # noqa: S608 - the same, and quoted names
    except duckdb.Error:
        connection.close()
        raise Broken(Finding("BROKEN")) from None
    return Opened(names, _rows(connection, reading), {})


def closed_duckdb(folder: str, **config: str | bool | int) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory that reaches no file outside of ``folder`` and loads nothing."""
    connection = duckdb.connect(":memory:", config={"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False, **config})
    connection.execute("SET allowed_directories = [{}]".format("'{}'".format(folder.replace("'", "''"))))
    connection.execute("SET enable_external_access = false")
    return connection


def _output(name: str, type_: str) -> str:
    quoted = '"{}"'.format(name.replace('"', '""'))
    if type_ in _PLAIN:
        return quoted
    if type_ == "FLOAT":
        # The shortest number that it holds, 0.1 and not 0.10000000149011612.
        return f"CAST(CAST({quoted} AS VARCHAR) AS DOUBLE)"
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"strftime(timezone('UTC', {quoted}), '%Y-%m-%dT%H:%M:%S.%f') || '+00:00'"
    if type_ == "DATE" or type_.startswith(("TIMESTAMP", "DECIMAL")):
        return f"CAST({quoted} AS VARCHAR)"
    # A type that no kind of the catalog holds: only whether it is null is passed on, and what it is.
    told = type_.partition("(")[0].replace("'", "''")
    return f"CASE WHEN {quoted} IS NOT NULL THEN {{'{TYPE}': '{told}'}} END"


def _rows(connection: duckdb.DuckDBPyConnection, reading: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, Sequence[Any]]]:
    line = 0
    try:
        while rows := reading.fetchmany(_ROWS):
            for row in rows:
                line += 1
                yield line, row
    except duckdb.Error:
        raise Broken(Finding("BROKEN", line + 1)) from None
    finally:
        connection.close()
