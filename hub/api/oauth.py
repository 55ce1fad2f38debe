"""The OAuth endpoints over HTTP: token, revocation, introspection, keys and metadata."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Literal

from anyio import CapacityLimiter, to_thread
from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth import assertion, dpop
from auth.clients import KEY, SECRET
from auth.forms import MAX_BODY, FormFault, FormPost, check_envelope, parse_form
from auth.keys import KeyRing
from auth.server import Answer, OAuthServer
from auth.tokens import audience
from hub.api.bodies import Bodies, BodyFault
from hub.ledger.errors import LedgerUnavailable

Kind = Literal["token", "revoke", "introspect"]
Outcome = Literal["done", "refused"]
OnEvent = Callable[[Kind, str | None, Outcome, str | None, str], Awaitable[None]]
"""Told what happened before the answer leaves: kind, client id (``None`` until proven), outcome, OAuth error code, the peer's address.

What it raises becomes the request's failure: no token leaves without its entry.
"""
ScopesSupported = Callable[[], Iterable[str]]
"""The scopes to publish: those that name no resource, since the name of a conditional one is not everybody's to know."""

PROTECTED_RESOURCE = "/.well-known/oauth-protected-resource"
_THREADS = 4
_PUBLIC = {"Cache-Control": "public, max-age=300"}
_UNAVAILABLE = {"error": "temporarily_unavailable", "error_description": "The hub cannot take the request now; try again a little later."}
_UNREAD = {"X-Content-Type-Options": "nosniff"}
_RETRY = {**_UNREAD, "Cache-Control": "no-store", "Retry-After": "1"}


def routes(
    server: OAuthServer,
    keys: KeyRing,
    scopes_supported: ScopesSupported,
    on_event: OnEvent,
    bodies: Bodies | None = None,
    more: Mapping[str, Any] | None = None,
) -> list[Route]:
    """All OAuth routes of a hub. ``bodies`` counts the bytes of all its request bodies; ``more``: further members of its metadata (RFC 8414)."""
    threads = CapacityLimiter(_THREADS)
    calls: tuple[tuple[Kind, Callable[[FormPost], Answer]], ...] = (
        ("token", server.token),
        ("revoke", server.revoke),
        ("introspect", server.introspect),
    )
    held = bodies or Bodies()
    posts = [_post_route(kind, call, server, threads, on_event, held) for kind, call in calls]
    issuer = server.issuer
    return [
        *posts,
        _document_route("/oauth/jwks", keys.jwks),
        _document_route("/.well-known/oauth-authorization-server", lambda: server_metadata(issuer, scopes_supported(), server.grant_types) | dict(more or {})),
        # RFC 9728 §3.1 puts the resource's path behind the well-known one; the bare address is what people try first.
        _document_route(f"{PROTECTED_RESOURCE}/graphql", lambda: resource_metadata(issuer, scopes_supported())),
        _document_route(PROTECTED_RESOURCE, lambda: resource_metadata(issuer, scopes_supported())),
    ]


def resource_metadata_url(issuer: str) -> str:
    """What a 401 of the GraphQL endpoint points to (RFC 9728 §5.1)."""
    return f"{issuer}{PROTECTED_RESOURCE}/graphql"


def server_metadata(issuer: str, scopes: Iterable[str], grant_types: Iterable[str]) -> dict[str, Any]:
    """The authorization server's metadata, RFC 8414."""
    endpoints = {name: f"{issuer}/oauth/{path}" for name, path in (("token", "token"), ("revocation", "revoke"), ("introspection", "introspect"))}
    # A public client redeems its codes and revokes its own tokens; it proves nothing by either.
    public = ("token", "revocation") if "authorization_code" in grant_types else ()
    proving = {f"{name}_endpoint_auth_methods_supported": [KEY, SECRET, *(["none"] if name in public else [])] for name in endpoints}
    signing = {f"{name}_endpoint_auth_signing_alg_values_supported": list(assertion.ALGORITHMS) for name in endpoints}
    return {
        "issuer": issuer,
        **{f"{name}_endpoint": address for name, address in endpoints.items()},
        "jwks_uri": f"{issuer}/oauth/jwks",
        "grant_types_supported": list(grant_types),
        "response_types_supported": [],
        **proving,
        **signing,
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "scopes_supported": sorted(scopes),
        "protected_resources": [audience(issuer)],
    }


def resource_metadata(issuer: str, scopes: Iterable[str]) -> dict[str, Any]:
    """The GraphQL endpoint's metadata as a protected resource, RFC 9728."""
    return {
        "resource": audience(issuer),
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "dpop_bound_access_tokens_required": False,
        "scopes_supported": sorted(scopes),
    }


def _post_route(kind: Kind, call: Callable[[FormPost], Answer], server: OAuthServer, threads: CapacityLimiter, on_event: OnEvent, bodies: Bodies) -> Route:
    path = f"/oauth/{kind}"

    async def answered(request: Request) -> Answer:
        try:
            post = await _read(request, path, bodies)
        except FormFault as fault:
            return server.refuse(fault)
        return await to_thread.run_sync(call, post, limiter=threads)

    async def endpoint(request: Request) -> Response:
        try:
            answer = await answered(request)
            peer = request.client.host if request.client else ""
            await on_event(kind, answer.client_id, "refused" if answer.error else "done", answer.error, peer)
        except (LedgerUnavailable, OperationalError, _Busy):
            return JSONResponse(_UNAVAILABLE, 503, _RETRY)
        return JSONResponse(answer.body, answer.status, {**_UNREAD, **answer.headers})

    return Route(path, endpoint, methods=["POST"], name=f"oauth-{kind}")


class _Busy(Exception):
    """No place for a further body."""


async def _read(request: Request, path: str, bodies: Bodies) -> FormPost:
    headers = request.headers
    check_envelope(request.scope["query_string"], headers.getlist("content-type"), headers.getlist("content-encoding"))
    try:
        async with bodies.reading(request.receive, headers.get("content-length", ""), MAX_BODY) as body:
            return FormPost(path, tuple(headers.getlist("authorization")), parse_form(body), tuple(headers.getlist("dpop")))
    except BodyFault as fault:
        if fault.status == HTTPStatus.SERVICE_UNAVAILABLE:
            raise _Busy from None
        if fault.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise FormFault(f"The form is longer than {MAX_BODY} bytes.", fault.status) from None
        raise FormFault(f"{fault.en[0].upper()}{fault.en[1:]}.", fault.status) from None


def _document_route(path: str, make: Callable[[], dict[str, Any]]) -> Route:
    async def endpoint(_request: Request) -> Response:
        return JSONResponse(make(), headers=_PUBLIC)

    return Route(path, endpoint, methods=["GET"])
