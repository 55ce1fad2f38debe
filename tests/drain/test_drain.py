"""A hub that is told to end while callers call: every request that was taken is answered, no connection is reset, and it ends by itself."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hub.cli.backlog import queued, shut
from tests.cli.children import Child, initialised, run_command, running

pytestmark = pytest.mark.slow

BODY = json.dumps({"query": "{ __typename }"}).encode()


def request(close: bool = False, path: str = "/graphql") -> bytes:
    """One request as bytes."""
    ending = b"Connection: close\r\n" if close else b""
    if path != "/graphql":
        return b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n" + ending + b"\r\n"
    head = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(BODY)
    return head + ending + b"\r\n" + BODY


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Status, and whether the connection goes on."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1]), b"connection: close" not in head


async def caller(url: str, found: Counter[str], held: bool) -> None:
    """Calls without pause, over one connection after the other (``held``: each as long as it lasts), until nobody listens."""
    parts = urlsplit(url)
    while True:
        try:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        except (ConnectionRefusedError, ConnectionResetError):
            # A listener that closes between SYN and accept answers with a reset: no connection came about, nothing was asked.
            return
        try:
            goes_on = True
            while goes_on:
                writer.write(request(close=not held))
                await writer.drain()
                status, goes_on = await read_answer(reader)
                found[str(status)] += 1
                found["last"] += not goes_on
        except (ConnectionError, asyncio.IncompleteReadError) as lost:
            found[type(lost).__name__] += 1
        finally:
            writer.close()


async def under_load(child: Child, callers: int, calls: int) -> tuple[Counter[str], int]:
    """What became of all calls, and the exit code; the signal comes once ``calls`` were answered."""
    found: Counter[str] = Counter()
    async with asyncio.TaskGroup() as group:
        for i in range(callers):
            group.create_task(caller(child.url, found, held=i % 2 == 0))
        async with asyncio.timeout(60):
            while found["200"] <= calls:  # noqa: ASYNC110 - counted by many
                await asyncio.sleep(0.05)
        assert not found.keys() - {"200", "429", "last"}
        child.process.send_signal(signal.SIGTERM)
    return found, await asyncio.to_thread(child.process.wait, 60)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An initialised home."""
    return initialised(tmp_path_factory.mktemp("drain") / "home")


def test_no_call_is_lost_and_no_connection_reset(home: Path) -> None:
    with running(home, "serve", "--port", "0", HUITONG_PUBLIC_CALLS_PER_SECOND="100000") as child:
        found, code = asyncio.run(under_load(child, 16, 100))
    assert code == 0, child.said()
    assert not found.keys() - {"200", "429", "last"}, found
    assert "Traceback" not in child.said()


async def _begin(child: Child, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(child.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(sent)
    await writer.drain()
    return reader, writer


async def _finish_after_the_signal(child: Child) -> tuple[int, tuple[int, bool], tuple[int, bool]]:
    whole = request()
    reader, writer = await _begin(child, whole[:-5])
    idle_reader, idle_writer = await _begin(child, request(path="/health/ready"))
    before = await read_answer(idle_reader)
    child.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.4)
    # It is not ready from the first look on; that the connection ends comes with the answer, or with one of the next.
    while True:
        idle_writer.write(request(path="/health/ready"))
        after = await read_answer(idle_reader)
        if after != (503, True):
            break
    writer.write(whole[-5:])
    answered = await read_answer(reader)
    writer.close()
    idle_writer.close()
    return before[0], after, answered


def test_a_call_in_work_is_finished_and_the_hub_is_not_ready_at_once(home: Path) -> None:
    with running(home, "serve", "--port", "0") as child:
        before, after, answered = asyncio.run(_finish_after_the_signal(child))
        assert (before, after, answered) == (200, (503, False), (200, False))
        assert child.process.wait(30) == 0


async def _hold(child: Child) -> bytes:
    reader, writer = await _begin(child, request()[:-5])
    child.process.send_signal(signal.SIGTERM)
    rest = await reader.read()
    writer.close()
    return rest


def test_a_caller_who_never_finishes_keeps_nobody_waiting_beyond_the_time_set(home: Path) -> None:
    with running(home, "serve", "--port", "0", HUITONG_DRAIN_SECONDS="0.5") as child:
        asyncio.run(_hold(child))
        assert child.process.wait(10) == 0
    assert '"calls_cut_off"' in child.said()


async def _hold_and_insist(child: Child) -> None:
    _, writer = await _begin(child, request()[:-5])
    child.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.5)
    assert child.process.poll() is None
    child.process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(child.process.wait, 10)
    writer.close()


def test_a_second_signal_ends_it_at_once_and_the_ledger_holds(home: Path) -> None:
    with running(home, "serve", "--port", "0", HUITONG_DRAIN_SECONDS="60") as child:
        asyncio.run(_hold_and_insist(child))
        assert child.process.returncode == 128 + signal.SIGTERM
    assert json.loads(run_command(home, "ledger", "verify", "--json").stdout)["ok"]
    with running(home, "serve", "--port", "0") as child:
        assert child.end(signal.SIGTERM) == 0


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_queue_that_is_shut_keeps_who_is_in_it_and_lets_nobody_else_in(family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family) as listener, ExitStack() as held:
        listener.bind((address, 0))
        listener.listen(16)
        where = listener.getsockname()[:2]
        waiting = [held.enter_context(socket.create_connection(where)) for _ in range(3)]
        assert queued(listener) == 3
        shut(listener)
        with socket.socket(family) as late:
            late.settimeout(0.3)
            with pytest.raises(TimeoutError):
                late.connect(where)
        assert queued(listener) == 3
        for each in waiting:
            accepted, _ = listener.accept()
            held.enter_context(accepted)
            each.sendall(b"asked")
        assert queued(listener) == 0
        accepted.sendall(b"answered")
        listener.close()
        assert waiting[-1].recv(8) == b"answered"
