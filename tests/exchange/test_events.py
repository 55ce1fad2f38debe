"""Streams of events."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from hub.exchange.delivery.graphql import delivery_event
from hub.exchange.delivery.store import Delivery
from hub.exchange.downloads import MOST_EACH
from hub.exchange.executors.inline import InlineExecutor
from hub.exchange.executors.spi import Progress
from hub.exchange.work.task import ChunkReceipt, ChunkTask
from tests.exchange.chunked import world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("impatient")]


async def test_a_stream_that_has_nothing_to_tell_shows_that_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies cut connections that stand still; a comment (WHATWG HTML, 9.2.7) is no event."""
    monkeypatch.setattr("hub.exchange.http._LOOK_SECONDS", 0.02)
    monkeypatch.setattr("hub.exchange.http._QUIET_SECONDS", 0.0)
    looks, never = 0, partial(lambda *_: False)

    def looked(delivery: Delivery | None) -> dict[str, Any] | None:
        nonlocal looks
        looks += 1
        return delivery_event(delivery)

    monkeypatch.setattr("hub.exchange.http.delivery_event", looked)
    async with world_in(tmp_path) as world:
        with patch("hub.exchange.looks.is_open", never):
            job = await world.start()
            await world.until(job, "PAUSED")
            reading = asyncio.create_task(world.http.get(f"/exchanges/{job}/events", headers=world.headers()))
            while looks < 10:
                await asyncio.wait({reading}, timeout=0.01)
        found = (await reading).text.split("\n\n")
    alive, told = [each for each in found if each == ": "], [each for each in found if "event: progress\ndata: " in each]
    assert len(alive) > 5
    assert len(alive) + len(told) + 1 == len(found)
    assert len(set(told)) == len(told), "what has not changed is not told again"
    assert '"state":"SUCCEEDED"' in told[-1]


async def test_an_application_has_so_many_streams_of_events_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each asks the control database twice a second: one application must not keep it from the others."""
    run, may = InlineExecutor.run, asyncio.Event()

    async def later(executor: InlineExecutor, task: ChunkTask, progress: Progress) -> ChunkReceipt:
        await may.wait()
        return await run(executor, task, progress)

    monkeypatch.setattr(InlineExecutor, "run", later)
    async with world_in(tmp_path) as world:
        job = await world.start()
        asked = [asyncio.create_task(world.http.get(f"/exchanges/{job}/events", headers=world.headers())) for _ in range(MOST_EACH + 1)]
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert [answer.result().status_code for answer in done] == [429]
        may.set()
        assert sorted(answer.status_code for answer in await asyncio.gather(*asked)) == [200] * MOST_EACH + [429]
        assert (await world.http.get(f"/exchanges/{job}/events", headers=world.headers())).status_code == 200


async def test_a_reader_that_has_the_last_event_is_sent_no_other(tmp_path: Path) -> None:
    """An EventSource of a browser comes back by itself when a stream ends, with the id of the event that it had last."""
    async with world_in(tmp_path) as world:
        job = await world.start()
        streamed = (await world.http.get(f"/exchanges/{job}/events", headers=world.headers())).text.split("\n\n")
        assert [event.startswith("id: end\n") for event in streamed if event][-1:] == [True]
        assert sum("id: " in event for event in streamed) == 1
        again = await world.http.get(f"/exchanges/{job}/events", headers=world.headers() | {"last-event-id": "end"})
        assert (again.status_code, again.content) == (204, b"")
        assert (await world.http.get("/exchanges/none/events", headers=world.headers() | {"last-event-id": "end"})).status_code == 404
