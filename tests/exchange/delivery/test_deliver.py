"""Deliveries of a running hub: entered before anything leaves, stopped by whatever stops downloads, tried again, told to their owner."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, cast

import obstore
import pytest
from sqlalchemy import update

from hub.exchange.delivery import deliver
from hub.exchange.delivery.config import S3
from hub.exchange.delivery.deliver import Deliveries
from hub.exchange.delivery.s3 import opened
from hub.exchange.delivery.store import DeliveryStore
from hub.exchange.tables import exchange, exchange_delivery
from hub.ledger.entry import EntryDraft
from hub.store.base import now
from hub.tracing.copies import copy_of
from hub.withdrawal.service import WithdrawalService
from tests.catalog.homes import SECURITY
from tests.servers.s3 import S3Server
from tests.sharing.sides import DECIDER
from tests.tracing.world import COUNT, World, _grant, world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
START = """mutation ($d: String!, $k: String!, $to: String, $f: ExchangeFormat!) {
  startExchange(input: {document: $d, format: $f, idempotencyKey: $k, destination: $to}) { exchange { id delivery { state } } } }"""
STATE = "query ($i: ID!) { exchange(id: $i) { state delivery { destination state attempts reason place rows bytes nextAt deliveredAt } } }"
PERSONS = "{ civilAffairs { persons { nodes { name idNumber } } } }"
FILE = """roots = ["{root}"]
[[destinations]]
code = "front"
name = "前置机"
applications = ["housing"]
kind = "folder"
url = "file://{root}/in"
[[destinations]]
code = "others"
name = "统计"
applications = ["statistics"]
kind = "folder"
url = "file://{root}/others"
"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def one(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[World]:
    """A hub that looks often for what is due."""
    directory = tmp_path_factory.mktemp("delivered")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deliver, "_LOOK_SECONDS", 0.02)
        async with world_in(directory) as made:
            made.hub.deliveries._first_pause = timedelta(milliseconds=1)
            yield made


@pytest.fixture
async def world(one: World, root: Path) -> World:
    """The one hub, with a folder to deliver to; what a test took away is given back."""
    (one.core.settings.home / "destinations.toml").write_text(FILE.format(root=root))
    service = WithdrawalService(one.core.engine, one.core.acts, one.core.catalog.current)
    for each in service.find("WITHDRAWN"):
        service.restore(DECIDER, each.resource, "after the test")
    if one.core.sharing.grant(one.grants["housing", "person"]).state != "ACTIVE":
        _grant(one, "housing", "person", [{"code": code, "value": "CLEAR"} for code in ("id_number", "name")])
    await one.hub.live.refresh()
    return one


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """What destinations lie under."""
    (tmp_path / "root" / "in").mkdir(parents=True)
    return tmp_path / "root"


_keys = count()


async def start(world: World, to: str | None = "front", format_: str = "JSONL") -> str:
    found = await world.ask("housing", START, d=PERSONS, k=f"key {next(_keys)}", to=to, f=format_)
    return str(found["startExchange"]["exchange"]["id"])


