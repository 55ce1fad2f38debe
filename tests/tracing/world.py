"""A hub in this process with people, permits that lead to them, and a school that holds their numbers masked; consumers and administrators."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import select
from stdnum.cn import ric

from hub.app import Hub, create_app
from hub.core import Core
from hub.demo.rows import canary
from hub.ledger.entry import Entry
from hub.ledger.parsing import parse
from hub.ledger.tables import entry
from tests.catalog.homes import CONSOLE, SECURITY, new_core, publish
from tests.hub.canaries import alive

BASE = "http://127.0.0.1:8000"
PURPOSE = {"code": "rent", "scenario": "公租房审核", "basis": "条例第十条"}
COUNT = 7
PEOPLE = [(f"52010219900101{n:03}" + ric.calc_check_digit(f"52010219900101{n:03}0"), f"居民{n}") for n in range(COUNT)]
ALICE, BOB = PEOPLE[0][0], PEOPLE[1][0]
START = "mutation ($d: String!, $k: String!) { startExchange(input: {document: $d, format: JSONL, idempotencyKey: $k}) { exchange { id } } }"
STATE = "query ($i: ID!) { exchange(id: $i) { state reason files { url } } }"
TRACE = """query ($k: String!, $v: String!, $r: String, $s: Boolean, $n: Int, $a: ID) {
  traceSubject(kind: $k, value: $v, resource: $r, askSources: $s, first: $n, after: $a) { hasNextPage asked unanswered archived
    calls { entry call kind operation application operator purpose outcome accesses { resource items { code shown mask } }
      exchange { id state files { name rows } downloads { entry operator file outcome } } } } }"""
_ADMINISTRATORS = {"auditor": "audit", "guard": "security", "keeper": "security", "operator": "system"}
_MANIFEST = """
[department]
code = "civil_affairs"
name = "市民政局"
uscc = "115201000093900013"

[[sources]]
code = "db"
kind = "sql"
url = "sqlite+aiosqlite:///{file}"
"""
_RESOURCE = """
[[resources]]
code = "{code}"
plural = "{code}s"
name = "{code}"
description = "{code}"
classification = "307026"
level = "INTERNAL"
cohort = 1
sharing_class = "CONDITIONAL"
legal_basis = ["某法第一条"]
open_class = "CLOSED"
update_cycle = "daily"
operations = ["QUERY", "VERIFY", "EXCHANGE"]
service_methods = ["INTERFACE", "FILE"]
source = "db"
object = "{code}"
identifiers = ["{identifier}"]
stable_key = "pk"
left_out = ["note"]
"""
_ITEM = """
[[resources.items]]
code = "{code}"
name = "{code}"
type = "string"
column = "{code}"
{more}
"""
_ID = 'validator = "resident_id"\nfilterable = true'
RESOURCES = {
    "person": ("id_number", {"id_number": _ID, "name": "filterable = true"}),
    "permit": ("permit_no", {"permit_no": "", "holder_id": 'validator = "resident_id"'}),
    "pupil": ("id_number", {"id_number": _ID + '\nmask = { share = "KEEP_FIRST_3_LAST_4" }', "school": ""}),
}
_LINK = '\n[[resources.links]]\nfield = "holder"\nitem = "holder_id"\nto = "civil_affairs.person.id_number"\n'


def manifest(file: Path, changed: str = "") -> str:
    """The catalog; ``changed`` becomes part of the people's description."""
    text = _MANIFEST.format(file=file)
    for code, (identifier, items) in RESOURCES.items():
        text += _RESOURCE.format(code=code, identifier=identifier).replace('description = "person"', f'description = "person{changed}"')
        text += "".join(_ITEM.format(code=item, more=more) for item, more in items.items())
        text += _LINK if code == "permit" else ""
    return text


