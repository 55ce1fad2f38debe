"""One hub for this folder, with a register of many persons; each test verifies as a department of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from hub.exchange.verifying import receiving
from tests.exchange.verifying.world import Batches, batches_in, looked_at_here


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the hub does."""
    return "asyncio"


@pytest.fixture(scope="package")
async def batches(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Batches]:
    """A running hub in this process."""
    async with batches_in(tmp_path_factory.mktemp("batches"), verification_mismatch_percent=100, upload_mib=1) as made:
        yield made


@pytest.fixture
def in_process() -> Iterator[None]:
    """Uploads are looked at by the same code without the process of its own, which takes its time to start."""
    with patch.object(receiving, "look", looked_at_here), patch("hub.exchange.verifying.http.look", looked_at_here):
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a test."""
    return tmp_path
