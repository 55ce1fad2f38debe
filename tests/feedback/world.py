"""A hub in this process, asked over HTTP by applications, by people of each role, and by the public."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import insert

from hub.acts import bump
from hub.app import create_app
from hub.catalog.scopes import AUDIT, CATALOG, OWNER, SECURITY, STEWARD, SYSTEM
from hub.core import Core
from hub.people.codes import CONSOLE as CONSOLE_CLIENT
from hub.people.tables import account_role, person
from hub.store.base import now
from tests.catalog.homes import CONSOLE, new_core, publish
from tests.catalog.small import SMALL
from tests.hub.canaries import alive
from tests.sharing.sides import PURPOSES

BASE = "http://127.0.0.1:8000"
OPEN, CLOSED = "civil_affairs.office", "civil_affairs.person"
_OFFICE = """
[[resources]]
code = "office"
plural = "offices"
name = "婚姻登记处"
description = "婚姻登记处"
classification = "307026"
level = "PUBLIC"
sharing_class = "UNCONDITIONAL"
open_class = "OPEN"
update_cycle = "daily"
operations = ["QUERY"]
service_methods = ["INTERFACE"]
source = "db"
object = "office"
identifiers = ["number"]
stable_key = "pk"

[[resources.items]]
code = "number"
name = "编号"
type = "string"
column = "no"

[[resources.items]]
code = "street"
name = "地址"
type = "string"
column = "street"
"""
PEOPLE = {
    "provider": ("civil_affairs", STEWARD),
    "consumer": ("housing_bureau", STEWARD),
    "owner": ("water_supply", OWNER),
    "stranger": ("water_supply", STEWARD),
    "authority": ("city_data", SECURITY),
    "auditor": ("city_data", AUDIT),
    "operator": ("city_data", SYSTEM),
    "editor": ("city_data", CATALOG),
}
"""Department and role; ``owner`` answers for the application ``tenants``."""


class World:
    """The hub, and what its callers ask."""

    def __init__(self, core: Core, hub: Any, http: httpx2.AsyncClient) -> None:
        self.core, self.hub, self.http = core, hub, http

    async def ask(self, who: str | None, document: str, path: str = "/graphql", **variables: Any) -> Any:
        """The answer to an application, to a person (on the governance endpoint), or to the public."""
        headers = {"accept": "application/graphql-response+json", "accept-language": "en"}
        if who in PEOPLE:
            path = "/governance/graphql"
            headers["authorization"] = f"Bearer {self.hub._tokens.issue(CONSOLE_CLIENT, [PEOPLE[who][1]], subject=f'person_{who}').token}"
        elif who is not None:
            app = self.core.registry.by_name(who)
            assert app is not None
            headers["authorization"] = f"Bearer {self.hub._tokens.issue(app.client_id, app.scopes()).token}"
        answer = await self.http.post(path, json={"query": document, "variables": variables}, headers=headers)
        return answer.json()

    async def code(self, who: str | None, document: str, **variables: Any) -> str:
        """``OK``, or the first error's or problem's code."""
        answer = await self.ask(who, document, **variables)
        acts = [made for made in (answer.get("data") or {}).values() if isinstance(made, dict)]
        found = [error["extensions"]["code"] for error in answer.get("errors", ())]
        return str([*found, *(problem["code"] for made in acts for problem in made.get("problems") or ()), "OK"][0])

    async def report(self, who: str | None = "tenants", **given: Any) -> Any:
        """The payload of ``reportError``."""
        document = "mutation ($i: ReportErrorInput!) { reportError(input: $i) { code feedback { id state dueOn rule history { actor step } } } }"
        answer = await self.ask(who, document, i={"resource": OPEN, "description": "地址<b>有误</b>", **given})
        return answer["data"]["reportError"] if answer.get("data") else answer["errors"][0]["extensions"]["code"]


def _fill(core: Core) -> None:
    for code, uscc in (("housing_bureau", "11520100009395416E"), ("water_supply", "11520100009392151C"), ("city_data", "115201000093900026")):
        core.catalog.create_department(CONSOLE, code=code, name=code, uscc=uscc)
    for name, department in (("tenants", "housing_bureau"), ("meters", "water_supply")):
        core.sharing.create_application(CONSOLE, name, department, PURPOSES, [])
    moment = now()
    with core.engine.begin() as connection:
        for name, (department, role) in PEOPLE.items():
            made = {"id": f"person_{name}", "name": name, "display_name": "人", "department": department, "state": "ACTIVE"}
            connection.execute(insert(person).values(**made, created_by="a", approved_by="b", created_at=moment))
            connection.execute(insert(account_role).values(account=made["id"], role=role, given_by="b", given_at=moment))
        connection.exec_driver_sql("UPDATE application SET owner = 'person_owner' WHERE name = 'tenants'")
        bump(connection, "rights")
    core.registry.refresh()


@asynccontextmanager
async def world_in(directory: Path, **settings: Any) -> AsyncIterator[World]:
    """A running hub on a home of its own."""
    with new_core(directory, **settings) as core:
        publish(core, SMALL + _OFFICE)
        _fill(core)
        hub = create_app(core)
        async with alive(hub, BASE, core.settings.home) as http:
            yield World(core, hub, http)
