"""A hub in this process: two departments with registers of the same persons, and applications that see them by pseudonyms."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import select

from hub.app import Hub, create_app
from hub.core import Core
from hub.demo.rows import canary
from hub.ledger.tables import entry
from tests.catalog.homes import CONSOLE, SECURITY, new_core, publish
from tests.hub.canaries import alive

BASE = "http://127.0.0.1:8000"
PURPOSE = {"code": "rent", "scenario": "公租房审核", "basis": "条例第十条"}
NUMBERS = ["11010519491231002X", "520102199001011237", "110101190001011009", "510123199912121214"]
OLD = "110105491231002"
"""The first of them, as it was written with 15 digits."""
DEPARTMENTS = (("civil_affairs", "person", "11520100009390014D"), ("housing", "tenant", "115201000093900013"))
_MANIFEST = """
[department]
code = "{department}"
name = "{department}"
uscc = "{uscc}"

[[sources]]
code = "db"
kind = "sql"
url = "sqlite+aiosqlite:///{directory}/{department}.db"

[[resources]]
code = "{code}"
plural = "{code}s"
name = "人口"
description = "人口"
classification = "307026"
level = "{level}"
sharing_class = "{sharing}"
legal_basis = ["某法第一条"]
open_class = "{opening}"
update_cycle = "daily"
operations = ["QUERY", "EXCHANGE"]
service_methods = ["INTERFACE"]
source = "db"
object = "person"
identifiers = ["id_number"]
stable_key = "pk"
stable_key_type = "string"

[[resources.items]]
code = "id_number"
name = "号码"
type = "string"
column = "id"
mask = {{{mask}}}

[[resources.items]]
code = "town"
name = "街道"
type = "string"
column = "town"
filterable = true
low_cardinality = true

[[resources.items]]
code = "name"
name = "姓名"
type = "string"
column = "nm"
"""


def manifest(directory: Path, department: str, code: str, uscc: str, mask: str = 'share = "PSEUDONYM"', opened: bool = False) -> str:
    """A department's register of persons; ``opened``: shared unconditionally and open."""
    classes = ("PUBLIC", "UNCONDITIONAL", "OPEN") if opened else ("INTERNAL", "CONDITIONAL", "CLOSED")
    named = dict(zip(("level", "sharing", "opening"), classes, strict=True))
    return _MANIFEST.format(directory=directory, department=department, code=code, uscc=uscc, mask=mask, **named)


def _register(path: Path, numbers: Sequence[str]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE person (pk TEXT PRIMARY KEY, id TEXT, town TEXT, nm TEXT, note TEXT)")
        rows = [(f"key-{number}", number, "南明街道", f"某{place}", canary("civil_affairs.person")) for place, number in enumerate(numbers)]
        connection.executemany("INSERT INTO person VALUES (?, ?, ?, ?, ?)", rows)
        connection.commit()


@dataclass
class World:
    """The hub, and who asks it. ``sent``: every byte that left."""

    core: Core
    directory: Path
    hub: Hub = field(init=False)
    http: httpx2.AsyncClient = field(init=False)
    sent: list[bytes] = field(default_factory=list)

    def application(self, name: str, mask: str | None = None, resources: Sequence[str] = ("civil_affairs.person",)) -> str:
        """Registers an application to which these resources are granted, the number as pseudonym; its name."""
        self.core.sharing.create_application(CONSOLE, name, "housing", [PURPOSE], [])
        for resource in resources:
            self.core.sharing.create_grant(SECURITY, terms(name, resource, mask))
        self.core.registry.refresh()
        return name

    def headers(self, name: str) -> dict[str, str]:
        """Those of an application's call; none of the public's."""
        app = self.core.registry.by_name(name)
        if app is None:
            return {"accept": "application/graphql-response+json"}
        token = self.hub._tokens.issue(app.client_id, app.scopes()).token
        use = {"huitong-purpose": "rent", "huitong-operator": "tester", "accept": "application/graphql-response+json"}
        return {**use, "authorization": f"Bearer {token}"}

    async def ask(self, name: str, text: str, **variables: Any) -> dict[str, Any]:
        """The answer to a document."""
        answer = await self.http.post("/graphql", json={"query": text, "variables": variables}, headers=self.headers(name))
        self.sent.append(answer.content)
        content: dict[str, Any] = answer.json()
        return content

    async def numbers(self, name: str, field_: str = "civilAffairs { persons") -> list[str | None]:
        """The numbers that an application sees, in the order of the list."""
        answer = await self.ask(name, f"{{ {field_}(first: 10) {{ nodes {{ idNumber }} }} }} }}")
        assert "errors" not in answer, answer
        ((department,),) = (answer["data"].values(),)
        ((page,),) = (department.values(),)
        return [node["idNumber"] for node in page["nodes"]]

    async def exchanged(self, name: str, key: str) -> tuple[list[str], str]:
        """The numbers in an exchange file, and its address."""
        start = (
            'mutation ($k: String!) { startExchange(input: {document: "{ civilAffairs { persons { nodes { idNumber } } } }", format: CSV, idempotencyKey: $k})'
        )
        begun = await self.ask(name, start + " { exchange { id } } }", k=key)
        identity = begun["data"]["startExchange"]["exchange"]["id"]
        for _ in range(1200):
            found = (await self.ask(name, "query ($i: ID!) { exchange(id: $i) { state files { url } } }", i=identity))["data"]["exchange"]
            if found["state"] not in ("QUEUED", "RUNNING", "PAUSED"):
                break
            await asyncio.sleep(0.05)
        assert found["state"] == "SUCCEEDED", found
        url = found["files"][0]["url"]
        answer = await self.download(name, url)
        assert answer.status_code == 200
        return [row[0] for row in csv.reader(io.StringIO(answer.text.lstrip("\ufeff")))][1:], url

    async def download(self, name: str, url: str) -> httpx2.Response:
        """An exchange file."""
        answer = await self.http.get(url, headers=self.headers(name))
        self.sent.append(answer.content)
        return answer

    def ledger(self) -> list[Any]:
        """All entries, as they are kept."""
        with self.core.engine.connect() as connection:
            return [json.loads(text) for text in connection.execute(select(entry.c.canonical).order_by(entry.c.seq)).scalars()]


def terms(application: str, resource: str = "civil_affairs.person", mask: str | None = None, **number: Any) -> dict[str, Any]:
    """What an administrator writes: the number as pseudonym, by the catalog's rule or by the grant's own."""
    items = [{"code": "id_number", "value": "MASKED", "mask": mask, **number}, {"code": "town", "value": "CLEAR"}]
    made = {"application": application, "resource": resource, "operations": ["QUERY", "EXCHANGE"], "items": items, "rows": None}
    return {**made, "purposes": [PURPOSE], "per_claim": False, "discloses_existence": False, "max_page": 100, "approver": "王"}


@asynccontextmanager
async def world_in(directory: Path) -> AsyncIterator[World]:
    """A running hub on a home of its own."""
    with new_core(directory) as core:
        _register(directory / "civil_affairs.db", NUMBERS)
        _register(directory / "housing.db", [OLD, *reversed(NUMBERS[1:])])
        for department, code, uscc in DEPARTMENTS:
            publish(core, manifest(directory, department, code, uscc))
        core.registry.refresh()
        world, hub = World(core, directory), create_app(core)
        async with alive(hub, BASE, core.settings.home) as http:
            world.hub, world.http = hub, http
            yield world
