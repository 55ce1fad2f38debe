"""uvicorn's httptools protocol with bounds that it lacks: on the size of a request's head, and on the time it may take to arrive."""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from hub.cli.upgrades import PlainParser, head_without_offer

HEAD_BYTES = 32 * 1024
"""Request line and headers; more is answered 431."""
HEAD_SECONDS = 15.0
"""From the connection, or the first byte of a further request, to the end of its headers."""
UNWANTED_BYTES = 1024 * 1024
"""Of a body that goes on after its request was refused; then the connection ends."""


class BoundedHttp(HttpToolsProtocol):
    """Without the bounds a caller could fill the hub's memory with one endless header, or hold connections open by sending nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parser: PlainParser = PlainParser(self, self._without_offer)
        self._head_bytes = 0
        self._head_timer: TimerHandle | None = None
        self._unwanted = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first request's head is due from now on."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts what arrives before a head is complete."""
        super().data_received(data)
        self._count_unwanted(len(data))
        if self._head_timer is None:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(431)

    def _count_unwanted(self, size: int) -> None:
        """A body goes on although the request is answered. Some of it may be on its way already; who sends much more is cut off."""
        cycle = self.cycle
        self._unwanted = self._unwanted + size if cycle is not None and cycle.response_complete and cycle.more_body else 0
        if self._unwanted > UNWANTED_BYTES and not self.transport.is_closing():
            self.transport.close()

    def on_message_begin(self) -> None:
        """A further request begins."""
        super().on_message_begin()
        if self._head_timer is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is there; one with an offer comes once more without."""
        if self.parser.offers():
            return
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there."""
        if not self.parser.offers():
            super().on_message_complete()

    def _without_offer(self) -> bytes:
        return head_without_offer(self.parser.get_method(), self.url, self.parser.get_http_version(), self.headers)

    def _expect_head(self) -> None:
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse, 408)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int) -> None:
        self._stop_timer()
        if not self.transport.is_closing():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()
