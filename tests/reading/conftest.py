"""One hub for the files of this folder: they add to its log, and change nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.reading.world import World, world_in


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """One event loop for all of them."""
    return "asyncio"


@pytest.fixture(scope="package")
async def world(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The hub with its log."""
    async with world_in(tmp_path_factory.mktemp("reading")) as made:
        yield made
