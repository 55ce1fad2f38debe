"""Processes that work on chunks: those without work end, whatever is begun meanwhile."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import pytest

from hub.exchange.executors import local
from hub.exchange.executors.local import LocalExecutor, _Child
from hub.exchange.work.kit import Secrets

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


async def gone(*children: _Child) -> None:
    """Once they have ended, and all that they said has been heard."""
    async with asyncio.timeout(60):
        for child in children:
            await child.process.wait()
            await asyncio.shield(child._telling)


async def test_a_chunk_that_begins_while_idle_processes_end_takes_one_and_the_others_end_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "IDLE_SECONDS", 0.05)
    executor, end = LocalExecutor(lambda: Secrets(bytes(32)), 3), LocalExecutor._end
    begun: list[_Child] = []

    async def ending(self: LocalExecutor, child: _Child) -> None:
        if not begun:
            begun.append(await self._child())
        await end(self, child)

    try:
        first, second, third = [await executor._child() for _ in range(3)]
        with patch.object(LocalExecutor, "_end", ending):
            executor._idle += [first, second, third]
            await gone(first, second)
        assert executor.children == {*begun} == {third}
        assert third.returncode is None
        third.idle_since = 0.0
        executor._idle.append(third)
        await gone(third)
    finally:
        await executor.close()
