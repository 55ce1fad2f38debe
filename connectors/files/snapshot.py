"""A snapshot: a DuckDB file with one table ``d``, its columns ``c0``, ``c1`` … in the catalog's order, rows in order of the stable key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import orjson

from connectors.files.findings import MOST_FINDINGS
from connectors.files.options import ColumnSpec
from connectors.files.read_parquet import closed_duckdb
from connectors.selection import Kind

BATCH = 10_000
_TYPES: dict[Kind, Any] = {
    Kind.STRING: "VARCHAR",
    Kind.INTEGER: "BIGINT",
    Kind.BIGINT: "BIGINT",
    Kind.FLOAT: "DOUBLE",
    # The exact text and a key that orders as the number does: no fixed scale loses a digit.
    Kind.DECIMAL: {"t": "VARCHAR", "k": "VARCHAR"},
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.DATETIME: "TIMESTAMP",
}


class Writer:
    """Gathers rows in a table on disk, within 256 MB of memory, and writes the snapshot from it. A context manager."""

    def __init__(self, target: Path, columns: Sequence[ColumnSpec]) -> None:
        self._target, self._columns = target, columns
        self._names = [f"c{place}" for place in range(len(columns))]
        self._db = closed_duckdb(str(target.parent), memory_limit="256MB", temp_directory=str(target.parent / "spill"))
        types = {name: _TYPES[column.kind] for name, column in zip(self._names, columns, strict=True)}
        shape = orjson.dumps([{"l": "BIGINT", **types}]).decode()
        fields = ", ".join(f"r.{name}" for name in ("l", *self._names))
        self._insert = f"INSERT INTO gathered.g SELECT {fields} FROM (SELECT unnest(from_json($1, '{shape}')) AS r)"  # noqa: S608 - names c0, c1 … alone
        definition = ", ".join(f"{name} {_sql_type(column.kind)}" for name, column in zip(self._names, columns, strict=True))
        self._db.execute(f"ATTACH '{_quoted(target.with_suffix('.gathered'))}' AS gathered")
        self._db.execute(f"CREATE TABLE gathered.g (l BIGINT, {definition})")

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """Adds rows by the snapshot's column names, ``l`` being the line."""
        if rows:
            self._db.execute(self._insert, [orjson.dumps(rows).decode()])

    def duplicates(self) -> Iterator[tuple[str, int]]:
        """(column, line) of rows whose unique value stands in an earlier row as well."""
        for name, column in zip(self._names, self._columns, strict=True):
            if column.unique:
                twice = f"SELECT {name} AS v, min(l) AS f FROM gathered.g WHERE {name} IS NOT NULL GROUP BY {name} HAVING count(*) > 1"  # noqa: S608
                query = f"SELECT l FROM gathered.g JOIN ({twice}) ON {name} = v WHERE l > f ORDER BY l LIMIT {MOST_FINDINGS}"  # noqa: S608
                for (line,) in self._db.execute(query).fetchall():
                    yield column.name, line

    def finish(self) -> None:
        """Writes the snapshot, ordered and indexed, and puts it safely onto the disk."""
        order = next((name for name, column in zip(self._names, self._columns, strict=True) if column.unique), "l")
        self._db.execute(f"ATTACH '{_quoted(self._target)}' AS made")
        self._db.execute(f"CREATE TABLE made.d AS SELECT {', '.join(self._names)} FROM gathered.g ORDER BY {order}, l")  # noqa: S608
        for name, column in zip(self._names, self._columns, strict=True):
            if column.key or column.unique:
                self._db.execute(f"CREATE INDEX i{name} ON made.d ({name})")
        self._db.execute("CHECKPOINT made")
        self._db.execute("DETACH made")
        with self._target.open("rb") as file:
            os.fsync(file.fileno())

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._db.close()


def _sql_type(kind: Kind) -> str:
    return "STRUCT(t VARCHAR, k VARCHAR)" if kind is Kind.DECIMAL else str(_TYPES[kind])


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def attach(connection: duckdb.DuckDBPyConnection, path: Path, alias: str) -> None:
    """Makes a snapshot readable as ``alias.d``; ``alias`` is the hub's own plain name."""
    connection.execute(f"ATTACH '{_quoted(path)}' AS {alias} (READ_ONLY)")
