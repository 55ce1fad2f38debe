"""Groups of texts: by code point, whatever the column's collation takes for one."""

from __future__ import annotations

import asyncpg
import pytest

from connectors.aggregating import aggregated
from connectors.aggregation import Aggregation
from connectors.selection import Binding, Column, Kind
from connectors.spi import SourceConfig
from connectors.sql import SqlConnector
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
TEXTS = ["a", "A", "a ", "é", "e", "a", None]
COUNTED = {("a", 2), ("A", 1), ("a ", 1), ("é", 1), ("e", 1), (None, 1)}
BY_TEXT = Aggregation(Binding("loose_groups"), None, (), (Column("name", Kind.STRING),), (), "most")


async def test_postgresql_does_not_group_by_a_nondeterministic_collation(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    try:
        await connection.execute("CREATE COLLATION IF NOT EXISTS loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false)")
        await connection.execute("CREATE TABLE IF NOT EXISTS loose_groups (name varchar(9) COLLATE loose)")
        await connection.execute("TRUNCATE loose_groups")
        await connection.executemany("INSERT INTO loose_groups VALUES ($1)", [(text,) for text in TEXTS])
    finally:
        await connection.close()
    source = SqlConnector().open(SourceConfig("city.loose", "sql", postgres.url(), pool=1))
    try:
        assert {(row[0], row[1]) for row in await aggregated(source, BY_TEXT, {"most": 100})} == COUNTED
    finally:
        await source.close()
