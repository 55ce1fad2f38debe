"""OAuth 2 client credentials of which the token endpoint is found by the service's own metadata (RFC 9728, RFC 8414)."""

from __future__ import annotations

import asyncio

import httpx2
import orjson

from connectors.errors import SourceRefused, SourceUnavailable
from connectors.graphql.options import OAuthOptions
from connectors.rest.exchange import exchange
from connectors.rest.oauth import OAuthAuth
from connectors.rest.options import OAuth
from connectors.rest.transport import Transport

_MOST_BYTES = 64 * 1024
_OVERLOADED, _SERVER_ERROR = 429, 500


class DiscoveredOAuth:
    """See :class:`connectors.rest.auth.Auth`. The secret goes nowhere but to the service's own origin."""

    def __init__(self, source: str, url: str, options: OAuthOptions, client: tuple[str, str], transport: Transport) -> None:
        self._source = source
        self._url = httpx2.URL(url)
        self._options = options
        self._client = client
        self._transport = transport
        self._found: OAuthAuth | None = None
        self._finding = asyncio.Lock()

    async def admit(self, request: httpx2.Request, due: float) -> None:
        """Adds the bearer token."""
        if self._found is None:
            async with self._finding:
                if self._found is None:
                    declared = OAuth(token_url=await self._token_url(due), scope=self._options.scope, client=self._options.client)
                    self._found = OAuthAuth(self._source, declared, self._client, self._transport)
        await self._found.admit(request, due)

    def renewed(self, request: httpx2.Request) -> bool:
        """Another token may be had."""
        return self._found is not None and self._found.renewed(request)

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()

    async def _token_url(self, due: float) -> str:
        origin = str(self._url.copy_with(raw_path=b"/")).rstrip("/")
        resource = await self._document(f"{origin}/.well-known/oauth-protected-resource{self._url.path.rstrip('/')}", due)
        servers = resource.get("authorization_servers")
        issuer = servers[0] if isinstance(servers, list) and servers else origin
        server = await self._document(f"{origin}/.well-known/oauth-authorization-server", due) if issuer == origin else {}
        found = server.get("token_endpoint")
        if server.get("issuer") == origin and isinstance(found, str) and found.startswith(f"{origin}/"):
            return found
        raise SourceRefused(self._source, "the service's metadata name no token endpoint in its own origin; write it as `oauth.token_url` in the options")

    async def _document(self, url: str, due: float) -> dict[str, object]:
        answer = await exchange(self._source, self._transport, httpx2.Request("GET", url, headers={"Accept": "application/json"}), due, _MOST_BYTES)
        if answer.status >= _SERVER_ERROR or answer.status == _OVERLOADED:
            raise SourceUnavailable(self._source, f"the service's metadata answered with status {answer.status}")
        try:
            content = orjson.loads(answer.body) if answer.status == httpx2.codes.OK else None
        except orjson.JSONDecodeError:
            content = None
        return content if isinstance(content, dict) else {}
