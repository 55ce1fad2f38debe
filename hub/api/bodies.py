"""Request bodies: each within its size and its time, and all of them together within the hub's memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Receive

BODY_SECONDS = 10.0
"""From the end of the headers to the end of the body."""
SMALL_BODY_BYTES = 64 * 1024
"""What everybody may send."""
MOST_HELD_BYTES = 64 * 1024 * 1024


class BodyFault(Exception):
    """The body was not read: 400 it broke off, 408 too slow, 413 too large, 503 too many at once."""

    def __init__(self, status: int, zh: str, en: str, hint_zh: str = "请重试", hint_en: str = "try again") -> None:
        super().__init__(en)
        self.status = status
        self.zh = zh
        self.en = en
        self.hint_zh = hint_zh
        self.hint_en = hint_en


class Bodies:
    """Counts the bytes of all bodies in memory, at most ``most``. Lives on the event loop."""

    def __init__(self, most: int = MOST_HELD_BYTES) -> None:
        self._most = most
        self.held = 0

    @asynccontextmanager
    async def reading(self, receive: Receive, declared: str, limit: int) -> AsyncIterator[bytes]:
        """The body, held until the block ends. ``declared`` is the Content-Length header or empty, ``limit`` in bytes.

        Raises:
            BodyFault: before the block is entered.
        """
        if declared.isdecimal() and int(declared[:20]) > limit:
            raise _too_large(limit)
        chunks: list[bytes] = []
        try:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    await self._collect(receive, limit, chunks)
            except TimeoutError:
                raise BodyFault(408, "请求体未及时送达", "the body did not arrive in time") from None
            yield b"".join(chunks)
        finally:
            self.held -= sum(map(len, chunks))

    async def _collect(self, receive: Receive, limit: int, chunks: list[bytes]) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise BodyFault(400, "请求中断", "the request broke off")
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            self.held += len(chunks[-1])
            if size > limit:
                raise _too_large(limit)
            if self.held > self._most:
                raise BodyFault(503, "平台繁忙", "the hub is busy", "请稍后重试", "try again a little later")
            more = message.get("more_body", False)


def _too_large(limit: int) -> BodyFault:
    zh, en = f"请求体超过 {limit} 字节", f"the body is larger than {limit} bytes"
    return BodyFault(413, zh, en, "请使用变量并缩短文档", "use variables and a shorter document")
