"""Whoever dies, an exchange goes on behind what is done: no row is missing, none is there twice, and nothing is done anew that was done (G4)."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from hub.app import create_app
from hub.core import Core, open_core
from hub.exchange import placing
from hub.exchange.chunks import Chunk
from hub.exchange.executors.inline import InlineExecutor
from hub.exchange.executors.local import LocalExecutor
from hub.exchange.executors.spi import Progress
from hub.exchange.leases import LEASE
from hub.exchange.tables import exchange, exchange_chunk
from hub.exchange.work.task import ChunkReceipt, ChunkTask
from hub.settings import Settings
from hub.store.base import now
from tests.catalog.homes import new_core
from tests.cli.children import running
from tests.exchange.chunked import CHUNK, CHUNKS, DOCUMENT, LOOK, ORDERED, ROWS, START, World, difference, living, registered, write, write_postgres
from tests.servers.postgres import Postgres, free_port
from tests.thorough import THOROUGH

pytestmark = pytest.mark.usefixtures("impatient")
anyio = pytest.mark.anyio
LARGE, MANY, SOME, FEW = 5_000, 4_000, 500, 100
KILLS = 4 if THOROUGH else 2


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """A home with a register and an application."""
    write(tmp_path / "register.db")
    with new_core(tmp_path, exchange_chunk_rows=CHUNK) as made:
        registered(made, f"sqlite+aiosqlite:///{tmp_path}/register.db")
        yield made


async def begun(core: Core, monkeypatch: pytest.MonkeyPatch, chunks: int, document: str = DOCUMENT) -> str:
    """An exchange of which so many chunks are done when its hub ends."""
    run, done = InlineExecutor.run, asyncio.Event()

    async def some(executor: InlineExecutor, task: ChunkTask, progress: Progress) -> ChunkReceipt:
        if task.number > chunks:
            done.set()
            await asyncio.sleep(60)
        return await run(executor, task, progress)

    async with living(core) as world:
        with monkeypatch.context() as patch:
            patch.setattr(InlineExecutor, "run", some)
            job = await world.start(document=document)
            await asyncio.wait_for(done.wait(), 20)
            # Files get their names behind the database's word; a hub that ends in between gives them when it goes on.
            named = [core.settings.exchanges / job / f"data-{number:05}.csv" for number in range(1, chunks + 1)]
            while sum(chunk.state == "DONE" for chunk in world.chunks(job)) < chunks or not all(file.exists() for file in named):  # noqa: ASYNC110 - nobody else says it
                await asyncio.sleep(0.01)
    return job


async def finished(core: Core, job: str) -> World:
    """The hub once it has done the rest."""
    async with living(core) as world:
        await world.until(job, "SUCCEEDED")
        assert difference(world.files(job)) == (0, 0)
        assert len(world.ends(job)) == 1
    return world


@pytest.mark.slow
@anyio
async def test_what_is_done_is_not_done_again(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    job = await begun(core, monkeypatch, 3)
    world = await finished(core, job)
    assert {number: count for number, count in world.attempts(job).items() if number <= 3} == {1: 1, 2: 1, 3: 1}
    assert all(world.attempts(job)[number] <= 2 for number in range(4, CHUNKS + 1))


@pytest.mark.slow
@anyio
@pytest.mark.parametrize("harm", ["missing", "shortened", "without subjects"])
async def test_a_chunk_whose_files_suffered_is_done_anew(core: Core, monkeypatch: pytest.MonkeyPatch, harm: str) -> None:
    job = await begun(core, monkeypatch, 3)
    folder = core.settings.exchanges / job
    file, subjects = folder / "data-00002.csv", folder / ".data-00002.csv.subjects"
    match harm:
        case "missing":
            file.unlink()
        case "shortened":
            file.write_bytes(file.read_bytes()[:-1])
        case _:
            subjects.unlink()
    world = await finished(core, job)
    assert [world.attempts(job)[number] for number in (1, 2, 3)] == [1, 2, 1]


@pytest.mark.slow
@anyio
async def test_a_chunk_of_an_ordered_list_is_done_anew_where_the_next_one_is_known(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    job = await begun(core, monkeypatch, 3, ORDERED)
    (core.settings.exchanges / job / "data-00002.csv").unlink()
    world = await finished(core, job)
    assert [world.attempts(job)[number] for number in (1, 2, 3)] == [1, 2, 1]


@pytest.mark.slow
@anyio
async def test_what_is_done_anew_counts_once_against_the_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "register.db")
    with new_core(tmp_path, exchange_chunk_rows=CHUNK) as core:
        registered(core, f"sqlite+aiosqlite:///{tmp_path}/register.db", quota={"calls": 1, "rows": ROWS, "per": "MONTH"})
        job = await begun(core, monkeypatch, 3)
        (core.settings.exchanges / job / "data-00002.csv").unlink()
        async with living(core) as world:
            assert (await world.until(job, "SUCCEEDED", "PAUSED"))["state"] == "SUCCEEDED"
            assert difference(world.files(job)) == (0, 0)
            assert world.attempts(job)[2] == 2


@pytest.mark.slow
@anyio
async def test_an_ordered_list_that_changed_under_a_lost_chunk_is_not_pieced_together(core: Core, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    job = await begun(core, monkeypatch, 3, ORDERED)
    (core.settings.exchanges / job / "data-00002.csv").unlink()
    with closing(sqlite3.connect(tmp_path / "register.db")) as register:
        register.execute("DELETE FROM person WHERE born IN (SELECT born FROM person ORDER BY born DESC LIMIT 2 OFFSET 12)")
        register.commit()
    async with living(core) as world:
        assert (await world.until(job, "FAILED"))["reason"].startswith("CONFLICT")
        assert world.files(job) == []


@pytest.mark.slow
@anyio
async def test_leftovers_of_attempts_are_removed_and_an_accepted_one_gets_its_name(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub dies between the database's word and the file's name; and a worker that nobody waits for leaves more."""
    job = await begun(core, monkeypatch, 3)
    folder = core.settings.exchanges / job
    (folder / "data-00002.csv").rename(folder / ".data-00002.csv.1")
    (folder / ".data-00002.csv.subjects").rename(folder / ".data-00002.csv.1.subjects")
    (folder / ".data-00004.csv.1").write_text("number,name,born\n1,2,3\n")
    (folder / "data-00005.csv").write_text("number,name,born\n1,2,3\n")
    world = await finished(core, job)
    assert world.attempts(job)[2] == 1
    assert [path.name for path in world.files(job)] == [f"data-{number:05}.csv" for number in range(1, CHUNKS + 1)]


