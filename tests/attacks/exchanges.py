"""A hub in this process over a register that is exchanged in many chunks, and what an attacker may do between them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hub.app import Hub, create_app
from hub.core import Core, open_core
from hub.exchange.chunks import Chunk, ChunkStore
from hub.exchange.store import ExchangeStore, Job
from hub.settings import Settings
from tests.attacks.world import ISSUER
from tests.catalog.homes import CONSOLE, SECURITY, new_core, publish
from tests.hub.canaries import alive

ROWS, CHUNK_ROWS = 120, 20
PURPOSES = [{"code": "rent", "scenario": "公租房审核", "basis": "条例第十条"}]
FORMULAS = ("=cmd|' /C calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "  =1", 'a","b', "x\r\ny", "é=1", "张三", "", "'=1")
SLICED = "{ civilAffairs { persons { nodes { serialNo idNumber name phone note } } } }"
ORDERED = "{ civilAffairs { persons(orderBy: [{serialNo: DESC}]) { nodes { serialNo idNumber name phone note } } } }"
"""Lists that are cut into slices of a key, and into chunks one behind the other."""
_MANIFEST = """
[department]
code = "civil_affairs"
name = "民政局"
name_en = "Civil affairs"
uscc = "11520100009394392D"
[[sources]]
code = "db"
kind = "sql"
url = "sqlite:///{path}"
exchange_sessions = {sessions}
[[resources]]
code = "person"
plural = "persons"
name = "人口信息"
name_en = "Persons"
description = "居民"
classification = "307026"
level = "INTERNAL"
sharing_class = "CONDITIONAL"
legal_basis = ["政务数据共享条例"]
open_class = "CLOSED"
update_cycle = "daily"
operations = ["QUERY", "EXCHANGE"]
service_methods = ["INTERFACE", "FILE"]
source = "db"
object = "person"
identifiers = ["id_number"]
stable_key = "pk"
stable_key_type = "bigint"
"""
_ITEM = '[[resources.items]]\ncode = "{0}"\nname = "{0}"\ntype = "{1}"\ncolumn = "{0}"\nfilterable = true\n'
ITEMS = {"serial_no": "bigint", "id_number": "string", "name": "string", "phone": "string", "note": "string"}
MASK = "KEEP_FIRST_3_LAST_4"
"""Of phones, by the catalog."""
_START = "mutation($input: StartExchangeInput!) { startExchange(input: $input) { exchange { id state } } }"
_LOOK = "query($id: ID!) { exchange(id: $id) { state reason progress { rowsDone } files { name url rows bytes sha256 } manifestUrl } }"
_CANCEL = "mutation($id: ID!) { cancelExchange(id: $id) { exchange { id state } } }"
_SECONDS = 30.0


def persons(rows: int = ROWS) -> list[tuple[int, int, str, str, str, str]]:
    """(pk, serial number, identity number, name, phone, note): keys are far apart, no two persons alike, notes are hostile."""
    return [(n * 7919, n, f"5201021990{n:08}", f"张三{n}", f"1380000{n:04}", FORMULAS[n % len(FORMULAS)]) for n in range(rows)]


def manifest(path: Path, sessions: int = 1, mask: str = MASK) -> str:
    """Of the register in that file."""
    items = [_ITEM.format(code, type_) + (f'mask = {{share = "{mask}", open = "DENY"}}\n' if code == "phone" else "") for code, type_ in ITEMS.items()]
    return _MANIFEST.format(path=path, sessions=sessions) + "".join(items)


def fill(path: Path, rows: int = ROWS) -> None:
    """The register in a new file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE person (pk INTEGER PRIMARY KEY, serial_no INTEGER, id_number TEXT UNIQUE, name TEXT, phone TEXT, note TEXT)")
        connection.executemany("INSERT INTO person VALUES (?, ?, ?, ?, ?, ?)", persons(rows))


def grant(application: str, **changed: Any) -> dict[str, Any]:
    """The input of a grant of the whole register, in clear but for phones."""
    shown = [{"code": code, "value": "MASKED" if code == "phone" else "CLEAR"} for code in ITEMS]
    made = {"application": application, "resource": "civil_affairs.person", "operations": ["QUERY", "EXCHANGE"], "items": shown}
    return {**made, "purposes": PURPOSES, "max_page": 1000, "approver": "tests", **changed}


