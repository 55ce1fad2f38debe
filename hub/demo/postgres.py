"""The same tables and rows in PostgreSQL instead of SQLite: the same catalog then gives the same answers."""

from __future__ import annotations

from typing import Any

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from hub.demo.city import City
from hub.demo.tables import of_department

_connect: Any = asyncpg.connect
"""asyncpg has no annotations."""


async def load_into_postgres(url: str, department: str, city: City) -> dict[str, int]:
    """Create and fill the department's tables in the database behind ``url``, in one transaction. Returns row counts by resource code.

    ``url`` is a PostgreSQL URL with or without a driver's name. The tables must not exist; they come into the first schema of the search path.
    """
    connection = await _connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    dialect = make_url("postgresql+asyncpg://").get_dialect()()
    counts = {}
    try:
        async with connection.transaction():
            for code, table in of_department(department):
                await connection.execute(str(CreateTable(table).compile(dialect=dialect)))
                await connection.copy_records_to_table(table.name, records=city[code], columns=[column.name for column in table.columns])
                for index in sorted(table.indexes, key=lambda index: str(index.name)):
                    await connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
                await connection.execute(f'ANALYZE "{table.name}"')
                counts[code] = len(city[code])
    finally:
        await connection.close()
    return counts
