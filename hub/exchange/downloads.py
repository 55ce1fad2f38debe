"""Files on their way out: each piece leaves only while whoever downloads may still have it, and only to those who take it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog
from anyio import to_thread
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from hub.api.admission import Admission
from hub.api.context import Caller
from hub.exchange.ranges import Part
from hub.live import Live
from hub.store.base import now
from schema.faults import Fault

PIECE = 64 * 1024
STALL_SECONDS = 60.0
"""A reader who takes nothing of a piece for so long is cut off; a range goes on from there."""
MOST, MOST_EACH = 256, 16
"""Downloads at once, over all applications and of one: each holds a file open, a connection and a piece. As many streams of events."""
log = structlog.get_logger(__name__)


class _Broken(Exception):
    """The right to the file has ended."""


class Holding:
    """Whether a download may go on: ``look`` is done anew, with the rights of the moment, where rights or catalog have changed.

    ``until`` is when the file is disposed of: who holds it open could read it for as long as he likes. ``stands`` says whether the token was
    not taken back, nor whoever it is of disabled; that it has expired meanwhile ends no download.
    """

    def __init__(self, live: Live, caller: Caller, look: Callable[[Caller], object], until: datetime | None, stands: Callable[[], bool]) -> None:
        self._live = live
        self._stands = stands
        self._until = until
        self._caller = caller
        self._look = look
        self._seen: tuple[object, object] = (caller.rights, live.snapshot)

    def __call__(self) -> bool:
        """Says no as well while nobody's rights can be told."""
        app, registry = self._caller.identified(), self._live.core.registry
        if self._live.stale or not self._stands() or not registry.is_active(app.client_id) or (self._until is not None and now() >= self._until):
            return False
        rights = registry.rights(app.client_id, self._caller.rights.scopes)
        seen = rights, self._live.snapshot
        if seen[0] is not self._seen[0] or seen[1] is not self._seen[1]:
            try:
                self._look(replace(self._caller, rights=rights))
            except Fault:
                return False
            self._seen = seen
        return True


class Download(Response):
    """A part of a file, of which ``holds`` is asked before every piece. Where it says no, the connection ends short of the announced length.

    ``broken`` is told how many bytes had left. The ``place`` that the download holds is given back when it ends, however it does.
    """

    def __init__(
        self,
        path: Path,
        part: Part,
        headers: dict[str, str],
        holds: Callable[[], bool],
        broken: Callable[[int], Awaitable[None]],
        place: Callable[[], None] = lambda: None,
    ) -> None:
        self._path, self._part = path, part
        self._holds, self._broken, self._place = holds, broken, place
        self._sent = 0
        super().__init__(status_code=part.status, headers={**headers, **_part_headers(part)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it, until whoever reads goes away."""
        try:
            await self._until_gone(scope, receive, send)
        except _Broken:
            await self._broken(self._sent)
        except TimeoutError:
            log.info("download_stalled", sent=self._sent)
        finally:
            self._place()

    async def _until_gone(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(scope["method"] == "HEAD", send))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            for task in (sending, gone):
                task.cancel()
            await asyncio.wait({sending, gone})

    async def _send(self, head: bool, send: Send) -> None:
        at, end = self._part.start, self._part.start if head else self._part.end
        with self._path.open("rb", buffering=0) as file:
            await _taken(send, {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while at < end:
                content = await to_thread.run_sync(os.pread, file.fileno(), min(PIECE, end - at), at)
                if not content:
                    log.error("download_shorter_than_recorded", sent=self._sent)
                    return
                if not self._holds():
                    raise _Broken
                at += len(content)
                await _taken(send, {"type": "http.response.body", "body": content, "more_body": at < end})
                self._sent += len(content)
        if at == self._part.start:
            await _taken(send, {"type": "http.response.body", "body": b"", "more_body": False})


class Events(StreamingResponse):
    """Server-sent events. The ``place`` that they hold is given back when they end, however they do."""

    def __init__(self, events: AsyncIterator[bytes], headers: dict[str, str], place: Callable[[], None]) -> None:
        self._place = place
        super().__init__(events, headers=headers, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends them, until whoever reads goes away."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._place()


async def _taken(send: Send, message: Message) -> None:
    # A server waits here for the reader to take what was sent before.
    async with asyncio.timeout(STALL_SECONDS):
        await send(message)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _part_headers(part: Part) -> dict[str, str]:
    if part.status == 206:
        return {"content-range": f"bytes {part.start}-{part.end - 1}/{part.size}", "content-length": str(part.length)}
    if part.status == 416:
        return {"content-range": f"bytes */{part.size}", "content-length": "0"}
    return {"content-length": str(part.length)} if part.status == 200 else {}


def check_place(places: Admission, application: str) -> Callable[[], None]:
    """Takes a place among the downloads; what gives it back.

    Raises:
        Fault: ``RATE_LIMITED``, where the application, or all together, have as many as there may be.
    """
    places.enter(application)
    return lambda: places.leave(application)
