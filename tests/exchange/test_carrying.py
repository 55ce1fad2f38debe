"""An exchange in many chunks: whole, in files of their own; and what ends, pauses or repeats it between two of them (G2, G3, G5)."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, closing
from datetime import timedelta
from errno import EMFILE, ENOSPC
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from hub.exchange import placing, subject_sets
from hub.exchange.chunks import ChunkStore, NewChunk
from hub.exchange.executors.inline import InlineExecutor
from hub.exchange.executors.local import _Child
from hub.exchange.executors.spi import Progress, WorkerLost
from hub.exchange.manifest import files_digest
from hub.exchange.store import FileRecord
from hub.exchange.work.task import ChunkFault, ChunkReceipt, ChunkTask
from hub.ledger.entry import EntryDraft
from hub.ledger.errors import LedgerUnavailable
from hub.space import Level
from tests.catalog.homes import CONSOLE, SECURITY
from tests.exchange.chunked import CANCEL, CHUNK, CHUNKS, DOCUMENT, ORDERED, PURPOSE, ROWS, START, World, difference, grant, world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("impatient")]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_in(tmp_path) as made:
        yield made


def working(before: Callable[[ChunkTask], Any] | None = None, after: Callable[[ChunkTask], Any] | None = None) -> AbstractContextManager[Any]:
    """Within it, one or the other is done around each attempt; what they return is awaited, if it can be."""
    run = InlineExecutor.run

    async def acting(executor: InlineExecutor, task: ChunkTask, progress: Progress) -> ChunkReceipt:
        if before is not None and (waiting := before(task)) is not None:
            await waiting
        receipt = await run(executor, task, progress)
        if after is not None and (waiting := after(task)) is not None:
            await waiting
        return receipt

    return patch.object(InlineExecutor, "run", acting)


async def eventually(holds: Callable[[], bool]) -> None:
    """Waits until it holds."""
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError


@pytest.mark.parametrize("document", [DOCUMENT, ORDERED])
async def test_chunks_are_files_that_hold_every_row_once(world: World, document: str) -> None:
    job = await world.start(document=document)
    found = await world.until(job, "SUCCEEDED")
    assert [file["name"] for file in found["files"]] == [f"data-{number:05}.csv" for number in range(1, CHUNKS + 1)]
    assert sum(file["rows"] for file in found["files"]) == ROWS
    assert (found["progress"]["rowsDone"], found["progress"]["rowsTotal"], found["progress"]["secondsLeft"]) == (ROWS, ROWS, None)
    assert difference(path for path in world.files(job) if path.suffix == ".csv") == (0, 0)
    assert [path.name for path in world.files(job)] == [file["name"] for file in found["files"]], "nothing but what is offered stays"
    (end,) = world.ends(job)
    files = [FileRecord(chunk.name, chunk.rows, chunk.bytes, chunk.sha256, chunk.sm3) for chunk in world.chunks(job)]
    assert end.content.details is not None
    assert end.content.details["sha256"] == files_digest(files)
    (access,) = end.content.accesses
    assert (access.rows, access.subject_set and access.subject_set.count, end.content.rows) == (ROWS, 2 * ROWS, ROWS)
    if document == ORDERED:
        born = [line.split(",")[2] for path in world.files(job) for line in path.read_text("utf-8-sig").split()[1:]]
        assert born == sorted(born, reverse=True), "chunks follow one another in the order that was asked for"


async def test_one_chunk_is_one_plain_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(world.core.settings.__dict__, "exchange_chunk_rows", ROWS)
    found = await world.until(await world.start(), "SUCCEEDED")
    assert [file["name"] for file in found["files"]] == ["data.csv"]


@pytest.mark.parametrize("document", [DOCUMENT, ORDERED])
async def test_a_revoked_grant_stops_the_next_chunk_and_nothing_is_offered(world: World, document: str) -> None:
    app = world.core.registry.by_name("reader")
    assert app is not None
    (held,) = world.core.sharing.grants(app.client_id)
    ended: list[int] = []
    late: list[int] = []
    revoked = False

    async def revoke() -> None:
        nonlocal revoked
        await asyncio.to_thread(world.core.sharing.change_grant, SECURITY, held.id, "REVOKED")
        await world.hub.live.refresh()
        revoked = True

    def before(task: ChunkTask) -> None:
        if revoked:
            late.append(task.number)

    def after(task: ChunkTask) -> Any:
        ended.append(task.number)
        return revoke() if len(ended) == 3 else None

    with working(before, after):
        job = await world.start(document=document)
        await eventually(lambda: bool(world.ends(job)))
        state = world.job(job)
        await eventually(lambda: job not in world.hub.runner._tasks)
    assert (state.state, state.files) == ("FAILED", ())
    assert (state.reason or "").startswith("FORBIDDEN")
    assert "start another exchange" in (state.reason or "")
    assert len(late) <= 1, "no chunk begins once the grant is revoked, but one that was on its way already"
    assert world.files(job) == []
    (end,) = world.ends(job)
    assert (end.content.outcome, end.content.code, end.content.accesses) == ("FAILED", "FORBIDDEN", ())


async def test_what_is_changed_between_chunks_is_rejected(world: World) -> None:
    for column, value in (("document", ORDERED), ("plan", "{}"), ("policy", "0" * 64), ("variables", '{"a": 1}')):
        with working(after=lambda task, job="", column=column, value=value: world.change(task.job, **{column: value}) if task.number == 1 else None):
            job = await world.start(column)
            found = await world.until(job, "FAILED")
        assert found["reason"].startswith("CONFLICT"), (column, found)
        assert (found["files"], world.files(job)) == ([], [])


async def test_chunks_of_another_exchange_are_rejected(world: World) -> None:
    """A chunk's part is moved to another chunk: skipped, doubled or foreign rows would follow (G2)."""
    other = await world.start("other")
    await world.until(other, "SUCCEEDED")
    foreign = world.chunks(other)[4].part

    def swap(task: ChunkTask) -> None:
        if task.number == 1:
            world.change_chunk(task.job, 5, part=foreign)

    with working(before=swap):
        job = await world.start("swapped")
        found = await world.until(job, "FAILED")
    assert found["reason"].startswith("CONFLICT")
    assert world.files(job) == []


