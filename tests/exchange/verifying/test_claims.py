"""An upload is used by one exchange, also where several would use it at the same moment, of one server or of two."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select

from hub.core import open_core
from hub.exchange.store import ExchangeStore
from hub.exchange.tables import exchange
from tests.exchange.verifying.world import NAMES, Batches, batches_in, table
from tests.servers.postgres import Postgres
from tests.store.databases import make_database
from tests.verification.world import KNOWN, NAME, World, running

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("in_process")]
ONE = table([(KNOWN, NAME)], "id", "name")


@contextmanager
def at_once(calls: int) -> Iterator[None]:
    """Within it, that many calls have made all their checks before the first of them adds its job."""
    add, here = ExchangeStore.add, Barrier(calls)

    def together(store: ExchangeStore, values: Any) -> Any:
        here.wait(20)
        return add(store, values)

    with patch.object(ExchangeStore, "add", together):
        yield


def jobs(batches: Batches, upload: str) -> list[str]:
    """The jobs that have the upload."""
    with batches.world.core.engine.connect() as connection:
        return list(connection.execute(select(exchange.c.id).where(exchange.c.upload == upload)).scalars())


@pytest.mark.fast
async def test_of_calls_at_once_one_has_the_upload(batches: Batches) -> None:
    app = batches.world.application("racing")
    upload = await batches.upload(app, ONE)
    with at_once(3):
        answers = await asyncio.gather(*(batches.start(app, upload, NAMES, idempotencyKey=f"key {n}") for n in range(3)))
    assert sorted(answer.code for answer in answers) == ["CONFLICT", "CONFLICT", "OK"]
    refused = next(answer.json["errors"][0] for answer in answers if answer.code == "CONFLICT")
    assert refused["message"].startswith("该上传文件已用于另一批量核验")
    (job,) = jobs(batches, upload)
    assert [row["outcome"] for row in await batches.rows(app, job)] == ["MATCH"]


@pytest.mark.fast
async def test_calls_at_once_with_one_key_have_one_job(batches: Batches) -> None:
    app = batches.world.application("claiming")
    upload = await batches.upload(app, ONE)
    with at_once(2):
        answers = await asyncio.gather(*(batches.start(app, upload, NAMES) for _ in range(2)))
    assert {answer.json["data"]["startVerification"]["exchange"]["id"] for answer in answers} == set(jobs(batches, upload))
    assert len(jobs(batches, upload)) == 1


@pytest.mark.fast
async def test_an_upload_that_is_taken_back_at_that_moment_is_used_by_none(batches: Batches) -> None:
    app = batches.world.application("wavering")
    upload = await batches.upload(app, ONE)
    add, headers = ExchangeStore.add, await batches.headers(app)
    checked, gone = asyncio.Event(), Barrier(2)
    loop = asyncio.get_running_loop()

    def late(store: ExchangeStore, values: Any) -> Any:
        loop.call_soon_threadsafe(checked.set)
        gone.wait(20)
        return add(store, values)

    with patch.object(ExchangeStore, "add", late):
        starting = asyncio.create_task(batches.start(app, upload, NAMES))
        await checked.wait()
        assert (await batches.world.http.delete(f"/exchanges/uploads/{upload}", headers=headers)).status_code == 204
        await asyncio.to_thread(gone.wait, 20)
        assert (await starting).code == "NOT_FOUND"
    assert jobs(batches, upload) == []


@pytest.mark.slow
async def test_of_two_hubs_one_has_the_upload(tmp_path: Path, postgres: Postgres) -> None:
    async with batches_in(tmp_path, database=make_database(postgres, "claims")) as batches:
        world = batches.world
        app = world.application("racing")
        core = open_core(world.core.settings)
        core.registry.refresh()
        try:
            async with running(World(core, tmp_path)) as second:
                other = Batches(second)
                upload = await batches.upload(app, ONE)
                await other.headers(app)
                with at_once(2):
                    answers = await asyncio.gather(
                        batches.start(app, upload, NAMES, idempotencyKey="first"), other.start(app, upload, NAMES, idempotencyKey="second")
                    )
                assert sorted(answer.code for answer in answers) == ["CONFLICT", "OK"]
                assert len(jobs(batches, upload)) == 1
        finally:
            core.close()
