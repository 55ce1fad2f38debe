"""Whatever of the cluster is lost, the hub hears that nobody knows, and makes another attempt."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connectors.spi import SourceConfig
from hub.exchange.executors.dask import DaskExecutor, Function
from hub.exchange.executors.dask_work import work_on
from hub.exchange.executors.spi import WorkerLost
from hub.exchange.work.task import ChunkFault, ChunkReceipt, ChunkTask
from tests.exchange.dask import chores
from tests.exchange.dask.cluster import SECONDS, Cluster
from tests.exchange.dask.tasks import task
from tests.servers.postgres import free_port

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.xdist_group("dask")]


@asynccontextmanager
async def executor(cluster: Cluster, function: Function) -> AsyncIterator[DaskExecutor]:
    made = cluster.executor(function)
    try:
        yield made
    finally:
        await made.close()


def run(made: DaskExecutor, work: ChunkTask, told: Callable[[int, int], None] = lambda rows, size: None) -> asyncio.Task[ChunkReceipt]:
    return asyncio.create_task(made.run(work, told))


async def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


async def test_chunks_are_worked_on_side_by_side_and_tell_how_far_they_are(cluster: Cluster, job: Path) -> None:
    told: list[tuple[int, int]] = []
    async with executor(cluster, chores.wait) as made:
        first, second = task(job, 1), task(job, 2)
        running = [run(made, first, lambda rows, size: told.append((rows, size))), run(made, second)]
        await until(lambda: chores.begun(first).exists() and chores.begun(second).exists() and len(told) > 1 and made.places == 2)
        assert chores.begun(first).read_text() != chores.begun(second).read_text()
        chores.go(job).touch()
        assert [receipt.bytes for receipt in await asyncio.gather(*running)] == [first.path.stat().st_size, second.path.stat().st_size]
    assert told == sorted(told)
    assert all(size == 10 * rows for rows, size in told)


async def test_faults_travel_and_texts_of_programs_do_not(cluster: Cluster, job: Path) -> None:
    async with executor(cluster, chores.fail) as made:
        with pytest.raises(ChunkFault) as source:
            await run(made, task(job, 1))
        with pytest.raises(ChunkFault) as program:
            await run(made, task(job, 2))
    assert (source.value.code, source.value.zh, source.value.en, source.value.retryable) == (
        "SOURCE_UNAVAILABLE",
        "数据源不可用",
        "the source is not available",
        True,
    )
    assert (program.value.code, program.value.retryable) == ("INTERNAL", True)
    said = "".join(path.read_text() for path in cluster.home.glob("*.log"))
    assert "exchange_chunk_failed" in said
    assert "520100199001010011" not in said + str(program.value)


async def test_a_password_is_the_workers_own(cluster: Cluster, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBS_PASSWORD", "of-the-hub-alone")
    monkeypatch.delenv("CITY_PASSWORD", raising=False)
    found = []
    for number, place in enumerate(("env:HUBS_PASSWORD", "env:CITY_PASSWORD"), 1):
        source = SourceConfig("city", "sql", f"postgresql+asyncpg://reader@127.0.0.1:{free_port()}/persons", place)
        async with executor(cluster, work_on) as made:
            with pytest.raises(ChunkFault) as fault:
                await run(made, task(job, number, sources={"city": source}))
        found.append(fault.value)
    # Another worker may have what this one lacks.
    assert [(fault.retryable, fault.en.rpartition(" is ")[2]) for fault in found] == [(True, "wrongly configured"), (True, "not available")]
    said = "".join(path.read_text() for path in cluster.home.glob("*.log"))
    assert "the environment variable HUBS_PASSWORD is not set" in said
    assert "of-the" not in said


async def test_a_chunk_that_nobody_waits_for_is_stopped(cluster: Cluster, job: Path) -> None:
    async with executor(cluster, chores.wait) as made:
        work = task(job)
        running = run(made, work)
        await until(lambda: chores.begun(work).exists())
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: chores.ended(work).exists())
        assert not work.path.exists()


async def test_a_hub_that_is_gone_leaves_no_work_behind(cluster: Cluster, job: Path) -> None:
    work = task(job)
    async with executor(cluster, chores.wait) as made:
        running = run(made, work)
        await until(lambda: chores.begun(work).exists())
    with pytest.raises(WorkerLost):
        await running
    await until(lambda: chores.ended(work).exists())


async def test_an_attempt_that_was_begun_is_never_made_again(cluster: Cluster, job: Path) -> None:
    work = task(job)
    work.path.write_bytes(b"of a zombie")
    async with executor(cluster, chores.wait) as made:
        chores.go(job).touch()
        with pytest.raises(WorkerLost):
            await run(made, work)
        assert (await run(made, task(job, attempt=2))).rows == 1
    assert work.path.read_bytes() == b"of a zombie"


async def test_a_killed_worker_is_told_and_another_takes_the_next_attempt(cluster: Cluster, job: Path) -> None:
    async with executor(cluster, chores.wait) as made:
        work = task(job)
        running = run(made, work)
        await until(lambda: chores.begun(work).exists() and chores.begun(work).read_text())
        killed = next(worker for worker in cluster.workers if worker.pid == int(chores.begun(work).read_text()))
        cluster.kill(killed)
        with pytest.raises(WorkerLost):
            await running
        again = task(job, attempt=2)
        running = run(made, again)
        await until(lambda: chores.begun(again).exists() and chores.begun(again).read_text())
        assert int(chores.begun(again).read_text()) not in (killed.pid, 0)
        chores.go(job).touch()
        assert (await running).rows == 1
    # Dask itself made no attempt anew.
    assert not work.path.exists()


async def test_a_worker_that_is_told_to_end_leaves_its_chunk_to_others(cluster: Cluster, job: Path) -> None:
    async with executor(cluster, chores.wait) as made:
        work = task(job)
        running = run(made, work)
        await until(lambda: chores.begun(work).exists() and chores.begun(work).read_text())
        ending = next(worker for worker in cluster.workers if worker.pid == int(chores.begun(work).read_text()))
        ending.terminate()
        await until(lambda: ending.poll() is not None)
        assert ending.returncode == 0
        assert chores.ended(work).read_text() == "cancelled"
        chores.go(job).touch()
        try:
            assert (await running).rows == 1
        except WorkerLost:
            assert (await run(made, task(job, attempt=2))).rows == 1


async def test_a_frozen_worker_that_comes_back_has_nothing_to_say(cluster: Cluster, job: Path) -> None:
    async with executor(cluster, chores.wait) as made:
        work = task(job)
        running = run(made, work)
        await until(lambda: chores.begun(work).exists() and chores.begun(work).read_text())
        frozen = int(chores.begun(work).read_text())
        os.kill(frozen, signal.SIGSTOP)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        again = task(job, attempt=2)
        running = run(made, again)
        await until(lambda: chores.begun(again).exists())
        os.kill(frozen, signal.SIGCONT)
        await until(lambda: chores.ended(work).exists())
        chores.go(job).touch()
        assert (await running).rows == 1
    assert not work.path.exists()
    assert again.path.read_text() == f"{job.name}/1/2"


async def test_a_killed_scheduler_is_told_and_found_again(cluster: Cluster, job: Path) -> None:
    async with executor(cluster, chores.wait) as made:
        work = task(job)
        running = run(made, work)
        await until(lambda: chores.begun(work).exists())
        cluster.kill(cluster.scheduler)
        with pytest.raises(WorkerLost):
            await running
        # It waits until there is a scheduler, and a worker.
        again = task(job, attempt=2)
        running = run(made, again)
        await until(lambda: chores.ended(work).exists())
        cluster.start_scheduler()
        chores.go(job).touch()
        assert (await running).rows == 1
    assert not work.path.exists()
