"""One cluster for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalog.homes import new_core
from tests.exchange.dask.cluster import Cluster


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler and two workers, with the keys that all homes of this process have."""
    home = tmp_path_factory.mktemp("dask")
    with new_core(home) as core:
        made = Cluster(home, core.settings.keys)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def cluster(processes: Cluster) -> Cluster:
    """It runs, whatever the test before has killed."""
    processes.mend()
    return processes


@pytest.fixture
def job(cluster: Cluster, request: pytest.FixtureRequest) -> Path:
    """The folder of a job of the test's own."""
    folder = cluster.folder / f"exc_{abs(hash(request.node.nodeid)):x}"
    folder.mkdir()
    return folder
