"""Bodies: read only of those who may send them (18), in their time (19), of any shape (20), and not more than memory holds (18)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import Future

import orjson
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Message

import hub.api.bodies
from hub.api.bodies import SMALL_BODY_BYTES, Bodies, BodyFault
from hub.api.http import GraphQLEndpoint, HttpAnswer, HttpRequest
from hub.console.pages import demo_routes
from hub.hosts import AllowedHosts
from schema.faults import Fault
from tests.console.city import applications, issue
from tests.hardening.wire import raw, status
from tests.hub.running import RunningHub
from tests.hub.unfinished import BODIES

anyio = pytest.mark.anyio
fast = pytest.mark.fast


class Sender:
    """A connection that sends pieces and then nothing more; ``read`` counts the bytes that the hub took."""

    def __init__(self, *pieces: bytes, ends: bool = True) -> None:
        self._pieces = list(pieces)
        self._ends = ends
        self.read = 0

    async def __call__(self) -> Message:
        if not self._pieces:
            await asyncio.Event().wait()
        piece = self._pieces.pop(0)
        self.read += len(piece)
        return {"type": "http.request", "body": piece, "more_body": bool(self._pieces) or not self._ends}


async def fault_of(bodies: Bodies, sender: Sender, limit: int, declared: str = "") -> int:
    with pytest.raises(BodyFault) as caught:
        async with bodies.reading(sender, declared, limit):
            pytest.fail("the body was read")
    return caught.value.status


@fast
@anyio
async def test_all_bodies_together_are_bounded() -> None:
    bodies = Bodies(most=100)
    async with bodies.reading(Sender(b"a" * 40, b"a" * 20), "", 80) as body:
        assert (len(body), bodies.held) == (60, 60)
        assert await fault_of(bodies, Sender(b"b" * 41), 80) == 503
        assert bodies.held == 60
        async with bodies.reading(Sender(b"c" * 40), "40", 80) as other:
            assert (len(other), bodies.held) == (40, 100)
    assert bodies.held == 0


@fast
@anyio
async def test_a_body_beyond_its_limit_is_not_read_on() -> None:
    bodies = Bodies()
    announced, growing = Sender(b"a" * 1000), Sender(*[b"a" * 50] * 20)
    assert await fault_of(bodies, announced, 100, "1000") == 413
    assert await fault_of(bodies, growing, 100) == 413
    assert (announced.read, growing.read, bodies.held) == (0, 150, 0)


@fast
@anyio
async def test_a_body_that_stops_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.api.bodies, "BODY_SECONDS", 0.02)
    bodies = Bodies()
    assert await fault_of(bodies, Sender(b"a" * 10, ends=False), 100) == 408
    assert bodies.held == 0


def small_endpoint(bodies: Bodies) -> GraphQLEndpoint:
    async def handle(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(200, str(len(request.body)).encode())

    async def refuse(_request: HttpRequest, fault: Fault, status: int) -> HttpAnswer:
        return HttpAnswer(status, orjson.dumps(fault.code.value))

    def limit(request: HttpRequest) -> int:
        return 1000 if "authorization" in request.headers else 10

    return GraphQLEndpoint(handle, refuse, lambda: PlainTextResponse(""), bodies, limit)


@fast
def test_the_limit_follows_from_the_headers() -> None:
    bodies = Bodies(most=500)
    client = TestClient(small_endpoint(bodies))
    headers = {"Content-Type": "application/json"}
    known = headers | {"Authorization": "x"}
    assert client.post("/", content=b"a" * 10, headers=headers).text == "10"
    assert client.post("/", content=b"a" * 11, headers=headers).status_code == 413
    assert client.post("/", content=b"a" * 11, headers=known).text == "11"
    busy = client.post("/", content=b"a" * 600, headers=known)
    assert (busy.status_code, busy.json()) == (503, "RATE_LIMITED")
    assert bodies.held == 0


@fast
@pytest.mark.parametrize(
    ("body", "expected"),
    [(b"[" * 16_000, 400), (b'{"name":' * 2_000, 400), (b"[" * 100_000, 413), (b"\xff", 400), (b'{"name": "housing"}', 200)],
)
def test_any_body_of_a_token_request_is_answered(body: bytes, expected: int) -> None:
    client = TestClient(Starlette(routes=demo_routes(applications, issue, AllowedHosts())))
    answer = client.post("/console/demo-token", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == expected


@pytest.mark.slow
@pytest.mark.xdist_group("hub")
def test_only_administrators_send_large_bodies(hub: RunningHub) -> None:
    body = json.dumps({"query": "{ __typename }", "variables": {"x": "a" * 2 * SMALL_BODY_BYTES}}).encode()
    found = {name: hub.http("POST", "/governance/graphql", body, hub.headers(name)).status_code for name in (None, "housing", "steward")}
    assert found == {None: 413, "housing": 413, "steward": 200}
    wrong = hub.headers(None) | {"Authorization": "Bearer x"}
    assert hub.http("POST", "/governance/graphql", body, wrong).status_code == 413
    announced = "POST /governance/graphql HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 8388000"
    assert status(raw(hub, announced, b" " * 1000, end=False)) == 413


@pytest.mark.slow
@pytest.mark.xdist_group("hub")
@pytest.mark.parametrize("path", BODIES)
def test_a_body_that_does_not_arrive_is_408(unfinished: Mapping[str, Future[bytes]], path: str) -> None:
    answer = unfinished[path].result()
    assert status(answer) == 408
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])


@pytest.mark.slow
@pytest.mark.xdist_group("hub")
def test_large_forms_and_token_requests_are_413(hub: RunningHub) -> None:
    form = "POST /oauth/token HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded"
    assert status(raw(hub, form, b"a" * 17_000)) == 413
    assert status(raw(hub, "POST /console/demo-token HTTP/1.1\r\nContent-Type: application/json", b" " * 17_000)) == 413