async def test_what_fails_or_is_lost_is_tried_again_and_no_row_is_there_twice(world: World) -> None:
    def before(task: ChunkTask) -> None:
        if task.attempt == 1 and task.number % 2:
            raise WorkerLost("gone") if task.number == 3 else ChunkFault("TIMEOUT", "超时", "late", retryable=True)

    with working(before):
        job = await world.start()
        await world.until(job, "SUCCEEDED")
    assert world.attempts(job) == {number: 1 + number % 2 for number in range(1, CHUNKS + 1)}
    assert difference(world.files(job)) == (0, 0)
    assert world.hub.runner.figures.attempts == {"done": CHUNKS, "failed": 2, "lost": 1}


async def test_a_control_database_that_fails_for_a_moment_holds_a_job_up_for_no_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.exchange.runner._RENEW_SECONDS", 0.1)
    faults = iter([OperationalError("UPDATE", None, Exception("gone"))])
    plan = ChunkStore.plan

    def failing(store: ChunkStore, job: str, chunks: Sequence[NewChunk]) -> None:
        for fault in faults:
            raise fault
        plan(store, job, chunks)

    monkeypatch.setattr(ChunkStore, "plan", failing)
    monkeypatch.setattr("hub.exchange.leases.LEASE", timedelta(hours=1))
    async with world_in(tmp_path) as world:
        job = await world.start()
        async with asyncio.timeout(60):
            while (found := await world.look(job))["state"] != "SUCCEEDED":
                assert found["state"] in ("QUEUED", "RUNNING")
                await asyncio.sleep(0.01)
        await world.until(job, "SUCCEEDED")
        assert difference(world.files(job)) == (0, 0)
    assert next(faults, None) is None


