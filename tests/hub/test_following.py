"""State that others change is taken over; what cannot be looked at any more is not relied on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from auth.revocations import RevocationList
from hub.api.data_schema import make_data_schema
from hub.following import STALE_SECONDS, Followed
from hub.live import Live
from hub.sharing.registry import TokenRevocations
from tests.catalog.homes import new_core

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

    async def take(self, changed: frozenset[str]) -> None:
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

    async def take(changed: frozenset[str]) -> None:
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

    async def build(changed: frozenset[str]) -> None:
        database.taken.append(changed)
        await built.wait()

    catalog = Followed(("catalog",), database.look, build, long=True, clock=database.clock)
    rights = Followed(("rights",), database.look, build, clock=database.clock)
    tasks = [asyncio.create_task(each.follow()) for each in (catalog, rights)]
    await until(lambda: len(database.taken) == 2)
    database.moment += STALE_SECONDS + 1
    assert (catalog.stale, rights.stale) == (False, True)
    built.set()
    await until(lambda: not rights.stale)
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
