"""Chunks that come to nothing leave nothing, and say why and whether another attempt may do better."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import pickle
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import SourceFault, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.selection import Selection
from connectors.spi import Parameters
from connectors.streaming import Streamed
from hub.cli.logs import JsonLines
from hub.exchange.work.chunk import run_chunk
from hub.exchange.work.kit import Kit
from hub.exchange.work.serving import told_by_kind
from hub.exchange.work.task import ChunkFault, ChunkReceipt
from tests.exchange.work.build import SUBJECTS, Asked, asked, task_of
from tests.schema.city import HOUSEHOLDS, PERSONS, MemorySource, city, grant, rights
from tests.schema.running import Hub

PEOPLE: list[dict[str, Any]] = [*PERSONS]
HOMES: list[dict[str, Any]] = [*HOUSEHOLDS]
TEXT = "{ civilAffairs { persons { nodes { name household { address } } } } }"
SOURCE = "civil_affairs.db"


class Failing(MemorySource):
    """Fails behind its first page, or when links are looked up."""

    def __init__(self, fault: SourceFault, method: str) -> None:
        super().__init__({"person": [{**PEOPLE[0], "pk": number} for number in range(5000)], "household": HOMES})
        self.fault, self.method = fault, method

    def _note(self, method: str, selection: Selection, values: tuple[Any, ...] = ()) -> None:
        super()._note(method, selection, values)
        if method == self.method and (method != "fetch" or selection.after):
            raise self.fault


async def made() -> Asked:
    found = await asked(Hub(city()[0].snapshot, opened={SOURCE: MemorySource({"person": PEOPLE, "household": HOMES})}), rights(grant()), TEXT)
    assert found is not None
    return found


@pytest.mark.fast
@pytest.mark.anyio
@pytest.mark.parametrize("method", ["fetch", "fetch_by_keys"])
@pytest.mark.parametrize(
    ("fault", "code", "retryable"),
    [
        (SourceTimeout(SOURCE, "x"), "TIMEOUT", True),
        (SourceUnavailable(SOURCE, "x"), "SOURCE_UNAVAILABLE", True),
        (SourceRefused(SOURCE, "x"), "SOURCE_UNAVAILABLE", False),
    ],
    ids=["timeout", "unavailable", "refused"],
)
async def test_a_source_that_fails_midway(tmp_path: Path, method: str, fault: SourceFault, code: str, retryable: bool) -> None:
    task = task_of(await made(), tmp_path / "job", "CSV")
    with pytest.raises(ChunkFault) as raised:
        await run_chunk(task, Kit(SUBJECTS, lambda _: Failing(fault, method)), lambda rows, size: None)
    assert (raised.value.code, raised.value.retryable) == (code, retryable)
    assert "civil_affairs.person" in raised.value.en
    assert list((tmp_path / "job").iterdir()) == []
    again = copy.copy(raised.value)
    assert (again.code, again.zh, again.en, again.retryable) == (code, raised.value.zh, raised.value.en, retryable)


@pytest.mark.fast
@pytest.mark.anyio
async def test_two_that_were_given_one_attempt_do_not_take_each_other_s_file(tmp_path: Path) -> None:
    """A worker that a scheduler thought lost goes on beside the one that took its place: a receipt is never of another's file."""
    task = task_of(await made(), tmp_path / "job", "CSV")
    kit = Kit(SUBJECTS, lambda _: MemorySource({"person": PEOPLE, "household": HOMES}))
    first, second = await asyncio.gather(*(run_chunk(task, kit, lambda rows, size: None) for _ in range(2)), return_exceptions=True)
    receipt, fault = (first, second) if isinstance(second, ChunkFault) else (second, first)
    assert isinstance(receipt, ChunkReceipt)
    assert isinstance(fault, ChunkFault)
    assert fault.retryable
    assert sha256(task.path.read_bytes()).hexdigest() == receipt.sha256
    assert task.subjects.is_file()


@pytest.mark.fast
@pytest.mark.anyio
async def test_a_chunk_that_is_cancelled_stops_reading_and_leaves_nothing(tmp_path: Path) -> None:
    class Endless(MemorySource):
        closed = False

        def streams(self, selection: Selection) -> bool:
            return True

        async def stream(self, selection: Selection, parameters: Parameters, part: object, rows: int) -> AsyncGenerator[Streamed, None]:
            from connectors.arrow_types import streamed

            try:
                while True:
                    yield streamed(selection.outputs, await self.fetch(Selection(selection.binding, selection.outputs), {}))
                    await asyncio.sleep(0)
            finally:
                self.closed = True

        async def cuts(self, selection: Selection, parameters: Parameters, key: object, rows: int) -> Sequence[Any]:
            return ()

    source = Endless({"person": PEOPLE, "household": HOMES})
    enough = asyncio.Event()
    task = task_of(await made(), tmp_path / "job")
    working = asyncio.create_task(run_chunk(task, Kit(SUBJECTS, lambda _: source), lambda rows, size: enough.set() if rows > 20 else None))
    await enough.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert source.closed
    assert list((tmp_path / "job").iterdir()) == []


_FULL = """
import asyncio, json, pickle, resource, sys
from connectors.registry import open_source
from hub.exchange.work.chunk import run_chunk
from hub.exchange.work.kit import Kit
from hub.exchange.work.task import ChunkFault
from hub.ledger.subjects import Subjects
from tests.exchange.work.test_faults import HOMES, PEOPLE, MemorySource

rows = [{**PEOPLE[0], "pk": number, "nm": f"name {number}"} for number in range(30000)]
tasks = pickle.loads(sys.stdin.buffer.read())
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
found = []
for task in tasks:
    try:
        kit = Kit(Subjects(bytes(range(32))), lambda _: MemorySource({"person": rows, "household": HOMES}))
        asyncio.run(run_chunk(task, kit, lambda rows, size: None))
        found.append("written")
    except ChunkFault as fault:
        found.append([fault.code, fault.retryable])
print(json.dumps(found))
"""


@pytest.mark.slow
def test_a_disk_without_room(tmp_path: Path) -> None:
    """A limit on the length of files stands for it: the system's answer differs in its number alone."""
    exported = asyncio.run(made())
    tasks = [task_of(exported, tmp_path / "job", format_) for format_ in ("CSV", "JSONL", "PARQUET", "ARROW")]
    done = subprocess.run([sys.executable, "-c", _FULL], input=pickle.dumps(tasks), capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout) == [["RATE_LIMITED", True]] * 4, done.stderr
    assert list((tmp_path / "job").iterdir()) == []


@pytest.mark.fast
@pytest.mark.parametrize("told", ["child", "server"])
def test_what_nobody_waited_for_is_told_without_its_text(told: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """Such as a write that failed beside a stream that broke off: Arrow's texts quote values."""
    secret = "330106199001011234"

    async def fails() -> None:
        raise ValueError(f"failed to parse {secret}")

    async def forgetful() -> None:
        if told == "child":
            asyncio.get_running_loop().set_exception_handler(told_by_kind)
        task = asyncio.ensure_future(fails())
        await asyncio.wait({task})
        del task
        gc.collect()

    asyncio.run(forgetful())
    if told == "child":
        said = capsys.readouterr().err
    else:
        said = "\n".join(JsonLines().format(record) for record in caplog.records)
        assert "never retrieved" in said
    assert "ValueError" in said
    assert secret not in said
