"""A scheduler and workers of Dask on this machine, for a hub whose executor is ``dask``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.exchange.executors.certificates import HUB
from hub.settings import Settings
from tests.exchange.dask.cluster import Cluster


@dataclass(frozen=True)
class Workers:
    """``environment`` is what the hub needs, ``processes`` who works on chunks."""

    environment: dict[str, str]
    processes: tuple[int, ...]


@contextmanager
def workers(settings: Settings, place: Path, count: int) -> Iterator[Workers]:
    """So many workers of one chunk at a time each, over the exchange directory of a hub's home, until the end of the block.

    Raises:
        RuntimeError: one did not start; its log is quoted.
    """
    place.mkdir()
    cluster = Cluster(place, settings.keys)
    cluster.folder = settings.exchanges.absolute()
    cluster.folder.mkdir(exist_ok=True)
    try:
        cluster.start_scheduler()
        cluster.wait_ready(["scheduler"])
        for _ in range(count):
            cluster.start_worker()
        cluster.wait_ready([f"worker-{number}" for number in range(count)])
        own = cluster.files(HUB)
        files = {"CA": own.ca, "CERT": own.cert, "KEY": own.key}
        environment = {f"HUITONG_EXCHANGE_TLS_{name}": str(path) for name, path in files.items()}
        yield Workers({"HUITONG_EXCHANGE_EXECUTOR": cluster.url, **environment}, tuple(worker.pid for worker in cluster.workers))
    finally:
        cluster.close()
