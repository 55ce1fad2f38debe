"""The open sources: looked after in the background, closed within bounds, none of them the others' burden."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.breaker import FAILURES_TO_OPEN
from connectors.calling import CALLING, Calling
from connectors.errors import SourceFault, SourceUnavailable
from connectors.guard import GuardedSource
from connectors.spi import SourceConfig
from hub.api.admission import Admission
from hub.catalog import sources as pool_module
from hub.catalog.sources import SourcePool
from hub.settings import load_settings
from schema.faults import Fault
from tests.api.admitted import admitted
from tests.connectors.test_guard import ALL, Scripted

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


class Stuck(Scripted):
    """It hangs in everything, its closing too."""

    def __init__(self) -> None:
        super().__init__()
        self.hold = asyncio.Event()

    async def close(self) -> None:
        """For ever."""
        await asyncio.Event().wait()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> dict[str, Scripted]:
    """Sources that the pool opens, by code."""
    inner: dict[str, Scripted] = {}
    monkeypatch.setattr(pool_module, "open_source", lambda config: GuardedSource(config, inner[config.code]))
    return inner


def pool_of(inner: dict[str, Scripted], places: int | None = None, **limits: int) -> SourcePool:
    """A pool over these sources."""
    pool = SourcePool(places)
    pool.use({code: SourceConfig(code, "sql", "", **limits) for code in inner})  # type: ignore[arg-type]
    return pool


async def until(holds: Callable[[], bool]) -> None:
    """Lets the loop run until it holds."""
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it never came to hold")


async def test_a_source_that_does_not_close_keeps_nobody_waiting(opened: dict[str, Scripted], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_CLOSE_SECONDS", 0.02)
    opened |= {"a.stuck": Stuck(), "a.sound": Scripted()}
    before = len(asyncio.all_tasks())
    pool = pool_of(opened)
    for code in opened:
        pool.source(code)
    await pool.close()
    assert opened["a.sound"].calls == -1
    assert pool.opened == []
    await until(lambda: len(asyncio.all_tasks()) == before)


async def test_a_call_that_runs_while_its_source_leaves_the_catalog_goes_on_with_what_is_open(opened: dict[str, Scripted]) -> None:
    opened |= {"a.read": Scripted(), "a.never_read": Scripted()}
    pool = pool_of(opened)
    read = pool.source("a.read")
    pool.use({})
    assert pool.source("a.read") is read
    with pytest.raises(SourceUnavailable):
        pool.source("a.never_read")
    await pool.tidy(0.0)
    with pytest.raises(SourceUnavailable):
        pool.source("a.read")


async def test_the_watch_closes_the_circuit_of_a_source_that_is_well_again(opened: dict[str, Scripted], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr("connectors.guard.RECHECK_SECONDS", 0.01)
    opened["a.b"] = Scripted()
    before = len(asyncio.all_tasks())
    pool = pool_of(opened)
    source = pool.source("a.b")
    opened["a.b"].fault = SourceUnavailable("a.b", "down")
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(SourceUnavailable):
            await source.fetch(ALL, {})
    assert pool.opened[0].circuit == "open"
    watching = asyncio.create_task(pool.watch())
    await until(lambda: pool.opened[0].circuit == "closed")
    watching.cancel()
    await asyncio.wait([watching])
    assert len(asyncio.all_tasks()) == before


async def called(pool: SourcePool, admission: Admission, code: str, caller: str) -> str:
    """One call of the hub: admitted, then reading one source."""
    CALLING.set(Calling("call", caller=caller))
    try:
        with admitted(admission, caller):
            await pool.source(code).fetch(ALL, {})
    except (Fault, SourceFault) as fault:
        return type(fault).__name__
    return "OK"


async def test_calls_of_a_hanging_source_leave_places_for_the_others(opened: dict[str, Scripted]) -> None:
    """Many callers at once, each within its own limit, ask a source that hangs; one who asks another source is admitted at once and ever after."""
    opened |= {"a.hangs": Stuck(), "a.sound": Scripted()}
    most = 64
    pool, admission = pool_of(opened, most * 3 // 4, pool=4, timeout_ms=2000), Admission(most, most)
    calls = [asyncio.create_task(called(pool, admission, "a.hangs", f"app {i % 8}")) for i in range(4 * most)]
    await asyncio.sleep(0)
    assert admission.in_work <= most * 3 // 4
    held = []
    for _ in range(10):
        assert await called(pool, admission, "a.sound", "other") == "OK"
        held.append(admission.in_work)
        await asyncio.sleep(0.05)
    assert admission.in_work <= 2 * 4 * 4, held
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert admission.in_work == 0


async def test_the_queue_of_one_source_is_within_what_it_may_hold(opened: dict[str, Scripted]) -> None:
    opened["a.b"] = Stuck()
    pool = pool_of(opened, 12, pool=4, timeout_ms=60_000)
    calls = [asyncio.create_task(called(pool, Admission(99, 99), "a.b", "app")) for _ in range(40)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (pool.opened[0].turns.running, pool.opened[0].turns.waiting) == (4, 8)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


def test_the_setting_leaves_a_quarter_to_the_others(tmp_path: Path) -> None:
    assert load_settings(home=tmp_path, concurrent_calls=256).source_calls == 192
    assert load_settings(home=tmp_path, concurrent_calls=1).source_calls == 1
