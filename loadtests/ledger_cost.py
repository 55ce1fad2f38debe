"""What the ledger costs: look-ups of one record with it and without it, by turns, on SQLite and on PostgreSQL as control databases."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sqlite3
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from loadtests import persons
from loadtests.closed_loop import Counted, loop
from loadtests.fsync import fsync
from loadtests.hub import CLEAR, serving
from loadtests.masked_list import backends
from loadtests.processes import cpu_of_all, spent
from loadtests.report import Figure, Report, middle
from tests.scale.served import Served
from tests.servers.postgres import running_postgres

ROUNDS = 10
SECONDS = 1.0
CONNECTIONS = 64
LONE_CALLS = 150
"""Of a lone caller, in a round."""
MOST_SPENT = 1 / 0.8
MOST_LONGER = 0.5
_QUERY = "query($id: String!) { register { person(idNumber: $id) { name gender birthDate phone address email householdNo } } }"
_LOGGED, _UNLOGGED = "with the ledger", "without"


@dataclass
class _Found:
    """Of one hub: answers per second and CPU per call, by rounds; the lone caller's seconds."""

    per_second: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    lone: list[float] = field(default_factory=list)


def run() -> Report:
    """Measures over both control databases."""
    figures = [*_measured("SQLite", lambda: "", list)]
    with running_postgres(fsync="on", log_statement="none") as server:
        databases = iter(("logged", "unlogged"))

        def database() -> str:
            name = next(databases)
            _create(server.url(scheme="postgresql"), name)
            return server.url(name, "postgresql+psycopg")

        figures += _measured("PostgreSQL", database, lambda: backends(server))
    about = (
        f"Look-ups of one record of 7 items by its ID number, drawn at random, from a register in SQLite, over {CONNECTIONS} connections that ask anew as soon "
        f"as they are answered: a hub with its ledger, and one of which loadtests/unlogged.py has taken it away, {ROUNDS} rounds of {SECONDS:g} s of each by "
        f"turns. Both hubs run on one CPU, callers and PostgreSQL (fsync on) on the other. Then a lone caller asks both, {LONE_CALLS} times a round. An fsync is "
        "one of 8 KiB appended to a file in the hub's home."
    )
    return Report("The ledger", about, figures)


def _measured(name: str, database: Callable[[], str], processes: Callable[[], list[int]]) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="huitong-bench-") as directory:
        home = Path(directory)
        place = persons.Place(f'kind = "sql"\nurl = "sqlite:///{_register(home)}"', 'object = "person"')
        text = persons.manifest(place)
        with (
            serving(home / "logged", text, database=database()) as logged,
            serving(home / "unlogged", text, "loadtests.unlogged", database()) as unlogged,
            _apart([logged, unlogged]),
        ):
            found = _rounds({_LOGGED: logged, _UNLOGGED: unlogged}, processes)
            return _figures(name, found, fsync(home))


def _rounds(hubs: dict[str, Served], processes: Callable[[], list[int]]) -> dict[str, _Found]:
    found = {name: _Found() for name in hubs}
    for hub in hubs.values():
        asyncio.run(_ask(hub, CONNECTIONS, SECONDS))
    for number in range(ROUNDS):
        for name, hub in sorted(hubs.items(), reverse=bool(number % 2)):
            before, there = cpu_of_all([hub.process.pid]), cpu_of_all(processes())
            counted = asyncio.run(_ask(hub, CONNECTIONS, SECONDS))
            calls = len(counted.seconds)
            found[name].per_second.append(counted.per_second)
            found[name].cpu.append(1000 * spent(before, cpu_of_all([hub.process.pid])) / calls)
            found[name].database.append(1000 * spent(there, cpu_of_all(processes())) / calls)
    for number in range(ROUNDS):
        for name, hub in sorted(hubs.items(), reverse=bool(number % 2)):
            found[name].lone += asyncio.run(_ask(hub, 1, 60.0, LONE_CALLS)).seconds
    return found


def _figures(name: str, found: dict[str, _Found], fsync: float) -> list[Figure]:
    logged, unlogged = found[_LOGGED], found[_UNLOGGED]
    ratios = [without / with_it for with_it, without in zip(logged.per_second, unlogged.per_second, strict=True)]
    ratio, spread = middle(ratios)
    longer = 1000 * (statistics.median(logged.lone) - statistics.median(unlogged.lone) - fsync)
    made = [
        Figure(f"{name}: throughput without ÷ with the ledger", ratio, "", MOST_SPENT, spread),
        Figure(f"{name}: a lone caller waits longer, one fsync apart", longer, "ms", MOST_LONGER),
        Figure(f"{name}: one fsync", 1000 * fsync, "ms"),
    ]
    for kind, one in found.items():
        made += [
            _middle(f"{name}: look-ups per second, {kind}", one.per_second, ""),
            _middle(f"{name}: the hub's CPU per look-up, {kind}", one.cpu, "ms"),
            *([_middle(f"{name}: PostgreSQL's CPU per look-up, {kind}", one.database, "ms")] if any(one.database) else []),
            Figure(f"{name}: a lone caller's wait, {kind}", 1000 * statistics.median(one.lone), "ms"),
        ]
    return made


def _middle(name: str, values: list[float], unit: str) -> Figure:
    median, spread = middle(values)
    return Figure(name, median, unit, None, spread)


async def _ask(hub: Served, connections: int, seconds: float, most: int | None = None) -> Counted:
    requests = _requests(hub)
    return await loop(int(hub.url.rpartition(":")[2]), connections, seconds, requests, lambda answer: b'"phone":"138' in answer, most)


def _requests(hub: Served) -> Iterator[bytes]:
    numbers = [row[1] for row in persons.rows()]
    token, draw = hub.token(CLEAR), random.Random(7)  # noqa: S311 - which records are asked for
    for _ in itertools.count():
        body = orjson.dumps({"query": _QUERY, "variables": {"id": draw.choice(numbers)}})
        yield (
            b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\naccept: application/graphql-response+json\r\n"
            b"huitong-purpose: use\r\nhuitong-operator: bench\r\nauthorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b" % (token.encode(), len(body), body)
        )


def _register(home: Path) -> Path:
    path = home / "register.db"
    with sqlite3.connect(path) as connection:
        columns = ", ".join(f"{code} text" for code in persons.ITEMS)
        connection.execute(f"CREATE TABLE person (record_no integer PRIMARY KEY, {columns})")
        connection.executemany(f"INSERT INTO person VALUES ({', '.join('?' * (len(persons.ITEMS) + 1))})", persons.rows())  # noqa: S608 - no value in it
        connection.execute("CREATE UNIQUE INDEX person_id_number ON person (id_number)")
    connection.close()
    return path


@contextmanager
def _apart(hubs: list[Served]) -> Iterator[None]:
    """Hubs on the first CPU of this process, everything else that it starts or is on the others."""
    cpus = sorted(os.sched_getaffinity(0))
    for hub in hubs:
        for thread in Path(f"/proc/{hub.process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cpus[:1])
    os.sched_setaffinity(0, cpus[1:] or cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cpus)


def _create(server: str, database: str) -> None:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}")