@pytest.mark.slow
@anyio
async def test_a_hub_that_lost_the_job_while_it_stood_still_takes_nothing_of_the_other_away(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    job = await begun(core, monkeypatch, 3)
    theirs, put = core.settings.exchanges / job / ".data-00004.csv.7", placing.put

    def late(folder: Path, chunk: Chunk) -> bool:
        theirs.write_text("number,name,born\n")
        with core.engine.begin() as connection:
            connection.execute(exchange.update().where(exchange.c.id == job).values(node="another", held_until=now() + LEASE))
        return put(folder, chunk)

    monkeypatch.setattr(placing, "put", late)
    async with living(core) as world:
        for _ in range(6000):
            if theirs.exists() and not world.hub.runner.jobs:
                break
            await asyncio.sleep(0.01)
        assert theirs.exists()
        assert {chunk.number for chunk in world.chunks(job) if chunk.state == "DONE"} == {1, 2, 3}


@pytest.mark.slow
@anyio
async def test_a_changed_plan_is_not_resumed(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    job = await begun(core, monkeypatch, 2)
    with core.engine.begin() as connection:
        document = DOCUMENT.replace("number name born", "number born name")
        connection.execute(exchange.update().where(exchange.c.id == job).values(document=document))
    async with living(core) as world:
        found = await world.until(job, "FAILED")
        assert found["reason"].startswith("CONFLICT")
        assert world.files(job) == []


@pytest.mark.slow
@anyio
async def test_killed_local_workers_lose_nothing(tmp_path: Path) -> None:
    write(tmp_path / "register.db", SOME)
    dice = random.Random(7)
    with new_core(tmp_path, exchange_chunk_rows=CHUNK, exchange_executor="local", exchange_workers=2) as core:
        registered(core, f"sqlite+aiosqlite:///{tmp_path}/register.db")
        async with living(core) as world:
            executor = world.hub.runner._means.executor
            assert isinstance(executor, LocalExecutor)
            job, killed = await world.start(), 0
            while not world.job(job).ended:
                await asyncio.sleep(dice.uniform(0.02, 0.2))
                for child in [child for child in executor.children if child.returncode is None][:1]:
                    if killed < 3:
                        os.kill(child.pid, signal.SIGKILL)
                        killed += 1
            assert killed == 3
            assert world.job(job).state == "SUCCEEDED", world.job(job).reason
            assert difference([file for file in world.files(job) if not file.name.startswith(".")], SOME) == (0, 0)
            pids = [child.pid for child in executor.children if child.returncode is None]
            assert pids
            assert not any(core.subjects.key in each or core.subjects.key.hex().encode() in each for each in shown(pids))
        assert all_gone([Path("/proc", str(pid)) for pid in pids]), "they end with their hub"


def shown(pids: list[int]) -> list[bytes]:
    """What everybody, or everybody of the same user, sees of processes."""
    return [Path("/proc", str(pid), name).read_bytes() for pid in pids for name in ("cmdline", "environ")]


def called(home: Path, public: str) -> tuple[dict[str, str], str]:
    """The headers of an application, and its token's hub: tokens are good at every process with the home's keys."""
    core = open_core(Settings(home=home, public_url=public))
    try:
        app = core.registry.by_name("reader")
        assert app is not None
        token = create_app(core)._tokens.issue(app.client_id, app.scopes()).token
    finally:
        core.close()
    use = {"huitong-purpose": "rent", "huitong-operator": "clerk", "accept": "application/graphql-response+json"}
    return {**use, "authorization": f"Bearer {token}"}, token


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["inline", "local"])
def test_a_hub_killed_at_random_moments_loses_nothing(tmp_path: Path, executor: str) -> None:
    """kill -9 of the whole process, again and again; compared by DuckDB."""
    write(tmp_path / "register.db", MANY)
    with new_core(tmp_path) as core:
        registered(core, f"sqlite+aiosqlite:///{tmp_path}/register.db")
        home = core.settings.home
    public = f"http://127.0.0.1:{free_port()}"
    headers, _ = called(home, public)
    dice, job, done = random.Random(11), "", []
    more = {"HUITONG_EXCHANGE_CHUNK_ROWS": str(FEW), "HUITONG_EXCHANGE_EXECUTOR": executor, "HUITONG_PUBLIC_URL": public}
    for turn in range(KILLS + 1):
        with running(home, "serve", "--port", public.rpartition(":")[2], **more) as child:
            if not job:
                job = asked(child.url, headers, START, i={"document": DOCUMENT, "format": "CSV", "idempotencyKey": "k"})["startExchange"]["exchange"]["id"]
            if turn < KILLS:
                time.sleep(dice.uniform(0.05, 1.2))
                workers = children_of(child.process.pid)
                assert child.end(signal.SIGKILL) == -signal.SIGKILL
                assert all_gone(workers), "children end with their hub"
            else:
                found = ended(child.url, headers, job)
        done.append(accepted(home, job))
    assert found["state"] == "SUCCEEDED", found
    assert done == sorted(done), "what is done stays done"
    folder = home / "exchange" / job
    assert difference(folder.glob("data*"), MANY) == (0, 0)
    assert sorted(path.name for path in folder.glob("data*")) == [f"data-{number:05}.csv" for number in range(1, MANY // FEW + 1)]


@pytest.mark.slow
def test_a_hub_killed_between_chunks_of_a_real_database_loses_nothing(tmp_path: Path, postgres: Postgres) -> None:
    """As above, over PostgreSQL: killed twice, each time with more done and more to do."""
    with new_core(tmp_path) as core:
        registered(core, write_postgres(postgres, "killed", LARGE), "exchange_sessions = 1")
        home = core.settings.home
    public = f"http://127.0.0.1:{free_port()}"
    headers, _ = called(home, public)
    job, done = "", [0]
    more = {"HUITONG_EXCHANGE_CHUNK_ROWS": str(FEW), "HUITONG_EXCHANGE_EXECUTOR": "inline", "HUITONG_PUBLIC_URL": public}
    for turn in range(3):
        with running(home, "serve", "--port", public.rpartition(":")[2], **more) as child:
            if not job:
                job = asked(child.url, headers, START, i={"document": DOCUMENT, "format": "CSV", "idempotencyKey": "k"})["startExchange"]["exchange"]["id"]
            if turn == 2:
                found = ended(child.url, headers, job)
                break
            until = time.monotonic() + 30
            while done_now(home, job) <= done[-1] and time.monotonic() < until:
                time.sleep(0.005)
            assert child.end(signal.SIGKILL) == -signal.SIGKILL
        done.append(done_now(home, job))
    assert 0 < done[1] < done[2] < LARGE // FEW, "killed twice in the midst of it"
    assert found["state"] == "SUCCEEDED", found
    files = sorted((home / "exchange" / job).glob("data*"))
    assert [path.name for path in files] == [f"data-{number:05}.csv" for number in range(1, LARGE // FEW + 1)]
    assert difference(files, LARGE) == (0, 0)


def done_now(home: Path, job: str) -> int:
    """Chunks that are done, as the control database of a running hub says."""
    with closing(sqlite3.connect(f"file:{home}/control.db?mode=ro", uri=True, timeout=30)) as control:
        return int(control.execute("SELECT count(*) FROM exchange_chunk WHERE exchange = ? AND state = 'DONE'", (job,)).fetchone()[0])


def children_of(process: int) -> list[Path]:
    """The child processes of a process."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [Path("/proc", pid) for pid in found]


def all_gone(processes: list[Path]) -> bool:
    """Whether they have ended, within seconds."""
    until = time.monotonic() + 10
    while any(process.exists() for process in processes) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(process.exists() for process in processes)


def asked(url: str, headers: dict[str, str], text: str, **variables: Any) -> Any:
    answer = httpx2.post(f"{url}/graphql", json={"query": text, "variables": variables}, headers=headers, trust_env=False, timeout=30).json()
    assert "errors" not in answer, answer
    return answer["data"]


def ended(url: str, headers: dict[str, str], job: str) -> Any:
    for _ in range(600):
        found = asked(url, headers, LOOK, i=job)["exchange"]
        if found["state"] not in ("QUEUED", "RUNNING", "PAUSED"):
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def accepted(home: Path, job: str) -> int:
    """Chunks that are done; none of them was begun again once it was."""
    core = open_core(Settings(home=home))
    try:
        with core.engine.connect() as connection:
            states = connection.execute(select(exchange_chunk.c.state).where(exchange_chunk.c.exchange == job)).scalars().all()
    finally:
        core.close()
    return sum(state == "DONE" for state in states)
