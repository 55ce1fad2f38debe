"""What ends a batch, what makes it wait, and what a source that is down makes of its rows."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from errno import ENOSPC
from functools import partial
from typing import Any, TypeVar
from unittest.mock import patch

import pytest
from sqlalchemy import update

from hub.anomalies.throttle import Throttle
from hub.clock import clock
from hub.exchange.tables import exchange
from hub.exchange.verifying.asking import Asking, Case
from hub.exchange.verifying.disposal import UploadDisposal
from hub.exchange.work.sink import Sink
from hub.space import Level, Space
from hub.store.base import now
from tests.catalog.homes import CONSOLE, SECURITY
from tests.exchange.verifying.world import NAMES, Batches, person, table
from tests.verification.world import KNOWN, NAME

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("in_process")]
T = TypeVar("T")
CANCEL = "mutation ($id: ID!) { cancelExchange(id: $id) { exchange { state } } }"


async def until(look: Callable[[], T], done: Callable[[T], bool]) -> T:
    """What is seen once it is done."""
    for _ in range(1000):
        if done(found := look()):
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(found)


@asynccontextmanager
async def held(batches: Batches, app: str, after: int = 1) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A batch of 300 rows that stands before the call behind so many, until the event is set."""
    reached, go, calls = asyncio.Event(), asyncio.Event(), 0
    ask = Asking.ask

    async def waiting(self: Asking, case: Case, rows: Sequence[Any], keeping: Any) -> None:
        nonlocal calls
        if calls == after:
            reached.set()
            await go.wait()
        calls += 1
        await ask(self, case, rows, keeping)

    with patch.object(Asking, "ask", waiting):
        rows = [(person(n)[1], person(n)[2]) for n in range(900, 1200)]
        job = await batches.job(app, await batches.upload(app, table(rows, "id", "name")), NAMES)
        await asyncio.wait_for(reached.wait(), 10)
        try:
            yield job, go
        finally:
            go.set()


async def test_a_grant_that_is_revoked_ends_the_batch_and_nothing_is_offered(batches: Batches) -> None:
    world = batches.world
    app = world.application("revoked")
    async with held(batches, app) as (job, go):
        client = world.core.registry.by_name(app)
        assert client is not None
        (grant,) = [each for each in world.core.sharing.grants(client.client_id) if each.resource == "civil_affairs.person"]
        await asyncio.to_thread(world.core.sharing.change_grant, SECURITY, grant.id, "REVOKED")
        await world.hub.live.refresh()
        go.set()
        found = await batches.ended(app, job)
    assert (found["state"], found["files"], found["manifestUrl"]) == ("FAILED", [], None)
    assert found["reason"].startswith("FORBIDDEN")
    assert int(found["progress"]["rowsDone"]) == 200
    answer = await world.http.get(f"/exchanges/{job}/files/data.csv", headers=await batches.headers(app))
    assert answer.status_code == 404


async def test_an_application_that_is_disabled_goes_no_further(batches: Batches) -> None:
    world = batches.world
    app = world.application("disabled")
    async with held(batches, app) as (job, go):
        await asyncio.to_thread(world.core.sharing.disable_application, CONSOLE, app)
        await world.hub.live.refresh()
        go.set()
        found = await until(lambda: world.hub._exchange_http.store.job(job), lambda job: job is not None and job.ended)
    assert found is not None
    assert (found.state, (found.reason or "").split()[0], found.rows_done) == ("FAILED", "FORBIDDEN", 200)


async def test_a_batch_that_is_cancelled_is_over_and_its_upload_is_disposed_of(batches: Batches) -> None:
    world = batches.world
    app = world.application("cancelling")
    async with held(batches, app) as (job, _):
        answer = await world.ask(app, CANCEL, {"id": job})
        assert answer.json["data"]["cancelExchange"]["exchange"]["state"] == "CANCELLED"
    verifying = world.hub._verifying
    before = world.entries()[-1].seq
    folder = verifying.uploads.folder
    names = {path.name for path in folder.iterdir()}
    await UploadDisposal(verifying.uploads, world.core.ledger, alone=True).sweep()
    gone = names - {path.name for path in folder.iterdir()}
    disposed = {(entry.content.details or {})["target"] for entry in world.entries(before) if entry.content.operation == "disposeUpload"}
    assert gone
    assert gone == disposed
    again = world.entries()[-1].seq
    await UploadDisposal(verifying.uploads, world.core.ledger, alone=True).sweep()
    assert not [entry for entry in world.entries(again) if entry.content.operation == "disposeUpload"]


