"""One hub for tests that only ask, and one of its own for each that changes keys or catalog."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.pseudonyms.world import World, world_in


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the hub does."""
    return "asyncio"


@pytest.fixture(scope="package")
async def world(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[World]:
    """Two applications with pseudonyms of their own, two of one joint project, one of another."""
    async with world_in(tmp_path_factory.mktemp("pseudonyms")) as made:
        both = ("civil_affairs.person", "housing.tenant")
        for name, mask in (("alpha", None), ("beta", "PSEUDONYM"), ("gamma", PROJECT), ("delta", PROJECT), ("epsilon", "PSEUDONYM(flood)")):
            made.application(name, mask, both)
        await made.hub.live.refresh()
        yield made


@pytest.fixture
async def fresh(tmp_path: Path, anyio_backend: str) -> AsyncIterator[World]:
    """A hub with the application ``alpha``."""
    async with world_in(tmp_path) as made:
        made.application("alpha")
        await made.hub.live.refresh()
        yield made


PROJECT = "PSEUDONYM(census-2026)"
