"""Fixtures that every test may use; a session's servers are defined here alone, for each definition starts one of its own."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from hub import collecting
from tests.hub.running import hub
from tests.hub.unfinished import unfinished
from tests.scheduling import pytest_collection_modifyitems, pytest_ignore_collect, pytest_xdist_make_scheduler
from tests.servers.fixtures import mariadb, postgres, s3
from tests.temporary import pytest_configure

__all__ = [
    "anyio_backend",
    "hub",
    "mariadb",
    "postgres",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_ignore_collect",
    "pytest_xdist_make_scheduler",
    "s3",
    "unfinished",
]

# How long a machine takes to draw an example is no finding.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the hub does."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def frozen() -> Iterator[None]:
    """What was imported is not looked through for garbage again, neither by Python nor by each hub that starts in this process: tenths of a second each time."""
    collecting.EMBEDDED = True
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
