"""While calls are in work, processes of exchanges stand still for moments, where processors are few; never for long, and never for good."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.exchange.executors import precedence as module
from hub.exchange.executors.precedence import Precedence
from tests.exchange.chunked import ROWS, difference, world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
BUSY = "while True: pass"


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """One that works without end."""
    started = subprocess.Popen([sys.executable, "-c", BUSY])
    yield started
    started.kill()
    started.wait()


def state(process: subprocess.Popen[bytes]) -> str:
    """``T`` while it stands still (proc(5))."""
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]


async def becomes(process: subprocess.Popen[bytes], still: bool) -> None:
    for _ in range(60_000):
        if (state(process) == "T") == still:
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"the process is in state {state(process)}")


async def test_a_process_stands_still_until_the_last_call_is_answered(process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_HELD", 600.0)
    precedence = Precedence(lambda: [process], processors=2)
    precedence.began()
    precedence.began()
    await becomes(process, still=True)
    precedence.ended()
    await asyncio.sleep(0.05)
    assert state(process) == "T"
    precedence.ended()
    await becomes(process, still=False)
    assert precedence.times == 1


async def test_a_call_that_takes_long_holds_it_for_a_moment_only(process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_RUN", 600.0)
    precedence = Precedence(lambda: [process], processors=2)
    precedence.began()
    await becomes(process, still=True)
    await becomes(process, still=False)
    # Whatever comes now, it has some time to itself.
    precedence.began()
    assert precedence.times == 1


async def test_behind_that_it_stands_still_again(process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_RUN", 0.0)
    precedence = Precedence(lambda: [process], processors=2)
    for times in (1, 2, 3):
        precedence.began()
        assert precedence.times == times
        await becomes(process, still=True)
        await becomes(process, still=False)
    for _ in range(3):
        precedence.ended()
    assert state(process) != "T"


async def test_where_processors_are_many_nobody_stands_still(process: subprocess.Popen[bytes]) -> None:
    precedence = Precedence(lambda: [process], processors=3)
    precedence.began()
    assert precedence.times == 0
    precedence.ended()


async def test_processes_that_end_meanwhile_trouble_nobody(process: subprocess.Popen[bytes]) -> None:
    working = [process]
    precedence = Precedence(lambda: working, processors=2)
    precedence.began()
    process.kill()
    process.wait()
    precedence.ended()
    working.clear()
    precedence.began()
    precedence.ended()
    assert precedence.times == 1


async def test_calls_go_before_the_processes_of_an_exchange_which_is_whole_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_processors", lambda: 1)
    async with world_in(tmp_path, settings={"exchange_executor": "local"}) as world:
        precedence = world.hub.runner.precedence
        assert precedence is not None
        job = await world.start()
        while (found := await world.look(job))["state"] != "SUCCEEDED":
            # Whoever looks how far it is does not hold it up, but for who asks departments.
            times = precedence.times
            await world.look(job)
            assert precedence.times == times
            await world.ask("{ civilAffairs { persons(first: 1) { nodes { name } } } }")
        assert precedence.times > 0
        assert found["progress"]["rowsDone"] == ROWS
        assert difference([file for file in world.files(job) if file.suffix == ".csv"]) == (0, 0)
        text, _ = world.hub.metrics.text("")
        assert f"huitong_exchange_holds_total {float(precedence.times)}" in text.decode()
