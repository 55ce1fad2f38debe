"""Answers written as one piece say what messages say, and those that cannot be are sent by messages; connections end when nobody uses them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

import hub.cli.protocol
from hub.api.whole import EXTENSION, lines, whole_of
from hub.cli.protocol import BoundedHttp

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
DATE = (b"date", b"Tue, 24 Nov 2026 08:00:00 GMT")
ASK = b"POST /%b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n%b\r\n{}"


class Application:
    """Answers as many bytes as the path says, behind an ``m`` by messages; ``taken`` is what the server's extension said of each answer."""

    def __init__(self) -> None:
        self.taken: list[bool] = []
        self.hold: asyncio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            continue
        if self.hold is not None:
            await self.hold.wait()
        path = scope["path"][1:]
        body = path[-1:].encode() * int(path.removeprefix("m"))
        whole = whole_of(scope)
        assert whole is not None
        if not path.startswith("m"):
            self.taken.append(whole(scope, 200, lines(HEADERS), body))
            if self.taken[-1]:
                return
        headers = [*HEADERS, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def served(application: Application, **settings: Any) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server of the application."""
    config = uvicorn.Config(application, http=BoundedHttp, lifespan="off", log_config=None, access_log=False, **settings)
    config.load()
    state = ServerState()
    state.default_headers = [DATE]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: BoundedHttp(config=config, server_state=state, app_state={}, _loop=loop), "127.0.0.1", 0)
    try:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2], limit=2**24)
        try:
            yield reader, writer
        finally:
            writer.close()
    finally:
        server.close()


async def answer(reader: asyncio.StreamReader, *, head: bool = False) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Status line, headers, body."""
    first, *fields = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).removesuffix(b"\r\n\r\n").split(b"\r\n")
    headers = {name: value for name, _, value in (field.partition(b": ") for field in fields)}
    assert len(headers) == len(fields)
    body = b"" if head else await asyncio.wait_for(reader.readexactly(int(headers[b"content-length"])), 30)
    return first, headers, body


async def test_the_answer_is_the_one_of_messages() -> None:
    application = Application()
    async with served(application) as (reader, writer):
        for size in (0, 3, 300_000):
            writer.write(ASK % (b"%d" % size, b"") + ASK % (b"m%d" % size, b""))
            assert await answer(reader) == await answer(reader)
        writer.write(ASK % (b"7", b""))
        status, headers, body = await answer(reader)
    assert (status, headers, body) == (b"HTTP/1.1 200 OK", dict([DATE, *HEADERS]) | {b"content-length": b"7"}, b"7777777")
    assert application.taken[-1]


async def test_of_requests_in_one_piece_each_has_its_answer_in_its_turn() -> None:
    application = Application()
    async with served(application) as (reader, writer):
        writer.write(b"".join(ASK % (b"%d" % size, b"") for size in (1, 22, 3)))
        assert [len((await answer(reader))[2]) for _ in range(3)] == [1, 22, 3]
    # Those that others came behind before they were answered are sent by messages.
    assert application.taken == [False, False, True]


@pytest.mark.parametrize("request_", [ASK % (b"5", b"Connection: close\r\n"), (ASK % (b"5", b"")).replace(b"/1.1", b"/1.0")])
async def test_a_connection_that_is_to_end_ends(request_: bytes) -> None:
    application = Application()
    async with served(application) as (reader, writer):
        writer.write(request_)
        _, headers, body = await answer(reader)
        assert (headers[b"connection"], body) == (b"close", b"55555")
        assert await asyncio.wait_for(reader.read(), 30) == b""
    assert application.taken == [False]


async def test_who_asks_for_the_head_gets_no_body() -> None:
    application = Application()
    async with served(application) as (reader, writer):
        writer.write(b"HEAD /9 HTTP/1.1\r\nHost: h\r\n\r\n" + ASK % (b"4", b""))
        _, headers, _ = await answer(reader, head=True)
        assert headers[b"content-length"] == b"9"
        assert (await answer(reader))[2] == b"4444"


async def test_who_does_not_read_is_not_sent_more() -> None:
    """The hub holds one answer for him and not as many as he asks for."""
    application = Application()
    async with served(application) as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(3):
            writer.write(ASK % (b"30000000", b""))
            await asyncio.sleep(0.1)
        reader._transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(3):
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            await asyncio.wait_for(reader.readexactly(30_000_000), 30)
    assert application.taken[0]
    assert False in application.taken


async def test_who_has_gone_is_told_nothing() -> None:
    application = Application()
    application.hold = asyncio.Event()
    async with served(application) as (_, writer):
        writer.write(ASK % (b"5", b""))
        await asyncio.sleep(0.1)
        writer.close()
        await asyncio.sleep(0.1)
        application.hold.set()
        for _ in range(100):
            if application.taken:
                break
            await asyncio.sleep(0.05)
    assert application.taken == [True]


async def test_a_connection_that_nobody_uses_ends_and_one_in_use_does_not() -> None:
    application = Application()
    async with served(application, timeout_keep_alive=1) as (reader, writer):
        for _ in range(4):
            writer.write(ASK % (b"5", b""))
            await answer(reader)
            await asyncio.sleep(0.4)
        assert await asyncio.wait_for(reader.read(), 30) == b""
    assert application.taken == [True] * 4


@pytest.mark.parametrize("before", [0, 1])
async def test_a_head_that_does_not_go_on_ends_its_connection(before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.cli.protocol, "HEAD_SECONDS", 0.5)
    async with served(Application()) as (reader, writer):
        for _ in range(before):
            writer.write(ASK % (b"5", b""))
            await answer(reader)
            # An answered request's head is not waited for.
            await asyncio.sleep(0.7)
        writer.write(b"POST /5 HTTP/1.1\r\nHost: h\r\n")
        assert (await asyncio.wait_for(reader.read(), 30)).startswith(b"HTTP/1.1 408 ")


async def test_a_head_in_pieces_is_read() -> None:
    async with served(Application()) as (reader, writer):
        for _ in range(2):
            for piece in (b"POST /5 HTTP/1.1\r\nHo", b"st: h\r\nContent-Le", b"ngth: 2\r\n\r\n", b"{}"):
                writer.write(piece)
                await asyncio.sleep(0.02)
            assert (await answer(reader))[2] == b"55555"


@pytest.mark.parametrize("header", [(b"a", b"1\r\nb: 2"), (b"a", b"1\n"), (b"a\r\nb", b"1"), (b"a", b"\0"), (b"", b"1"), (b"A b", b"1")])
def test_what_would_begin_another_line_is_no_header(header: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="header"):
        lines([(b"x", b"1"), header])


def test_other_servers_have_no_extension() -> None:
    assert whole_of({"type": "http"}) is None
    assert whole_of({"type": "http", "extensions": {"http.response.trailers": {}}}) is None
    assert EXTENSION == "huitong.whole"
