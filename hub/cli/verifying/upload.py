"""Uploads of tables: sent piece by piece, and taken back where no exchange uses them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import IO

import httpx2
import orjson

from hub.cli.faults import CliFault
from hub.cli.output import note
from hub.cli.pulling.remote import Again, Refusal, Remote, Trying

_PIECE = 1 << 18
_TIMES = httpx2.Timeout(60.0, read=240.0)
"""A hub looks through a table for three minutes at most before it answers. Who does not wait for that sends it twice."""


async def send(remote: Remote, trying: Trying, content: IO[bytes], media: str) -> str:
    """Sends a table; the upload's id.

    Raises:
        Refusal: the hub does not take it.
        CliFault: it is not reached.
    """
    size = os.fstat(content.fileno()).st_size
    headers = {"content-type": media, "content-length": str(size)}

    async def attempt() -> bytes:
        content.seek(0)
        async with remote.answer("/exchanges/uploads", headers, "POST", content=_pieces(content), timeout=_TIMES) as answer:
            return await answer.aread()

    upload = orjson.loads(await trying.insist(attempt))["upload"]
    note(f"已上传 uploaded: {upload['rows']} 行 rows, {size} 字节 bytes")
    return str(upload["id"])


async def _pieces(content: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(content.read, _PIECE):
        yield piece


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