async def held(world: World) -> str:
    """An exchange that succeeded, whose delivery nobody began yet."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Deliveries, "begin", lambda _self: asyncio.sleep(0))
        number = await start(world)
        await world.ended("housing", number)
    with world.core.engine.begin() as connection:
        # The loop goes on with this, and must not find it before the test says so.
        connection.execute(update(exchange_delivery).where(exchange_delivery.c.exchange == number).values(next_at=now() + timedelta(hours=1)))
    return number


def released(world: World, number: str) -> None:
    """Now it may begin."""
    with world.core.engine.begin() as connection:
        connection.execute(update(exchange_delivery).where(exchange_delivery.c.exchange == number).values(next_at=None))


async def until(world: World, number: str, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(800):
        exchange_ = (await world.ask("housing", STATE, i=number))["exchange"]
        found = exchange_["delivery"] or {}
        if found and done(found):
            return found
        await asyncio.sleep(0.01)
    raise AssertionError((exchange_, found))


def ended(found: dict[str, Any]) -> bool:
    return found["state"] in ("DELIVERED", "FAILED")


def drafts(world: World, number: str) -> list[EntryDraft]:
    """What the ledger says of the delivery."""
    told = [each.content for each in world.entries() if each.content.kind == "download"]
    return [each for each in told if (each.details or {}).get("exchange") == number]


async def test_files_arrive_and_were_entered_before(world: World, tmp_path: Path) -> None:
    number = await start(world)
    found = await until(world, number, ended)
    own = tmp_path / "root" / "in" / number
    assert {key: found[key] for key in ("destination", "state", "attempts", "reason", "place", "rows", "nextAt")} == {
        "destination": "front",
        "state": "DELIVERED",
        "attempts": 1,
        "reason": None,
        "place": str(own),
        "rows": COUNT,
        "nextAt": None,
    }
    assert found["deliveredAt"] is not None
    manifest = json.loads((own / "manifest.json").read_bytes())
    assert manifest["exchange"] == number
    assert sorted(each.name for each in own.iterdir()) == sorted([*(file["name"] for file in manifest["files"]), "manifest.json"])
    (draft,) = drafts(world, number)
    assert (draft.outcome, draft.medium, draft.operation, draft.purpose, draft.operator) == ("OK", "FILE", "exchange", "rent", "housing-clerk")
    assert (draft.rows, draft.bytes, draft.application is not None, draft.approver) == (COUNT, found["bytes"], True, "王局长")
    assert draft.details == {"exchange": number, "destination": "front", "to": "folder", "attempt": 1, "files": 1}
    assert [item.code for item in draft.accesses[0].items] == ["name", "id_number"]


async def test_nobody_names_an_address_or_uses_what_is_others(world: World) -> None:
    for wrong in ("others", "file:///tmp", "s3://bucket/x", "http://127.0.0.1/", ""):
        assert await world.codes("housing", START, d=PERSONS, k="n", to=wrong, f="JSONL") == ["NOT_FOUND"]
    assert (await world.ask("housing", STATE, i=await start(world, None)))["exchange"]["delivery"] is None
    last = f"key {next(_keys) - 1}"
    assert await world.codes("housing", START, d=PERSONS, k=last, to="front", f="JSONL") == ["CONFLICT"]


def revoke(world: World) -> None:
    world.core.sharing.change_grant(SECURITY, world.grants["housing", "person"], "REVOKED")


def withdraw(world: World) -> None:
    WithdrawalService(world.core.engine, world.core.acts, world.core.catalog.current).withdraw(SECURITY, "civil_affairs.person", "疑似泄露")


def close(world: World) -> None:
    path = world.core.settings.home / "destinations.toml"
    path.write_text(path.read_text().replace('["housing"]', '["statistics"]'))


@pytest.mark.parametrize("stopping", [revoke, withdraw, close])
async def test_what_stops_downloads_stops_deliveries(world: World, tmp_path: Path, stopping: Callable[[World], None]) -> None:
    number = await held(world)
    stopping(world)
    await world.hub.live.refresh()
    released(world, number)
    found = await until(world, number, ended)
    assert (found["state"], found["reason"].partition(" ")[0]) == ("FAILED", "FORBIDDEN")
    assert list((tmp_path / "root" / "in").iterdir()) == []
    told = drafts(world, number)
    assert [(each.outcome, each.code) for each in told] == [("FAILED", "FORBIDDEN")]


async def test_rights_are_looked_at_before_every_piece(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Revoked after the entry, before the file: the file does not leave, and this is entered."""
    appending = world.core.ledger.append

    async def then_revoked(draft: EntryDraft) -> Any:
        receipt = await appending(draft)
        if draft.kind == "download" and draft.outcome == "OK":
            await asyncio.to_thread(revoke, world)
            await world.hub.live.refresh()
        return receipt

    monkeypatch.setattr(world.core.ledger, "append", then_revoked)
    number = await start(world)
    found = await until(world, number, ended)
    assert (found["state"], found["reason"].partition(" ")[0]) == ("FAILED", "FORBIDDEN")
    assert list((tmp_path / "root" / "in" / number).iterdir()) == []
    assert [(each.outcome, (each.details or {}).get("broken_off")) for each in drafts(world, number)] == [("OK", None), ("FAILED", True)]


async def test_what_cannot_be_reached_is_tried_again_and_given_up_after_a_day(world: World, tmp_path: Path) -> None:
    (tmp_path / "root" / "in").rmdir()
    number = await start(world)
    found = await until(world, number, lambda found: found["attempts"] >= 2)
    assert (found["state"] in ("WAITING", "RUNNING"), found["reason"].partition(" ")[0]) == (True, "SOURCE_UNAVAILABLE")
    assert drafts(world, number) == []
    with world.core.engine.begin() as connection:
        connection.execute(update(exchange_delivery).values(began_at=now() - timedelta(hours=24)))
    found = await until(world, number, ended)
    assert (found["state"], found["reason"].partition(" ")[0]) == ("FAILED", "SOURCE_UNAVAILABLE")
    assert [(each.outcome, each.code, each.bytes) for each in drafts(world, number)] == [("FAILED", "SOURCE_UNAVAILABLE", 0)]


