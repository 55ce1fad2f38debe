"""Files on their way out: each piece leaves only while whoever downloads may still have it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send


class _Broken(Exception):
    """The right to the file has ended."""


class Download(FileResponse):
    """A file of which ``holds`` is asked before every piece of 64 KiB. Where it says no, the connection ends short of the announced length.

    ``broken`` is told how many bytes had left.
    """

    def __init__(self, path: Path, holds: Callable[[], bool], broken: Callable[[int], Awaitable[None]], **given: Any) -> None:
        super().__init__(path, **given)
        self._holds = holds
        self._broken = broken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it. A server that offers to send files by itself is not let: it would ask nobody."""
        sent = 0

        async def watched(message: Message) -> None:
            nonlocal sent
            if message["type"] == "http.response.body":
                if message.get("body") and not self._holds():
                    raise _Broken
                sent += len(message.get("body", b""))
            await send(message)

        extensions = {name: value for name, value in scope.get("extensions", {}).items() if name != "http.response.pathsend"}
        try:
            await super().__call__({**scope, "extensions": extensions}, receive, watched)
        except _Broken:
            await self._broken(sent)
