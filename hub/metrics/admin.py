"""The administration listener: figures, and why the hub is not ready. It asks nobody who they are and is for the loopback or a network of administrators."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.hosts import AllowedHosts
from hub.metrics.registry import Metrics

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def readiness(reasons: list[str], notices: list[str]) -> Response:
    """The answer of ``/health/ready``: 503 for a reason. A notice tells of what works not and stops no call; it stands there where there is one."""
    told = {"notices": notices} if notices else {}
    return JSONResponse({"ready": not reasons, "reasons": reasons, **told}, 503 if reasons else 200, _HEADERS)


def admin_application(metrics: Metrics, unready: Callable[[], list[str]], notices: Callable[[], list[str]], host: str) -> ASGIApp:
    """``/metrics``, ``/health/live`` and ``/health/ready`` under the listener's own names; ``unready`` gives the reasons, ``notices`` what is no reason."""
    hosts = AllowedHosts([f"[{host}]" if ":" in host else host])

    async def figures(request: Request) -> Response:
        text, media = metrics.text(request.headers.get("accept", ""))
        return Response(text, headers=_HEADERS | {"content-type": media})

    async def ready(_request: Request) -> Response:
        return readiness(unready(), notices())

    async def live(_request: Request) -> Response:
        return PlainTextResponse("", headers=_HEADERS)

    async def failed(_request: Request, error: Exception) -> Response:
        return PlainTextResponse("", error.status_code if isinstance(error, HTTPException) else 500, _HEADERS)

    routes = [Route("/metrics", figures), Route("/health/ready", ready), Route("/health/live", live)]
    application = Starlette(routes=routes, exception_handlers={HTTPException: failed})

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if hosts.admits(scope["headers"]):
            await application(scope, receive, send)
        else:
            await PlainTextResponse("", 421, _HEADERS)(scope, receive, send)

    return guarded
