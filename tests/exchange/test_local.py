"""Processes that work on chunks: those without work end, whatever is begun meanwhile."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import pytest

from hub.exchange.executors import local
from hub.exchange.executors.local import LocalExecutor, _Child
from hub.exchange.work.kit import Secrets

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


def gone(child: _Child) -> bool:
    """Whether it has ended, and all that it said has been heard."""
    return child.returncode is not None and child._telling.done()


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
            async with asyncio.timeout(60):
                while not (gone(first) and gone(second)):  # noqa: ASYNC110 - processes end when they end
                    await asyncio.sleep(0.01)
        assert executor.children == {*begun} == {third}
        assert third.returncode is None
        third.idle_since = 0.0
        executor._idle.append(third)
        async with asyncio.timeout(60):
            while not gone(third):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    finally:
        await executor.close()