def stage(core: Core, path: Path, sessions: int = 1, **granted: Any) -> dict[str, tuple[str, str]]:
    """Publishes the register and registers ``taker`` and ``other``; (client id, secret) by name."""
    publish(core, manifest(path, sessions))
    found = {}
    for name in ("taker", "other"):
        app = core.sharing.create_application(CONSOLE, name, "civil_affairs", PURPOSES, [])
        found[name] = app.client_id, app.client_secret
        core.sharing.create_grant(SECURITY, grant(name, **(granted if name == "taker" else {})))
    core.registry.refresh()
    return found


@dataclass
class Exchanges:
    """The running hub. ``holds`` stands before the work of every chunk but those that it let through."""

    core: Core
    hub: Hub
    http: httpx2.AsyncClient
    secrets: dict[str, tuple[str, str]]
    turns: asyncio.Semaphore
    worked: list[int] = field(default_factory=list)
    """Numbers of the chunks that were begun, in their order."""
    _tokens: dict[str, str] = field(default_factory=dict)

    async def headers(self, name: str) -> dict[str, str]:
        """A caller's."""
        if name not in self._tokens:
            answer = await self.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=self.secrets[name])
            self._tokens[name] = answer.json()["access_token"]
        return {
            "authorization": f"Bearer {self._tokens[name]}",
            "huitong-purpose": "rent",
            "huitong-operator": "tester",
            "accept": "application/graphql-response+json",
        }

    async def ask(self, text: str, name: str = "taker", **variables: Any) -> dict[str, Any]:
        """The whole answer of a document."""
        answer = await self.http.post("/graphql", json={"query": text, "variables": variables}, headers=await self.headers(name))
        found: dict[str, Any] = answer.json()
        return found

    async def try_start(self, document: str = SLICED, format_: str = "JSONL", key: str = "key", name: str = "taker", **more: Any) -> dict[str, Any]:
        """The answer of ``startExchange``."""
        return await self.ask(_START, name, input={"document": document, "format": format_, "idempotencyKey": key, **more})

    async def start(self, document: str = SLICED, format_: str = "JSONL", key: str = "key", name: str = "taker", **more: Any) -> str:
        """The id of an exchange that began."""
        answer = await self.try_start(document, format_, key, name, **more)
        assert "errors" not in answer, answer
        return str(answer["data"]["startExchange"]["exchange"]["id"])

    async def look(self, identity: str, name: str = "taker") -> Any:
        """What is told of it."""
        return (await self.ask(_LOOK, name, id=identity))["data"]["exchange"]

    async def cancel(self, identity: str, name: str = "taker") -> dict[str, Any]:
        """The answer of ``cancelExchange``."""
        return await self.ask(_CANCEL, name, id=identity)

    async def until(self, identity: str, *states: str) -> Any:
        """What is told once it is in one of these states."""
        return await self.until_by("taker", identity, *states)

    async def until_by(self, name: str, identity: str, *states: str) -> Any:
        """The same of another's."""
        end = time.monotonic() + _SECONDS
        while (found := await self.look(identity, name))["state"] not in states:
            assert time.monotonic() < end, found
            await asyncio.sleep(0.02)
        return found

    async def taken(self, identity: str, rows: int) -> None:
        """Waits until exactly so many rows are in accepted chunks."""
        end = time.monotonic() + _SECONDS
        while (found := sum(chunk.rows for chunk in self.chunks(identity))) < rows:
            assert time.monotonic() < end, found
            await asyncio.sleep(0.02)
        assert found == rows

    async def cleared(self, identity: str) -> None:
        """Waits until nothing of it is on the disk."""
        end = time.monotonic() + _SECONDS
        while self.folder(identity).exists():
            assert time.monotonic() < end
            await asyncio.sleep(0.02)

    async def tidy(self, identity: str) -> None:
        """Waits until nothing lies beside its files."""
        end = time.monotonic() + _SECONDS
        while left := [path.name for path in self.folder(identity).glob(".*")]:
            assert time.monotonic() < end, left
            await asyncio.sleep(0.02)

    async def ended(self, identity: str) -> Job:
        """The job as the control database has it once it has ended: its application may not be let in any more."""
        end = time.monotonic() + _SECONDS
        while (job := ExchangeStore(self.core.engine, "test").job(identity)) is None or not job.ended:
            assert time.monotonic() < end, job
            await asyncio.sleep(0.02)
        return job

    async def done(self, identity: str, number: int, before: int = 0) -> None:
        """Waits until so many chunks are accepted, and the next one stands before its work; ``before``: chunks of other jobs until then."""
        end = time.monotonic() + _SECONDS
        while sum(chunk.state == "DONE" for chunk in self.chunks(identity)) < number or len(self.worked) <= number + before:
            assert time.monotonic() < end, [(chunk.number, chunk.state) for chunk in self.chunks(identity)]
            await asyncio.sleep(0.01)

    async def get(self, path: str, name: str = "taker") -> httpx2.Response:
        """A file, or whatever lies at the path."""
        return await self.http.get(path, headers=await self.headers(name))

    def chunks(self, identity: str) -> list[Chunk]:
        """As the control database has them."""
        return ChunkStore(self.core.engine, "test").of(identity)

    def change(self, statement: str, *parameters: Any) -> int:
        """Whoever can write the control database changes it; rows changed."""
        with closing(sqlite3.connect(self.core.settings.home / "control.db", timeout=30)) as connection, connection:
            return connection.execute(statement, parameters).rowcount

    def folder(self, identity: str) -> Path:
        """Where the job's files lie."""
        return self.core.settings.exchanges / identity

    async def rows(self, identity: str) -> list[dict[str, Any]]:
        """All rows of a JSON Lines exchange, as they are downloaded."""
        found = []
        for file in (await self.look(identity))["files"]:
            answer = await self.get(file["url"])
            assert answer.status_code == 200, answer.text
            found += [json.loads(line) for line in answer.content.splitlines()]
        return found


