"""HTTP to one origin: bounded answers, no redirects, no proxies, faults in the hub's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
import orjson

from connectors.errors import SourceBusy, SourceFault, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.spi import SourceConfig

MOST_BYTES = 8 * 1024 * 1024
"""The largest answer that is read, decompressed."""

_OVERLOADED = 429
_SERVER_ERROR = 500


class Client:
    """Asks one service. Addresses are its base URL plus a path from the catalog; nothing in an answer leads anywhere else."""

    def __init__(self, config: SourceConfig, secret: str | None) -> None:
        self._code = config.code
        self._base = config.url.rstrip("/")
        self._client = httpx2.AsyncClient(
            headers={"Accept": "application/json"} | ({"Authorization": f"Bearer {secret}"} if secret else {}),
            timeout=config.timeout_ms / 1000,
            limits=httpx2.Limits(max_connections=config.pool, max_keepalive_connections=config.pool),
            follow_redirects=False,
            trust_env=False,
        )

    async def get(self, path: str, query: Mapping[str, str]) -> Any:
        """The JSON that the service answers with.

        Raises:
            SourceFault: not reachable, too slow, too large, no JSON, or any status but 200.
        """
        status, body = await self._read(path, query)
        if status != httpx2.codes.OK:
            raise self._fault(status)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise SourceRefused(self._code, "the service's answer is no JSON") from error

    async def status(self, path: str) -> int:
        """The status of an address, for a health check."""
        return (await self._read(path, {}))[0]

    async def close(self) -> None:
        """Closes all connections."""
        await self._client.aclose()

    async def _read(self, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            async with self._client.stream("GET", self._base + path, params=dict(query)) as response:
                return response.status_code, await self._body(response)
        except httpx2.PoolTimeout as error:
            raise SourceBusy(self._code, "all its connections are busy") from error
        except httpx2.TimeoutException as error:
            raise SourceTimeout(self._code, "no answer in time") from error
        except httpx2.DecodingError as error:
            raise SourceRefused(self._code, "the service's answer is badly compressed") from error
        except (httpx2.RequestError, httpx2.StreamError) as error:
            raise SourceUnavailable(self._code, "the service is not reachable") from error

    async def _body(self, response: httpx2.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MOST_BYTES:
                raise SourceRefused(self._code, f"the service's answer is larger than {MOST_BYTES // 1024 // 1024} MiB; lower `max_page`")
        return bytes(body)

    def _fault(self, status: int) -> SourceFault:
        if status >= _SERVER_ERROR or status == _OVERLOADED:
            return SourceUnavailable(self._code, f"the service answered with status {status}")
        if status in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN):
            return SourceRefused(self._code, f"the service does not admit the hub (status {status}); check `secret` and `auth`")
        if httpx2.codes.is_redirect(status):
            return SourceRefused(self._code, f"the service redirects (status {status}), which is not followed; correct `url` or `path`")
        return SourceRefused(self._code, f"the service rejected the request (status {status})")
