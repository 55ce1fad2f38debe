"""A hub in this process whose log has calls of two consumers on two providers' resources, read by whoever may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import insert

from hub.acts import bump
from hub.anomalies.alerts import ACTOR
from hub.app import Hub, create_app
from hub.catalog.scopes import AUDIT, STEWARD
from hub.core import Core
from hub.ledger.entry import Access, Entry, EntryDraft, Item
from hub.ledger.matching import CallFilter
from hub.ledger.search import search
from hub.people.codes import CONSOLE as CONSOLE_CLIENT
from hub.people.roles import ROLES
from hub.people.tables import account_role, person
from hub.store.base import now
from tests.catalog.homes import CONSOLE, new_core
from tests.hub.canaries import alive

BASE = "http://127.0.0.1:8000"
PURPOSE = [{"code": "rent", "scenario": "公租房审核", "basis": "条例第十条"}]
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
SUBJECT = "0123456789abcdef" * 2
PERSON = Item("name", "clear"), Item("id_number", "key"), Item("phone", "masked", "KEEP_FIRST_N_LAST_M(3,4)@1")


def on(*resources: str, rows: int = 1) -> tuple[Access, ...]:
    """Accesses to resources, each named ``provider.object``."""
    return tuple(Access(each, each.partition(".")[0], f"{each.partition('.')[0]}.db", PERSON, rows, (SUBJECT,), "g-1", "王五", "f" * 32) for each in resources)


@dataclass
class World:
    """``civil`` and ``tax`` provide, ``rents`` of ``housing`` and ``loans`` of ``bank`` consume; per role one person, stewards of ``civil``."""

    core: Core
    hub: Hub = field(init=False)
    http: httpx2.AsyncClient = field(init=False)
    ids: dict[str, str] = field(default_factory=dict)

    def headers(self, who: str) -> dict[str, str]:
        """Of an application by name, or of a person by role."""
        if who in ROLES:
            token = self.hub._tokens.issue(CONSOLE_CLIENT, [who], subject=person_of(who)).token
        else:
            token = self.hub._tokens.issue(self.ids[who], ["query:unconditional"]).token
        return {"authorization": f"Bearer {token}", "accept-language": "en", "huitong-purpose": "rent"}

    async def ask(self, who: str, document: str, path: str = "/governance/graphql", variables: Any = None) -> Any:
        """The answer, as JSON."""
        sent = {"query": document, "variables": variables or {}}
        return (await self.http.post(path, json=sent, headers=self.headers(who))).json()

    async def export(self, who: str, **query: str) -> httpx2.Response:
        """A file of the log."""
        return await self.http.get("/ledger/export", params=query, headers=self.headers(who))

    def entries(self, **which: Any) -> list[Entry]:
        """The log's entries, oldest first; without what the hub enters by itself at moments of its own: refusals counted, anomalies, a day's usage."""
        return [each for each in self.all_entries(**which) if not (each.content.kind == "rollup" or by_itself(each))]

    def all_entries(self, **which: Any) -> list[Entry]:
        """All of the log's entries, oldest first."""
        with self.core.engine.connect() as connection:
            return search(connection, CallFilter(**which), 10_000, most=None, ascending=True).entries


def by_itself(each: Entry) -> bool:
    """Whether the hub entered it for itself."""
    return ACTOR in (each.content.operator, (each.content.details or {}).get("actor"))


def person_of(role: str) -> str:
    return f"person_{role.partition(':')[2]}"


def write(core: Core, ids: dict[str, str]) -> None:
    """Six calls, an hour apart."""
    said: list[dict[str, Any]] = [
        {"app": "rents", "accesses": on("civil.person")},
        {"app": "loans", "accesses": on("civil.person", "tax.company"), "code": "SOURCE_UNAVAILABLE", "outcome": "PARTIAL"},
        {"app": "loans", "accesses": on("tax.company"), "operator": "=cmd|' /C calc'!A0"},
        {"app": "rents", "accesses": (), "kind": "deny", "outcome": "REFUSED", "code": "FORBIDDEN"},
        {"app": "rents", "accesses": on("civil.address", rows=40), "operation": "exchange", "kind": "exchange", "medium": "FILE"},
        {"app": "loans", "accesses": on("civil.person"), "purpose": "credit", "case": "2026-17", "trace": "ab" * 16},
    ]
    for number, each in enumerate(said):
        app = each.pop("app")
        usual = {"kind": "call", "outcome": "OK", "operation": "query", "medium": "INTERFACE", "operator": "张三", "purpose": "rent", "scenario": "审核"}
        draft = EntryDraft(
            **{**usual, **each},
            call=f"call-{number}",
            at=NOON + timedelta(hours=number),
            application=ids[app],
            department="housing" if app == "rents" else "bank",
            rows=sum(access.rows for access in each["accesses"]),
            bytes=100,
        )
        core.ledger.append_sync(draft)


@asynccontextmanager
async def world_in(directory: Path) -> AsyncIterator[World]:
    """The hub, running."""
    with new_core(directory) as core:
        world = World(core)
        for code, uscc in zip(("housing", "civil", "tax", "bank"), ("11520100009395416E", "11520100009392151C", "115201000093900013", None), strict=True):
            core.catalog.create_department(CONSOLE, code=code, name=f"{code}局", uscc=uscc or "91350100M000100Y43")
        for name, owner in (("rents", "housing"), ("loans", "bank")):
            world.ids[name] = core.sharing.create_application(CONSOLE, name, owner, PURPOSE, []).client_id
        with core.engine.begin() as connection:
            for role in ROLES:
                made = {"id": person_of(role), "name": role.partition(":")[2], "display_name": "人", "department": "civil", "state": "ACTIVE"}
                connection.execute(insert(person).values(**made, created_by="a", approved_by="b", created_at=now()))
                connection.execute(insert(account_role).values(account=made["id"], role=role, given_by="b", given_at=now()))
            bump(connection, "rights")
        core.registry.refresh()
        write(core, world.ids)
        core.log.publisher.publish_all()
        hub = create_app(core)
        async with alive(hub, BASE, core.settings.home) as http:
            world.hub, world.http = hub, http
            yield world


READERS = {"ledger": {AUDIT}, "providedCalls": {AUDIT, STEWARD}}
