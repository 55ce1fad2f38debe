"""A PostgreSQL server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from connectors.registry import open_source
from connectors.selection import Binding, Row
from connectors.spi import SourceConfig
from tests.connectors.people import postgres_row, write_postgres
from tests.connectors.stands.stand import People, Stand
from tests.servers.postgres import Postgres


@asynccontextmanager
async def _open(request: pytest.FixtureRequest, _directory: Path, rows: Sequence[Row]) -> AsyncIterator[People]:
    server: Postgres = request.getfixturevalue("postgres")
    schema = f"s{uuid4().hex}"
    await write_postgres(server.url(), schema, rows)
    writer: Any = await asyncpg.connect(server.url().replace("+asyncpg", ""))
    await writer.execute(f"SET search_path = {schema}; CREATE VIEW nobody AS SELECT * FROM person WHERE false")
    await writer.execute("CREATE VIEW slow AS SELECT person.* FROM person, pg_sleep(30)")

    async def insert(row: Row) -> None:
        await writer.copy_records_to_table("person", schema_name=schema, records=[postgres_row(row)])

    config = SourceConfig("city.register", "sql", server.url())
    source = open_source(config)
    places = [Binding(f"{schema}.{name}") for name in ("person", "nobody", "person_missing", "slow")]
    try:
        yield People("postgresql", config, source, *places, insert)
    finally:
        await source.close()
        await writer.close()


STAND = Stand("postgresql", _open, place=10)
