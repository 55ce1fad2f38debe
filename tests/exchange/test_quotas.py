"""Quotas of grants, which exchanges wait for, and which what has begun already does not take twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.exchange.work.task import ChunkTask
from hub.space import Space
from tests.exchange.chunked import CHUNK, DOCUMENT, ORDERED, ROWS, START, difference, world_in
from tests.exchange.test_carrying import eventually, working

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("impatient")]


async def test_a_quota_pauses_until_the_next_period(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 11, 22, 3, tzinfo=UTC)
    monkeypatch.setattr("hub.sharing.quota.now", lambda: moment)
    async with world_in(tmp_path, quota={"calls": None, "rows": 25, "per": "DAY"}) as world:
        job = await world.start()
        found = await world.until(job, "PAUSED")
        assert found["reason"].startswith("QUOTA_EXCEEDED")
        assert [chunk.rows for chunk in world.chunks(job) if chunk.state == "DONE"] == [CHUNK, CHUNK, 25 - 2 * CHUNK]
        await asyncio.sleep(0.2)
        assert (await world.look(job))["progress"]["rowsDone"] == 25
        moment += timedelta(days=1)
        await eventually(lambda: sum(chunk.rows for chunk in world.chunks(job)) == 2 * 25)
        await world.until(job, "PAUSED")
        moment += timedelta(days=1)
        await world.until(job, "SUCCEEDED")
        assert difference(world.files(job)) == (0, 0)
        answer = await world.post(START, {"i": {"document": DOCUMENT, "format": "CSV", "idempotencyKey": "more"}})
        assert "errors" not in answer, "22 rows are left of this day"


async def test_a_batch_counts_as_one_call_of_its_grant(tmp_path: Path) -> None:
    async with world_in(tmp_path, quota={"calls": 1, "rows": None, "per": "MONTH"}) as world:
        await world.until(await world.start(), "SUCCEEDED")
        answer = await world.post(START, {"i": {"document": DOCUMENT, "format": "CSV", "idempotencyKey": "more"}})
        assert answer["errors"][0]["extensions"]["code"] == "QUOTA_EXCEEDED"


async def test_what_has_begun_is_answered_though_nothing_more_may_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lost the answer sends the call again: the exchange itself may have used up quota and disk."""
    async with world_in(tmp_path, quota={"calls": 1, "rows": None, "per": "MONTH"}) as world:
        job = await world.start()
        await world.until(job, "SUCCEEDED")
        assert await world.start() == job, "the quota is used up"
        monkeypatch.setattr(Space, "exchanges_refused", True)
        assert await world.start() == job, "the disk is full"
        other = await world.post(START, {"i": {"document": ORDERED, "format": "CSV", "idempotencyKey": "k"}})
        assert other["errors"][0]["extensions"]["code"] == "CONFLICT"
        more = await world.post(START, {"i": {"document": DOCUMENT, "format": "CSV", "idempotencyKey": "more"}})
        assert more["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_a_call_takes_from_the_quota_while_a_chunk_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chunk that does not fit any more is not accepted; a smaller one is made of it."""
    moment = datetime(2026, 11, 22, 3, tzinfo=UTC)
    monkeypatch.setattr("hub.sharing.quota.now", lambda: moment)
    async with world_in(tmp_path, quota={"calls": None, "rows": 12, "per": "DAY"}) as world:

        def take(task: ChunkTask) -> Any:
            return world.ask("{ civilAffairs { persons(first: 5) { nodes { name } } } }") if (task.number, task.attempt) == (1, 1) else None

        with working(after=take):
            job = await world.start()
            await world.until(job, "PAUSED")
        assert [(chunk.state, chunk.attempt, chunk.rows) for chunk in world.chunks(job)] == [("DONE", 2, 7), ("PENDING", 0, 0)]
        assert world.hub.runner.figures.attempts["refused"] == 1


async def test_a_quota_that_is_used_up_by_the_last_chunk_delays_nothing(tmp_path: Path) -> None:
    async with world_in(tmp_path, quota={"calls": None, "rows": ROWS, "per": "MONTH"}) as world:
        job = await world.start()
        assert (await world.until(job, "SUCCEEDED", "PAUSED"))["state"] == "SUCCEEDED"
        assert world.hub.runner.figures.pauses == {}
