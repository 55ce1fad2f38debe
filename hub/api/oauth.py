"""The OAuth endpoints over HTTP: token, revocation, introspection, keys and metadata."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal

from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.forms import MAX_BODY, FormFault, FormPost, check_envelope, parse_form
from auth.keys import SigningKeys
from auth.server import Answer, OAuthServer
from auth.tokens import audience

Kind = Literal["token", "revoke", "introspect"]
Outcome = Literal["done", "refused"]
OnEvent = Callable[[Kind, str | None, Outcome, str | None], Awaitable[None]]
"""Told what happened before the answer leaves: kind, client id (``None`` until proven), outcome, OAuth error code.

What it raises becomes the request's failure: no token leaves without its entry.
"""
ScopesSupported = Callable[[], Iterable[str]]
"""The scopes to publish: those that name no resource, since the name of a conditional one is not everybody's to know."""

PROTECTED_RESOURCE = "/.well-known/oauth-protected-resource"
_THREADS = 4
_PUBLIC = {"Cache-Control": "public, max-age=300"}


def routes(server: OAuthServer, keys: SigningKeys, scopes_supported: ScopesSupported, on_event: OnEvent) -> list[Route]:
    """All OAuth routes of a hub."""
    threads = CapacityLimiter(_THREADS)
    calls: tuple[tuple[Kind, Callable[[FormPost], Answer]], ...] = (
        ("token", server.token),
        ("revoke", server.revoke),
        ("introspect", server.introspect),
    )
    posts = [_post_route(kind, call, server, threads, on_event) for kind, call in calls]
    issuer = server.issuer
    return [
        *posts,
        _document_route("/oauth/jwks", keys.jwks),
        _document_route("/.well-known/oauth-authorization-server", lambda: server_metadata(issuer, scopes_supported())),
        # RFC 9728 §3.1 puts the resource's path behind the well-known one; the bare address is what people try first.
        _document_route(f"{PROTECTED_RESOURCE}/graphql", lambda: resource_metadata(issuer, scopes_supported())),
        _document_route(PROTECTED_RESOURCE, lambda: resource_metadata(issuer, scopes_supported())),
    ]


def resource_metadata_url(issuer: str) -> str:
    """What a 401 of the GraphQL endpoint points to (RFC 9728 §5.1)."""
    return f"{issuer}{PROTECTED_RESOURCE}/graphql"


def server_metadata(issuer: str, scopes: Iterable[str]) -> dict[str, Any]:
    """The authorization server's metadata, RFC 8414."""
    methods = ["client_secret_basic"]
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth/token",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "scopes_supported": sorted(scopes),
        "protected_resources": [audience(issuer)],
    }


def resource_metadata(issuer: str, scopes: Iterable[str]) -> dict[str, Any]:
    """The GraphQL endpoint's metadata as a protected resource, RFC 9728."""
    return {
        "resource": audience(issuer),
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
        "scopes_supported": sorted(scopes),
    }


def _post_route(kind: Kind, call: Callable[[FormPost], Answer], server: OAuthServer, threads: CapacityLimiter, on_event: OnEvent) -> Route:
    path = f"/oauth/{kind}"

    async def endpoint(request: Request) -> Response:
        try:
            post = await _read(request, path)
        except FormFault as fault:
            answer = server.refuse(fault)
        else:
            answer = await to_thread.run_sync(call, post, limiter=threads)
        await on_event(kind, answer.client_id, "refused" if answer.error else "done", answer.error)
        return JSONResponse(answer.body, answer.status, answer.headers)

    return Route(path, endpoint, methods=["POST"], name=f"oauth-{kind}")


async def _read(request: Request, path: str) -> FormPost:
    headers = request.headers
    check_envelope(request.scope["query_string"], headers.getlist("content-type"), headers.getlist("content-encoding"))
    return FormPost(path, tuple(headers.getlist("authorization")), parse_form(await _body(request)))


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY:
                break
    except ClientDisconnect:
        raise FormFault("The body did not arrive whole.") from None
    return bytes(body)


def _document_route(path: str, make: Callable[[], dict[str, Any]]) -> Route:
    async def endpoint(_request: Request) -> Response:
        return JSONResponse(make(), headers=_PUBLIC)

    return Route(path, endpoint, methods=["GET"])
