"""State that others change is taken over; what cannot be looked at any more is not relied on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from anyio import CapacityLimiter, to_thread

from auth.revocations import RevocationList
from hub.api.data_schema import make_data_schema
from hub.following import STALE_SECONDS, TAKING_SECONDS, Followed
from hub.live import Live
from hub.sharing.registry import TokenRevocations
from tests.catalog.homes import CONSOLE, new_core, publish
from tests.catalog.small import SMALL

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


class Database:
    """Counters that can be moved, fail or be slow; a clock that tests set."""

    def __init__(self) -> None:
        self.counters = {"rights": 1, "catalog": 1}
        self.fails = False
        self.moment = 100.0
        self.taken: list[frozenset[str]] = []

    def look(self) -> dict[str, int]:
        if self.fails:
            raise ConnectionError("gone")
        return dict(self.counters)

    async def take(self, changed: frozenset[str], _thread: CapacityLimiter) -> None:
        self.taken.append(changed)

    def clock(self) -> float:
        return self.moment


async def until(held: Callable[[], bool]) -> None:
    for _ in range(500):
        if held():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never held")


async def test_only_what_moved_is_taken_over() -> None:
    database = Database()
    followed = Followed(("rights", "revocations"), database.look, database.take)
    await followed.refresh()
    await followed.refresh()
    database.counters["catalog"] += 1
    await followed.refresh()
    assert database.taken == [frozenset({"rights"})]
    database.counters["revocations"] = 1
    await followed.refresh()
    assert database.taken[1:] == [frozenset({"revocations"})]


async def test_what_was_not_taken_over_whole_is_tried_again() -> None:
    database, broken = Database(), [True]

    async def take(changed: frozenset[str], _thread: CapacityLimiter) -> None:
        database.taken.append(changed)
        if broken[0]:
            raise ConnectionError("gone in the middle")

    followed = Followed(("rights",), database.look, take)
    with pytest.raises(ConnectionError):
        await followed.refresh()
    broken[0] = False
    await followed.refresh()
    assert len(database.taken) == 2


async def test_state_that_cannot_be_looked_at_is_stale_until_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.following.LOOK_SECONDS", 0.005)
    database = Database()
    followed = Followed(("rights",), database.look, database.take, clock=database.clock)
    task = asyncio.create_task(followed.follow())
    await until(lambda: bool(database.taken))
    database.fails = True
    await asyncio.sleep(0.05)
    database.moment += STALE_SECONDS
    assert not followed.stale
    database.moment += 0.1
    assert followed.stale
    database.fails = False
    await until(lambda: not followed.stale)
    task.cancel()


async def test_a_catalog_that_is_being_built_is_not_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.following.LOOK_SECONDS", 0.005)
    database, built = Database(), asyncio.Event()

    async def build(changed: frozenset[str], _thread: CapacityLimiter) -> None:
        database.taken.append(changed)
        await built.wait()

    catalog = Followed(("catalog",), database.look, build, long=True, clock=database.clock)
    rights = Followed(("rights",), database.look, build, clock=database.clock)
    tasks = [asyncio.create_task(each.follow()) for each in (catalog, rights)]
    await until(lambda: len(database.taken) == 2)
    database.moment += STALE_SECONDS + 1
    assert (catalog.stale, rights.stale) == (False, True)
    database.moment += TAKING_SECONDS
    assert catalog.stale, "one that is never done being built is not relied on for ever"
    built.set()
    await until(lambda: not rights.stale and not catalog.stale)
    for task in tasks:
        task.cancel()


async def test_a_source_that_hangs_delays_no_revocation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with new_core(tmp_path) as core:
        store = TokenRevocations(core.engine)
        known = RevocationList(store)
        live = Live(core, make_data_schema()._schema, known)
        hanging = asyncio.Event()

        async def hang() -> None:
            hanging.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(live.sources, "refresh", hang)
        following = asyncio.create_task(live.follow())
        await hanging.wait()
        await asyncio.to_thread(store.add, "revoked elsewhere", 2**33)
        await until(lambda: known.is_revoked("revoked elsewhere"))
        assert not live.stale
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await live.sources.close()


async def test_threads_that_all_hang_delay_no_revocation_and_no_rights(tmp_path: Path) -> None:
    with new_core(tmp_path) as core:
        store = TokenRevocations(core.engine)
        known = RevocationList(store)
        publish(core, SMALL)
        live = Live(core, make_data_schema()._schema, known)
        threads = to_thread.current_default_thread_limiter()
        hanging = [object() for _ in range(int(threads.total_tokens))]
        for each in hanging:
            threads.acquire_on_behalf_of_nowait(each)
        following = asyncio.create_task(live.follow())
        await asyncio.to_thread(store.add, "revoked elsewhere", 2**33)
        purpose = {"code": "a", "scenario": "b", "basis": "c"}
        made = await asyncio.to_thread(core.sharing.create_application, CONSOLE, "late", "civil_affairs", [purpose], [])
        await until(lambda: known.is_revoked("revoked elsewhere") and core.registry.is_active(made.client_id))
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        for each in hanging:
            threads.release_on_behalf_of(each)
        await live.sources.close()


async def test_a_node_whose_clock_is_ahead_takes_no_revocation_from_the_others(tmp_path: Path) -> None:
    """It would forget a token before the others hold it for expired, and maybe before they have read of it."""
    with new_core(tmp_path) as core:
        moment = 2_000_000_000
        store = TokenRevocations(core.engine)
        store.add("revoked", moment + 30)
        RevocationList(store, clock=lambda: moment + 60.0)
        assert RevocationList(store, clock=lambda: float(moment)).is_revoked("revoked")