async def test_a_fault_in_the_file_stops_deliveries_and_nothing_else(world: World, tmp_path: Path) -> None:
    path = world.core.settings.home / "destinations.toml"
    (tmp_path / "root" / "in").rmdir()
    number = await start(world)
    good = path.read_text()
    path.write_text("[[destinations]]\nkind = 1\n")
    (tmp_path / "root" / "in").mkdir()
    await until(world, number, lambda found: "configuration of destinations" in (found["reason"] or ""))
    assert await world.codes("housing", START, d=PERSONS, k="n", to="front", f="JSONL") == ["INTERNAL"]
    assert (await world.ask("housing", STATE, i=await start(world, None)))["exchange"]["delivery"] is None
    path.write_text(good)
    assert (await until(world, number, ended))["state"] == "DELIVERED"


async def test_files_that_were_disposed_of_are_not_delivered(world: World) -> None:
    number = await held(world)
    with world.core.engine.begin() as connection:
        connection.execute(update(exchange).where(exchange.c.id == number).values(state="EXPIRED"))
    released(world, number)
    found = await until(world, number, ended)
    assert (found["state"], found["reason"].partition(" ")[0]) == ("FAILED", "NOT_FOUND")


async def test_events_go_on_until_it_is_delivered(world: World, tmp_path: Path) -> None:
    number = await start(world)
    stream = (await world.download("housing", f"/exchanges/{number}/events")).text
    events = [json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith("data: ")]
    assert events[-1]["state"] == "SUCCEEDED"
    assert {key: events[-1]["delivery"][key] for key in ("destination", "state", "rows")} == {"destination": "front", "state": "DELIVERED", "rows": COUNT}


async def test_one_server_at_a_time_and_whoever_lost_it_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    number = await held(world)
    monkeypatch.setattr(Deliveries, "begin", lambda _self: asyncio.sleep(0))
    first, second = (DeliveryStore(world.core.engine, node, alone=False) for node in ("first", "second"))
    row = exchange_delivery.c.exchange == number

    def lapse(**values: Any) -> None:
        with world.core.engine.begin() as connection:
            connection.execute(update(exchange_delivery).where(row).values(**values))

    assert second.due() == []
    lapse(next_at=now() + timedelta(hours=2))
    assert [each.exchange for each in second.due()] == [number], "no pause is that long: the clock was set back"
    lapse(next_at=None)
    assert first.claim(number) is not None
    lapse(held_until=now() + timedelta(hours=1))
    assert [each.exchange for each in second.due()] == [number], "nor is it held for so long"
    assert first.progress(number, 1, 1)
    assert (second.due(), second.claim(number)) == ([], None)
    lapse(held_until=now() - timedelta(seconds=1))
    taken = second.claim(number)
    assert taken is not None
    assert taken.attempts == 2
    assert not first.progress(number, 1, 1)
    assert not first.delivered(number, "there", 1, 1)
    with world.core.engine.begin() as connection:
        assert not first.failed(connection, number, "x")
    second.release()
    monkeypatch.undo()
    assert (await until(world, number, ended))["state"] == "DELIVERED"


