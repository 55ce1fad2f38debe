"""Places of jobs: given to others by those that wait, and never more than there are."""

from __future__ import annotations

import asyncio

import pytest

from hub.exchange.passage import set_aside

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


async def test_a_job_that_is_cancelled_while_it_waits_ends_though_all_places_are_taken() -> None:
    places, waits, may = asyncio.Semaphore(1), asyncio.Event(), asyncio.Event()

    async def waiting() -> None:
        async with places, set_aside(places):
            waits.set()
            await asyncio.sleep(60)

    async def working() -> None:
        async with places:
            await may.wait()

    job = asyncio.create_task(waiting())
    await waits.wait()
    other = asyncio.create_task(working())
    await asyncio.sleep(0)
    assert places.locked()
    job.cancel()
    done, _ = await asyncio.wait({job}, timeout=5)
    assert done == {job}
    may.set()
    await other
    await asyncio.sleep(0)
    async with asyncio.timeout(5), places:
        assert places.locked(), "what was given back twice was taken once"


async def test_a_job_goes_on_when_there_is_a_place_for_it() -> None:
    places, went = asyncio.Semaphore(1), list[str]()

    async def waiting() -> None:
        async with places:
            async with set_aside(places):
                await asyncio.sleep(0)
            went.append("waiting")

    async def working() -> None:
        async with places:
            await asyncio.sleep(0.01)
            went.append("working")

    await asyncio.gather(waiting(), working())
    assert went == ["working", "waiting"]
    assert not places.locked()
