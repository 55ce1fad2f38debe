"""Callers that go away before they are answered: then the work for them is cancelled, which stops its statements in the sources."""

from __future__ import annotations

import asyncio
from types import TracebackType

from starlette.types import Receive

from connectors import alarms

PATIENCE_SECONDS = 0.25
"""Work that is done sooner is not watched: to look after every caller costs more than such work."""


class Gone:
    """While the block runs, the present task is cancelled if its caller disconnects. The body was received before."""

    __slots__ = ("_receive", "_starting", "_task", "_watch")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._watch: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task(loop)
        self._starting = alarms.at(loop.time() + PATIENCE_SECONDS, self._start)

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._starting.cancel()
        if self._watch is not None:
            self._watch.cancel()

    def _start(self) -> None:
        self._watch = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            continue
        if self._task is not None:
            self._task.cancel()
