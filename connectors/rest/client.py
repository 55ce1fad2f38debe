"""Asks one service: within its address, its turns and its retry budget."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx2

from connectors.calling import CALLING
from connectors.errors import SourceBusy, SourceRefused
from connectors.rest.auth import Auth
from connectors.rest.exchange import Answer, Unreached, exchange, fault
from connectors.rest.links import inside
from connectors.rest.options import RestOptions
from connectors.rest.transport import Transport
from connectors.rest.waiting import pause
from connectors.retries import RetryBudget
from connectors.spi import SourceConfig

CONTENT = frozenset({200, 201, 203, 206})
"""Statuses of answers that hold what was asked for: frameworks give 201 to every POST, gateways 203, and PostgREST 206 to a page."""
_MARGIN = 0.02
"""Seconds before the deadline in which a call that has had no turn gives up: it was the hub that had no place, not the service."""


@dataclass(frozen=True, slots=True)
class Request:
    """``target`` is the path, percent-encoded, and the query, both behind the source's address. It changes nothing in the service."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Client:
    """Nothing in an answer leads anywhere but inside the source's address."""

    def __init__(self, config: SourceConfig, options: RestOptions, auth: Auth, transport: Transport) -> None:
        self._code = config.code
        self._base = httpx2.URL(config.url)
        self._root = config.url.rstrip("/")
        self._options = options
        self._auth = auth
        self._transport = transport
        self._turns = asyncio.Semaphore(config.pool)
        self._budget = RetryBudget()

    async def ask(self, request: Request, due: float) -> Answer:
        """The answer, of a status in :data:`CONTENT`, 204, 404 or 410; ``due`` is the event loop's time by which it must be there.

        Raises:
            SourceFault: not reachable, too slow, too large, or of another status.
        """
        answer = await self._persistently(request, due)
        if answer.status in (*CONTENT, httpx2.codes.NO_CONTENT, httpx2.codes.NOT_FOUND, httpx2.codes.GONE):
            self._budget.succeeded()
            return answer
        raise fault(self._code, answer.status)

    async def status(self, path: str, due: float) -> int:
        """The status of an address, for a health check."""
        return (await self._once(Request("GET", path), due)).status

    def inside(self, asked: httpx2.URL, link: str) -> str:
        """The target of a link in an answer.

        Raises:
            connectors.rest.links.Outside: it leads out of the source's address.
        """
        root = self._base.raw_path.decode("ascii").rstrip("/")
        return inside(self._base, asked, link).removeprefix(root)

    async def close(self) -> None:
        """Closes all connections."""
        await self._transport.close()
        close = getattr(self._auth, "close", None)
        if close is not None:
            await close()

    async def _persistently(self, request: Request, due: float) -> Answer:
        attempt = 0
        while True:
            try:
                answer = await self._once(request, due)
                wait = pause(attempt, answer.status, answer.headers.get("retry-after"))
            except Unreached:
                wait = pause(attempt, None, None)
                if not self._may_retry(attempt, wait, due):
                    raise
            else:
                if not self._may_retry(attempt, wait, due):
                    return answer
            await asyncio.sleep(wait or 0)
            attempt += 1

    def _may_retry(self, attempt: int, wait: float | None, due: float) -> bool:
        in_time = wait is not None and asyncio.get_running_loop().time() + wait < due
        return attempt < self._options.retries and in_time and self._budget.take()

    async def _once(self, request: Request, due: float) -> Answer:
        sent, answer = await self._exchange(request, due)
        if answer.status == httpx2.codes.UNAUTHORIZED and self._auth.renewed(sent):
            _, answer = await self._exchange(request, due)
        return answer

    async def _exchange(self, request: Request, due: float) -> tuple[httpx2.Request, Answer]:
        try:
            prepared = httpx2.Request(request.method, self._root + request.target, headers=self._headers(request), content=request.body or None)
        except httpx2.InvalidURL as error:
            raise SourceRefused(self._code, "the request's address would be too long; lower `most`, or use a POST") from error
        await self._turn(due)
        try:
            await self._auth.admit(prepared, due)
            return prepared, await exchange(self._code, self._transport, prepared, due, self._options.max_bytes)
        finally:
            self._turns.release()

    async def _turn(self, due: float) -> None:
        try:
            async with asyncio.timeout_at(due - _MARGIN):
                await self._turns.acquire()
        except TimeoutError as error:
            raise SourceBusy(self._code, "all its connections are busy") from error

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"Accept-Encoding": "gzip, deflate", "User-Agent": "huitong", **request.headers}
        calling = CALLING.get()
        if calling is None:
            return headers
        if calling.trace is not None:
            headers["traceparent"] = calling.trace
        if self._options.carry:
            use = {"Huitong-Purpose": calling.purpose, "Huitong-Operator": calling.operator, "Huitong-Case": calling.case}
            headers |= {name: quote(value, safe="") for name, value in use.items() if value is not None}
        return headers
