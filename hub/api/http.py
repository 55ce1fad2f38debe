"""GraphQL over HTTP, as raw ASGI: reads a request within limits, lets a handler answer it, stops the work when the caller goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hub.api.bodies import Bodies, BodyFault
from hub.api.envelope import GRAPHQL_JSON, JSON, Envelope, Envelopes
from hub.api.gone import Gone
from hub.api.long import Long, gzipped, size_of, takes_gzip, texts
from hub.api.unread import unread_body
from hub.api.whole import lines, whole_of
from schema.faults import Code, Fault

MAX_HEADER_BYTES = 16 * 1024


@dataclass(slots=True)
class HttpRequest:
    """What a handler needs of a request. ``address`` is the peer's; ``envelope`` what the headers say that do not vary from call to call."""

    headers: Headers
    address: str
    envelope: Envelope
    body: bytes = b""
    method: str = "POST"
    path: str = ""
    own: Mapping[bytes, bytes | None] = field(default_factory=dict)
    """Headers that vary from call to call, by name; ``None`` for one that stands more than once."""

    @property
    def legacy(self) -> bool:
        """The caller takes ``application/json`` only."""
        return self.envelope.legacy


@dataclass(slots=True)
class HttpAnswer:
    """Status, body and further headers."""

    status: int
    body: bytes | Long
    headers: dict[str, str] = field(default_factory=dict)
    packable: bool = True
    """Whether it may be sent in gzip, whose length tells of its content."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The parameters of a GraphQL request."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None


Handler = Callable[[HttpRequest], Awaitable[HttpAnswer]]
Refusal = Callable[[HttpRequest, Fault, int], Awaitable[HttpAnswer]]
BodyLimit = Callable[[HttpRequest], int]
"""How many bytes of body a request with these headers may bring."""


class GraphQLEndpoint:
    """One GraphQL endpoint: POST is answered by ``handler``, a browser's GET by ``page``, all else refused.

    ``refuse`` answers what never reaches the handler (method, media type, size).
    """

    def __init__(self, handler: Handler, refuse: Refusal, page: Callable[[], Response], bodies: Bodies, limit: BodyLimit) -> None:
        self._handler = handler
        self._refuse = refuse
        self._page = page
        self._bodies = bodies
        self._limit = limit
        self._envelopes = Envelopes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        await self.serve(scope, receive, send)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Serves one request, and tells the status of its answer."""
        raw, method, peer = scope["headers"], scope["method"], scope.get("client")
        headers = Headers(raw=raw)
        if method in ("GET", "HEAD") and not scope["query_string"] and "text/html" in headers.get("accept", ""):
            page = self._page()
            await page(scope, receive, send)
            return page.status_code
        envelope, own, size = self._envelopes.read(raw)
        request = HttpRequest(headers, peer[0] if peer else "", envelope, b"", method, scope["path"], own)
        status, fault = _check_envelope(request, size)
        if fault is not None:
            answer = await self._refuse(request, fault, status)
        else:
            answer = await self._answer(request, receive)
        whole = whole_of(scope)
        if whole is None or not isinstance(answer.body, bytes) or not whole(scope, answer.status, _head(answer, request), answer.body):
            await _send(send, answer, request)
        return answer.status

    async def _answer(self, request: HttpRequest, receive: Receive) -> HttpAnswer:
        try:
            declared = request.own.get(b"content-length") or b""
            async with self._bodies.reading(receive, declared.decode("latin-1"), self._limit(request)) as request.body:
                with Gone(receive):
                    return await self._handler(request)
        except BodyFault as refused:
            code = Code.RATE_LIMITED if refused.status == HTTPStatus.SERVICE_UNAVAILABLE else Code.BAD_REQUEST
            fault = Fault(code, refused.zh, refused.en, refused.hint_zh, refused.hint_en)
            return await self._refuse(request, fault, refused.status)


