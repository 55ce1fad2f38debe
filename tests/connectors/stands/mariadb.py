"""A MariaDB server, with its defaults: text that is compared without case and padded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncmy
import pytest

from connectors.registry import open_source
from connectors.selection import Binding, Kind, Row, Value
from connectors.spi import SourceConfig
from tests.connectors.people import KINDS, NAMES
from tests.connectors.stands.stand import People, Stand
from tests.servers.mariadb import Mariadb

_asyncmy: Any = asyncmy

_PERSON = """CREATE TABLE person (record_no bigint PRIMARY KEY, id_number char(18), name text, district varchar(20), age int, points bigint,
    height double, amount decimal(14, 2), active boolean, born date, seen datetime(6), KEY (id_number)) CHARACTER SET utf8mb4"""
_INSERT = f"INSERT INTO person VALUES ({', '.join(['%s'] * len(NAMES))})"


async def connected(server: Mariadb, database: str | None = None) -> Any:
    """A session of the server's own user, in UTC."""
    return await _asyncmy.connect(
        host=server.host, port=server.port, user=server.user, database=database, autocommit=True, charset="utf8mb4", init_command="SET time_zone = '+00:00'"
    )


async def execute(server: Mariadb, *statements: str, database: str | None = None) -> Sequence[Sequence[Any]]:
    """Runs statements; the rows of the last."""
    connection = await connected(server, database)
    try:
        async with connection.cursor() as cursor:
            for statement in statements:
                await cursor.execute(statement)
            rows: Sequence[Sequence[Any]] = await cursor.fetchall() if statements else []
            return rows
    finally:
        await connection.ensure_closed()


async def write_people(connection: Any, rows: Sequence[Row]) -> None:
    """The people's table in the session's database."""
    async with connection.cursor() as cursor:
        await cursor.execute(_PERSON)
        for row in rows:
            await cursor.execute(_INSERT, mariadb_row(row))


def mariadb_row(row: Row) -> list[Value]:
    """A row as MariaDB takes it."""
    return [_native(value, KINDS[name]) for name, value in zip(NAMES, row, strict=True)]


def _native(value: Value, kind: Kind) -> Value:
    if kind is Kind.DATETIME and isinstance(value, str):
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    return value


@asynccontextmanager
async def _open(request: pytest.FixtureRequest, _directory: Path, rows: Sequence[Row]) -> AsyncIterator[People]:
    server: Mariadb = request.getfixturevalue("mariadb")
    database = f"s{uuid4().hex}"
    await execute(server, f"CREATE DATABASE {database}")
    writer = await connected(server, database)
    await write_people(writer, rows)
    async with writer.cursor() as cursor:
        await cursor.execute("CREATE VIEW nobody AS SELECT * FROM person WHERE false")
        await cursor.execute("CREATE VIEW slow AS SELECT person.* FROM person, (SELECT sleep(30) AS slept) nap WHERE slept IS NOT NULL")

    async def insert(row: Row) -> None:
        async with writer.cursor() as cursor:
            await cursor.execute(_INSERT, mariadb_row(row))

    config = SourceConfig("city.register", "sql", server.url(database))
    source = open_source(config)
    places = [Binding(name) for name in ("person", "nobody", "person_missing", "slow")]
    try:
        yield People("mariadb", config, source, *places, insert)
    finally:
        await source.close()
        await writer.ensure_closed()


STAND = Stand("mariadb", _open, place=20)
