"""What a REST source asks once more, and that it does not hammer a service that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.calling import CALLING, Calling
from connectors.errors import SourceFault, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.rest import RestConnector
from connectors.rest.waiting import pause
from connectors.retries import RetryBudget
from connectors.spi import SourceConfig
from tests.connectors.answering import Opened, answering, reading
from tests.connectors.service_server import servers

__all__ = ["answering", "servers"]

pytestmark = pytest.mark.anyio
GOOD = b'{"items": [{"n": 1}]}'


def once(bad: Response) -> Callable[[Request], object]:
    """A bad answer first, good ones from then on."""
    waiting = [bad]
    return lambda _request: waiting.pop() if waiting else GOOD


@pytest.mark.slow
@pytest.mark.parametrize(("status", "headers"), [(502, {}), (503, {}), (504, {}), (503, {"Retry-After": "0"}), (429, {"Retry-After": "0"})])
async def test_passing_failures_are_asked_again(answering: Opened, status: int, headers: dict[str, str]) -> None:
    service = answering(once(Response("", status, headers)))
    assert await service.source.fetch(reading(), {}) == [(1,)]
    assert len(service.asked) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "headers", "fault"),
    [
        (500, {}, SourceUnavailable),
        (501, {}, SourceUnavailable),
        (429, {}, SourceUnavailable),
        (429, {"Retry-After": "soon"}, SourceUnavailable),
        (429, {"Retry-After": "60"}, SourceUnavailable),
        (503, {"Retry-After": "60"}, SourceUnavailable),
        (400, {}, SourceRefused),
        (401, {}, SourceRefused),
        (404, {}, SourceRefused),
    ],
)
async def test_other_failures_are_not(answering: Opened, status: int, headers: dict[str, str], fault: type[SourceFault]) -> None:
    service = answering(once(Response("", status, headers)))
    with pytest.raises(fault, match=f"status {status}"):
        await service.source.fetch(reading(), {})
    assert len(service.asked) == 1


@pytest.mark.slow
async def test_a_search_by_post_that_is_safe_is_asked_again_with_its_body(answering: Opened) -> None:
    service = answering(once(Response("", 503)))
    assert await service.source.fetch(reading(method="POST", safe=True, body={"q": 1}), {}) == [(1,)]
    assert [await request.json() for request in service.requests] == [{"q": 1}] * 2


@pytest.mark.slow
@pytest.mark.parametrize(("retries", "asked"), [(0, 1), (1, 2), (2, 3)])
async def test_how_often_is_declared(answering: Opened, retries: int, asked: int) -> None:
    service = answering(lambda _request: Response("", 503), options={"retries": retries})
    with pytest.raises(SourceUnavailable):
        await service.source.fetch(reading(), {})
    assert len(service.asked) == asked


@pytest.mark.slow
async def test_a_service_that_fails_is_not_hammered(answering: Opened) -> None:
    """Three retries in all for thirty failed calls; ten successes earn another."""
    state = {"well": False}
    service = answering(lambda _request: GOOD if state["well"] else Response("", 503))
    source = RestConnector().open(service.config)
    for _ in range(30):
        with pytest.raises(SourceUnavailable):
            await source.fetch(reading(), {})
    assert len(service.asked) == 33
    state["well"] = True
    for _ in range(11):
        await source.fetch(reading(), {})
    state["well"] = False
    for _ in range(5):
        with pytest.raises(SourceUnavailable):
            await source.fetch(reading(), {})
    assert len(service.asked) == 33 + 11 + 6
    await source.close()


@asynccontextmanager
async def raw(*answers: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers its connections one after the other with these bytes, the last for all later ones, and closes them."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answers[min(len(heads), len(answers)) - 1])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads
    finally:
        server.close()
        await server.wait_closed()


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n" + GOOD


@pytest.mark.fast
@pytest.mark.parametrize(
    "broken",
    [
        b"",
        WHOLE[:-5],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
async def test_broken_connections_are_made_again(broken: bytes) -> None:
    async with raw(broken, WHOLE) as (address, heads):
        source = RestConnector().open(SourceConfig("city.register", "rest", address))
        assert await source.fetch(reading(), {}) == [(1,)]
        assert len(heads) == 2
        await source.close()
    async with raw(broken) as (address, heads):
        source = RestConnector().open(SourceConfig("city.register", "rest", address))
        with pytest.raises(SourceUnavailable, match="not reachable"):
            await source.fetch(reading(), {})
        assert len(heads) == 2
        await source.close()


@pytest.mark.slow
async def test_nothing_is_asked_beyond_the_caller_s_deadline(answering: Opened) -> None:
    async def slow(_request: Request) -> Response:
        await asyncio.sleep(0.5)
        return JSONResponse({"items": []})

    service = answering(slow)
    source = RestConnector().open(service.config)
    held = CALLING.set(Calling("c1", deadline=asyncio.get_running_loop().time() + 0.1))
    try:
        with pytest.raises(SourceTimeout):
            await source.fetch(reading(), {})
        assert len(service.asked) == 1
    finally:
        CALLING.reset(held)
    assert await source.fetch(reading(), {}) == []
    await source.close()


@pytest.mark.fast
def test_pauses() -> None:
    assert all(0.025 <= (pause(0, None, None) or 0) <= 0.075 for _ in range(50))
    assert 0.05 <= (pause(1, 503, None) or 0) <= 0.15
    assert 7.025 <= (pause(0, 429, "7") or 0) <= 7.075
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 < (pause(0, 429, in_a_minute) or 0) < 61
    assert (pause(0, 503, format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)) or 1) < 0.1
    for beyond in ("Thu, 01 Jan 2026 00:00:00 +99999999999999", "Thu, 01 Jan 99999999999999999999 00:00:00 GMT", "Thu, 01 Jan 2026 99999999999:00:00 GMT"):
        assert pause(0, 429, beyond) is None
        assert 0.025 <= (pause(0, 503, beyond) or 0) <= 0.075
    assert [pause(0, status, None) for status in (200, 400, 401, 429, 500)] == [None] * 5


@pytest.mark.fast
def test_a_retry_budget() -> None:
    budget = RetryBudget()
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    for _ in range(11):
        budget.succeeded()
    assert [budget.take() for _ in range(2)] == [True, False]
    for _ in range(1000):
        budget.succeeded()
    assert sum(budget.take() for _ in range(100)) == 20
