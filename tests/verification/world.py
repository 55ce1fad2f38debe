"""A hub in this process with a register of persons and a folder of deliveries, and applications of two departments that verify in them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
import orjson
from sqlalchemy import Connection, select
from stdnum.cn import uscc

from connectors.sql.sqlite import SqliteConnection
from hub.app import Hub, create_app
from hub.core import Core
from hub.demo.rows import canary
from hub.ledger.parsing import parse
from hub.ledger.tables import entry
from hub.store import plain
from tests.catalog.homes import CONSOLE, SECURITY, new_core, publish
from tests.hub.canaries import alive

BASE = "http://127.0.0.1:8000"
PURPOSE = {"code": "rent", "scenario": "公租房审核", "basis": "条例第十条"}
KNOWN, OTHER, UNKNOWN = "11010519491231002X", "52010219900101123X", "110101190001011009"
NAME = "张三"
LATELY, LONG_AGO = (datetime.now(UTC).replace(microsecond=0) - timedelta(hours=hours) for hours in (12, 120))
VERIFY = """query ($s: CivilAffairsPersonSubject!, $c: CivilAffairsPersonClaims!) {
  civilAffairs { verifyPerson(subject: $s, claims: $c) { outcome claims { item outcome } asOf } } }"""
MANY = """query ($r: [CivilAffairsPersonVerificationRequest!]!) {
  civilAffairs { verifyPersons(requests: $r) { outcome claims { item outcome } asOf } } }"""
_MANIFEST = """
[department]
code = "civil_affairs"
name = "市民政局"
uscc = "115201000093900013"

[[sources]]
code = "db"
kind = "sql"
url = "sqlite+aiosqlite:///{directory}/register.db"

[[sources]]
code = "deliveries"
kind = "files"
url = "{directory}/deliveries"
"""
_RESOURCE = """
[[resources]]
code = "{code}"
plural = "{code}s"
name = "人口"
description = "人口"
classification = "307026"
level = "INTERNAL"
sharing_class = "CONDITIONAL"
legal_basis = ["某法第一条"]
open_class = "CLOSED"
update_cycle = "daily"
operations = ["QUERY", "VERIFY", "EXCHANGE"]
service_methods = ["INTERFACE", "FILE"]
source = "{source}"
object = "{object}"
identifiers = ["id_number"]
stable_key = "pk"
left_out = ["note"]
"""
_ITEM = """
[[resources.items]]
code = "{code}"
name = "{code}"
type = "{type}"
column = "{column}"
{more}
"""
OBJECTS = (("person", "db", "residents"), ("lodger", "deliveries", "lodgers.csv"), ("guest", "deliveries", "guests.csv"))
_ITEMS = (
    ("id_number", "string", "id", 'validator = "resident_id"'),
    ("name", "string", "nm", ""),
    ("birth_date", "date", "born", ""),
    ("flat", "string", "flat", ""),
)
NOTE = canary("civil_affairs.resident")
ROWS = [(1, KNOWN, NAME, "1949-12-31", "0042"), (2, OTHER, "李四", "1990-01-01", "0043")]


def manifest(directory: Path) -> str:
    """Persons in a register, lodgers and guests in delivered files, with the same items."""
    text = _MANIFEST.format(directory=directory)
    for code, source, object_ in OBJECTS:
        text += _RESOURCE.format(code=code, source=source, object=object_)
        text += "".join(_ITEM.format(code=item, type=kind, column=column, more=more) for item, kind, column, more in _ITEMS)
    return text


def write_sources(directory: Path) -> None:
    """The rows, in each; the guests were delivered five days ago."""
    with closing(sqlite3.connect(directory / "register.db")) as connection:
        connection.execute("CREATE TABLE residents (pk INTEGER PRIMARY KEY, id TEXT, nm TEXT, born TEXT, flat TEXT, note TEXT)")
        connection.executemany("INSERT INTO residents VALUES (?, ?, ?, ?, ?, ?)", [(*row, NOTE) for row in ROWS])
        connection.commit()
    (directory / "deliveries").mkdir()
    lines = [",".join(("pk", "id", "nm", "born", "flat", "note")), *(",".join(map(str, (*row, NOTE))) for row in ROWS)]
    for name, moment in (("lodgers", LATELY), ("guests", LONG_AGO)):
        path = directory / "deliveries" / f"{name}.csv"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        os.utime(path, (moment.timestamp(), moment.timestamp()))


@dataclass
class Asked:
    """An answer as it was sent."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """Its content."""
        return orjson.loads(self.body)

    @property
    def code(self) -> str:
        """``OK``, or the first error's code."""
        errors = self.json.get("errors")
        return str(errors[0]["extensions"]["code"]) if errors else "OK"

    @property
    def found(self) -> Any:
        """What the one root field of the one department answers."""
        ((department,),) = (self.json["data"].values(),)
        ((value,),) = (department.values(),)
        return value

    @property
    def length(self) -> int:
        """Bytes of the body beside its receipt, whose length follows from the ledger's."""
        return len(self.body) - len(orjson.dumps(self.json["extensions"]["receipt"]))