async def test_a_source_that_is_down_is_asked_again_and_never_guessed_for(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.exchange.verifying.asking.PAUSES", (0.01, 0.01))
    world = batches.world
    app = world.application("uncertain")
    upload = await batches.upload(app, table([(KNOWN, NAME), (KNOWN, "李")], "id", "name"))
    with world.without_register():
        before = len(world.statements)
        found = await batches.rows(app, await batches.job(app, upload, NAMES))
        assert len(world.statements) == before + 6
    assert [(row["outcome"], row["code"]) for row in found] == [("INDETERMINATE", "")] * 2


async def test_a_source_that_comes_back_in_time_has_the_say(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.exchange.verifying.asking.PAUSES", (0.2, 0.2, 0.2, 0.2))
    world = batches.world
    app = world.application("returning")
    upload = await batches.upload(app, table([(KNOWN, NAME), (KNOWN, "李")], "id", "name"))
    with world.without_register():
        before = len(world.statements)
        job = await batches.job(app, upload, NAMES)
        await until(lambda: len(world.statements), lambda count: count > before)
    assert [row["outcome"] for row in await batches.rows(app, job)] == ["MATCH", "MISMATCH"]


async def test_a_source_outside_its_hours_is_waited_for(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.exchange.verifying.looks.LOOK_SECONDS", 0.02)
    app = batches.world.application("early")
    upload = await batches.upload(app, table([(KNOWN, NAME)], "id", "name"))
    never: Callable[..., bool] = partial(lambda *_: False)
    with patch("hub.exchange.verifying.looks.is_open", never):
        job = await batches.job(app, upload, NAMES)
        assert "waiting for the source's hours" in (await batches.until(app, job, "PAUSED"))["reason"]
    assert [row["outcome"] for row in await batches.rows(app, job)] == ["MATCH"]


async def test_what_was_started_is_what_is_carried_out(batches: Batches) -> None:
    """G2: a document that was changed in the control database."""
    world = batches.world
    app = world.application("tampered")
    upload = await batches.upload(app, table([(KNOWN, NAME)], "id", "name"))
    with patch.object(world.hub.runner, "start"):
        job = await batches.job(app, upload, NAMES)
    with world.core.engine.begin() as connection:
        connection.execute(update(exchange).where(exchange.c.id == job).values(document=NAMES.replace("outcome", "outcome asOf")))
    world.hub.runner.start(job)
    found = await batches.ended(app, job)
    assert (found["state"], found["reason"].split()[0]) == ("FAILED", "CONFLICT")


def _full(space: Space) -> None:
    space._ledger.acts_only = "full"


async def test_a_ledger_that_cannot_be_written_holds_the_batch_and_no_row_is_lost(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.exchange.verifying.looks.LOOK_SECONDS", 0.02)
    world = batches.world
    app = world.application("unwritten")
    async with held(batches, app) as (job, go):
        # Whoever watches the disk says each second whether entries are taken.
        with patch.object(Space, "look", _full), patch.object(world.core.ledger, "acts_only", "full"):
            go.set()
            store = world.hub._exchange_http.store
            waiting = await until(lambda: store.job(job), lambda job: job is not None and job.state == "PAUSED")
        assert waiting is not None
        assert (waiting.reason or "").startswith("LEDGER_UNAVAILABLE")
        found = await batches.rows(app, job)
    assert [row["row"] for row in found] == [str(n) for n in range(1, 301)]


@pytest.mark.parametrize("what", ["outcomes", "the file"])
async def test_a_full_disk_holds_the_batch_and_no_row_is_verified_twice(batches: Batches, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr("hub.exchange.verifying.looks.LOOK_SECONDS", 0.02)
    world, full = batches.world, True
    app = world.application("full_" + what.replace(" ", "_"))
    write, begin = os.pwrite, Sink.write

    def refused_outcomes(file: int, data: Any, place: int) -> int:
        if full:
            raise OSError(ENOSPC, "No space left on device")
        return write(file, data, place)

    def refused_file(sink: Sink, data: Any) -> int:
        if full:
            raise OSError(ENOSPC, "No space left on device")
        return begin(sink, data)

    async with held(batches, app) as (job, go):
        if what == "outcomes":
            monkeypatch.setattr("hub.exchange.verifying.outcomes.os.pwrite", refused_outcomes)
        else:
            monkeypatch.setattr(Sink, "write", refused_file)
        go.set()
        store = world.hub._exchange_http.store
        waiting = await until(lambda: store.job(job), lambda job: job is not None and job.state in ("PAUSED", "FAILED"))
        assert waiting is not None
        assert (waiting.state, (waiting.reason or "").partition(" ")[0]) == ("PAUSED", "RATE_LIMITED")
        full = False
        found = await batches.rows(app, job)
    assert [row["row"] for row in found] == [str(n) for n in range(1, 301)]
    assert {row["code"] for row in found} == {""}


async def test_a_batch_waits_while_too_little_of_the_disk_is_left(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.exchange.verifying.looks.LOOK_SECONDS", 0.02)
    world = batches.world
    app = world.application("no_room")
    async with held(batches, app) as (job, go):
        with patch.object(Space, "look", lambda _: None), patch.dict(world.core.space.levels, {"exchange": Level.FULL}):
            go.set()
            store = world.hub._exchange_http.store
            waiting = await until(lambda: store.job(job), lambda job: job is not None and job.state in ("PAUSED", "FAILED"))
        assert waiting is not None
        assert (waiting.state, (waiting.reason or "").partition(" ")[0]) == ("PAUSED", "RATE_LIMITED")
        found = await batches.rows(app, job)
    assert [row["row"] for row in found] == [str(n) for n in range(1, 301)]


async def test_a_throttle_slows_a_batch_as_it_slows_calls(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.exchange.verifying.looks.LOOK_SECONDS", 0.02)
    world = batches.world
    app = world.application("throttled")
    upload = await batches.upload(app, table([(KNOWN, NAME)], "id", "name"))
    client = world.core.registry.by_name(app)
    assert client is not None
    throttles = world.hub.anomalies.throttles
    held_now = dict(throttles.held)
    throttle = Throttle("anomaly_1", client.client_id, "civil_affairs.person", 1, now() + timedelta(hours=1))
    throttles.replace([throttle])
    throttles.charge(client.client_id, [("civil_affairs.person", str(n)) for n in range(40)])
    job = await batches.job(app, upload, NAMES)
    waiting = await batches.until(app, job, "PAUSED", "SUCCEEDED", "FAILED")
    assert (waiting["state"], "anomaly_1" in waiting["reason"]) == ("PAUSED", True)
    throttles.held = held_now
    with clock.at(now() + timedelta(hours=1)):
        assert [row["outcome"] for row in await batches.rows(app, job)] == ["MATCH"]