def _check_envelope(request: HttpRequest, size: int) -> tuple[int, Fault | None]:
    if request.method != "POST":
        zh, en = "只接受 POST；查询不得写入地址", "only POST is accepted: personal data has no place in an address"
        return 405, Fault(Code.BAD_REQUEST, zh, en, "请以 POST 发送 JSON", "send JSON by POST")
    if size > MAX_HEADER_BYTES:
        return 431, Fault(Code.BAD_REQUEST, f"请求头超过 {MAX_HEADER_BYTES} 字节", f"the headers are larger than {MAX_HEADER_BYTES} bytes")
    return 415, request.envelope.unread


def read_graphql(body: bytes) -> GraphQLRequest:
    """The parameters in a request body; strict JSON.

    Raises:
        Fault: ``BAD_REQUEST``, or ``PERSISTED_QUERY_NOT_SUPPORTED``, by which clients know to send the document.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise unread_body(body, error) from None
    if not isinstance(content, dict):
        zh, en = "请求体应为 JSON 对象，不支持批量数组", "the body must be one JSON object; batches are not accepted"
        raise Fault(Code.BAD_REQUEST, zh, en, "请逐个发送请求，或以别名合为一个文档", "send one request for each, or one document with aliases")
    _check_parameters(content)
    return GraphQLRequest(content["query"], content.get("variables") or {}, content.get("operationName") or None)


_TEXT, _OBJECT = ("字符串", "a string"), ("对象", "an object")
_PARAMETERS: tuple[tuple[str, tuple[type, ...], tuple[str, str]], ...] = (
    ("query", (str,), _TEXT),
    ("variables", (dict, type(None)), _OBJECT),
    ("operationName", (str, type(None)), _TEXT),
    ("extensions", (dict, type(None)), _OBJECT),
)


def _check_parameters(content: dict[str, Any]) -> None:
    for name, types, kind in _PARAMETERS:
        if name in content and not isinstance(content[name], types):
            zh, en = kind
            raise Fault(Code.BAD_REQUEST, f"{name} 应为{zh}", f"{name} must be {en}", f"请将 {name} 改为{zh}", f"send {en} as {name}")
    if "query" not in content and "persistedQuery" in (content.get("extensions") or {}):
        # Apollo's clients for browsers know the code; urql and Apollo's for telephones know this message alone.
        said = "PersistedQueryNotSupported"
        zh, en = "不支持以散列代替查询文档，请在 query 中发送文档全文", "a hash in place of the document is not taken; send the document itself as query"
        raise Fault(Code.PERSISTED_QUERY_NOT_SUPPORTED, said, said, zh, en)
    if "query" not in content:
        raise Fault(Code.BAD_REQUEST, "缺少 query", "query is missing", '{"query": "{ __typename }"}', '{"query": "{ __typename }"}')


_COMMON = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_TYPES = {legacy: (b"content-type", f"{media}; charset=utf-8".encode()) for legacy, media in ((True, JSON), (False, GRAPHQL_JSON))}


def _headers(legacy: bool, own: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [_TYPES[legacy], *_COMMON, *((name.encode("latin-1"), value.encode("latin-1")) for name, value in own)]


@lru_cache(maxsize=256)
def _lines(legacy: bool, own: tuple[tuple[str, str], ...]) -> bytes:
    return lines(_headers(legacy, own))


def _head(answer: HttpAnswer, request: HttpRequest) -> bytes:
    return _lines(request.legacy, (*answer.headers.items(),))


async def _send(send: Send, answer: HttpAnswer, request: HttpRequest) -> None:
    headers = [(b"content-length", b"%d" % size_of(answer.body)), *_headers(request.legacy, answer.headers.items())]
    if isinstance(answer.body, bytes):
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        return
    headers.append((b"vary", b"accept-encoding"))
    packed = answer.packable and takes_gzip(request.headers.get("accept-encoding", ""))
    if packed:
        headers[0] = (b"content-encoding", b"gzip")
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await _send_long(send, answer.body, packed)


async def _send_long(send: Send, body: Long, packed: bool) -> None:
    """Piece by piece, each once the caller has room for it."""
    for piece in gzipped(body) if packed else texts(body):
        if piece:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b""})
