"""Fixtures that every test may use; a session's servers are defined here alone, for each definition starts one of its own."""

from __future__ import annotations

import pytest

from tests.hub.running import hub
from tests.hub.unfinished import unfinished
from tests.scheduling import pytest_collection_modifyitems, pytest_xdist_make_scheduler
from tests.servers.fixtures import mariadb, postgres

__all__ = ["anyio_backend", "hub", "mariadb", "postgres", "pytest_collection_modifyitems", "pytest_xdist_make_scheduler", "unfinished"]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the hub does."""
    return "asyncio"
