"""Two hubs on one control database in PostgreSQL, over a register in PostgreSQL: a source's sessions are counted over both, and one takes over from the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy import update

from hub.core import open_core
from hub.exchange.executors.inline import InlineExecutor
from hub.exchange.executors.spi import Progress
from hub.exchange.tables import exchange
from hub.exchange.work.task import ChunkReceipt, ChunkTask
from hub.settings import Settings
from hub.store.base import now
from tests.catalog.homes import new_core
from tests.exchange.chunked import CHUNK, World, difference, living, registered, write_postgres
from tests.servers.postgres import Postgres
from tests.store.databases import make_database

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("impatient")]


@asynccontextmanager
async def two_hubs(directory: Path, postgres: Postgres) -> AsyncIterator[tuple[World, World]]:
    """Both run in this process; they share the folder of exchange files."""
    with new_core(directory) as home:
        given = {"home": home.settings.home, "exchange_executor": "inline", "exchange_chunk_rows": CHUNK}
    settings = Settings(**given, database=make_database(postgres, "two_hubs"))
    first, second = open_core(settings), open_core(settings)
    try:
        registered(first, write_postgres(postgres, "two_hubs_register"), "exchange_sessions = 1")
        second.registry.refresh()
        async with living(first) as one, living(second) as other:
            yield one, other
    finally:
        first.close()
        second.close()


async def test_two_hubs_share_sessions_and_one_takes_over_from_the_other(tmp_path: Path, postgres: Postgres) -> None:
    run, running, most = InlineExecutor.run, 0, 0
    held = asyncio.Event()

    async def counted(executor: InlineExecutor, task: ChunkTask, progress: Progress) -> ChunkReceipt:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            await asyncio.sleep(0.02)
            return await run(executor, task, progress)
        finally:
            running -= 1

    async def stuck(executor: InlineExecutor, task: ChunkTask, progress: Progress) -> ChunkReceipt:
        if task.number == 3:
            held.set()
            await asyncio.sleep(60)
        return await run(executor, task, progress)

    async with two_hubs(tmp_path, postgres) as (one, other):
        with patch.object(InlineExecutor, "run", counted):
            jobs = [(one, await one.start("first")), (other, await other.start("second"))]
            for world, job in jobs:
                await world.until(job, "SUCCEEDED")
                assert difference(world.files(job)) == (0, 0)
        assert most == 1
        with patch.object(InlineExecutor, "run", stuck):
            job = await one.start("third")
            await asyncio.wait_for(held.wait(), 20)
        with one.core.engine.begin() as connection:
            connection.execute(update(exchange).where(exchange.c.id == job).values(held_until=now()))
        await other.hub.runner.resume()
        await other.until(job, "SUCCEEDED")
        assert difference(other.files(job)) == (0, 0)
        assert other.attempts(job)[1] == 1
        assert other.attempts(job)[3] == 2
