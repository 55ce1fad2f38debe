"""GraphQL over HTTP: which requests are read, and how answers leave."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response

from hub.api.bodies import Bodies
from hub.api.envelope import GRAPHQL_JSON, JSON, Envelope
from hub.api.http import GraphQLEndpoint, GraphQLRequest, HttpAnswer, HttpRequest, read_graphql
from schema.faults import Code, Fault

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
BODY = b'{"query": "{ __typename }"}'
TYPE = ("content-type", JSON)


async def handler(request: HttpRequest) -> HttpAnswer:
    return HttpAnswer(200, request.body, {"content-language": "zh-CN"})


async def refuse(_request: HttpRequest, fault: Fault, status: int) -> HttpAnswer:
    return HttpAnswer(status, fault.en.encode())


def page() -> Response:
    return PlainTextResponse("GraphiQL")


class Exchanged:
    """One request to an endpoint, and what came back."""

    def __init__(self, *headers: tuple[str, str], method: str = "POST", query: bytes = b"", body: tuple[bytes, ...] = (BODY,)) -> None:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        self.scope = {"type": "http", "method": method, "path": "/graphql", "query_string": query, "headers": raw, "client": ("192.0.2.1", 5)}
        self.messages = [{"type": "http.request", "body": part, "more_body": i < len(body) - 1} for i, part in enumerate(body)]
        self.sent: list[Any] = []
        self.gone = asyncio.Event()

    async def receive(self) -> Any:
        if self.messages:
            return self.messages.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def by(self, handle: Any = handler) -> tuple[int, dict[str, str], bytes]:
        await GraphQLEndpoint(handle, refuse, page, Bodies(), lambda _headers: 1000)(self.scope, self.receive, self.send)
        start, *rest = self.sent
        headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        return start["status"], headers, b"".join(part.get("body", b"") for part in rest)


async def test_an_answer() -> None:
    status, headers, body = await Exchanged(TYPE, ("accept", f"{GRAPHQL_JSON}, {JSON};q=0.9")).by()
    assert (status, body) == (200, BODY)
    assert headers["content-type"] == f"{GRAPHQL_JSON}; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-length"] == str(len(BODY))
    assert headers["content-language"] == "zh-CN"


@pytest.mark.parametrize(
    "accept", [JSON, "*/*", "", f"{GRAPHQL_JSON};q=0, {JSON}", f"{JSON}, {GRAPHQL_JSON}; q=0.5", f"{GRAPHQL_JSON};q=x", f"x{GRAPHQL_JSON}"]
)
async def test_who_does_not_ask_for_the_new_media_type_gets_json(accept: str) -> None:
    _, headers, _ = await Exchanged(TYPE, ("accept", accept)).by()
    assert headers["content-type"] == f"{JSON}; charset=utf-8"


@pytest.mark.parametrize("accept", [GRAPHQL_JSON.upper(), f"{JSON}, {GRAPHQL_JSON}", f"{GRAPHQL_JSON}; charset=utf-8; q=0.9, {JSON};q=0.8, */*;q=0.1"])
async def test_who_asks_for_the_new_media_type_gets_it(accept: str) -> None:
    """Media types are of one kind in either case (RFC 9110 §8.3.1)."""
    _, headers, _ = await Exchanged(TYPE, ("accept", accept)).by()
    assert headers["content-type"] == f"{GRAPHQL_JSON}; charset=utf-8"


async def test_accept_may_stand_in_several_lines() -> None:
    _, headers, _ = await Exchanged(TYPE, ("accept", JSON), ("accept", GRAPHQL_JSON)).by()
    assert headers["content-type"] == f"{GRAPHQL_JSON}; charset=utf-8"


@pytest.mark.parametrize(
    "content_type",
    [
        *(JSON, "Application/JSON", f"{JSON};charset=utf-8", f"{JSON}; charset=UTF-8", f'{JSON}; charset="utf-8"'),
        *(f"{JSON};charset=utf8", f"{JSON}; Charset = UTF-8", f"{JSON};", f"{JSON};odata=verbose;charset=utf-8"),
    ],
)
async def test_json_in_utf8_is_taken(content_type: str) -> None:
    assert (await Exchanged(("content-type", content_type)).by())[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("content-type", "text/plain"),),
        (("content-type", "application/x-www-form-urlencoded"),),
        (("content-type", "multipart/form-data; boundary=x"),),
        (("content-type", "application/graphql"),),
        (("content-type", f"{JSON}; charset=utf-16"),),
        (("content-type", f"{JSON}; charset=utf-8; charset=GBK"),),
        (("content-type", f"{JSON}; charset="),),
        (TYPE, ("content-encoding", "identity, gzip")),
        (("content-type", f"{JSON}x"),),
        (TYPE, ("content-encoding", "gzip")),
    ],
)
async def test_other_media_are_415(headers: Any) -> None:
    assert (await Exchanged(*headers).by())[0] == 415


@pytest.mark.parametrize(("header", "named"), [(("content-encoding", "gzip"), "Content-Encoding"), (("content-type", "text/plain"), "Content-Type")])
def test_the_remedy_names_the_header_that_is_wrong(header: tuple[str, str], named: str) -> None:
    fault = Envelope(Headers(dict([TYPE, header]))).unread
    assert fault is not None
    assert named in fault.hint_en
    assert named in fault.hint_zh


async def test_identity_is_no_packing() -> None:
    assert (await Exchanged(TYPE, ("content-encoding", "identity")).by())[0] == 200


@pytest.mark.parametrize(
    ("content_type", "named"),
    [(f"{JSON}; charset=GBK", f'"{JSON}; charset=GBK"'), ("text/plain", '"text/plain"'), ("", "no Content-Type"), ("\xff" * 5000, '"\\u00ff')],
)
def test_the_type_that_was_sent_is_named(content_type: str, named: str) -> None:
    fault = Envelope(Headers({"content-type": content_type})).unread
    assert fault is not None
    assert named in fault.en
    assert len(fault.zh) < 500


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "X"])
async def test_other_methods_are_405(method: str) -> None:
    assert (await Exchanged(TYPE, method=method).by())[0] == 405


async def test_a_browser_gets_the_page_but_no_query() -> None:
    html = ("accept", "text/html,*/*")
    assert (await Exchanged(html, method="GET").by())[2] == b"GraphiQL"
    status, _, body = await Exchanged(html, method="GET", query=b"query={__typename}").by()
    assert status == 405
    assert b"personal data has no place in an address" in body


async def test_sizes() -> None:
    assert (await Exchanged(TYPE, body=(b"x" * 1000,)).by())[0] == 200
    assert (await Exchanged(TYPE, body=(b"x" * 1001,)).by())[0] == 413
    assert (await Exchanged(TYPE, body=(b"x" * 600, b"x" * 600)).by())[0] == 413
    assert (await Exchanged(TYPE, ("content-length", "1001")).by())[0] == 413
    assert (await Exchanged(TYPE, ("content-length", "-5")).by())[0] == 200
    assert (await Exchanged(TYPE, ("x", "y" * 17_000)).by())[0] == 431


async def test_parts_of_a_body_are_joined() -> None:
    assert (await Exchanged(TYPE, body=(BODY[:5], b"", BODY[5:])).by())[2] == BODY


async def test_a_caller_that_goes_away_ends_the_work() -> None:
    ended = asyncio.Event()

    async def long(_request: HttpRequest) -> HttpAnswer:
        exchanged.gone.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    exchanged = Exchanged(TYPE)
    with pytest.raises(asyncio.CancelledError):
        await exchanged.by(long)
    assert ended.is_set()
    assert not exchanged.sent


def test_a_request_is_read() -> None:
    assert read_graphql(BODY) == GraphQLRequest("{ __typename }", {}, None)
    content = {"query": "q", "variables": {"a": 1}, "operationName": "N", "extensions": {}, "more": 1}
    assert read_graphql(orjson.dumps(content)) == GraphQLRequest("q", {"a": 1}, "N")
    assert read_graphql(b'{"query": "q", "variables": null, "operationName": null, "extensions": null}') == GraphQLRequest("q", {}, None)
    assert read_graphql(b'{"query": "q", "operationName": ""}') == GraphQLRequest("q", {}, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nul",
        b'{"query": NaN}',
        b'{"query": "\xff"}',
        b'{"query": "\\ud800"}',
        b"\xef\xbb\xbf" + BODY,
        b"[" * 100_000,
        b"1" * 5000,
        b'{"query": "x" "y": 1}',
        b"[" + BODY + b"]",
        b'"{ a }"',
        b"null",
        b"{}",
        b'{"query": null}',
        b'{"query": 5}',
        b'{"query": ["{ a }"]}',
        b'{"query": "q", "variables": []}',
        b'{"query": "q", "variables": "{}"}',
        b'{"query": "q", "operationName": 5}',
        b'{"query": "q", "extensions": []}',
    ],
)
def test_what_is_no_request(body: bytes) -> None:
    with pytest.raises(Fault) as fault:
        read_graphql(body)
    assert fault.value.code is Code.BAD_REQUEST


def test_a_client_that_sends_a_hash_is_told_to_send_the_document() -> None:
    """Apollo's persisted queries: whoever sends the document beside its hash has sent it. urql goes by the message alone."""
    asked: dict[str, Any] = {"operationName": None, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "00"}}}
    with pytest.raises(Fault, match="PersistedQueryNotSupported") as fault:
        read_graphql(orjson.dumps(asked))
    assert fault.value.code is Code.PERSISTED_QUERY_NOT_SUPPORTED
    assert fault.value.zh == fault.value.en == "PersistedQueryNotSupported"
    assert read_graphql(orjson.dumps({**asked, "query": "{ a }"})).query == "{ a }"


