"""OAuth 2 client credentials (RFC 6749 §4.4): one token for all calls, fetched once by whoever needs it first."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import httpx2
import orjson

from connectors.errors import SourceRefused, SourceUnavailable
from connectors.rest.auth import basic
from connectors.rest.exchange import exchange, fault
from connectors.rest.options import OAuth
from connectors.rest.transport import Transport

_MOST_BYTES = 64 * 1024
_LEAD = 30.0
"""Seconds before its end in which a token is not used any more, or a tenth of its life if that is less."""


@dataclass(frozen=True, slots=True)
class _Token:
    header: str
    ends: float
    """By the event loop's clock."""


class OAuthAuth:
    """See :class:`connectors.rest.auth.Auth`. The client and its secret go to the token endpoint only."""

    def __init__(self, source: str, options: OAuth, client: tuple[str, str], transport: Transport) -> None:
        self._source = source
        self._options = options
        self._client = client
        self._transport = transport
        self._token: _Token | None = None
        self._fetching = asyncio.Lock()

    async def admit(self, request: httpx2.Request, due: float) -> None:
        """Adds the bearer token (RFC 6750), a new one where the old is about to end."""
        now = asyncio.get_running_loop().time
        if self._token is None or self._token.ends <= now():
            async with self._fetching:
                if self._token is None or self._token.ends <= now():
                    self._token = await self._fetch(due)
        request.headers["Authorization"] = self._token.header

    def renewed(self, request: httpx2.Request) -> bool:
        """The token that was refused is not used again; another may be there already."""
        if self._token is not None and request.headers.get("Authorization") == self._token.header:
            self._token = None
        return True

    async def close(self) -> None:
        """Closes the connections to the token endpoint."""
        await self._transport.close()

    async def _fetch(self, due: float) -> _Token:
        answer = await exchange(self._source, self._transport, await self._request(due), due, _MOST_BYTES)
        if answer.status in (httpx2.codes.BAD_REQUEST, httpx2.codes.UNAUTHORIZED):
            raise SourceRefused(self._source, f"the token endpoint does not admit the hub (status {answer.status}); check `secret` and options.oauth")
        if answer.status != httpx2.codes.OK:
            raise fault(self._source, answer.status)
        return self._read(answer.body)

    async def _request(self, due: float) -> httpx2.Request:
        name, secret = self._client
        form = {"grant_type": "client_credentials"} | ({"scope": self._options.scope} if self._options.scope else {})
        if self._options.client == "post":
            form |= {"client_id": name, "client_secret": secret}
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        request = httpx2.Request("POST", self._options.token_url, headers=headers, content=urlencode(form).encode())
        if self._options.client == "basic":
            # RFC 6749 §2.3.1: id and secret are form-encoded before they are joined.
            await basic(quote(name, safe=""), quote(secret, safe="")).admit(request, due)
        return request

    def _read(self, body: bytes) -> _Token:
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise SourceUnavailable(self._source, "the token endpoint's answer is no JSON") from error
        token = content.get("access_token") if isinstance(content, dict) else None
        kind = content.get("token_type") if isinstance(content, dict) else None
        if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()) or str(kind).lower() != "bearer":
            raise SourceRefused(self._source, "the token endpoint gives no bearer token")
        return _Token(f"Bearer {token}", asyncio.get_running_loop().time() + _usable(content.get("expires_in")))


def _usable(seconds: object) -> float:
    """For how long a token is used; one whose end is not told, until it is refused."""
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit():
        seconds = int(seconds[:9])
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        return float("inf")
    return seconds - min(_LEAD, seconds / 10)
