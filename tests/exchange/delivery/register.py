"""A hub over a register in PostgreSQL, an application that sees half of it masked, and a table of its own in MariaDB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import psycopg

from hub.app import Hub, create_app
from loadtests import persons
from tests.catalog.homes import CONSOLE, SECURITY, new_core, publish
from tests.exchange.delivery.databases import Database
from tests.hub.canaries import alive

BASE = "http://127.0.0.1:8000"
NODES = "idNumber name gender birthDate phone address email householdNo"
LIST = f"{{ register {{ persons {{ nodes {{ {NODES} }} }} }} }}"
TABLE = "人口信息"
_START = """mutation ($d: String!) { startExchange(input: {document: $d, format: PARQUET, idempotencyKey: "k", destination: "share"}) { exchange { id } } }"""
_STATE = "query ($i: ID!) { exchange(id: $i) { state reason files { name } delivery { state reason attempts rows place } } }"


def fill_source(source: Database) -> None:
    """The register as its department holds it."""
    columns = ", ".join(f"{code} {'date' if code == 'birth_date' else 'text'}" for code in persons.ITEMS)
    with psycopg.connect(source.url, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE person (record_no bigint PRIMARY KEY, {columns})")
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO person VALUES (%s{', %s' * len(persons.ITEMS)})", persons.rows())


def name_destination(home: Path, table: Database) -> None:
    """The file of destinations."""
    text = f'[[destinations]]\ncode = "share"\nname = "前置库"\napplications = ["half"]\nkind = "table"\nurl = "{table.url}"\n'
    (home / "destinations.toml").write_text(f'{text}[destinations.options]\ntable = "{TABLE}"\n')


@asynccontextmanager
async def register(directory: Path, source: Database, table: Database) -> AsyncIterator[Register]:
    """The running hub, with chunks of 300 rows."""
    with new_core(directory, exchange_chunk_rows=300) as core:
        url = source.url.replace("postgresql://", "postgresql+asyncpg://")
        publish(core, persons.manifest(persons.Place(f'kind = "sql"\nurl = "{url}"', 'object = "person"')))
        core.sharing.create_application(CONSOLE, "half", "register", [persons.PURPOSE], [])
        core.sharing.create_grant(SECURITY, persons.grant("half", persons.MASKED))
        core.registry.refresh()
        name_destination(core.settings.home, table)
        app = create_app(core)
        async with alive(app, BASE, core.settings.home) as client:
            yield Register(app, client)


class Register:
    """What the application asks the hub."""

    def __init__(self, hub: Hub, client: httpx2.AsyncClient) -> None:
        self.hub = hub
        app = hub.core.registry.by_name("half")
        assert app is not None
        token = hub._tokens.issue(app.client_id, app.scopes()).token
        client.headers.update(
            {"authorization": f"Bearer {token}", "huitong-purpose": "use", "huitong-operator": "clerk", "accept": "application/graphql-response+json"}
        )
        self._client = client

    async def ask(self, text: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        answer = (await self._client.post("/graphql", json={"query": text, "variables": variables})).json()
        assert "errors" not in answer, answer
        found: dict[str, Any] = answer["data"]
        return found

    async def start(self) -> str:
        """Begins the exchange of the whole register."""
        return str((await self.ask(_START, d=LIST))["startExchange"]["exchange"]["id"])

    async def state(self, number: str) -> dict[str, Any]:
        """The exchange as it stands."""
        found: dict[str, Any] = (await self.ask(_STATE, i=number))["exchange"]
        return found

    async def until(self, number: str, *states: str) -> dict[str, Any]:
        """The exchange, once it or its delivery is in one of the states."""
        found: dict[str, Any] = {}
        for _ in range(2000):
            found = await self.state(number)
            if found["state"] in states or (found["delivery"] or {}).get("state") in states:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(found)