def test_a_batch_is_refused_with_what_to_send_instead() -> None:
    with pytest.raises(Fault, match="batches are not accepted") as fault:
        read_graphql(b"[" + BODY + b"]")
    assert "aliases" in str(fault.value.hint_en)


def test_the_place_of_a_syntax_error_is_told() -> None:
    with pytest.raises(Fault, match=r"line 2, column \d+"):
        read_graphql(b'{"query":\n "x" "y"}')


def test_a_byte_order_mark_which_no_editor_shows_is_named() -> None:
    with pytest.raises(Fault, match="byte order mark") as fault:
        read_graphql(b"\xef\xbb\xbf" + BODY)
    assert fault.value.hint_en == "save it as UTF-8 without one"


@pytest.mark.parametrize("encoding", ["gbk", "utf-16"])
def test_a_body_in_another_encoding_is_told_by_its_first_byte(encoding: str) -> None:
    body = '{"query": "q", "variables": {"name": "韩雪"}}'.encode(encoding)
    with pytest.raises(Fault, match="the body is not UTF-8") as fault:
        read_graphql(body)
    place = body.index("韩".encode(encoding)) if encoding == "gbk" else 0
    assert f"第 {place + 1} 个字节 0x{body[place]:02X}" in fault.value.zh
    assert "GBK" in str(fault.value.hint_zh)


def test_an_empty_body_is_told() -> None:
    with pytest.raises(Fault, match="the body is empty"):
        read_graphql(b"")


@pytest.mark.parametrize(
    ("content", "zh", "en"),
    [
        ({"query": 5}, "query 应为字符串", "query must be a string"),
        ({"query": "q", "variables": "{}"}, "variables 应为对象", "variables must be an object"),
        ({"query": "q", "operationName": 5}, "operationName 应为字符串", "operationName must be a string"),
    ],
)
def test_a_parameter_of_another_type_is_told_in_each_language(content: dict[str, Any], zh: str, en: str) -> None:
    with pytest.raises(Fault) as fault:
        read_graphql(orjson.dumps(content))
    assert (fault.value.zh, fault.value.en) == (zh, en)
    assert next(iter(set(content) - {"query"}), "query") in fault.value.hint_en
