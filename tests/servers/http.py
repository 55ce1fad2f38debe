"""A Starlette application served over real HTTP on a free port of 127.0.0.1, from a thread of the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from tests.servers.postgres import free_port


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = asyncio.Event()

    async def startup(self, sockets: list[object] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)  # type: ignore[arg-type]
        self.ready.set()

    async def main_loop(self) -> None:
        """Ends when it is told to; uvicorn's own looks ten times a second."""
        await self.on_tick(0)
        await self._told.wait()

    def stop(self) -> None:
        """Ends it, from any thread."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._told.set)


@contextmanager
def serving(application: ASGIApp) -> Iterator[str]:
    """The base address of the running application; stops it in the end."""
    port = free_port()
    server = _Server(uvicorn.Config(application, host="127.0.0.1", port=port, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        if not server.ready.wait(30):
            raise RuntimeError("the test's HTTP server did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
        thread.join(30)
