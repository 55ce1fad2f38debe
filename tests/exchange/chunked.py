"""A hub in this process whose exchanges take many small chunks, over a register in SQLite or PostgreSQL; it can be started anew on the same home."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx2
import psycopg
from psycopg import sql
from sqlalchemy import select

from hub.app import Hub, create_app
from hub.core import Core
from hub.demo.rows import canary
from hub.exchange.chunks import Chunk, ChunkStore
from hub.exchange.store import ExchangeStore, Job
from hub.exchange.tables import exchange, exchange_chunk
from hub.ledger.entry import Entry
from hub.ledger.parsing import parse
from hub.ledger.tables import entry
from tests.catalog.homes import CONSOLE, SECURITY, new_core, publish
from tests.hub.canaries import alive
from tests.servers.postgres import Postgres

BASE = "http://127.0.0.1:8000"
PURPOSE = {"code": "rent", "scenario": "公租房审核", "basis": "条例第十条"}
ROWS, CHUNK = 53, 10
CHUNKS = -(-ROWS // CHUNK)
DOCUMENT = "{ civilAffairs { persons { nodes { number name born } } } }"
ORDERED = "{ civilAffairs { persons(orderBy: [{born: DESC}]) { nodes { number name born } } } }"
START = "mutation ($i: StartExchangeInput!) { startExchange(input: $i) { exchange { id } } }"
LOOK = """query ($i: ID!) { exchange(id: $i) { state reason progress { rowsDone rowsTotal bytes secondsLeft } files { name url rows sha256 } } }"""
CANCEL = "mutation ($i: ID!) { cancelExchange(id: $i) { exchange { state } } }"
_MANIFEST = """
[department]
code = "civil_affairs"
name = "市民政局"
uscc = "11520100009390014D"

[[sources]]
code = "db"
kind = "sql"
url = "{url}"
{more}

[[resources]]
code = "person"
plural = "persons"
name = "人口"
description = "人口"
classification = "307026"
level = "INTERNAL"
sharing_class = "CONDITIONAL"
legal_basis = ["某法第一条"]
open_class = "CLOSED"
update_cycle = "daily"
operations = ["QUERY", "EXCHANGE"]
service_methods = ["INTERFACE", "FILE"]
source = "db"
object = "person"
identifiers = ["number"]
stable_key = "pk"
left_out = ["note"]
"""
_ITEM = '\n[[resources.items]]\ncode = "{0}"\nname = "{0}"\ntype = "{1}"\ncolumn = "{0}"\nfilterable = true\n'


def manifest(url: str, more: str = "") -> str:
    """The catalog; ``more`` belongs to the source."""
    return _MANIFEST.format(url=url, more=more) + "".join(_ITEM.format(*item) for item in (("number", "string"), ("name", "string"), ("born", "date")))


def rows(count: int = ROWS) -> list[tuple[int, str, str, str, str]]:
    """The register."""
    note = canary("civil_affairs.person")
    return [(n, f"N{n:06}", f"居民{n}", f"19{n % 90 + 10}-0{n % 9 + 1}-11", note) for n in range(count)]


def write(file: Path, count: int = ROWS) -> None:
    """The register, as a file of SQLite."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE person (pk INTEGER PRIMARY KEY, number TEXT, name TEXT, born TEXT, note TEXT)")
        connection.executemany("INSERT INTO person VALUES (?, ?, ?, ?, ?)", rows(count))
        connection.commit()


