"""The same catalog over MariaDB instead of SQLite gives the same answers, byte for byte, whatever MariaDB's own collations are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncmy
import pytest
from sqlalchemy import MetaData, String, Table
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.schema import CreateIndex, CreateTable

from hub.demo.catalog import manifests
from hub.demo.city import SEED, City, draw_city
from hub.demo.progress import silent
from hub.demo.tables import of_department
from tests.acceptance.test_postgres import (
    MOVED,
    hub_sources,
    test_cursors,
    test_lists,
    test_look_ups_and_verifications,
    test_other_callers,
)
from tests.acceptance.transport import published
from tests.hub.running import PERSONS, RunningHub, started, stop
from tests.servers.mariadb import Mariadb

__all__ = ["test_cursors", "test_lists", "test_look_ups_and_verifications", "test_other_callers"]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

_asyncmy: Any = asyncmy
_dialect: Any = MySQLDialect


@pytest.fixture(scope="module")
def other(mariadb: Mariadb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub whose departments' data lie in MariaDB: published through the API, with nothing else changed."""
    asyncio.run(load(mariadb))
    with started(tmp_path_factory.mktemp("mariadb") / "home") as running:
        texts = manifests(running.home, hub_sources(running), {department: mariadb.url(department) for department in MOVED})
        for department in ("city_data", "civil_affairs", "housing", "market_regulation", "natural_resources"):
            published(running, texts[department])
        assert running.canaries.phones
        # Nothing can be read from the files any more.
        for department in MOVED:
            (running.home / "demo" / f"{department}.db").unlink()
        yield running
        stop(running)


async def load(server: Mariadb) -> None:
    """The departments' tables in databases of their names."""
    city = draw_city(PERSONS, SEED, silent)
    connection = await _asyncmy.connect(host=server.host, port=server.port, user=server.user, autocommit=True, charset="utf8mb4")
    try:
        for department in MOVED:
            await connection.query(f"CREATE DATABASE {department}")
            await connection.select_db(department)
            for code, table in of_department(department):
                await fill(connection, sized(table), city, code)
    finally:
        await connection.ensure_closed()


def sized(table: Table) -> Table:
    """The table with lengths and microseconds, which MariaDB wants to be told."""
    made = table.to_metadata(MetaData())
    for column in made.columns:
        if type(column.type) is String:
            column.type = String(200)
        elif column.name == "updated_at":
            column.type = DATETIME(fsp=6)
    return made


async def fill(connection: Any, table: Table, city: City, code: str) -> None:
    await connection.query(str(CreateTable(table).compile(dialect=_dialect())))
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        await connection.query(str(CreateIndex(index).compile(dialect=_dialect())))
    async with connection.cursor() as cursor:
        places = ", ".join(["%s"] * len(table.columns))
        rows = [[native(value) for value in record] for record in city[code]]
        if rows:
            await cursor.executemany(f"INSERT INTO `{table.name}` ({', '.join(f'`{column.name}`' for column in table.columns)}) VALUES ({places})", rows)


def native(value: object) -> object:
    """A moment in UTC, which MariaDB stores without zone."""
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def test_the_server_itself_masks(other: RunningHub, mariadb: Mariadb) -> None:
    start = mariadb.log.stat().st_size
    page = other.ask("housing", "{ civilAffairs { persons(first: 3) { nodes { idNumber name phone address } } } }").data
    assert "****" in str(page)
    (record,) = [text for text in re.split(r"(?m)^(?=\d{6}|\t)", mariadb.logged(start)) if re.search(r"Execute\tSELECT .*FROM `person`", text, re.DOTALL)]
    listed = re.split(r"\sFROM\s", record)[0]
    expressions = [expression for expression in re.split(r" AS `?o\d+`?", listed) if expression.strip()]
    for column in ("id_number", "phone", "address"):
        (shown,) = [expression for expression in expressions if f"`{column}`" in expression]
        assert "CASE " in shown
        assert "substr(" in shown