@dataclass
class World:
    """The hub, its applications by name, and every statement that the register was sent."""

    core: Core
    directory: Path
    hub: Hub = field(init=False)
    http: httpx2.AsyncClient = field(init=False)
    statements: list[str] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    """Statements of the control database that touch what is counted."""
    _headers: dict[str, dict[str, str]] = field(default_factory=dict)

    def application(self, name: str, department: str = "", **terms: Any) -> str:
        """Registers one with a grant of persons and of lodgers, and its department, by default one of its own, where it is not there yet; its name."""
        code = department or name
        if code not in self.core.catalog.current().departments:
            body = f"1152010000939{len(self.core.catalog.current().departments):04}"
            self.core.catalog.create_department(CONSOLE, code=code, name=code, name_en="", uscc=body + uscc.calc_check_digit(body), tier="city")
        self.core.sharing.create_application(CONSOLE, name, code, [PURPOSE], [])
        for resource, _, _ in OBJECTS:
            self.core.sharing.create_grant(SECURITY, {**_terms(name, f"civil_affairs.{resource}"), **terms})
        return name

    def token(self, name: str) -> None:
        """A further token of the application, used from now on."""
        app = self.core.registry.by_name(name)
        assert app is not None
        token = self.hub._tokens.issue(app.client_id, app.scopes()).token
        use = {"huitong-purpose": "rent", "huitong-operator": "tester", "accept": "application/graphql-response+json"}
        self._headers[name] = {**use, "authorization": f"Bearer {token}"}

    async def ask(self, name: str, text: str, variables: Mapping[str, Any] | None = None) -> Asked:
        """The answer to a document."""
        if name not in self._headers:
            self.core.registry.refresh()
            self.token(name)
        answer = await self.http.post("/graphql", json={"query": text, "variables": dict(variables or {})}, headers=self._headers[name])
        return Asked(answer.status_code, answer.content, answer.headers)

    async def verify(self, application: str, number: str = KNOWN, text: str = VERIFY, /, **claims: str | None) -> Asked:
        """Verifies claims about one person."""
        return await self.ask(application, text, {"s": {"idNumber": number}, "c": claims})

    def entries(self, after: int = -1) -> list[Any]:
        """The ledger's entries behind a place."""
        with self.core.engine.connect() as connection:
            rows = connection.execute(select(entry.c.canonical).where(entry.c.seq > after).order_by(entry.c.seq)).scalars()
            return [parse(row) for row in rows]

    @contextmanager
    def without_register(self) -> Iterator[None]:
        """Within it, the register has no persons: its source refuses."""
        for began, old, new in ((True, "residents", "away"), (False, "away", "residents")):
            with closing(sqlite3.connect(self.directory / "register.db")) as connection:
                connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
            if began:
                yield


def _terms(application: str, resource: str) -> dict[str, Any]:
    items = [{"code": "id_number", "value": "ABSENT", "key": True}, *({"code": code, "value": "CLEAR"} for code in ("name", "birth_date", "flat"))]
    made = {"application": application, "resource": resource, "operations": ["QUERY", "VERIFY", "EXCHANGE"], "items": items, "rows": None}
    return {**made, "purposes": [PURPOSE], "per_claim": True, "discloses_existence": False, "max_page": 100, "quota": None, "documents": [], "approver": "王"}


@asynccontextmanager
async def world_in(directory: Path, **settings: Any) -> AsyncIterator[World]:
    """A running hub on a home of its own, with these settings."""
    write_sources(directory)
    with new_core(directory, **settings) as core:
        publish(core, manifest(directory))
        core.registry.refresh()
        async with running(World(core, directory)) as world:
            yield world


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    """The world while its hub runs; it may run again after it ended."""

    def noting(done: Callable[..., Any]) -> Callable[..., Any]:
        def note(connection: Connection, text: str, values: Any) -> Any:
            if "verif" in text:
                world.counted.append(text)
            return done(connection, text, values)

        return note

    async def noted(connection: SqliteConnection, text: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        if "residents" in text:
            world.statements.append(text)
        return await fetch(connection, text, arguments)

    fetch = SqliteConnection.fetch
    hub = create_app(world.core)
    asked, written = patch.object(plain, "ask", noting(plain.ask)), patch.object(plain, "write", noting(plain.write))
    with patch.object(SqliteConnection, "fetch", noted), asked, written:
        async with alive(hub, BASE, world.core.settings.home) as http:
            world.hub, world.http = hub, http
            yield world
