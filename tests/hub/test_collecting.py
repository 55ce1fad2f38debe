"""Nobody waits for garbage to be found, and it is found nevertheless."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from functools import partial

import pytest

from hub.collecting import Collecting

pytestmark = pytest.mark.fast


class Ring:
    """Refers to itself."""

    def __init__(self) -> None:
        self.ring = self


@pytest.fixture(autouse=True)
def collection_as_before() -> Iterator[None]:
    """The test process's own collection is put back."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def garbage() -> weakref.ref[Ring]:
    return weakref.ref(Ring())


def test_garbage_is_collected_once_a_minute_while_nobody_calls() -> None:
    clock, calls = [0.0], [0]
    collecting = Collecting(lambda: calls[0], lambda: clock[0])
    collecting.start()
    gc.disable()
    try:
        left = garbage()
        assert not collecting.look()
        clock[0] = 61
        calls[0] = 1
        assert not collecting.look()
        assert left() is not None
        calls[0] = 0
        assert collecting.look()
        assert left() is None
        assert not collecting.look()
    finally:
        gc.enable()


def test_after_an_hour_of_calls_it_is_collected_all_the_same() -> None:
    clock = [0.0]
    collecting = Collecting(lambda: 1, lambda: clock[0])
    clock[0] = 3599
    assert not collecting.look()
    clock[0] = 3601
    assert collecting.look()


@pytest.mark.anyio
async def test_at_the_end_all_is_as_before(request: pytest.FixtureRequest) -> None:
    # Whatever hubs ran in this process before, and how they ended.
    request.addfinalizer(partial(gc.set_threshold, *gc.get_threshold()))
    before = (701, 11, 12)
    gc.set_threshold(*before)
    collecting = Collecting(lambda: 0)
    collecting.start()
    task = asyncio.create_task(collecting.run())
    await asyncio.sleep(0)
    assert gc.get_threshold() != before
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert gc.get_threshold() == before
