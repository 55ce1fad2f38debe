"""Exchanges of a hub whose chunks are worked on by the cluster, whatever becomes of it meanwhile."""

from __future__ import annotations

import asyncio
import csv
import io
import random
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hub.exchange.tables import exchange_chunk
from tests.catalog.homes import new_core, publish
from tests.exchange.dask.cluster import Cluster
from tests.verification.world import NOTE, World, manifest, running, write_sources

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.xdist_group("dask")]
PERSONS = 20_000
CHUNK = 1_000
START = "mutation ($i: StartExchangeInput!) { startExchange(input: $i) { exchange { id } } }"
LOOK = "query ($id: ID!) { exchange(id: $id) { state reason progress { rowsDone } files { name url rows } } }"
DOCUMENT = "{ civilAffairs { persons { nodes { name birthDate flat } } } }"


@contextmanager
def home(cluster: Cluster, directory: Path) -> Iterator[World]:
    """A hub that does not run yet, whose exchange directory is the cluster's under a name of its own."""
    files = cluster.files("hub")
    trust = {"exchange_tls_ca": files.ca, "exchange_tls_cert": files.cert, "exchange_tls_key": files.key}
    write_sources(directory)
    with closing(sqlite3.connect(directory / "register.db")) as connection:
        rows = [(n, f"id{n}", f"张{n}", f"19{n % 90 + 10}-01-{n % 28 + 1:02}", f"{n % 500:04}", NOTE) for n in range(10, PERSONS + 8)]
        connection.executemany("INSERT INTO residents VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.commit()
    with new_core(directory, exchange_executor=cluster.url, exchange_chunk_rows=CHUNK, **trust) as core:
        core.settings.exchanges.rmdir()
        core.settings.exchanges.symlink_to(cluster.folder)
        publish(core, manifest(directory))
        core.registry.refresh()
        world = World(core, directory)
        world.application("housing")
        yield world


@asynccontextmanager
async def hub(cluster: Cluster, directory: Path) -> AsyncIterator[World]:
    """The same, running."""
    with home(cluster, directory) as made:
        async with running(made) as world:
            yield world


def source(directory: Path) -> list[tuple[str, ...]]:
    """The rows of the register, as a file has them."""
    with closing(sqlite3.connect(directory / "register.db")) as connection:
        return sorted(connection.execute("SELECT nm, born, flat FROM residents"))


async def started(world: World, key: str) -> str:
    answer = await world.ask("housing", START, {"i": {"document": DOCUMENT, "format": "CSV", "idempotencyKey": key}})
    assert answer.code == "OK", answer.json
    return str(answer.json["data"]["startExchange"]["exchange"]["id"])


async def look(world: World, job: str) -> Any:
    return (await world.ask("housing", LOOK, {"id": job})).json["data"]["exchange"]


async def ended(world: World, job: str) -> Any:
    for _ in range(900):
        if (found := await look(world, job))["state"] not in ("QUEUED", "RUNNING", "PAUSED"):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(found)


async def delivered(world: World, found: Any) -> list[tuple[str, ...]]:
    """The rows of all files."""
    assert found["state"] == "SUCCEEDED", found
    rows: list[tuple[str, ...]] = []
    for file in found["files"]:
        content = (await world.http.get(file["url"], headers=world._headers["housing"])).content
        mine = [tuple(row) for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))][1:]
        assert len(mine) == file["rows"]
        rows += mine
    return sorted(rows)


async def test_an_exchange_is_that_of_the_source_on_two_workers_and_on_one(cluster: Cluster, tmp_path: Path) -> None:
    async with hub(cluster, tmp_path) as world:
        first = await ended(world, await started(world, "two"))
        assert await delivered(world, first) == source(tmp_path)
        assert len(first["files"]) >= PERSONS // CHUNK
        cluster.kill(next(worker for worker in cluster.workers if worker.poll() is None))
        second = await ended(world, await started(world, "one"))
        assert await delivered(world, second) == source(tmp_path)
        assert [file["rows"] for file in first["files"]] == [file["rows"] for file in second["files"]]


async def test_a_hub_that_begins_anew_goes_on_with_what_is_not_done(cluster: Cluster, tmp_path: Path) -> None:
    with home(cluster, tmp_path) as made:
        async with running(made) as world:
            job = await started(world, "anew")
            await until(lambda: len(chunks(world, job, "DONE")) > 2)
        files = [cluster.folder / job / f"data-{number:05}.csv" for number in chunks(made, job, "DONE")]
        # What the database calls done gets its name a moment later, or at the next start.
        done = {file.name: file.stat().st_ino for file in files if file.exists()}
        assert 1 < len(done) < PERSONS // CHUNK
        async with running(made) as world:
            found = await ended(world, job)
            assert await delivered(world, found) == source(tmp_path)
            now = {path.name: path.stat().st_ino for path in (cluster.folder / job).iterdir()}
            assert now.items() >= done.items()


async def test_kills_of_workers_and_scheduler_neither_lose_nor_double_a_row(cluster: Cluster, tmp_path: Path) -> None:
    chance = random.Random(20261123)
    async with hub(cluster, tmp_path) as world:
        job = await started(world, "kills")
        for blow in ("workers", "scheduler"):
            done = len(chunks(world, job, "DONE"))
            await until(lambda done=done: len(chunks(world, job, "DONE")) > done)
            with frozen(cluster) as workers:
                # A chunk at least is with a worker, which cannot finish it.
                await until(lambda: bool(chunks(world, job, "RUNNING")))
                await asyncio.sleep(chance.random() / 3)
                for each in [cluster.scheduler] if blow == "scheduler" else workers:
                    cluster.kill(each)
            if blow == "scheduler":
                cluster.start_scheduler()
            else:
                cluster.start_worker()
        found = await ended(world, job)
        assert await delivered(world, found) == source(tmp_path)
        with world.core.engine.connect() as connection:
            attempts = list(connection.execute(select(exchange_chunk.c.attempt).where(exchange_chunk.c.exchange == job)).scalars())
        assert sum(attempts) >= len(attempts) + 2
        assert {path.name for path in (cluster.folder / job).iterdir()} == {file["name"] for file in found["files"]}


@contextmanager
def frozen(cluster: Cluster) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The living workers, which do nothing meanwhile."""
    workers = [worker for worker in cluster.workers if worker.poll() is None]
    for worker in workers:
        worker.send_signal(signal.SIGSTOP)
    yield workers
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGCONT)


def chunks(world: World, job: str, state: str) -> list[int]:
    """The job's chunks in a state."""
    with world.core.engine.connect() as connection:
        chunk = exchange_chunk.c
        return list(connection.execute(select(chunk.number).where(chunk.exchange == job, chunk.state == state)).scalars())


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(condition)
