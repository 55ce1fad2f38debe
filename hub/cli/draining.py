"""The HTTP server's end: no new connection, no call lost, no connection reset, in bounded time."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hub.cli.backlog import queued, shut

_ACCEPT_SECONDS = 0.3
"""In which connections that are being made are finished; however long it takes, they are then accepted."""
_LINGER_SECONDS = 1.0
"""In which a held connection may still bring a request; it is answered with ``Connection: close``, so that its caller goes elsewhere."""
_ABORT_SECONDS = 2.0
"""In which calls that are cut off enter that in the ledger."""
_LOOK_SECONDS = 0.02
_CLOSING = (b"connection", b"close")
log = structlog.get_logger(__name__)


class DrainingServer(uvicorn.Server):
    """uvicorn's server; ``seconds`` is how long calls in work are waited for. A second signal ends the process at once."""

    def __init__(self, config: uvicorn.Config, seconds: float, ready: Callable[[], None], drain: Callable[[], None]) -> None:
        super().__init__(config)
        self._seconds = seconds
        self._ready = ready
        self._drain = drain

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tells when it serves."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the end. Whoever sends a second wants no waiting; what the ledger has acknowledged is on the disk."""
        if self.should_exit:
            os._exit(128 + sig)
        super().handle_exit(sig, frame)
        self._drain()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops listening, lets calls finish, cuts off what remains, then ends the application."""
        self._drain()
        ends = asyncio.get_running_loop().time() + self._seconds
        self._announce()
        await self._stop_listening(sockets or [], ends)
        if not await self._finished(ends):
            log.warning("calls_cut_off", calls=len(self.server_state.tasks))
            await self._abort()
        await self.lifespan.shutdown()

    def _announce(self) -> None:
        """Every answer from now on is its connection's last."""
        self.server_state.default_headers = [*self.server_state.default_headers, _CLOSING]
        for connection in self._connections():
            if not _idle(connection):
                connection.shutdown()

    async def _stop_listening(self, sockets: list[socket.socket], ends: float) -> None:
        # A connection that waits in the kernel's queue when its listener closes would be reset: the queue is shut first, then emptied.
        loop = asyncio.get_running_loop()
        for each in sockets:
            shut(each)
        await asyncio.sleep(_ACCEPT_SECONDS)
        while loop.time() < ends and any(queued(each) for each in sockets):  # noqa: ASYNC110 - the kernel tells of it to nobody
            await asyncio.sleep(_LOOK_SECONDS)
        for server in self.servers:
            server.close()
        for each in sockets:
            each.close()

    async def _finished(self, ends: float) -> bool:
        """Whether all calls ended in time. Connections without a call are held for a while, then closed."""
        loop = asyncio.get_running_loop()
        idle_until = min(loop.time() + _LINGER_SECONDS, ends)
        while self.server_state.tasks or self.server_state.connections:
            now = loop.time()
            if now >= ends:
                return not self.server_state.tasks
            if now >= idle_until:
                for connection in self._connections():
                    connection.shutdown()
            await asyncio.sleep(_LOOK_SECONDS)
        return True

    async def _abort(self) -> None:
        tasks = set(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_ABORT_SECONDS)

    def _connections(self) -> list[HttpToolsProtocol]:
        return [connection for connection in self.server_state.connections if isinstance(connection, HttpToolsProtocol)]


def _idle(connection: HttpToolsProtocol) -> bool:
    cycle: Any = connection.cycle
    return cycle is None or cycle.response_complete
