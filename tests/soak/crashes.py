"""Rounds of random kills under load: processes on one SQLite file, on one PostgreSQL database, and the PostgreSQL server itself."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.ledger.build import open_service
from tests.ledger.crash import Children, Held, entries, whole
from tests.servers.durable import DurablePostgres, durable_postgres

ROUND = 125
"""Cycles on one database at most."""
PROCESSES = {"sqlite": 2, "postgresql": 3}
"""On one database; an SQLite file is served by one hub, beside which commands may run."""
_SERVER_EVERY = 8
"""On PostgreSQL, one cycle in so many ends the server instead of its clients."""
_TOLD_EVERY = 10


@dataclass
class Told:
    """What was counted over one kind of database."""

    cycles: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    """Processes by what they were and how they ended."""
    receipts: int = 0
    stored: int = 0
    batches: int = 0
    checkpoints: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def unacknowledged(self) -> int:
        """Entries that are durable although no caller was told."""
        return self.stored - self.receipts


class Round:
    """Cycles on one fresh database; ``chance`` decides who dies and when."""

    def __init__(self, home: Path, told: Told, chance: random.Random, server: DurablePostgres | None = None) -> None:
        self._home = home
        self._processes = PROCESSES["postgresql" if server else "sqlite"]
        self._told = told
        self._chance = chance
        self._server = server
        if server is not None:
            (home / "control.url").write_text(server.url())
        service = open_service(home)
        self._held = Held(home, service.verifier_key)
        service.engine.dispose()

    def run(self, cycles: int) -> None:
        """So many cycles, each looked at, and the whole log in the end."""
        children = Children(self._home, self._processes)
        try:
            for number in range(cycles):
                self._cycle(children, number)
                self._told.cycles += 1
                if number % _TOLD_EVERY == _TOLD_EVERY - 1:
                    self._say(number + 1, cycles)
        finally:
            children.kill(list(children.running))
        self._end()

    def _cycle(self, children: Children, number: int) -> None:
        # One in five dies while it starts, or while others recover.
        if self._chance.random() < 0.8:
            children.appended()
        time.sleep(self._chance.uniform(0, 0.1))
        if self._server is not None and number % _SERVER_EVERY == _SERVER_EVERY - 1:
            self._end_server(self._server)
        else:
            self._kill(children)
        self._look()

    def _kill(self, children: Children) -> None:
        count = self._chance.choice((1, 1, 1, 2, self._processes))
        children.kill(self._chance.sample(children.running, count))
        self._told.kills["process: SIGKILL"] += count
        if count == self._processes:
            # Nobody has the database open now: whoever opens it next recovers it.
            self._look()
        children.replace(count)

    def _end_server(self, server: DurablePostgres) -> None:
        if self._chance.random() < 0.5:
            server.kill()
            self._told.kills["server: SIGKILL"] += 1
        else:
            server.quit()
            self._told.kills["server: immediate shutdown"] += 1
        server.start()

    def _look(self) -> None:
        service = open_service(self._home)
        self._told.wrong += self._held.compare(service)
        service.engine.dispose()

    def _end(self) -> None:
        self._look()
        report = whole(self._home)
        self._told.wrong += [f"{finding.what}: {finding.message}" for finding in report.findings]
        if report.receipts != self._held.count:
            self._told.wrong.append(f"{self._held.count} receipts were looked at, {report.receipts} verified")
        self._told.receipts += report.receipts
        self._told.stored += report.entries
        self._told.batches += report.batches
        self._told.checkpoints += report.checkpoints

    def _say(self, done: int, cycles: int) -> None:
        service = open_service(self._home)
        stored = entries(service)
        service.engine.dispose()
        kind = "PostgreSQL" if self._server else "SQLite"
        sys.stdout.write(f"{kind}: {done} of {cycles} cycles, {self._held.count} receipts, {stored} entries, {len(self._told.wrong)} contradictions\n")
        sys.stdout.flush()


def soak(kind: str, cycles: int, seed: int) -> Told:
    """Rounds of one kind, ``sqlite`` or ``postgresql``, until there were so many cycles."""
    told, chance, began = Told(), random.Random(seed), time.monotonic()
    left = cycles
    while left > 0:
        with _home() as home, ExitStack() as held:
            server = held.enter_context(durable_postgres(fsync="on", max_connections="200")) if kind == "postgresql" else None
            Round(home, told, chance, server).run(min(left, ROUND))
        left -= ROUND
    told.seconds = time.monotonic() - began
    return told


@contextmanager
def _home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="huitong-soak-") as name:
        yield Path(name)
