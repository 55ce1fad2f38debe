"""The people that every connector serves in the conformance tests, with all that is awkward about real ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg

from connectors.selection import Column, Kind, Row, Value

KINDS = {
    "record_no": Kind.BIGINT,
    "id_number": Kind.STRING,
    "name": Kind.STRING,
    "district": Kind.STRING,
    "age": Kind.INTEGER,
    "points": Kind.BIGINT,
    "height": Kind.FLOAT,
    "amount": Kind.DECIMAL,
    "active": Kind.BOOLEAN,
    "born": Kind.DATE,
    "seen": Kind.DATETIME,
}
NAMES = tuple(KINDS)

PEOPLE: tuple[Row, ...] = (
    (1, "52010219900517123X", "王小明", "520102", 34, 2**53 + 1, 1.75, "500000.00", True, "1990-05-17", "2026-11-22T08:00:00+00:00"),
    (2, "520102850101123", "欧阳修", "520102", None, -(2**63), 0.1, "0.10", False, "1985-01-01", "2026-11-22T08:00:00.123456+00:00"),
    (3, "110101199901011234", "古丽米热·阿不都", "520103", 34, 2**63 - 1, -3.5, None, None, None, None),
    (4, None, "𠮷田一郎", "520103", 7, None, None, "-12.34", True, "2018-02-28", "0002-01-01T00:00:00+00:00"),
    (5, "110101200001011235", None, None, 0, 0, 0.0, "12345678901.23", False, "2000-12-31", "2026-11-22T07:59:59.999999+00:00"),
    (6, "110101200001011236", "", "520102", 34, 6, 1e300, "1.00", None, "9998-12-31", "9998-12-31T23:59:59+00:00"),
    (7, "110101200001011237", "a_b%c\\d'e\"f", "Zz", 7, 7, 2.5, "2.50", True, "1990-05-18", "2026-11-22T08:00:00+00:00"),
    (8, "110101200001011238", "A_b", "zz", -1, 8, 2.5, "2.50", True, "1990-05-18", "2026-01-01T00:00:00+00:00"),
    (9, "110101200001011239", "￥全角", "éé", 7, 9, 2.5, "2.50", False, "1990-05-18", "2026-01-01T00:00:00+00:00"),
)

_SQLITE = """CREATE TABLE person (record_no INTEGER PRIMARY KEY, id_number CHAR(18), name TEXT COLLATE NOCASE, district VARCHAR, age INTEGER, points BIGINT,
    height FLOAT, amount TEXT, active BOOLEAN, born DATE, seen DATETIME)"""
_POSTGRES = """CREATE TABLE person (record_no bigint PRIMARY KEY, id_number char(18), name text, district varchar(20), age integer, points bigint,
    height double precision, amount numeric(14, 2), active boolean, born date, seen timestamptz)"""


def columns(*names: str) -> tuple[Column, ...]:
    """Unmasked columns of the table."""
    return tuple(Column(name, KINDS[name]) for name in names)


def picked(row: Row, *names: str) -> Row:
    """A row's values of these columns."""
    return tuple(row[NAMES.index(name)] for name in names)


def write_sqlite(path: Path, rows: Sequence[Row] = PEOPLE) -> None:
    """The table as a file, with an index on the identifier."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(_SQLITE)
        connection.execute("CREATE INDEX person_id_number ON person (id_number)")
        connection.executemany(f"INSERT INTO person VALUES ({', '.join('?' * len(NAMES))})", rows)


async def write_postgres(url: str, schema: str, rows: Sequence[Row] = PEOPLE) -> None:
    """The table in a schema of its own."""
    connection: Any = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(f"CREATE SCHEMA {schema}; SET search_path = {schema}; {_POSTGRES}; CREATE INDEX ON person (id_number)")
        await connection.copy_records_to_table("person", schema_name=schema, records=[postgres_row(row) for row in rows])
    finally:
        await connection.close()


def postgres_row(row: Row) -> list[object]:
    """A row as asyncpg takes it."""
    return [_native(value, KINDS[name]) for name, value in zip(NAMES, row, strict=True)]


def _native(value: Value, kind: Kind) -> object:
    match kind, value:
        case Kind.DATE, str(text):
            return date.fromisoformat(text)
        case Kind.DATETIME, str(text):
            return datetime.fromisoformat(text)
        case Kind.DECIMAL, str(text):
            return Decimal(text)
    return value


def as_json(row: Row) -> Mapping[str, Value]:
    """A row as a REST service sends it."""
    return dict(zip(NAMES, row, strict=True))