def _write_source(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        note = canary("civil_affairs.resident")
        for table, columns in (("person", "id_number, name"), ("permit", "permit_no, holder_id"), ("pupil", "id_number, school")):
            connection.execute(f"CREATE TABLE {table} (pk INTEGER PRIMARY KEY, {columns.replace(',', ' TEXT,')} TEXT, note TEXT)")
        connection.executemany("INSERT INTO person VALUES (?, ?, ?, ?)", [(1 + n, *person, note) for n, person in enumerate(PEOPLE)])
        connection.executemany("INSERT INTO permit VALUES (?, ?, ?, ?)", [(11 + n, f"P-{n}", number, note) for n, (number, _) in enumerate(PEOPLE)])
        connection.executemany("INSERT INTO pupil VALUES (?, ?, ?, ?)", [(101 + n, number, "一中", note) for n, (number, _) in enumerate(PEOPLE)])
        connection.commit()


@dataclass
class World:
    """The hub and its applications: ``housing`` sees numbers in clear, ``statistics`` masked or not at all."""

    core: Core
    file: Path
    hub: Hub = field(init=False)
    http: httpx2.AsyncClient = field(init=False)
    grants: dict[tuple[str, str], str] = field(default_factory=dict)

    def headers(self, name: str) -> dict[str, str]:
        """What an application sends."""
        app = self.core.registry.by_name(name)
        assert app is not None
        use = {"huitong-purpose": "rent", "huitong-operator": f"{name}-clerk", "accept": "application/graphql-response+json"}
        return {**use, "authorization": f"Bearer {self.hub._tokens.issue(app.client_id, app.scopes()).token}"}

    async def post(self, name: str, text: str, variables: Mapping[str, Any], path: str = "/graphql") -> Any:
        """The whole answer."""
        answer = await self.http.post(path, json={"query": text, "variables": variables}, headers=self.headers(name))
        return answer.json()

    async def ask(self, name: str, text: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        found = await self.post(name, text, variables)
        assert "errors" not in found, found
        return found["data"]

    async def codes(self, name: str, text: str, **variables: Any) -> list[str]:
        """The codes of an answer's errors."""
        return [error["extensions"]["code"] for error in (await self.post(name, text, variables)).get("errors", [])]

    async def govern(self, name: str, text: str, **variables: Any) -> Any:
        """The same as ``ask``, of the governance endpoint."""
        found = await self.post(name, text, variables, "/governance/graphql")
        assert "errors" not in found, found
        return found["data"]

    async def trace(self, value: str, kind: str = "id_number", **given: Any) -> Any:
        """The auditor's question for a person."""
        return (await self.govern("auditor", TRACE, k=kind, v=value, **given))["traceSubject"]

    async def start(self, name: str, document: str, key: str = "k") -> str:
        """Begins an exchange; its number."""
        return str((await self.ask(name, START, d=document, k=key))["startExchange"]["exchange"]["id"])

    async def ended(self, name: str, number: str) -> dict[str, Any]:
        """An exchange that has ended."""
        for _ in range(6000):
            found: dict[str, Any] = (await self.ask(name, STATE, i=number))["exchange"]
            if found["state"] not in ("QUEUED", "RUNNING", "PAUSED"):
                return found
            await asyncio.sleep(0.01)
        raise AssertionError("the exchange did not end")

    async def exchanged(self, name: str, document: str, key: str = "k") -> tuple[str, str]:
        """The number of an exchange that succeeded, and the address of its file."""
        number = await self.start(name, document, key)
        found = await self.ended(name, number)
        assert found["state"] == "SUCCEEDED", found
        return number, found["files"][0]["url"]

    async def download(self, name: str, url: str) -> httpx2.Response:
        """A download."""
        return await self.http.get(url, headers=self.headers(name))

    def entries(self) -> list[Entry]:
        """The whole ledger."""
        with self.core.engine.connect() as connection:
            return [parse(row) for row in connection.execute(select(entry.c.canonical).order_by(entry.c.seq)).scalars()]


def _grant(world: World, application: str, resource: str, items: list[dict[str, Any]]) -> None:
    terms = {"application": application, "resource": f"civil_affairs.{resource}", "operations": ["QUERY", "VERIFY", "EXCHANGE"], "items": items, "rows": None}
    more = {"purposes": [PURPOSE], "per_claim": True, "discloses_existence": True, "max_page": 2, "quota": None, "documents": [], "approver": "王局长"}
    world.grants[application, resource] = world.core.sharing.create_grant(SECURITY, {**terms, **more}).id


def _register(world: World) -> None:
    service = world.core.sharing
    for name in ("housing", "statistics"):
        service.create_application(CONSOLE, name, "civil_affairs", [PURPOSE], [])
    for name, role in _ADMINISTRATORS.items():
        service.create_application(CONSOLE, name, "civil_affairs", [PURPOSE], [f"governance:{role}"])
    service.create_application(CONSOLE, "steward", "civil_affairs", [PURPOSE], ["governance:steward"])
    for resource, (_, items) in RESOURCES.items():
        shown = [{"code": code, "value": "MASKED" if "mask" in more else "CLEAR"} for code, more in items.items()]
        _grant(world, "housing", resource, shown)
    _grant(world, "statistics", "person", [{"code": "name", "value": "CLEAR"}])


@asynccontextmanager
async def world_in(directory: Path) -> AsyncIterator[World]:
    """A running hub on a home of its own."""
    _write_source(directory / "civil.db")
    with new_core(directory) as core:
        publish(core, manifest(directory / "civil.db"))
        world = World(core, directory / "civil.db")
        _register(world)
        core.registry.refresh()
        world.hub = create_app(core)
        async with alive(world.hub, BASE, core.settings.home) as http:
            world.http = http
            yield world
