"""Fixtures of real servers, for the conftest of any folder to import."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.mariadb import Mariadb, running_mariadb
from tests.servers.postgres import Postgres, running_postgres
from tests.servers.s3 import S3Server, running_s3


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this test run's own."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Mariadb]:
    """A MariaDB server of this test run's own."""
    with running_mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3-compatible server of this test run's own."""
    with running_s3() as server:
        yield server