async def test_a_hub_that_ends_leaves_its_deliveries_to_the_next(world: World, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker thread stands in the middle of a file when the hub is told to end."""
    number = await held(world)
    ending = Deliveries(world.hub.live, world.hub.deliveries._jobs, world.hub.deliveries._destinations)
    reached, loop, writing, beginning = asyncio.Event(), asyncio.get_running_loop(), os.write, Deliveries.begin

    def slow(descriptor: int, content: Any) -> int:
        if Path(f"/proc/self/fd/{descriptor}").readlink().suffix == ".part":
            loop.call_soon_threadsafe(reached.set)
            time.sleep(0.2)
        return writing(descriptor, content)

    monkeypatch.setattr(os, "write", slow)
    monkeypatch.setattr(Deliveries, "begin", lambda self: beginning(self) if self is ending else asyncio.sleep(0))
    released(world, number)
    running = asyncio.create_task(ending.run())
    await reached.wait()
    running.cancel()
    await asyncio.wait({running})
    assert list((root / "in" / number).iterdir()) == []
    monkeypatch.undo()
    assert (await until(world, number, ended))["state"] == "DELIVERED"
    assert [each.outcome for each in drafts(world, number)] == ["OK", "OK"]


async def test_a_destination_that_never_answers_holds_neither_its_place_nor_the_hub(world: World, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    number, writing, stands, answered = await held(world), os.write, asyncio.Event(), threading.Event()
    loop, held_up = asyncio.get_running_loop(), list[threading.Thread]()

    def silent(descriptor: int, content: Any) -> int:
        if Path(f"/proc/self/fd/{descriptor}").readlink().suffix == ".part":
            held_up.append(threading.current_thread())
            loop.call_soon_threadsafe(stands.set)
            answered.wait(60)
        return writing(descriptor, content)

    monkeypatch.setattr(os, "write", silent)
    monkeypatch.setattr(deliver, "_END_SECONDS", 0.2)
    beginning = Deliveries.begin
    ending = Deliveries(world.hub.live, world.hub.deliveries._jobs, world.hub.deliveries._destinations, timedelta(hours=1))
    monkeypatch.setattr(Deliveries, "begin", lambda self: beginning(self) if self is ending else asyncio.sleep(0))
    try:
        released(world, number)
        running = asyncio.create_task(ending.run())
        await stands.wait()
        monkeypatch.setattr(deliver, "SILENCE_SECONDS", 0.1)
        found = await until(world, number, lambda found: found["reason"] is not None)
        assert (found["state"], found["reason"].partition(" ")[0]) == ("WAITING", "SOURCE_UNAVAILABLE")
        monkeypatch.setattr(deliver, "SILENCE_SECONDS", 60.0)
        stands.clear()
        released(world, number)
        await stands.wait()
        running.cancel()
        done, _ = await asyncio.wait({running}, timeout=10)
        assert done, "the hub ends although the thread stands"
        assert {(thread.is_alive(), thread.daemon) for thread in held_up} == {(True, True)}, "nor does its process wait for threads that stand"
    finally:
        answered.set()
    monkeypatch.undo()
    assert (await until(world, number, ended))["state"] == "DELIVERED"


async def test_an_attempt_is_given_up_once(world: World) -> None:
    """What follows, while it still stands in the list, is an entry and a row; they are not cut off."""

    class Standing:
        silence, stopped = 1e9, 0

        def stop(self) -> None:
            self.stopped += 1

    deliveries = Deliveries(world.hub.live, world.hub.deliveries._jobs, world.hub.deliveries._destinations)
    attempt, task = Standing(), asyncio.create_task(asyncio.sleep(60))
    deliveries._attempts["exchange_x"] = cast(Any, attempt)
    deliveries._tasks["exchange_x"] = cast(Any, task)
    for _ in range(3):
        deliveries._leave_silent()
    assert (attempt.stopped, task.cancelling()) == (1, 1)
    await asyncio.wait({task})


async def test_the_entry_is_found_where_a_server_died_before_it_noted_it(world: World, root: Path) -> None:
    number = await held(world)
    with world.core.engine.begin() as connection:
        connection.execute(update(exchange).where(exchange.c.id == number).values(entry=None))
    released(world, number)
    assert (await until(world, number, ended))["state"] == "DELIVERED"
    told = json.loads((root / "in" / number / "manifest.json").read_bytes())
    (made,) = [each for each in world.entries() if each.content.kind == "exchange" and (each.content.details or {}).get("exchange") == number]
    assert told["ledger"]["entry"] == str(made.seq)


async def test_an_s3_store_end_to_end(world: World, root: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_SECRET", "secret")
    await asyncio.to_thread(s3.make_bucket, "end-to-end")
    about = 'code = "store"\nname = "对象存储"\napplications = ["housing"]\nkind = "s3"\nurl = "s3://end-to-end/p"\nsecret = "env:STORE_SECRET"'
    options = f'endpoint = "{s3.endpoint}"\naccess_key = "K"\nallow_http = true'
    path = world.core.settings.home / "destinations.toml"
    path.write_text(f"{FILE.format(root=root)}[[destinations]]\n{about}\n[destinations.options]\n{options}\n")
    number = await start(world, "store")
    found = await until(world, number, ended)
    assert (found["state"], found["place"]) == ("DELIVERED", f"s3://end-to-end/p/{number}/")
    where = world.hub.deliveries._destinations.find("store")
    assert isinstance(where, S3)
    store, _ = opened(where)
    manifest = json.loads(bytes((await obstore.get_async(store, f"{number}/manifest.json")).bytes()))
    for file in manifest["files"]:
        content = bytes((await obstore.get_async(store, f"{number}/{file['name']}")).bytes())
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])


async def test_a_delivery_stands_in_the_trace(world: World) -> None:
    number = await start(world)
    await until(world, number, ended)
    with world.core.engine.connect() as connection:
        copy = copy_of(connection, number)
    assert copy is not None
    assert [(each.file, each.operator, each.outcome) for each in copy.downloads] == [("→ front", "housing-clerk", "OK")]
