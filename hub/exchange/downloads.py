"""Files on their way out: each piece leaves only while whoever downloads may still have it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from hub.api.context import Caller
from hub.live import Live
from schema.faults import Fault


class _Broken(Exception):
    """The right to the file has ended."""


class Holding:
    """Whether a download may go on: ``look`` is done anew, with the rights of the moment, where rights or catalog have changed."""

    def __init__(self, live: Live, caller: Caller, look: Callable[[Caller], object]) -> None:
        self._live = live
        self._caller = caller
        self._look = look
        self._seen: tuple[object, object] = (caller.rights, live.snapshot)

    def __call__(self) -> bool:
        """Says no as well while nobody's rights can be told."""
        app, registry = self._caller.identified(), self._live.core.registry
        if self._live.stale or not registry.is_active(app.client_id):
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
