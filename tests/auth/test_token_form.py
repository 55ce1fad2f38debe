"""Bodies that are no clean form (A16): refused early, with little read and nothing looked up."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from starlette.types import Message

from tests.auth.support import FORM, World, basic

pytestmark = [pytest.mark.fast, pytest.mark.anyio]

GRANT = "grant_type=client_credentials"
_WHERE = {"path": "/oauth/token", "raw_path": b"/oauth/token", "query_string": b"", "root_path": "", "server": ("h", 80), "client": ("c", 1)}
SCOPE: dict[str, Any] = {"type": "http", "method": "POST", "http_version": "1.1", "scheme": "http", **_WHERE}


async def _counting_post(world: World, chunks: list[bytes], headers: list[tuple[bytes, bytes]]) -> tuple[int, int]:
    """The status, and how many pieces of the body were read for it."""
    sent: list[Message] = []
    read = 0

    async def receive() -> Message:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": chunks[read - 1], "more_body": read < len(chunks)}

    async def send(message: Message) -> None:
        sent.append(message)

    await world.app({**SCOPE, "headers": headers}, receive, send)
    return sent[0]["status"], read


async def test_a16_a_million_fields_and_20_megabytes_are_refused_after_two_pieces(world: World) -> None:
    form = (b"content-type", FORM.encode())
    million = b"a=1&" * 1_000_000
    for body in (million, b"a;" * 10_000_000, b"x" * 20_000_000):
        chunks = [body[start : start + 16_384] for start in range(0, len(body), 16_384)]
        assert await _counting_post(world, chunks, [form]) == (413, 2)
        assert await _counting_post(world, chunks, [form, (b"content-length", str(len(body)).encode())]) == (413, 0)
    assert world.clients.looked_up == []


@pytest.mark.parametrize(
    "body",
    [
        "a;" * 8000,
        "a;a;a;a",
        "a&b&c",
        "&".join(f"f{number}=1" for number in range(33)),
        "&" * 16_000,
        "=%ff",
        "grant_type=%C3%28",
        "\u6c47=\u901a",
        "a=1;b=2&c",
    ],
)
async def test_a16_small_bodies_that_are_no_clean_form(world: World, body: str) -> None:
    answer = await world.post("/oauth/token", body, basic("app"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert world.clients.looked_up == []
    assert world.events == [("token", None, "refused", "invalid_request")]


async def test_a16_a_body_that_breaks_off_is_no_form(world: World) -> None:
    sent: list[Message] = []
    coming: list[Message] = [{"type": "http.request", "body": b"grant_type=", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return coming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await world.app({**SCOPE, "headers": [(b"content-type", FORM.encode())]}, receive, send)
    assert sent[0]["status"] == 400
    assert world.events == [("token", None, "refused", "invalid_request")]


@pytest.mark.parametrize(("others", "status"), [(31, 200), (32, 400)])
async def test_a16_thirty_two_fields_are_a_form_and_one_more_is_none(world: World, others: int, status: int) -> None:
    body = "&".join([GRANT, *(f"f{number}=1" for number in range(others))])
    assert (await world.post("/oauth/token", body, basic("app"))).status_code == status


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(GRANT.encode(), mtime=0), {"content-type": FORM, "content-encoding": "gzip"}),
        (GRANT.encode(), {"content-type": FORM, "content-encoding": "identity"}),
        (GRANT.encode(), {"content-type": "application/json"}),
        (GRANT.encode(), {"content-type": "multipart/form-data; boundary=x"}),
        (GRANT.encode(), {"content-type": f"{FORM}; charset=gb18030"}),
        (GRANT.encode(), {"content-type": f"{FORM}x"}),
        (GRANT.encode(), {}),
    ],
)
async def test_a16_other_bodies(world: World, body: bytes, headers: dict[str, str]) -> None:
    async with world.http() as http:
        answer = await http.post("/oauth/token", content=body, headers={**headers, **basic("app")})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("content_type", [FORM, f"{FORM};charset=UTF-8", "Application/X-WWW-Form-Urlencoded"])
async def test_the_ways_in_which_clients_write_the_media_type(world: World, content_type: str) -> None:
    assert (await world.post("/oauth/token", GRANT, {"content-type": content_type, **basic("app")})).status_code == 200