def write_postgres(postgres: Postgres, name: str, count: int = ROWS) -> str:
    """The register, in a database of its own; how the hub reaches it."""
    with psycopg.connect(postgres.url(scheme="postgresql"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with psycopg.connect(postgres.url(name, scheme="postgresql"), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE person (pk integer PRIMARY KEY, number text, name text, born date, note text)")
        with cursor.copy("COPY person FROM STDIN") as copy:
            for row in rows(count):
                copy.write_row(row)
    return postgres.url(name)


def grant(name: str, **more: Any) -> dict[str, Any]:
    """What an application may take: everything."""
    items = [{"code": code, "value": "CLEAR"} for code in ("number", "name", "born")]
    given = {"application": name, "resource": "civil_affairs.person", "operations": ["QUERY", "EXCHANGE"], "items": items, "rows": None, "max_page": 7}
    return {**given, "purposes": [PURPOSE], "per_claim": True, "discloses_existence": True, "approver": "王局长", **more}


def difference(files: Iterable[Path], count: int = ROWS) -> tuple[int, int]:
    """Rows that the CSV files hold too often or wrongly, and rows of the register that they lack: counted by DuckDB."""
    with duckdb.connect() as database:
        database.execute("CREATE TABLE taken (number VARCHAR, name VARCHAR, born VARCHAR)")
        for file in files:
            database.execute("INSERT INTO taken SELECT * FROM read_csv(?, header=true, all_varchar=true)", [str(file)])
        database.execute("CREATE TABLE there AS SELECT * FROM taken LIMIT 0")
        database.executemany("INSERT INTO there VALUES (?, ?, ?)", [row[1:4] for row in rows(count)])
        statement = "SELECT * FROM {} EXCEPT ALL SELECT * FROM {}"
        more, fewer = (len(database.execute(statement.format(*names)).fetchall()) for names in (("taken", "there"), ("there", "taken")))
    return more, fewer


@dataclass
class World:
    """A running hub."""

    core: Core
    hub: Hub
    http: httpx2.AsyncClient

    def headers(self, name: str = "reader") -> dict[str, str]:
        """What an application sends."""
        app = self.core.registry.by_name(name)
        assert app is not None
        use = {"huitong-purpose": "rent", "huitong-operator": "clerk", "accept": "application/graphql-response+json"}
        return {**use, "authorization": f"Bearer {self.hub._tokens.issue(app.client_id, app.scopes()).token}"}

    async def post(self, text: str, variables: Mapping[str, Any], name: str = "reader") -> Any:
        """The whole answer."""
        return (await self.http.post("/graphql", json={"query": text, "variables": variables}, headers=self.headers(name))).json()

    async def ask(self, text: str, name: str = "reader", **variables: Any) -> Any:
        """The data of an answer without errors."""
        found = await self.post(text, variables, name)
        assert "errors" not in found, found
        return found["data"]

    async def start(self, key: str = "k", document: str = DOCUMENT, name: str = "reader", **more: Any) -> str:
        """Begins an exchange; its number."""
        given = {"document": document, "format": "CSV", "idempotencyKey": key, **more}
        return str((await self.ask(START, name, i=given))["startExchange"]["exchange"]["id"])

    async def look(self, job: str, name: str = "reader") -> dict[str, Any]:
        """The exchange as it stands."""
        found: dict[str, Any] = (await self.ask(LOOK, name, i=job))["exchange"]
        return found

    async def until(self, job: str, *states: str, name: str = "reader") -> dict[str, Any]:
        """The exchange once it is in one of these states."""
        found: dict[str, Any] = {}
        for _ in range(3000):
            found = await self.look(job, name)
            if found["state"] in states and (found["state"] == "PAUSED" or job not in self.hub.runner._tasks):
                return found
            assert found["state"] in ("QUEUED", "RUNNING", "PAUSED", *states), found
            await asyncio.sleep(0.01)
        raise AssertionError(found)

    def files(self, job: str) -> list[Path]:
        """All that lies in the exchange's folder, hidden files too."""
        return sorted((self.core.settings.exchanges / job).glob("*"))

    def job(self, job: str) -> Job:
        """The exchange, whoever may see it."""
        found = ExchangeStore(self.core.engine, "tests").job(job)
        assert found is not None
        return found

    def chunks(self, job: str) -> list[Chunk]:
        """The exchange's chunks."""
        return ChunkStore(self.core.engine, "tests").of(job)

    def attempts(self, job: str) -> dict[int, int]:
        """How often each chunk was begun."""
        return {chunk.number: chunk.attempt for chunk in self.chunks(job)}

    def change(self, job: str, **values: Any) -> None:
        """Changes an exchange behind the hub's back."""
        with self.core.engine.begin() as connection:
            connection.execute(exchange.update().where(exchange.c.id == job).values(**values))

    def change_chunk(self, job: str, number: int, **values: Any) -> None:
        """Changes a chunk behind the hub's back."""
        with self.core.engine.begin() as connection:
            connection.execute(exchange_chunk.update().where(exchange_chunk.c.exchange == job, exchange_chunk.c.number == number).values(**values))

    def entries(self) -> list[Entry]:
        """The whole ledger."""
        with self.core.engine.connect() as connection:
            return [parse(row) for row in connection.execute(select(entry.c.canonical).order_by(entry.c.seq)).scalars()]

    def ends(self, job: str) -> list[Entry]:
        """The entries of an exchange's end."""
        return [each for each in self.entries() if each.content.kind == "exchange" and (each.content.details or {}).get("exchange") == job]


def registered(core: Core, url: str, source: str = "", **more: Any) -> None:
    """The catalog, and an application ``reader`` with a grant."""
    publish(core, manifest(url, source))
    core.sharing.create_application(CONSOLE, "reader", "civil_affairs", [PURPOSE], [])
    core.sharing.create_grant(SECURITY, grant("reader", **more))
    core.registry.refresh()


@asynccontextmanager
async def living(core: Core) -> AsyncIterator[World]:
    """The hub of a home, from its start to its end."""
    hub = create_app(core)
    async with alive(hub, BASE, core.settings.home) as http:
        yield World(core, hub, http)


@asynccontextmanager
async def world_in(directory: Path, source: str = "", settings: Mapping[str, Any] | None = None, **more: Any) -> AsyncIterator[World]:
    """A running hub on a home of its own; ``source`` belongs to the source in the manifest, ``more`` to the grant."""
    write(directory / "register.db")
    with new_core(directory, exchange_chunk_rows=CHUNK, **(settings or {})) as core:
        registered(core, f"sqlite+aiosqlite:///{directory}/register.db", source, **more)
        async with living(core) as world:
            yield world
