"""Nobody's exchanges keep everybody else's waiting."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from hub.exchange.jobs_at_once import JobPlaces
from hub.exchange.passage import set_aside

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


class Jobs:
    """Jobs that hold their places until they are let go."""

    def __init__(self, places: JobPlaces) -> None:
        self._places = places
        self.going: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, *names: str) -> None:
        for name in names:
            self._ends[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._run(name))
        await settled()

    async def _run(self, name: str) -> None:
        async with self._places.of(name[0]):
            self.going.append(name)
            try:
                await self._ends[name].wait()
            finally:
                self.going.remove(name)

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
        await settled()

    async def cancel(self, *names: str) -> None:
        for name in names:
            self._tasks[name].cancel()
        await settled()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_application_leaves_places_to_others_and_waits_in_its_turn() -> None:
    jobs = Jobs(JobPlaces(4, 2))
    await jobs.begin("a1", "a2", "a3", "a4", "b1", "c1", "b2")
    assert jobs.going == ["a1", "a2", "b1", "c1"]
    await jobs.end("c1")
    assert jobs.going == ["a1", "a2", "b1", "b2"], "a3 came first, but its application has its share"
    await jobs.end("a1")
    assert jobs.going == ["a2", "b1", "b2", "a3"]
    await jobs.end("b1", "b2", "a2", "a3")
    assert jobs.going == ["a4"]
    await jobs.end("a4")
    await jobs.begin("d1", "d2", "d3")
    assert jobs.going == ["d1", "d2"]


async def test_who_is_cancelled_while_he_waits_or_is_let_in_holds_nothing() -> None:
    places = JobPlaces(1, 1)
    jobs = Jobs(places)
    await jobs.begin("a1", "a2", "b1", "b2")
    await jobs.cancel("a2", "b1")
    waiting = asyncio.create_task(places.acquire("c"))
    await settled()
    await jobs.end("a1")
    assert jobs.going == ["b2"]
    await jobs.end("b2")
    # Let in and cancelled at the same moment.
    await asyncio.wait_for(waiting, 1)
    last = asyncio.create_task(places.acquire("d"))
    await settled()
    places.release("c")
    last.cancel()
    with suppress(asyncio.CancelledError):
        await last
    await jobs.begin("e1")
    assert jobs.going == ["e1"]


async def test_a_job_that_pauses_gives_its_place_to_others() -> None:
    places = JobPlaces(2, 1)
    jobs = Jobs(places)
    share = places.of("a")
    async with share:
        await jobs.begin("a1")
        assert jobs.going == []
        async with set_aside(share):
            await settled()
            assert jobs.going == ["a1"]
            await jobs.end("a1")
        await jobs.begin("a2")
        assert jobs.going == []
    await settled()
    assert jobs.going == ["a2"]
