"""A document over a healthy source and one behind the fault proxy, and what is left over when both have had their say."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from auth.rights import OpenClass, SharingClass
from connectors.guard import GuardedSource
from connectors.selection import Binding, Kind
from connectors.spi import SourceConfig
from hub.api.data import source_state
from hub.catalog.sources import SourcePool
from schema.model import Department, Item, Resource, Snapshot
from tests.connectors.people import PEOPLE, write_postgres, write_sqlite
from tests.connectors.service import Service
from tests.connectors.stands.mariadb import connected, execute, write_people
from tests.connectors.stands.rest import rest_binding
from tests.schema.city import EVERY, rights
from tests.schema.running import Hub
from tests.servers.faults import FaultProxy, fault_proxy
from tests.servers.http import serving
from tests.servers.mariadb import Mariadb

POOL = 4
TIMEOUT_MS = 1500
HEALTHY, FAULTY = "civil_affairs.db", "housing.db"
DOCUMENT = "{ civilAffairs { persons { nodes { name } } } housing { tenants { nodes { name } } } }"
NAMES = {"nodes": [{"name": row[2]} for row in PEOPLE]}


def _resource(code: str, plural: str, source: str, binding: Binding) -> Resource:
    items = {"id_number": Item("id_number", "id_number", Kind.STRING, "id_number"), "name": Item("name", "name", Kind.STRING, "name")}
    return Resource(
        code=code,
        department=code.partition(".")[0],
        name=code,
        plural=plural,
        source=source,
        binding=binding,
        identifiers=("id_number",),
        stable_key="record_no",
        stable_kind=Kind.BIGINT,
        items=items,
        sharing_class=SharingClass.UNCONDITIONAL,
        open_class=OpenClass.OPEN,
        operations=EVERY,
    )


@dataclass
class Trouble:
    """The hub over both sources, and the proxy that makes the trouble."""

    hub: Hub
    pool: SourcePool
    proxy: FaultProxy
    watching: asyncio.Task[None]

    async def ask(self) -> tuple[Any, list[str], dict[str, dict[str, Any]]]:
        """Data, codes of errors, and what ``extensions.sources`` says, by source."""
        answer = await self.hub.ask(rights(), DOCUMENT)
        states = {state.source: source_state(state) for state in answer.sources.values()}
        return answer.data, [error.fault.code.value for error in answer.errors], states

    @property
    def faulty(self) -> GuardedSource:
        """The source behind the proxy."""
        return next(source for source in self.pool.opened if source.code == FAULTY)


Server = tuple[SourceConfig, Binding]


@contextmanager
def _postgresql(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = request.getfixturevalue("postgres")
    schema = f"s{uuid4().hex}"
    # The test's own loop is running already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(write_postgres(server.url(), schema, PEOPLE))).result()
    yield SourceConfig(FAULTY, "sql", server.url()), Binding(f"{schema}.person")


@contextmanager
def _mariadb(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = request.getfixturevalue("mariadb")
    database = f"s{uuid4().hex}"
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(_fill_mariadb(server, database))).result()
    yield SourceConfig(FAULTY, "sql", server.url(database)), Binding("person")


async def _fill_mariadb(server: Mariadb, database: str) -> None:
    await execute(server, f"CREATE DATABASE {database}")
    connection = await connected(server, database)
    try:
        await write_people(connection, PEOPLE)
    finally:
        await connection.ensure_closed()


@contextmanager
def _rest(_request: pytest.FixtureRequest) -> Iterator[Server]:
    with serving(Service(list(PEOPLE)).application()) as address:
        yield SourceConfig(FAULTY, "rest", address), rest_binding()


KINDS: dict[str, Callable[[pytest.FixtureRequest], Any]] = {"postgresql": _postgresql, "mariadb": _mariadb, "rest": _rest}
"""Real servers by name; each offers the people."""


@asynccontextmanager
async def trouble(server: Server, proxy: FaultProxy, directory: Path) -> AsyncIterator[Trouble]:
    """A hub over a file of its own and over a server behind the proxy."""
    write_sqlite(directory / "people.db")
    config, binding = server
    parts = urlsplit(config.url)
    through = config.url.replace(f":{parts.port}", f":{proxy.port}", 1)
    limits = {"pool": POOL, "timeout_ms": TIMEOUT_MS}
    sources = {
        # Its time is wide: that a busy machine is slow is none of the other source's doing.
        HEALTHY: SourceConfig(HEALTHY, "sql", f"sqlite:///{directory / 'people.db'}", pool=POOL, timeout_ms=10_000),
        FAULTY: replace(config, url=through, **limits),  # type: ignore[arg-type]
    }
    resources = [
        _resource("civil_affairs.person", "persons", HEALTHY, Binding("person")),
        _resource("housing.tenant", "tenants", FAULTY, binding),
    ]
    snapshot = Snapshot(1, {code: Department(code, code) for code in ("civil_affairs", "housing")}, sources, {each.code: each for each in resources})
    pool = SourcePool()
    pool.use(sources)
    made = Trouble(PooledHub(snapshot, pool), pool, proxy, asyncio.create_task(pool.watch()))
    try:
        yield made
    finally:
        made.watching.cancel()
        await asyncio.gather(made.watching, return_exceptions=True)
        await pool.close()


class PooledHub(Hub):
    """Its sources are the pool's, as in the real hub."""

    def __init__(self, snapshot: Snapshot, pool: SourcePool) -> None:
        super().__init__(snapshot)
        self._pool = pool

    def source(self, code: str) -> Any:
        """The open source of a code."""
        return self._pool.source(code)


@contextmanager
def proxied(kind: str, request: pytest.FixtureRequest) -> Iterator[tuple[Server, FaultProxy]]:
    """A server of this kind with a proxy before it."""
    with KINDS[kind](request) as server:
        parts = urlsplit(server[0].url)
        with fault_proxy(parts.hostname or "", parts.port or 0, rate=40) as proxy:
            yield server, proxy


async def eventually(holds: Callable[[], Awaitable[bool]], what: str, seconds: float = 30.0) -> None:
    """Asks again and again until it holds."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while not await holds():
        assert loop.time() < ends, what
        await asyncio.sleep(0.05)


def tasks() -> int:
    """Tasks of this loop."""
    return len(asyncio.all_tasks())


def threads() -> int:
    """Threads of this process."""
    return threading.active_count()
