"""How the hub shows the service who it is: not at all, by a fixed token, or by tokens of OAuth 2.0 client credentials (RFC 6749, 4.4)."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass
from urllib.parse import quote_plus, urlencode, urlsplit

import orjson

from connectors.errors import SourceFault, SourceRefused, SourceUnavailable
from connectors.graphql.client import Http

_EARLY = 30.0
"""Seconds before its end at which a token is not used any more."""
_SHORTEST = 60.0
_OK, _SERVER_ERROR, _OVERLOADED = 200, 500, 429


@dataclass(frozen=True, slots=True)
class Fixed:
    """No token, or always the same."""

    token: str | None
    renews = False

    async def header(self, *, renew: bool = False) -> str | None:
        """The value; ``None`` for no header."""
        return self.token and f"Bearer {self.token}"


class ClientCredentials:
    """Tokens for a client and its secret, got when needed and kept until shortly before they end."""

    renews = True

    def __init__(self, source: str, url: str, http: Http, client: tuple[str, str], token_url: str | None, scope: str | None) -> None:
        self._source = source
        self._url = url
        self._http = http
        self._client = client
        self._token_url = token_url
        self._scope = scope
        self._token = ""
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def header(self, *, renew: bool = False) -> str:
        """``Bearer`` and a live token.

        Raises:
            SourceFault: no token is given.
        """
        refused = self._token if renew else None
        async with self._lock:
            # Of several calls whose token was refused, the first gets a new one for all.
            if self._token == refused or time.monotonic() >= self._until:
                await self._get()
            return f"Bearer {self._token}"

    async def _get(self) -> None:
        if self._token_url is None:
            self._token_url = await self._discovered()
        form = {"grant_type": "client_credentials"} | ({"scope": self._scope} if self._scope else {})
        pair = ":".join(quote_plus(part) for part in self._client)
        headers = {
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        status, _, body = await self._http.request("POST", self._token_url, urlencode(form).encode(), headers)
        if status != _OK:
            raise self._fault(status)
        token, seconds = self._read(body)
        self._token = token
        self._until = time.monotonic() + max(seconds - _EARLY, min(seconds, _SHORTEST) / 2)

    def _read(self, body: bytes) -> tuple[str, float]:
        try:
            content = orjson.loads(body)
            token, kind, seconds = content["access_token"], content["token_type"], content.get("expires_in", _SHORTEST)
            if isinstance(token, str) and token.isascii() and token.isprintable() and str(kind).lower() == "bearer":
                return token, float(seconds)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SourceRefused(self._source, "the token endpoint's answer is no bearer token (RFC 6749, 5.1); check `token_url`") from error
        raise SourceRefused(self._source, "the token endpoint gives no bearer token; check `token_url`")

    def _fault(self, status: int) -> SourceFault:
        if status >= _SERVER_ERROR or status == _OVERLOADED:
            return SourceUnavailable(self._source, f"the token endpoint answered with status {status}")
        return SourceRefused(self._source, f"the token endpoint does not accept the hub (status {status}); check `client_id`, `secret` and `scope`")

    async def _discovered(self) -> str:
        """The token endpoint by RFC 9728 and RFC 8414, which may lie in the service's own origin only."""
        parts = urlsplit(self._url)
        origin = f"{parts.scheme}://{parts.netloc}"
        resource = await self._document(f"{origin}/.well-known/oauth-protected-resource{parts.path.rstrip('/')}")
        servers = resource.get("authorization_servers")
        issuer = servers[0] if isinstance(servers, list) and servers else origin
        if issuer != origin:
            raise self._undiscovered()
        server = await self._document(f"{origin}/.well-known/oauth-authorization-server")
        found = server.get("token_endpoint")
        if server.get("issuer") != origin or not isinstance(found, str) or not found.startswith(f"{origin}/"):
            raise self._undiscovered()
        return found

    async def _document(self, url: str) -> dict[str, object]:
        status, _, body = await self._http.request("GET", url, None, {"Accept": "application/json"})
        if status >= _SERVER_ERROR or status == _OVERLOADED:
            raise SourceUnavailable(self._source, f"the service's metadata answered with status {status}")
        try:
            content = orjson.loads(body) if status == _OK else None
        except orjson.JSONDecodeError:
            content = None
        return content if isinstance(content, dict) else {}

    def _undiscovered(self) -> SourceRefused:
        return SourceRefused(self._source, "the service's metadata name no token endpoint in its own origin; write it as options.token_url")
