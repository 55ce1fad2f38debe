"""A department corrects its catalog while a batch runs or waits: what is compared is what a call would compare."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.catalog.homes import publish
from tests.exchange.verifying.test_stopped import held
from tests.exchange.verifying.world import NAMES, Batches, batches_in, table
from tests.verification.world import KNOWN, NAME, manifest

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("in_process")]


@pytest.fixture
async def apart(tmp_path: Path) -> AsyncIterator[Batches]:
    """A hub of the test's own, whose catalog it changes."""
    async with batches_in(tmp_path, verification_mismatch_percent=100) as made:
        yield made


async def moved(batches: Batches) -> None:
    """Names lie in another column."""
    world = batches.world
    text = manifest(world.directory)
    assert 'column = "nm"' in text
    await asyncio.to_thread(publish, world.core, text.replace('column = "nm"', 'column = "flat"'))
    world.core.registry.refresh()
    await world.hub.live.refresh()


async def test_a_column_that_moved_is_compared_where_it_is_now(apart: Batches) -> None:
    app = apart.world.application("moving")
    async with held(apart, app) as (job, go):
        await moved(apart)
        go.set()
        found = [row["outcome"] for row in await apart.rows(app, job)]
    assert (found[:100], found[-100:]) == (["MATCH"] * 100, ["MISMATCH"] * 100)


async def test_nor_is_it_compared_where_it_was_by_a_batch_that_waited(apart: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.exchange.verifying.looks.LOOK_SECONDS", 0.02)
    app = apart.world.application("late")
    upload = await apart.upload(app, table([(KNOWN, NAME)], "id", "name"))
    never: Callable[..., bool] = partial(lambda *_: False)
    with patch("hub.exchange.verifying.looks.is_open", never):
        job = await apart.job(app, upload, NAMES)
        await apart.until(app, job, "PAUSED")
        await moved(apart)
        await apart.until(app, job, "PAUSED")
    assert [row["outcome"] for row in await apart.rows(app, job)] == ["MISMATCH"]
