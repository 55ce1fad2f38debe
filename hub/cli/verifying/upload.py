"""Uploads of tables: sent piece by piece, and taken back where no exchange uses them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import IO

import httpcore2
import httpx2
import orjson

from hub.cli.faults import CliFault
from hub.cli.output import note
from hub.cli.pulling.remote import Again, Broken, Refusal, Remote, Silent, Trying

_PIECE = 1 << 18
_TIMES = httpx2.Timeout(60.0, read=240.0)
"""A hub looks through a table for three minutes at most before it answers. Who does not wait for that sends it twice."""
_SOON = httpx2.Timeout(60.0, read=5.0)
"""In which a hub refuses what it does not have to see whole."""


async def send(remote: Remote, trying: Trying, content: IO[bytes], media: str) -> str:
    """Sends a table; the upload's id.

    Raises:
        Refusal: the hub does not take it.
        CliFault: it is not reached, or the table changes meanwhile.
    """
    size = os.fstat(content.fileno()).st_size
    headers = {"content-type": media, "content-length": str(size)}

    async def asked(pieces: AsyncIterator[bytes], times: httpx2.Timeout) -> bytes:
        content.seek(0)
        async with remote.answer("/exchanges/uploads", headers, "POST", content=pieces, timeout=times) as answer:
            return await answer.aread()

    async def attempt() -> bytes:
        try:
            return await asked(_pieces(content, size), _TIMES)
        except Broken as broken:
            # A hub that refuses ends the connection if much more comes, and what it said is lost with that: it is asked once more, for that alone.
            try:
                return await asked(_beginning(content), _SOON)
            except (Broken, Silent):
                raise broken from None

    upload = orjson.loads(await trying.insist(attempt))["upload"]
    note(f"已上传 uploaded: {upload['rows']} 行 rows, {size} 字节 bytes")
    return str(upload["id"])


async def _pieces(content: IO[bytes], size: int) -> AsyncIterator[bytes]:
    """All of it; no more than was announced, and no less."""
    came = 0
    while came <= size and (piece := await asyncio.to_thread(content.read, _PIECE)):
        came += len(piece)
        if came <= size:
            yield piece
    if came != size:
        raise CliFault("表格在上传时被改动 the table was changed while it was sent", "待写入完成后重新执行同一命令 run the same command again once it is whole")


async def _beginning(content: IO[bytes]) -> AsyncIterator[bytes]:
    yield await asyncio.to_thread(content.read, 1)
    # Whoever is told that the hub takes no more reads what it has said.
    raise httpcore2.WriteError


async def take_back(remote: Remote, upload: str) -> bool:
    """Has an upload deleted that was not used; whether it is needed no more. One that cannot be reached now ends by itself, within a day."""
    try:
        async with remote.answer(f"/exchanges/uploads/{upload}", method="DELETE"):
            return True
    except Refusal as fault:
        return fault.reason != "CONFLICT"
    except (Again, CliFault) as fault:
        note(f"上传文件未能删除，一日内自动删除 the upload could not be deleted, and ends by itself within a day: {upload}: {fault}")
        return True