def expected(rows: int = ROWS) -> list[dict[str, Any]]:
    """Every row as JSON Lines have it, by serial number."""
    shown = [(serial, number, name, f"{phone[:3]}****{phone[-4:]}", note) for _, serial, number, name, phone, note in persons(rows)]
    return [dict(zip(("serialNo", "idNumber", "name", "phone", "note"), row, strict=True)) for row in shown]


@contextmanager
def holding(turns: asyncio.Semaphore, hub: Hub) -> Iterator[list[int]]:
    """Lets each chunk be worked on only when there is a turn; the numbers of those that asked for one."""
    worked: list[int] = []
    executor = hub.runner._means.executor
    run = executor.run

    async def held(task: Any, progress: Any) -> Any:
        worked.append(task.number)
        await turns.acquire()
        return await run(task, progress)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executor, "run", held)
        yield worked


@contextmanager
def again_core(directory: Path, **settings: Any) -> Iterator[Core]:
    """The home of a hub before."""
    core = open_core(Settings(home=directory / "home", **{"exchange_executor": "inline", **settings}))
    yield core
    core.close()


@asynccontextmanager
async def exchanges_in(
    directory: Path, turns: int = 1000, settings: dict[str, Any] | None = None, again: bool = False, **granted: Any
) -> AsyncIterator[Exchanges]:
    """A hub on a home of its own, or ``again`` on that of a hub before; ``turns`` chunks are worked on until more are given."""
    kept, given = directory / "secrets.json", {"exchange_chunk_rows": CHUNK_ROWS, **(settings or {})}
    with again_core(directory, **given) if again else new_core(directory, **given) as core:
        if not again:
            fill(directory / "register.db")
            kept.write_text(json.dumps(stage(core, directory / "register.db", **granted)))
        secrets = json.loads(kept.read_bytes())
        hub, allowed = create_app(core), asyncio.Semaphore(turns)
        with holding(allowed, hub) as worked:
            async with alive(hub, ISSUER, core.settings.home) as http:
                yield Exchanges(core, hub, http, {name: (client, secret) for name, (client, secret) in secrets.items()}, allowed, worked)
