"""The same rows in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url

from hub.demo.city import City
from hub.demo.postgres import load_into_postgres
from hub.demo.tables import DEPARTMENTS_WITH_DATA, TABLES
from tests.demo import postgres

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

_connect: Any = asyncpg.connect


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres.server() as url:
        yield url


async def _read(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = await _connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def test_every_row_is_there_as_it_was_drawn(url: str, city: City) -> None:
    for department in DEPARTMENTS_WITH_DATA:
        await load_into_postgres(url, department, city)
    for code, table in TABLES.items():
        key = table.columns[0].name
        stored = await _read(url, f"SELECT * FROM {table.name} ORDER BY {key}")
        assert stored == [tuple(row) for row in city[code]], code
    declared = {str(index.name) for table in TABLES.values() for index in table.indexes}
    assert {name for (name,) in await _read(url, "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")} >= declared


async def test_a_fault_leaves_nothing_behind(url: str, city: City) -> None:
    connection = await _connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    await connection.execute("CREATE DATABASE empty")
    await connection.close()
    empty = make_url(url).set(database="empty").render_as_string(hide_password=False)
    with pytest.raises(KeyError):
        await load_into_postgres(empty, "civil_affairs", {"civil_affairs.person": city["civil_affairs.person"]})
    assert await _read(empty, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []
