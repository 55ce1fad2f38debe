"""DuckDB under the files: what several objects ask of it at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Event

import duckdb
import pytest

from connectors.files.driver import DuckDriver

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
MANY = 8


async def test_snapshots_that_come_into_service_at_once_are_all_there(tmp_path: Path) -> None:
    """One database takes them all, however many ask for it first."""
    for number in range(MANY):
        with duckdb.connect(str(tmp_path / f"{number}.duckdb")) as written:
            written.execute(f"CREATE TABLE d AS SELECT {number} AS n")
    for _ in range(5):
        driver = DuckDriver("city.files", tmp_path, MANY)
        tables = await asyncio.gather(*(driver.attach(tmp_path / f"{number}.duckdb") for number in range(MANY)))
        connections = await asyncio.gather(*(driver.connect() for _ in range(MANY)))
        rows = await asyncio.gather(*(each.fetch(f"SELECT n FROM {table}", []) for each, table in zip(connections, tables, strict=True)))
        assert [row for (row,) in rows] == [(number,) for number in range(MANY)]
        for each in connections:
            await each.close()
        await driver.close()


async def test_closing_waits_for_what_a_cancelled_call_has_begun(tmp_path: Path) -> None:
    """The thread of a cancelled call runs on, and DuckDB refuses to be closed under it."""
    driver = DuckDriver("city.files", tmp_path, 1)
    begun = Event()

    def long(database: duckdb.DuckDBPyConnection) -> None:
        begun.set()
        database.execute("SELECT sum(a.range * b.range) FROM range(20000) a, range(10000) b").fetchall()

    under_way = asyncio.create_task(driver._with_database(long))
    await asyncio.to_thread(begun.wait)
    under_way.cancel()
    await driver.close()
    with pytest.raises(duckdb.ConnectionException):
        driver._opened()
