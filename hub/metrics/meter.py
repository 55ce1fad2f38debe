"""Counts HTTP calls by operation and status, and how late the event loop is."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.telemetry import Histogram

_LAG_SECONDS = 0.25
_OPERATIONS = {
    "/graphql": "data",
    "/governance/graphql": "governance",
    "/graphql/schema.graphql": "schema",
    "/governance/graphql/schema.graphql": "schema",
    "/oauth": "oauth",
    "/.well-known": "oauth",
    "/exchanges": "exchange",
    "/ledger": "ledger",
    "/health": "health",
}
"""By path or its first part; all else is ``other``, so that nobody's addresses become labels."""


class HttpMeter:
    """HTTP calls. ``codes`` counts by operation and status, 0 where no answer was begun; ``seconds`` is of whole calls by operation."""

    def __init__(self) -> None:
        self.codes: Counter[tuple[str, int]] = Counter()
        self.seconds: dict[str, Histogram] = defaultdict(Histogram)
        self.in_work = 0

    async def counted(self, application: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request by ``application``."""
        status = 0
        began = time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self.in_work += 1
        try:
            await application(scope, receive, noting)
        finally:
            self.in_work -= 1
            self.note(operation_of(scope["path"]), status, began)

    def note(self, operation: str, status: int, began: float) -> None:
        """A call has ended."""
        self.codes[operation, status] += 1
        self.seconds[operation].note(time.perf_counter() - began)


def operation_of(path: str) -> str:
    """What a path is counted as."""
    return _OPERATIONS.get(path) or _OPERATIONS.get("/" + path[1:].partition("/")[0], "other")


class LoopLag:
    """How late the event loop runs what is due: time in which no call went on."""

    def __init__(self) -> None:
        self.late = Histogram()

    async def watch(self) -> None:
        """Looks four times a second, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _LAG_SECONDS
            await asyncio.sleep(_LAG_SECONDS)
            self.late.note(max(0.0, loop.time() - due))
