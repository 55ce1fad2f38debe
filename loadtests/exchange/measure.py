"""All ways by turns in one run, over the same register: how many rows a second, at whose cost, and what callers of queries notice of it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hub.core import initialise, open_core
from hub.settings import Settings, load_settings
from loadtests.exchange import residents
from loadtests.exchange.asking import Waits, callers, waits
from loadtests.exchange.cluster import Workers, workers
from loadtests.exchange.run import COPY, FORMATS, Taken, copied, exchanged, plainly
from tests.scale.served import Served, serve
from tests.servers.postgres import Postgres, running_postgres

PLAIN_ROWS = 200_000
_QUIET_SECONDS = 10.0
_LONGEST = 600.0


@dataclass(frozen=True)
class Extent:
    """How much is measured. ``ways`` of the hub's formats; ``asked``: whether look-ups go on beside one more exchange; ``executor`` as its setting has it."""

    rows: int = 1_000_000
    rounds: int = 3
    ways: Sequence[str] = FORMATS
    workers: int = 2
    asked: bool = True
    executor: str = "local"
    masks: str = ""


@dataclass
class Found:
    """Everything measured, in its order."""

    extent: Extent
    taken: list[Taken] = field(default_factory=list)
    before: Waits | None = None
    meanwhile: Waits | None = None

    def of(self, way: str) -> list[Taken]:
        """The runs of one way."""
        return [one for one in self.taken if one.way == way]


@contextmanager
def filled(rows: int) -> Iterator[Postgres]:
    """A PostgreSQL with the register in its memory."""
    with running_postgres(log_statement="none", shared_buffers="1GB", max_wal_size="8GB") as server:
        residents.fill(server.url(), rows)
        yield server


def measure(server: Postgres, extent: Extent, environment: dict[str, str] | None = None) -> Found:
    """Measures over a filled register.

    Raises:
        RuntimeError: an exchange did not succeed.
    """
    found = Found(extent)
    with tempfile.TemporaryDirectory(prefix="huitong-exchange-") as directory:
        folder = Path(directory)
        home = folder / "home"
        settings = load_settings(home=home)
        initialise(settings)
        core = open_core(settings)
        try:
            secrets = residents.stage(core, server.url(), extent.masks)
        finally:
            core.close()
        with _working(extent, settings, folder / "cluster") as working:
            given = {**working.environment, **(environment or {})}
            with serve(home, secrets, "hub", **given) as hub:
                _rounds(found, server, hub, folder, working)
                if extent.asked:
                    _asked(found, server, hub, home)
    return found


@contextmanager
def _working(extent: Extent, settings: Settings, place: Path) -> Iterator[Workers]:
    if extent.executor == "dask":
        with workers(settings, place, extent.workers) as found:
            yield found
    else:
        yield Workers({"HUITONG_EXCHANGE_EXECUTOR": extent.executor, "HUITONG_EXCHANGE_WORKERS": str(extent.workers)}, ())


def _rounds(found: Found, server: Postgres, hub: Served, folder: Path, working: Workers) -> None:
    extent = found.extent
    ways: list[Callable[[], Taken]] = [lambda: copied(server, extent.rows), lambda: plainly(server, min(PLAIN_ROWS, extent.rows), folder)]
    ways += [lambda each=each: exchanged(hub, server, each, extent.rows, folder / "home", working.processes) for each in extent.ways]  # type: ignore[misc]
    for number in range(extent.rounds):
        for way in ways[:: -1 if number % 2 else 1]:
            taken = way()
            found.taken.append(taken)
            sys.stderr.write(
                f"{taken.way:8} {taken.per_second:10,.0f} rows/s {taken.seconds:7.2f} s, CPU {taken.cpu}, {taken.exporting:.0f} MiB, {taken.files} files\n"
            )


def _asked(found: Found, server: Postgres, hub: Served, home: Path) -> None:
    """Look-ups alone, and beside exchanges, one after another, that last as long."""
    with callers(hub, found.extent.rows) as asking:
        # What the filling left to be written is on the disk, and keeps no ledger waiting.
        os.sync()
        alone = asking.ask(_QUIET_SECONDS).result()
        beside = asking.ask(max(_QUIET_SECONDS, min(_LONGEST, found.of(found.extent.ways[0])[-1].seconds)))
        while not beside.done():
            exchanged(hub, server, found.extent.ways[0], found.extent.rows, home, keep=True)
        found.before, found.meanwhile = waits(alone), waits(beside.result())


def ratio(found: Found, way: str, other: str = COPY) -> list[float]:
    """Rows per second of one way by those of the other, round by round."""
    return [one.per_second / two.per_second for one, two in zip(found.of(way), found.of(other), strict=True)]
