"""HTTP face of a witness: ``POST /add-checkpoint`` of C2SP tlog-witness, its key, what it cosigned last, and its health."""

from __future__ import annotations

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hub.api.bodies import Bodies, BodyFault
from hub.ledger.errors import LedgerUnavailable
from hub.witness.protocol import ADD_CHECKPOINT, MOST_BYTES
from hub.witness.witness import Witness

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def witness_application(witness: Witness) -> Starlette:
    """The ASGI application of one witness."""
    # One transaction at a time: threads beyond a few would only wait.
    bodies, limiter = Bodies(), CapacityLimiter(4)

    async def add_checkpoint(request: Request) -> Response:
        try:
            async with bodies.reading(request.receive, request.headers.get("content-length", ""), MOST_BYTES) as body:
                verdict = await to_thread.run_sync(witness.add_checkpoint, body, limiter=limiter)
        except BodyFault as fault:
            return PlainTextResponse(f"{fault.en}\n", fault.status, _HEADERS)
        except LedgerUnavailable as fault:
            return PlainTextResponse(f"{fault}\n", 503, {**_HEADERS, "retry-after": "1"})
        return Response(verdict.body, verdict.status, {**_HEADERS, "content-type": verdict.media})

    async def key(_request: Request) -> Response:
        return PlainTextResponse(f"{witness.verifier_key}\n", headers=_HEADERS)

    async def checkpoint(request: Request) -> Response:
        note = await to_thread.run_sync(witness.last, request.query_params.get("origin", ""), limiter=limiter)
        if note is None:
            return PlainTextResponse("no checkpoint of this log was cosigned; ask with ?origin=NAME\n", 404, _HEADERS)
        return PlainTextResponse(note, headers=_HEADERS)

    async def ready(_request: Request) -> Response:
        healthy = await to_thread.run_sync(witness.writable, limiter=limiter)
        return PlainTextResponse("", 200 if healthy else 503, _HEADERS)

    async def live(_request: Request) -> Response:
        return PlainTextResponse("", headers=_HEADERS)

    async def failed(_request: Request, error: Exception) -> Response:
        return PlainTextResponse("no such address or method\n", error.status_code if isinstance(error, HTTPException) else 500, _HEADERS)

    routes = [
        Route(ADD_CHECKPOINT, add_checkpoint, methods=["POST"]),
        Route("/key", key),
        Route("/checkpoint", checkpoint),
        Route("/health/ready", ready),
        Route("/health/live", live),
    ]
    application = Starlette(routes=routes, exception_handlers={HTTPException: failed})
    application.router.redirect_slashes = False
    return application
