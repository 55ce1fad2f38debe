"""One hub for the attacks of this folder; each test attacks as a department's application of its own, on subjects of its own or of another department."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.verification.world import World, world_in


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the hub does."""
    return "asyncio"


@pytest.fixture(scope="package")
async def world(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[World]:
    """A running hub in this process."""
    async with world_in(tmp_path_factory.mktemp("verified"), verification_mismatch_from=100, lookup_misses_per_day=100) as made:
        yield made