@pytest.mark.parametrize("what", ["a process for a chunk", "the folder's names on the disk"])
async def test_a_hub_without_files_to_open_holds_jobs_up_and_ends_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr("hub.exchange.runner._RENEW_SECONDS", 0.1)
    monkeypatch.setattr("hub.exchange.runner._LEDGER_SECONDS", 0.05)
    faults = iter([OSError(EMFILE, "Too many open files")] * 3)
    start, sync = _Child.start, placing.sync

    async def started() -> _Child:
        for fault in faults:
            raise fault
        return await start()

    def synced(folder: Path) -> None:
        for fault in faults:
            raise fault
        sync(folder)

    if what == "a process for a chunk":
        monkeypatch.setattr(_Child, "start", started)
    else:
        monkeypatch.setattr(placing, "sync", synced)
    async with world_in(tmp_path, settings={"exchange_executor": "local"}) as world:
        job = await world.start()
        async with asyncio.timeout(60):
            while (found := await world.look(job))["state"] != "SUCCEEDED":
                assert found["state"] in ("QUEUED", "RUNNING"), found
                await asyncio.sleep(0.01)
        await world.until(job, "SUCCEEDED")
        assert difference(world.files(job)) == (0, 0)
        assert len(world.ends(job)) == 1
    assert next(faults, None) is None


@pytest.mark.parametrize(("retryable", "attempts"), [(True, 5), (False, 1)])
async def test_a_chunk_that_always_fails_ends_its_job(world: World, retryable: bool, attempts: int) -> None:
    def before(task: ChunkTask) -> None:
        if task.number == 2:
            raise ChunkFault("TIMEOUT", "超时", "late", retryable=retryable)

    with working(before):
        job = await world.start()
        found = await world.until(job, "FAILED")
    assert found["reason"] == "TIMEOUT 超时 late"
    assert (world.attempts(job)[2], world.files(job)) == (attempts, [])


async def test_a_refusal_of_the_source_is_told_to_those_who_run_the_hub(world: World, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "register.db")) as register:
        register.execute("UPDATE person SET born = '1950-13-45' WHERE pk > 20")
        register.commit()
    with capture_logs() as logs:
        job = await world.start("refused", document=ORDERED)
        found = await world.until(job, "FAILED")
    (told,) = [each for each in logs if each["event"] == "exchange_chunk_failed"]
    assert "no page begins behind a value of born that cannot be delivered" in told["why"]
    assert found["reason"].startswith("SOURCE_UNAVAILABLE 数据源拒绝了查询：civil_affairs.person；可换用其他排序或条件")
    assert "another order or filter may do" in found["reason"]


async def test_no_exchange_has_failed_before_its_entry_is_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    append_with = world.core.ledger.append_with

    async def refuse(draft: EntryDraft, work: Any) -> Any:
        if (draft.kind, draft.outcome) == ("exchange", "FAILED"):
            raise LedgerUnavailable
        return await append_with(draft, work)

    def before(_task: ChunkTask) -> None:
        raise ChunkFault("TIMEOUT", "超时", "late", retryable=False)

    monkeypatch.setattr(world.core.ledger, "append_with", refuse)
    with working(before):
        job = await world.start()
        await eventually(lambda: world.job(job).state == "PAUSED")
        assert (world.job(job).reason or "").startswith("LEDGER_UNAVAILABLE")
        monkeypatch.undo()
        assert (await world.until(job, "FAILED"))["reason"].startswith("TIMEOUT")
    ended = [each for each in world.entries() if each.content.kind == "exchange" and (each.content.details or {}).get("step") == "FAILED"]
    assert [each.content.code for each in ended] == ["TIMEOUT"]
    assert world.files(job) == []


async def test_an_exchange_pauses_while_the_disk_is_full_and_goes_on(world: World) -> None:
    space = world.core.space

    def fill(task: ChunkTask) -> None:
        if task.number == 2:
            space.levels["exchange"] = Level.FULL

    with working(after=fill), patch.object(space, "look"):
        job = await world.start()
        found = await world.until(job, "PAUSED")
        assert found["reason"].startswith("RATE_LIMITED")
        done = world.attempts(job)
        space.levels["exchange"] = Level.SHORT
        await asyncio.sleep(0.2)
        assert (await world.look(job))["state"] == "PAUSED", "it waits for as much room as a new one needs"
        assert world.attempts(job) == done
        space.levels["exchange"] = Level.ENOUGH
        with patch.object(InlineExecutor, "run", InlineExecutor.run):
            await world.until(job, "SUCCEEDED")
    assert difference(world.files(job)) == (0, 0)


