"""Work that is given up stops in the database: cut at the source's timeout, or with its caller; and no session can write."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiosqlite
import asyncpg
import pytest
from asyncmy import errors as asyncmy_errors

from connectors.errors import SourceTimeout
from connectors.selection import Binding, Column, Kind, Selection
from connectors.spi import SourceConfig
from connectors.sql import SqlConnector
from connectors.sql.source import SqlSource
from tests.connectors.stands.mariadb import execute
from tests.servers.mariadb import Mariadb
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.anyio

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000000) SELECT max(i) AS record_no FROM n"


@dataclass(frozen=True)
class Station:
    """A database with a view ``nap`` of half a minute's work and a table ``calm``, and how many statements of the hub run in it now."""

    url: str
    schema: str
    running: Callable[[], Awaitable[int]]
    refusal: type[Exception]
    number: object
    """What the server says to a write: its error's number or state."""

    def source(self, timeout_ms: int) -> SqlSource:
        return SqlConnector().open(SourceConfig("city.register", "sql", self.url, pool=1, timeout_ms=timeout_ms))

    def reading(self, name: str) -> Selection:
        return Selection(Binding(f"{self.schema}{name}"), (Column("record_no", Kind.BIGINT),))


@asynccontextmanager
async def _sqlite(request: pytest.FixtureRequest) -> AsyncIterator[Station]:
    path: Path = request.getfixturevalue("tmp_path") / "nap.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(f"CREATE TABLE calm (record_no INTEGER); INSERT INTO calm VALUES (1); CREATE VIEW nap AS {ENDLESS};")
    patch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    busy: list[str] = []
    execute_all = aiosqlite.Connection.execute_fetchall

    async def counted(self: aiosqlite.Connection, sql: str, parameters: Any = None) -> Any:
        busy.append(sql)
        try:
            return await execute_all(self, sql, parameters)
        finally:
            # The library answers from the statement's own thread: when it does, the thread is free.
            busy.remove(sql)

    patch.setattr(aiosqlite.Connection, "execute_fetchall", counted)

    async def running() -> int:
        return len(busy)

    yield Station(f"sqlite:///{path}", "", running, sqlite3.OperationalError, sqlite3.SQLITE_READONLY)


@asynccontextmanager
async def _postgres(request: pytest.FixtureRequest) -> AsyncIterator[Station]:
    server: Postgres = request.getfixturevalue("postgres")
    schema = f"s{uuid4().hex}"
    connection: Any = await asyncpg.connect(server.url().replace("+asyncpg", ""))
    await connection.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.calm AS SELECT 1 AS record_no")
    await connection.execute(f"CREATE VIEW {schema}.nap AS SELECT count(*) AS record_no FROM pg_sleep(30)")

    async def running() -> int:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'huitong' AND state = 'active' AND query LIKE $1"
        return int(await connection.fetchval(asked, f"%{schema}%"))

    try:
        yield Station(server.url(), f"{schema}.", running, asyncpg.ReadOnlySQLTransactionError, "25006")
    finally:
        await connection.close()


@asynccontextmanager
async def _mariadb(request: pytest.FixtureRequest) -> AsyncIterator[Station]:
    server: Mariadb = request.getfixturevalue("mariadb")
    database = f"s{uuid4().hex}"
    tables = f"CREATE TABLE {database}.calm AS SELECT 1 AS record_no", f"CREATE VIEW {database}.nap AS SELECT sleep(30) AS record_no"
    await execute(server, f"CREATE DATABASE {database}", *tables)

    async def running() -> int:
        asked = f"SELECT count(*) FROM information_schema.processlist WHERE db = '{database}' AND info IS NOT NULL"
        return int((await execute(server, asked))[0][0])

    yield Station(server.url(database), "", running, asyncmy_errors.OperationalError, 1792)


_STATIONS = {"sqlite": _sqlite, "postgresql": _postgres, "mariadb": _mariadb}


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.fast if name == "sqlite" else pytest.mark.slow) for name in _STATIONS])
async def station(request: pytest.FixtureRequest) -> AsyncIterator[Station]:
    async with _STATIONS[request.param](request) as opened:
        yield opened


async def until(station: Station, count: int) -> None:
    """Waits until the database runs so many of the hub's statements; 10 seconds at least."""
    for _ in range(500):
        if await station.running() == count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"it never ran {count} statements")


async def test_half_a_minute_s_work_is_cut_at_half_a_second(station: Station) -> None:
    source = station.source(500)
    try:
        with pytest.raises(SourceTimeout, match="stopped"):
            await source.fetch(station.reading("nap"), {})
        await until(station, 0)
        assert await source.fetch(station.reading("calm"), {}) == [(1,)]
    finally:
        await source.close()


async def test_a_caller_who_leaves_takes_the_statement_along(station: Station) -> None:
    source = station.source(20_000)
    try:
        call = asyncio.ensure_future(source.fetch(station.reading("nap"), {}))
        await until(station, 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await until(station, 0)
        assert await source.fetch(station.reading("calm"), {}) == [(1,)]
    finally:
        await source.close()


async def test_a_session_can_only_read(station: Station) -> None:
    source = station.source(5000)
    table = f"{station.schema}calm"
    try:
        async with source._pool.connection() as connection:
            for write in (f"INSERT INTO {table} VALUES (2)", f"DELETE FROM {table}", f"DROP TABLE {table}", f"CREATE TABLE {table}2 (a integer)"):
                with pytest.raises(station.refusal) as caught:
                    await connection.fetch(write, [])
                assert station.number in (getattr(caught.value, "sqlstate", None), getattr(caught.value, "sqlite_errorcode", None), caught.value.args[0])
        assert await source.fetch(station.reading("calm"), {}) == [(1,)]
    finally:
        await source.close()


@pytest.mark.slow
async def test_mariadb_ends_a_statement_whose_hub_is_gone(mariadb: Mariadb) -> None:
    """The server's own limit, without a hub that watches."""
    source = SqlConnector().open(SourceConfig("city.register", "sql", mariadb.url("mysql"), timeout_ms=500))
    try:
        async with source._pool.connection() as connection:
            with pytest.raises(asyncmy_errors.OperationalError) as caught:
                await connection.fetch("SELECT sleep(30)", [])
        assert caught.value.args[0] == 1969
        assert isinstance(source._driver.fault(caught.value, "nap"), SourceTimeout)
    finally:
        await source.close()


@pytest.mark.slow
async def test_several_statements_are_none(mariadb: Mariadb) -> None:
    source = SqlConnector().open(SourceConfig("city.register", "sql", mariadb.url("mysql")))
    try:
        async with source._pool.connection() as connection:
            with pytest.raises(asyncmy_errors.ProgrammingError, match="1064"):
                await connection.fetch("SELECT 1; SELECT 2", [])
    finally:
        await source.close()
