"""The same history on PostgreSQL, also where several processes begin at once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from anyio import create_task_group, run_process, to_thread
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from hub.store.migrate import HEAD, upgrade, version
from tests.servers.postgres import Postgres
from tests.store.test_migrate import differences

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


async def make_database(postgres: Postgres, name: str) -> str:
    """The URL of a new, empty database."""
    engine = create_async_engine(postgres.url(), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f'CREATE DATABASE "{name}"'))
    await engine.dispose()
    return postgres.url(name)


async def compare(url: str) -> None:
    """The migrated database has the declared tables, and the newest revision."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(version) == HEAD
    await engine.dispose()


async def test_migrations_give_the_declared_tables(postgres: Postgres) -> None:
    url = await make_database(postgres, "migrated")
    await to_thread.run_sync(upgrade, url)
    await compare(url)


async def test_processes_that_start_together_migrate_once(postgres: Postgres) -> None:
    url = await make_database(postgres, "together")
    command = [sys.executable, "-c", "import sys; from hub.store.migrate import upgrade; upgrade(sys.argv[1])", url]
    done: list[subprocess.CompletedProcess[bytes]] = []

    async def child() -> None:
        done.append(await run_process(command, check=False))

    async with create_task_group() as together:
        for _ in range(4):
            together.start_soon(child)
    assert [(one.stderr, one.returncode) for one in done] == [(b"", 0)] * 4
    await compare(url)
