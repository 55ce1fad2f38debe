"""Two nodes for all tests of this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.nodes.cluster import Cluster, clustered
from tests.servers.postgres import Postgres
from tests.store.databases import make_database


@pytest.fixture(scope="session")
def cluster(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two ``huitong serve`` on one PostgreSQL control database. Tests add applications of their own, and take nothing of others' away."""
    with clustered(tmp_path_factory.mktemp("nodes"), make_database(postgres, "nodes")) as made:
        yield made
