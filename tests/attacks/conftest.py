"""One hub for all attacks of this process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.attacks.world import World, world_in


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the hub does."""
    return "asyncio"


@pytest.fixture(scope="package")
async def world(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[World]:
    """A running hub in this process."""
    async with world_in(tmp_path_factory.mktemp("attacked")) as made:
        yield made
