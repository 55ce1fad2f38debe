"""GraphQL over HTTP to one address: bounded answers, no redirects, no proxies, faults in the hub's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

import httpx2
import orjson

from connectors.errors import SourceBusy, SourceFault, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.graphql.faults import SchemaChanged, fault_of
from connectors.graphql.rows import Answer
from connectors.retries import RetryBudget
from connectors.spi import SourceConfig

MOST_BYTES = 8 * 1024 * 1024
"""The largest answer that is read, decompressed."""
_TYPES = ("application/graphql-response+json", "application/json")
_OVERLOADED, _UNAUTHORIZED, _SERVER_ERROR = 429, 401, 500


class Authorization(Protocol):
    """Gives the Authorization header's value."""

    @property
    def renews(self) -> bool:
        """A refused token may be replaced by a new one."""
        ...

    async def header(self, *, renew: bool = False) -> str | None:
        """The value; ``None`` for no header."""
        ...


class Http:
    """Requests within the source's limits. Nothing in an answer leads anywhere else."""

    def __init__(self, config: SourceConfig) -> None:
        self._code = config.code
        self._client = httpx2.AsyncClient(
            timeout=config.timeout_ms / 1000,
            limits=httpx2.Limits(max_connections=config.pool, max_keepalive_connections=config.pool),
            follow_redirects=False,
            trust_env=False,
        )

    async def request(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        """Status, media type and body of the answer.

        Raises:
            SourceFault: not reachable, too slow, too large, or badly compressed.
        """
        try:
            async with self._client.stream(method, url, content=body, headers=dict(headers)) as response:
                media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                return response.status_code, media, await self._body(response)
        except httpx2.PoolTimeout as error:
            raise SourceBusy(self._code, "all its connections are busy") from error
        except httpx2.TimeoutException as error:
            raise SourceTimeout(self._code, "no answer in time") from error
        except httpx2.DecodingError as error:
            raise SourceRefused(self._code, "the service's answer is badly compressed") from error
        except (httpx2.RequestError, httpx2.StreamError) as error:
            raise SourceUnavailable(self._code, "the service is not reachable") from error

    async def close(self) -> None:
        """Closes all connections."""
        await self._client.aclose()

    async def _body(self, response: httpx2.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MOST_BYTES:
                raise SourceRefused(self._code, f"the service's answer is larger than {MOST_BYTES // 1024 // 1024} MiB; lower `max_page`")
        return bytes(body)


class Client:
    """Asks one GraphQL endpoint."""

    def __init__(self, config: SourceConfig, http: Http, authorize: Authorization) -> None:
        self._code = config.code
        self._url = config.url
        self._http = http
        self._authorize = authorize
        self._retries = RetryBudget()

    async def ask(self, document: str, variables: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[Answer, Mapping[str, Any]]:
        """The answer to a document, and the whole of what was sent.

        Raises:
            SourceFault: there is no data in the answer; see :mod:`connectors.graphql.faults`.
        """
        try:
            body = orjson.dumps({"query": document, "variables": dict(variables)})
        except (TypeError, orjson.JSONEncodeError) as error:
            raise SourceRefused(self._code, "a value of the call has no place in JSON") from error
        status, content = await self._post(body, headers, renew=False)
        if status == _UNAUTHORIZED and self._authorize.renews:
            status, content = await self._post(body, headers, renew=True)
        return self._answer(status, content), content if isinstance(content, dict) else {}

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.close()

    async def _post(self, body: bytes, headers: Mapping[str, str], *, renew: bool) -> tuple[int, Any]:
        sent = {"Content-Type": "application/json", "Accept": f"{_TYPES[0]}, {_TYPES[1]};q=0.9", **headers}
        if authorization := await self._authorize.header(renew=renew):
            sent["Authorization"] = authorization
        status, media, raw = await self._sent(body, sent)
        return status, self._read(raw) if media in _TYPES else None

    async def _sent(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        """Once more where the connection failed: a query changes nothing."""
        try:
            answer = await self._http.request("POST", self._url, body, headers)
        except (SourceBusy, SourceTimeout):
            raise
        except SourceUnavailable:
            if not self._retries.take():
                raise
            return await self._http.request("POST", self._url, body, headers)
        self._retries.succeeded()
        return answer

    def _read(self, raw: bytes) -> Any:
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            pass
        try:
            # Lone surrogates, which orjson refuses, cost the one value that holds them and not the whole answer.
            return json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise SourceRefused(self._code, "the service's answer is no JSON") from error

    def _answer(self, status: int, content: Any) -> Answer:
        if not isinstance(content, dict) or not ("data" in content or "errors" in content):
            raise self._fault(status)
        raw = content.get("errors") or []
        errors = [error for error in raw if isinstance(error, dict)] if isinstance(raw, list) else []
        if content.get("data") is None:
            if status == httpx2.codes.OK or any("extensions" in error for error in errors):
                raise fault_of(self._code, errors)
            raise self._fault(status)
        return Answer(content["data"], errors)

    def _fault(self, status: int) -> SourceFault:
        if status >= _SERVER_ERROR or status == _OVERLOADED:
            return SourceUnavailable(self._code, f"the service answered with status {status}")
        if status in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN):
            return SourceRefused(self._code, f"the service does not admit the hub (status {status}); check `secret` and `auth`")
        if httpx2.codes.is_redirect(status):
            return SourceRefused(self._code, f"the service redirects (status {status}), which is not followed; correct `url`")
        if status == httpx2.codes.OK:
            return SourceRefused(self._code, "the answer is none of GraphQL; check that `url` is the GraphQL endpoint")
        refused = SchemaChanged if status == httpx2.codes.BAD_REQUEST else SourceRefused
        return refused(self._code, f"the service rejected the request (status {status})")
