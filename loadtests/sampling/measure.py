"""A hub under load, task by task, with what it saw of itself; the hand-written limit beside it."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson

from loadtests.city import City, fill
from loadtests.comparison import wrk
from loadtests.comparison.hubs import Hubs, postmaster
from loadtests.comparison.measuring import Processes, measured, settle
from loadtests.comparison.pinned import OTHERS, family, starting
from loadtests.comparison.requests import prepared
from loadtests.comparison.servers import Server, peer
from loadtests.comparison.tasks import COMPARED, SAMPLED, Task
from loadtests.sampling.sampler import Samples
from loadtests.sampling.serve import SAMPLES
from tests.servers.postgres import running_postgres

LIMIT = "limit-held"
TASKS: tuple[Task, ...] = tuple(task for task in COMPARED if LIMIT in task.servers)
_COMPANIES = 5
"""Persons for each company."""
_WARM_SECONDS = 2
_REST_SECONDS = 3.5
"""Until whoever follows the log has looked once more: the index of subjects does every three seconds."""
_LONGEST_SECONDS = 30.0


@dataclass(frozen=True)
class Profile:
    """Of one task, CPU in µs for each request."""

    task: str
    areas: dict[str, float]
    functions: dict[str, dict[str, float]]
    """Of the main thread, by area."""
    limit: float
    """Of the hand-written limit."""
    requests: int
    looks: int

    @property
    def hub(self) -> float:
        """All areas together."""
        return sum(self.areas.values())


def profiles(tasks: Sequence[Task], persons: int, seconds: int, seed: int) -> list[Profile]:
    """Samples each task for so many seconds."""
    companies = max(1, persons // _COMPANIES)
    with starting(OTHERS), tempfile.TemporaryDirectory(prefix="huitong-sample-") as directory, ExitStack() as stack:
        source = stack.enter_context(running_postgres(shared_buffers="1GB", fsync="on", log_statement="none", max_connections="400"))
        dsn, folder = source.url(scheme="postgresql"), Path(directory)
        fill(dsn, persons, companies, seed)
        found = folder / "samples.json"
        hub = stack.enter_context(Hubs(source.url(), None, folder, seed).started(SAMPLED, **{SAMPLES: str(found)}))
        limit = stack.enter_context(peer(LIMIT, dsn, folder))
        bench = _Bench(hub, limit, partial(family, postmaster(source)), City(persons, companies, seed), folder, found)
        return [bench.profile(task, seconds) for task in tasks]


@dataclass(frozen=True)
class _Bench:
    hub: Server
    limit: Server
    source: Processes
    city: City
    folder: Path
    found: Path

    def profile(self, task: Task, seconds: int) -> Profile:
        requests = prepared(self.hub, task, self.city, 0)
        wrk.run(self.hub.port, task.connections, _WARM_SECONDS, requests, self.folder)
        self._rest()
        with self._sampled() as samples:
            load = wrk.run(self.hub.port, task.connections, seconds, requests, self.folder)
            self._rest()
        beside = measured("sampled", task, self.limit, self.source, self.city, 0, self.folder)
        each = 1e6 / load.asked
        areas = {code: each * spent for code, spent in samples[0].areas.items()}
        functions = {code: {name: each * spent for name, spent in some.items()} for code, some in samples[0].functions.items()}
        sys.stderr.write(f"{task.code}: {sum(areas.values()):,.0f} µs, {LIMIT} {beside.cpu:,.0f}\n")
        return Profile(task.code, areas, functions, beside.cpu, load.asked, samples[0].looks)

    def _rest(self) -> None:
        time.sleep(_REST_SECONDS)
        settle(self.hub, self.source)

    @contextmanager
    def _sampled(self) -> Iterator[list[Samples]]:
        """What the hub saw of itself in the block, behind it."""
        samples: list[Samples] = []
        self.found.unlink(missing_ok=True)
        os.kill(self.hub.process, signal.SIGUSR1)
        yield samples
        os.kill(self.hub.process, signal.SIGUSR2)
        until = time.monotonic() + _LONGEST_SECONDS
        while not self.found.exists():
            if time.monotonic() > until:
                raise RuntimeError(f"the hub wrote nothing to {self.found} within {_LONGEST_SECONDS:.0f} s")
            time.sleep(0.02)
        samples.append(Samples(**orjson.loads(self.found.read_bytes())))
