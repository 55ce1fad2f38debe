"""Downloads of exchanges whose time is over."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from hub.exchange.tables import exchange_file
from hub.store.base import now
from tests.exchange.chunked import BASE, World, world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("impatient")]


async def downloaded(world: World, path: str, behind_two: Any) -> int:
    """Bytes of a file that come to a reader, behind whose second piece something happens."""
    pieces: list[bytes] = []

    async def send(message: Any) -> None:
        pieces.append(message.get("body", b""))
        if len(pieces) == 3:
            behind_two()

    async def receive() -> Any:
        await asyncio.sleep(60)

    raw = [(name.encode(), value.encode()) for name, value in {**world.headers(), "host": BASE.removeprefix("http://")}.items()]
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": raw, "scheme": "http", "root_path": ""}
    await world.hub({**scope, "http_version": "1.1", "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 1), "asgi": {"spec_version": "2.4"}}, receive, send)
    return sum(map(len, pieces))


async def test_a_slow_reader_takes_nothing_of_a_file_that_is_disposed_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds a file open could read it long behind the entry that says that it was deleted."""
    moment = timedelta()

    def later() -> datetime:
        return now() + moment

    def over() -> None:
        nonlocal moment
        moment = timedelta(days=world.core.settings.exchange_days)

    monkeypatch.setattr("hub.exchange.downloads.now", later)
    async with world_in(tmp_path) as world:
        job = await world.start()
        file = (await world.until(job, "SUCCEEDED"))["files"][0]
        path = world.core.settings.exchanges / job / file["name"]
        path.write_bytes(path.read_bytes() * 2000)
        with world.core.engine.begin() as connection:
            mine = (exchange_file.c.exchange == job, exchange_file.c.name == file["name"])
            connection.execute(update(exchange_file).where(*mine).values(bytes=path.stat().st_size))
        assert await downloaded(world, file["url"], lambda: None) == path.stat().st_size
        sent = await downloaded(world, file["url"], over)
        assert 0 < sent < path.stat().st_size
        last = [each.content for each in world.entries() if each.content.kind == "download"][-1]
        assert (last.outcome, last.bytes, (last.details or {})["broken_off"]) == ("FAILED", sent, True)
