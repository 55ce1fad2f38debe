"""uvicorn's httptools protocol with bounds that it lacks: on the size of a request's head, and on the time it may take to arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from connectors import alarms
from connectors.alarms import Cancellable
from hub.api.whole import EXTENSION
from hub.cli.upgrades import PlainParser, head_without_offer
from hub.cli.whole import write_whole

HEAD_BYTES = 32 * 1024
"""Request line and headers; more is answered 431."""
HEAD_SECONDS = 15.0
"""From the connection, or the first byte of a further request, to the end of its headers."""
UNWANTED_BYTES = 1024 * 1024
"""Of a body that goes on after its request was refused; then the connection ends."""


class _Loop:
    """What uvicorn's protocol asks of its event loop. The one timer that it sets, for connections that nobody uses, is needless with each request."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.create_task = loop.create_task
        self._time = loop.time

    def call_later(self, seconds: float, call: Callable[[], object]) -> Cancellable:
        return alarms.at(self._time() + seconds, call)


class BoundedHttp(HttpToolsProtocol):
    """Without the bounds a caller could fill the hub's memory with one endless header, or hold connections open by sending nothing.

    An application may give an answer that it has as a whole to the ASGI extension of :mod:`hub.api.whole`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.loop = _Loop(self.loop)  # type: ignore[assignment]
        self.parser: PlainParser = PlainParser(self, self._without_offer)
        self._in_head = True
        self._head_bytes = 0
        self._head_alarm: Cancellable | None = None
        self._unwanted = 0
        self._extensions: dict[str, dict[object, object]] = {EXTENSION: {"write": self._whole}}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first request's head is due from now on."""
        super().connection_made(transport)
        self._head_alarm = self._head_is_due()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts what arrives before a head is complete."""
        super().data_received(data)
        self._count_unwanted(len(data))
        if not self._in_head:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(431)
        elif self._head_alarm is None:
            # Nearly every head arrives in one piece, and is never waited for.
            self._head_alarm = self._head_is_due()

    def _count_unwanted(self, size: int) -> None:
        """A body goes on although the request is answered. Some of it may be on its way already; who sends much more is cut off."""
        cycle = self.cycle
        self._unwanted = self._unwanted + size if cycle is not None and cycle.response_complete and cycle.more_body else 0
        if self._unwanted > UNWANTED_BYTES and not self.transport.is_closing():
            self.transport.close()

    def on_message_begin(self) -> None:
        """A further request begins."""
        super().on_message_begin()
        if not self._in_head:
            self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """The head is there; one with an offer comes once more without."""
        if self.parser.offers():
            return
        self._end_head()
        super().on_headers_complete()
        self.scope["extensions"] = self._extensions

    def on_message_complete(self) -> None:
        """The request is there."""
        if not self.parser.offers():
            super().on_message_complete()

    def _whole(self, scope: Scope, status: int, head: bytes, body: bytes) -> bool:
        cycle = self.cycle
        # One that came before others in the same piece is not the last.
        return cycle is not None and cycle.scope is scope and write_whole(cycle, status, head, body)

    def _without_offer(self) -> bytes:
        return head_without_offer(self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers)

    def _head_is_due(self) -> Cancellable:
        return self.loop.call_later(HEAD_SECONDS, partial(self._refuse, 408))

    def _end_head(self) -> None:
        self._in_head = False
        if self._head_alarm is not None:
            self._head_alarm.cancel()
            self._head_alarm = None

    def _refuse(self, status: int) -> None:
        self._end_head()
        if not self.transport.is_closing():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()
