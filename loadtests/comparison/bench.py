"""The whole comparison: starts everything, checks it, measures it, and says what came of it."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg

from loadtests.city import City, fill
from loadtests.comparison import own
from loadtests.comparison.checks import agree, carry, check_masks
from loadtests.comparison.hubs import KINDS, Hubs, postmaster
from loadtests.comparison.measuring import rounds, settle
from loadtests.comparison.pinned import OTHERS, family, starting
from loadtests.comparison.records import per_second
from loadtests.comparison.results import Results, facts
from loadtests.comparison.servers import Server, peer
from loadtests.comparison.tasks import BY_SOURCE, CLEAR, HUB, PEERS, VARIANTS, Extent, Task
from loadtests.comparison.verdicts import APART, COMPARED, Verdict, against_peers, own_costs
from loadtests.fsync import fsync
from tests.servers.postgres import Postgres, running_postgres

_STEADY = ("W1-64", "W2")
LARGE = "large"
"""Code by which the answer of many MiB can be chosen."""


@dataclass(frozen=True)
class Wanted:
    """What is to be measured."""

    mode: str
    extent: Extent
    seed: int
    postgres_control: bool = False
    """Whether the hub's control database is PostgreSQL."""
    servers: frozenset[str] = field(default_factory=frozenset)
    """Only these besides the hub; none: all."""
    codes: frozenset[str] = field(default_factory=frozenset)
    """Only these tasks; none: all."""

    def chosen(self, every: Iterable[Task]) -> list[Task]:
        """The tasks among these."""
        return [task for task in every if not self.codes or task.code in self.codes]

    def takes(self, name: str, every: Iterable[Task]) -> bool:
        """Whether a server takes part in any of these tasks; the hub, to be compared with, in all, and in that of the large answer."""
        if name in (HUB, CLEAR):
            return LARGE in self.codes or any(True for _ in every)
        return any(name in task.servers for task in every) and (not self.servers or name in self.servers)


def compare(wanted: Wanted) -> Results:
    """Measures everything; takes minutes."""
    extent = wanted.extent
    with starting(OTHERS), tempfile.TemporaryDirectory(prefix="huitong-compare-") as directory, ExitStack() as stack:
        source = stack.enter_context(running_postgres(shared_buffers="1GB", fsync="on", log_statement="none", max_connections="400"))
        control = (
            stack.enter_context(running_postgres(shared_buffers="256MB", fsync="on", log_statement="none", max_connections="400"))
            if wanted.postgres_control
            else None
        )
        _say(f"filling {extent.persons:,} persons")
        fill(source.url(scheme="postgresql"), extent.persons, extent.companies, wanted.seed)
        told = facts(wanted.mode, wanted.seed, extent.persons, (extent.rounds, extent.apart), _version(source), "PostgreSQL" if control else "SQLite")
        bench = _Bench(wanted, source, control, Path(directory), Results(told))
        if wanted.chosen(extent.compared) or LARGE in wanted.codes:
            bench.compared()
        if wanted.chosen(extent.variants):
            bench.apart()
        return bench.ended()


class _Bench:
    """One run."""

    def __init__(self, wanted: Wanted, source: Postgres, control: Postgres | None, folder: Path, results: Results) -> None:
        self._wanted, self._folder, self._results = wanted, folder, results
        self._city = City(wanted.extent.persons, wanted.extent.companies, wanted.seed)
        self._hubs = Hubs(source.url(), control, folder, wanted.seed)
        self._dsn = source.url(scheme="postgresql")
        self._source = partial(family, postmaster(source))

    def compared(self) -> None:
        """The hub and its peers, and what is asked of the hub alone."""
        chosen = self._wanted.chosen(self._wanted.extent.compared)
        with ExitStack() as stack:
            servers = self._started(stack, (HUB, CLEAR, BY_SOURCE, *PEERS), chosen)
            self._check(servers, chosen)
            self._measure(COMPARED, chosen, servers, self._wanted.extent.rounds)
            self._alone(servers, chosen)

    def _alone(self, servers: Sequence[Server], chosen: Sequence[Task]) -> None:
        hub, clear = (next(server for server in servers if server.name == name) for name in (HUB, CLEAR))
        figures = self._results.figures
        settle(hub, self._source)
        own.measure_idle(hub, figures)
        measured: list[Callable[[], Verdict]] = []
        for task in chosen:
            rate = self._results.records.median(COMPARED, task.code, HUB, per_second)
            if task.code in _STEADY and rate is not None:
                measured.append(partial(own.measure_steady, hub, task, self._city, rate, self._wanted.extent.steady, figures))
        if not self._wanted.codes or LARGE in self._wanted.codes:
            measured.append(partial(own.measure_large, clear, self._city, figures))
        for measure in measured:
            try:
                self._results.verdicts.append(measure())
            except RuntimeError as fault:
                self._results.failed.append(str(fault))

    def apart(self) -> None:
        """The hub and others of it."""
        chosen = self._wanted.chosen(self._wanted.extent.variants)
        with ExitStack() as stack:
            servers = self._started(stack, (HUB, *VARIANTS), chosen)
            self._measure(APART, chosen, servers, self._wanted.extent.apart)

    def ended(self) -> Results:
        """What came of it."""
        results = self._results
        flushed = 1000 * fsync(self._folder)
        results.figures["fsync ms"] = flushed
        lookup = results.records.median(COMPARED, "W1-64", HUB)
        tokens = [own.measure_token(self._folder, lookup, results.figures)] if lookup is not None else []
        results.verdicts = [*against_peers(results.records), *own_costs(results.records, flushed), *tokens, *results.verdicts]
        return results

    def _started(self, stack: ExitStack, names: Iterable[str], chosen: Sequence[Task]) -> list[Server]:
        servers: list[Server] = []
        for name in names:
            if not self._wanted.takes(name, chosen):
                continue
            began = time.monotonic()
            try:
                servers.append(self._hubs.clear(servers[0]) if name == CLEAR else stack.enter_context(self._one(name)))
            except (RuntimeError, ValueError) as fault:
                self._results.failed.append(f"{name}: {fault}")
                _say(f"{name} did not start: {str(fault)[-300:]}")
            else:
                _say(f"{name}: {time.monotonic() - began:.1f} s")
        return servers

    def _one(self, name: str) -> AbstractContextManager[Server]:
        return self._hubs.started(name) if name in KINDS else peer(name, self._dsn, self._folder)

    def _check(self, servers: Sequence[Server], chosen: Sequence[Task]) -> None:
        # The hubs' usual applications see masks: what the same processes answer to one that sees everything is compared.
        hub = next(server for server in servers if server.name == HUB)
        others = [self._hubs.clear(server, server.name) if server.name in KINDS else server for server in servers if server.name != CLEAR]
        self._results.checked += agree(others, chosen, self._city)
        self._results.checked.append(check_masks(hub, self._hubs.clear(hub), self._city))

    def _measure(self, block: str, chosen: Sequence[Task], servers: Sequence[Server], count: int) -> None:
        failed = carry(servers, chosen, self._city, self._wanted.extent.at_once)
        self._results.records.every += rounds(block, chosen, servers, self._source, self._city, count, self._folder, failed)
        self._results.failed += failed.values()


def _version(server: Postgres) -> str:
    with psycopg.connect(server.url(scheme="postgresql")) as connection:
        return str((connection.execute("SHOW server_version").fetchone() or ("",))[0])


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
