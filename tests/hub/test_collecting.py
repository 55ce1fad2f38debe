"""Nobody waits for garbage to be found, and it is found nevertheless."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator, Sequence
from functools import partial

import pytest

from hub.collecting import Collecting

pytestmark = pytest.mark.slow


class Ring:
    """Refers to itself."""

    def __init__(self) -> None:
        self.ring = self


@pytest.fixture(autouse=True)
def collection_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process of one hub; the test process's own collection is put back."""
    monkeypatch.setattr("hub.collecting.EMBEDDED", False)
    before = gc.get_threshold()
    gc.unfreeze()
    yield
    gc.set_threshold(*before)
    gc.collect()
    gc.freeze()


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


def test_what_was_frozen_at_the_start_is_not_looked_through_until_the_end() -> None:
    collecting = Collecting(lambda: 0)
    collecting.start()
    assert gc.get_freeze_count() > 10_000
    collecting.end()
    assert gc.get_freeze_count() == 0


def looked_through(objects: Sequence[object]) -> int:
    """How many of them the collector still looks at."""
    seen = {id(each) for each in gc.get_objects()}
    return sum(id(each) in seen for each in objects)


def test_what_a_supervisor_froze_before_it_forked_is_added_to() -> None:
    gc.freeze()
    collecting, young = Collecting(lambda: 0), [Ring() for _ in range(100)]
    assert looked_through(young) == 100
    collecting.start()
    assert looked_through(young) == 0


def test_a_process_of_many_hubs_freezes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.collecting.EMBEDDED", True)
    old = [Ring() for _ in range(100)]
    gc.freeze()
    collecting, young = Collecting(lambda: 0), [Ring() for _ in range(100)]
    collecting.start()
    assert looked_through(young) == 100, "nothing more was frozen"
    collecting.end()
    assert looked_through(old) == 0, "and nothing was thawed"


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
