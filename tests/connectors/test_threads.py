"""Stores and name servers that hang: they hold threads of their own source, so that no other source waits for one."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from connectors.errors import SourceFault
from connectors.registry import open_source
from connectors.rest.xml_answers import Xml
from connectors.spi import SourceConfig
from connectors.threads import Threads

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
MANY = 40
"""More than the event loop's own threads."""


@pytest.fixture
async def mute() -> AsyncIterator[int]:
    """The port of a server that takes connections and never says a word."""
    heard: list[asyncio.StreamWriter] = []

    async def hear(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(writer)

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    for each in heard:
        each.transport.abort()
    server.close()
    await server.wait_closed()


async def free() -> bool:
    """The event loop's own threads do not all hang."""
    return await asyncio.wait_for(asyncio.to_thread(lambda: True), 10)


async def test_a_store_that_hangs(mute: int) -> None:
    resources = [{"object": f"list{number}.csv", "options": ""} for number in range(MANY)]
    source = open_source(SourceConfig("a.store", "files", f"ftp://127.0.0.1:{mute}/out", options={"resources": resources}))
    await source.refresh()
    await asyncio.sleep(0.2)
    assert await free()
    await source.close()


async def test_a_name_server_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    ending, resolve, asked = threading.Event(), socket.getaddrinfo, list[str]()

    def getaddrinfo(host: Any, *more: Any, **named: Any) -> Any:
        asked.append(str(host))
        if host == "hangs.example":
            ending.wait(60)
        return resolve("127.0.0.1", *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    source = open_source(SourceConfig("a.service", "rest", "http://hangs.example:9", pool=MANY, timeout_ms=60_000))
    checks = [asyncio.create_task(source.check()) for _ in range(MANY)]
    await asyncio.sleep(0.2)
    assert asked.count("hangs.example") == 4
    assert await free()
    other = open_source(SourceConfig("b.service", "rest", "http://other.example:9", timeout_ms=10_000))
    with suppress(SourceFault):
        await other.check()
    assert "other.example" in asked
    for each in checks:
        each.cancel()
    ending.set()
    await asyncio.gather(*checks, return_exceptions=True)
    await source.close()
    await other.close()


async def test_documents_that_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    ending = threading.Event()
    monkeypatch.setattr("connectors.rest.xml_answers._root", lambda source, *_: ending.wait(60) if source == "a.slow" else source)
    slow = [asyncio.create_task(Xml().parse("a.slow", b"", None, exact=False)) for _ in range(MANY)]
    assert await asyncio.wait_for(Xml().parse("b.quick", b"", None, exact=False), 10) == "b.quick"
    assert await free()
    ending.set()
    await asyncio.gather(*slow)


async def test_a_place_is_free_again_when_the_work_has_ended_not_when_nobody_waits_any_more() -> None:
    threads, ending, running = Threads("a", 1), threading.Event(), list[int]()

    def work(number: int) -> int:
        running.append(number)
        ending.wait(60)
        return number

    first = asyncio.create_task(threads.run(work, 1))
    await asyncio.sleep(0.05)
    first.cancel()
    second = asyncio.create_task(threads.run(work, 2))
    await asyncio.sleep(0.05)
    assert first.cancelled()
    assert running == [1]
    ending.set()
    assert await second == 2


async def test_a_fault_is_raised_where_it_is_waited_for() -> None:
    with pytest.raises(ZeroDivisionError):
        await Threads("a", 1).run(lambda: 1 // 0)