async def test_a_file_that_the_disk_refuses_pauses_the_exchange(world: World) -> None:
    def before(task: ChunkTask) -> None:
        if task.number == 2 and task.attempt < 8:
            raise ChunkFault("RATE_LIMITED", "平台磁盘空间不足", "the hub's disk has no room left", retryable=True)

    with working(before):
        job = await world.start()
        assert (await world.until(job, "PAUSED"))["reason"].startswith("RATE_LIMITED")
        await world.until(job, "SUCCEEDED")
    assert world.attempts(job)[2] == 8, "however often: it is not the chunk's fault"
    assert difference(world.files(job)) == (0, 0)


@pytest.mark.parametrize("what", ["the job's folder", "the draft of its subjects"])
async def test_whatever_the_disk_refuses_costs_nothing_that_is_done(world: World, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    refused: list[object] = []

    def refusing(real: Callable[..., Any], concerned: Callable[..., bool]) -> Callable[..., Any]:
        def act(*arguments: Any, **more: Any) -> Any:
            if concerned(*arguments) and len(refused) < 2:
                refused.append(arguments)
                raise OSError(ENOSPC, "No space left on device")
            return real(*arguments, **more)

        return act

    if what == "the job's folder":
        monkeypatch.setattr(Path, "mkdir", refusing(Path.mkdir, lambda path, *_: path.parent == world.core.settings.exchanges.absolute()))
    else:
        monkeypatch.setattr(subject_sets.tempfile, "TemporaryFile", refusing(tempfile.TemporaryFile, lambda *_: True))
    job = await world.start()
    assert (await world.until(job, "PAUSED"))["reason"].startswith("RATE_LIMITED")
    await world.until(job, "SUCCEEDED")
    assert len(refused) == 2
    assert difference(world.files(job)) == (0, 0)
    assert len(world.ends(job)) == 1
    if what == "the draft of its subjects":
        assert set(world.attempts(job).values()) == {1}


async def test_an_exchange_pauses_outside_the_hours_of_its_source(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    with working(before=lambda task: begun.append(task.number)):
        monkeypatch.setattr("hub.exchange.looks.is_open", lambda *_: len(begun) < 1)
        job = await world.start()
        assert "hours" in (await world.until(job, "PAUSED"))["reason"]
        monkeypatch.setattr("hub.exchange.looks.is_open", lambda *_: True)
        await world.until(job, "SUCCEEDED")
    assert difference(world.files(job)) == (0, 0)


async def test_a_cancelled_exchange_leaves_nothing(world: World) -> None:
    waiting = asyncio.Event()

    async def wait() -> None:
        waiting.set()
        await asyncio.sleep(60)

    with working(before=lambda task: wait() if task.number == 3 else None):
        job = await world.start()
        await asyncio.wait_for(waiting.wait(), 20)
        world.change(job, rows_done=1, bytes=1)
        for _ in range(2):
            assert (await world.ask(CANCEL, i=job))["cancelExchange"]["exchange"] == {"state": "CANCELLED"}
    assert (world.files(job), world.hub.runner.jobs, world.hub.runner.gate.taken) == ([], 0, 0)
    done = [chunk for chunk in world.chunks(job) if chunk.state == "DONE"]
    progress = (await world.look(job))["progress"]
    assert (int(progress["rowsDone"]), int(progress["bytes"])) == (sum(chunk.rows or 0 for chunk in done), sum(chunk.bytes or 0 for chunk in done)), (
        "not a second old"
    )
    assert len(done) > 0
    details = [each.content.details or {} for each in world.entries()]
    said = [each["cancelled"] for each in details if "cancelled" in each]
    assert said == [[job]], "the second call cancelled nothing"


async def test_jobs_share_the_sessions_of_their_source(tmp_path: Path) -> None:
    most = running = 0

    async def entered(_: ChunkTask) -> None:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)

    def left(_: ChunkTask) -> None:
        nonlocal running
        running -= 1

    async with world_in(tmp_path, "exchange_sessions = 1") as world:
        with working(entered, left):
            jobs = [await world.start(key) for key in ("one", "two", "three")]
            for job in jobs:
                await world.until(job, "SUCCEEDED")
                assert difference(world.files(job)) == (0, 0)
    assert most == 1


async def test_formats_and_encodings_that_are_not_on_offer_are_refused(world: World) -> None:
    for more in ({"format": "XLSX"}, {"format": "PARQUET", "encoding": "GB18030"}, {"format": "JSONL", "encoding": "GB18030"}):
        answer = await world.post(START, {"i": {"document": DOCUMENT, "idempotencyKey": "k", **more}})
        assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT", more


async def test_an_exchange_behind_a_cursor_is_refused_when_it_is_started(world: World) -> None:
    written, by_variable = (
        '{ civilAffairs { persons(after: "x") { nodes { name } } } }',
        "query ($c: String) { civilAffairs { persons(after: $c) { nodes { name } } } }",
    )
    for document, variables in ((written, {}), (by_variable, {"c": "x"})):
        answer = await world.post(START, {"i": {"document": document, "variables": variables, "format": "CSV", "idempotencyKey": "behind"}})
        assert answer["errors"][0]["extensions"]["messageEn"] == "an exchange takes no after"


async def test_the_same_key_with_another_encoding_is_another_input(world: World) -> None:
    job = await world.start("same")
    assert await world.start("same") == job
    answer = await world.post(START, {"i": {"document": DOCUMENT, "format": "CSV", "idempotencyKey": "same", "encoding": "GB18030"}})
    assert answer["errors"][0]["extensions"]["code"] == "CONFLICT"
    await world.until(job, "SUCCEEDED")
    found = await world.until(await world.start("chinese", encoding="GB18030"), "SUCCEEDED")
    answer = await world.http.get(found["files"][0]["url"], headers=world.headers())
    assert "居民" in answer.content.decode("gb18030")


async def test_events_tell_of_chunks(world: World) -> None:
    job = await world.start()
    await world.until(job, "SUCCEEDED")
    answer = await world.http.get(f"/exchanges/{job}/events", headers=world.headers())
    told = [orjson.loads(line.removeprefix(b"data: ")) for line in answer.content.splitlines() if line.startswith(b"data: ")]
    assert {name: told[-1][name] for name in ("state", "rowsDone", "chunks", "chunksDone", "secondsLeft")} == {
        "state": "SUCCEEDED",
        "rowsDone": ROWS,
        "chunks": CHUNKS,
        "chunksDone": CHUNKS,
        "secondsLeft": None,
    }


async def test_a_grant_s_page_limit_does_not_bound_chunks(world: World) -> None:
    world.core.sharing.create_application(CONSOLE, "other", "civil_affairs", [PURPOSE], [])
    world.core.sharing.create_grant(SECURITY, grant("other", max_page=1))
    world.core.registry.refresh()
    job = await world.start("limit", name="other")
    await world.until(job, "SUCCEEDED", name="other")
    assert [chunk.rows for chunk in world.chunks(job)][:2] == [CHUNK, CHUNK]


async def test_an_exchange_pauses_while_the_ledger_may_release_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise LedgerUnavailable

    def before(task: ChunkTask) -> None:
        if task.number == 2 and task.attempt == 1:
            monkeypatch.setattr(world.core.ledger, "check_release", refuse)

    with working(before):
        job = await world.start()
        await eventually(lambda: world.job(job).state == "PAUSED")
        assert (world.job(job).reason or "").startswith("LEDGER_UNAVAILABLE")
        monkeypatch.undo()
        await world.until(job, "SUCCEEDED")
    assert difference(world.files(job)) == (0, 0)
