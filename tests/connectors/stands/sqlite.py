"""A SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from connectors.registry import open_source
from connectors.selection import Binding, Row
from connectors.spi import SourceConfig
from tests.connectors.people import NAMES, write_sqlite
from tests.connectors.stands.stand import People, Stand

_SLOW = """CREATE VIEW slow AS SELECT person.* FROM person WHERE
    (WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 3000000000) SELECT max(n) FROM numbers) > 0"""


@asynccontextmanager
async def _open(_request: pytest.FixtureRequest, directory: Path, rows: Sequence[Row]) -> AsyncIterator[People]:
    path = directory / "people.db"
    write_sqlite(path, rows)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE VIEW nobody AS SELECT * FROM person WHERE 1 = 0")
        connection.execute(_SLOW)

    async def insert(row: Row) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"INSERT INTO person VALUES ({', '.join('?' * len(NAMES))})", row)

    config = SourceConfig("city.register", "sql", f"sqlite:///{path}")
    source = open_source(config)
    try:
        yield People("sqlite", config, source, Binding("person"), Binding("nobody"), Binding("person_missing"), Binding("slow"), insert)
    finally:
        await source.close()


STAND = Stand("sqlite", _open, fast=True, place=30)
