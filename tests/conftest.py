"""Fixtures that every test may use."""

from __future__ import annotations

import pytest

from tests.servers.fixtures import mariadb, postgres

__all__ = ["anyio_backend", "mariadb", "postgres"]


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the hub does."""
    return "asyncio"
