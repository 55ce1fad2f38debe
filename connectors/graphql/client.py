"""GraphQL over HTTP to one address, by the transport of REST services: bounded answers, no redirects, no proxies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx2
import orjson

from connectors.errors import SourceFault, SourceRefused
from connectors.graphql.faults import SchemaChanged, fault_of
from connectors.graphql.options import GraphqlOptions
from connectors.graphql.rows import Answer
from connectors.rest.auth import Auth
from connectors.rest.density import MOST_VALUES, too_many_values
from connectors.rest.exchange import Answer as HttpAnswer
from connectors.rest.exchange import Unreached, exchange, fault
from connectors.rest.json_answers import number, whole
from connectors.rest.transport import Transport
from connectors.retries import RetryBudget
from connectors.spi import SourceConfig

_GRAPHQL, _JSON = "application/graphql-response+json", "application/json"
_HEADERS = {"Content-Type": _JSON, "Accept": f"{_GRAPHQL}, {_JSON};q=0.9", "Accept-Encoding": "gzip, deflate", "User-Agent": "huitong"}


class Client:
    """Asks one GraphQL endpoint. Nothing in an answer leads anywhere else."""

    def __init__(self, config: SourceConfig, options: GraphqlOptions, auth: Auth, transport: Transport) -> None:
        self._code = config.code
        self._url = config.url
        self._seconds = config.timeout_ms / 1000
        self._most = options.max_bytes
        self._auth = auth
        self._transport = transport
        self._retries = RetryBudget()

    async def ask(self, document: str, variables: Mapping[str, Any], headers: Mapping[str, str], *, exact: bool = False) -> tuple[Answer, Mapping[str, Any]]:
        """The answer to a document, and the whole of what was sent; ``exact`` where numbers must keep their digits.

        Raises:
            SourceFault: there is no data in the answer; see :mod:`connectors.graphql.faults`.
        """
        try:
            body = orjson.dumps({"query": document, "variables": dict(variables)})
        except (TypeError, orjson.JSONEncodeError) as error:
            raise SourceRefused(self._code, "a value of the call has no place in JSON") from error
        answer = await self._persistently(body, headers)
        media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        content = self._read(answer.body, exact) if media in (_GRAPHQL, _JSON) else None
        return self._answer(answer.status, content), content if isinstance(content, dict) else {}

    async def close(self) -> None:
        """Closes all connections."""
        await self._transport.close()
        close = getattr(self._auth, "close", None)
        if close is not None:
            await close()

    async def _persistently(self, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Once more where the connection failed: a query changes nothing."""
        due = asyncio.get_running_loop().time() + self._seconds
        try:
            answer = await self._once(body, headers, due)
        except Unreached:
            if not self._retries.take():
                raise
            return await self._once(body, headers, due)
        self._retries.succeeded()
        return answer

    async def _once(self, body: bytes, headers: Mapping[str, str], due: float) -> HttpAnswer:
        request = await self._request(body, headers, due)
        answer = await exchange(self._code, self._transport, request, due, self._most)
        if answer.status == httpx2.codes.UNAUTHORIZED and self._auth.renewed(request):
            return await exchange(self._code, self._transport, await self._request(body, headers, due), due, self._most)
        return answer

    async def _request(self, body: bytes, headers: Mapping[str, str], due: float) -> httpx2.Request:
        request = httpx2.Request("POST", self._url, headers={**_HEADERS, **headers}, content=body)
        await self._auth.admit(request, due)
        return request

    def _read(self, raw: bytes, exact: bool) -> Any:
        if too_many_values(raw):
            raise SourceRefused(self._code, f"the service's answer holds more than {MOST_VALUES} values; lower `max_page`")
        if not exact:
            try:
                return orjson.loads(raw)
            except orjson.JSONDecodeError:
                pass
        try:
            # Lone surrogates and endless numbers, which orjson refuses, cost the one value that holds them and not the whole answer.
            return json.loads(raw, parse_float=number, parse_int=whole)
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
        if status == httpx2.codes.OK:
            return SourceRefused(self._code, "the answer is none of GraphQL; check that `url` is the GraphQL endpoint")
        if status == httpx2.codes.BAD_REQUEST:
            return SchemaChanged(self._code, "the service does not take the document (status 400); compare the manifest with its schema")
        return fault(self._code, status)
