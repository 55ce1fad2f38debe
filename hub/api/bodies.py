"""Request bodies: each within its size and its time, and all of them together within the hub's memory."""

from __future__ import annotations

import asyncio
from types import TracebackType

from starlette.types import Receive

from hub.api.deadline import Within

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

    def reading(self, receive: Receive, declared: str, limit: int) -> Reading:
        """The body, held until the block ends. ``declared`` is the Content-Length header or empty, ``limit`` in bytes.

        Raises:
            BodyFault: before the block is entered.
        """
        return Reading(self, receive, declared, limit)

    @property
    def full(self) -> bool:
        """More is held than there may be."""
        return self.held > self._most


class Reading:
    """One body on its way, and held."""

    __slots__ = ("_bodies", "_declared", "_limit", "_receive", "_size")

    def __init__(self, bodies: Bodies, receive: Receive, declared: str, limit: int) -> None:
        self._bodies, self._receive, self._declared, self._limit = bodies, receive, declared, limit
        self._size = 0

    async def __aenter__(self) -> bytes:
        if self._declared.isdecimal() and int(self._declared[:20]) > self._limit:
            raise _too_large(self._limit)
        try:
            with Within(asyncio.get_running_loop().time() + BODY_SECONDS):
                return await self._collected()
        except TimeoutError:
            self._release()
            raise BodyFault(408, "请求体未及时送达", "the body did not arrive in time") from None
        except BaseException:
            self._release()
            raise

    async def __aexit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._release()

    def _release(self) -> None:
        self._bodies.held -= self._size

    async def _collected(self) -> bytes:
        chunks: list[bytes] = []
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise BodyFault(400, "请求中断", "the request broke off")
            chunk = message.get("body", b"")
            chunks.append(chunk)
            self._size += len(chunk)
            self._bodies.held += len(chunk)
            if self._size > self._limit:
                raise _too_large(self._limit)
            if self._bodies.full:
                raise BodyFault(503, "平台繁忙", "the hub is busy", "请稍后重试", "try again a little later")
            if not message.get("more_body", False):
                return b"".join(chunks) if len(chunks) > 1 else chunk


def _too_large(limit: int) -> BodyFault:
    zh, en = f"请求体超过 {limit} 字节", f"the body is larger than {limit} bytes"
    return BodyFault(413, zh, en, "请使用变量并缩短文档", "use variables and a shorter document")
