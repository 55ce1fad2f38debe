"""What a source cannot mask is masked by the hub before it is written into an exchange file, batch by batch, as a query's page is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest

from connectors.shaping import ARROW_ROWS, BY_ARROW
from hub.app import create_app
from loadtests import persons
from loadtests.local_masks import ENDPOINT, service
from masking import reference
from masking.rules import parse_mask
from tests.catalog.homes import CONSOLE, SECURITY, new_core, publish
from tests.servers.http import serving

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

FIELDS = "idNumber name gender birthDate phone address email householdNo"
MASKS = {**persons.MASKED, "phone": "PHONE", "birth_date": "DATE_TO_YEAR"}
START = """mutation ($d: String!) { startExchange(input: {document: $d, format: JSONL, idempotencyKey: "k"}) { exchange { id } } }"""
STATE = "query ($i: ID!) { exchange(id: $i) { state files { url } } }"


@asynccontextmanager
async def hub_over_rest(directory: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A hub in this process over a register that is a REST service; the client is an application to which most of it is shown masked."""
    with serving(service()) as url, new_core(directory) as core:
        publish(core, persons.manifest(persons.Place(f'kind = "rest"\nurl = "{url}"', ENDPOINT)))
        core.sharing.create_application(CONSOLE, "half", "register", [persons.PURPOSE], [])
        core.sharing.create_grant(SECURITY, persons.grant("half", MASKS))
        core.registry.refresh()
        app = create_app(core)
        owner = core.registry.by_name("half")
        assert owner is not None
        token = app._tokens.issue(owner.client_id, owner.scopes()).token
        headers = {"authorization": f"Bearer {token}", "huitong-purpose": "use", "huitong-operator": "tester", "accept": "application/graphql-response+json"}
        transport = httpx2.ASGITransport(app=app)
        async with app._rest.router.lifespan_context(app._rest), httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            client.headers.update(headers)
            yield client


async def asked(client: httpx2.AsyncClient, text: str, **variables: Any) -> dict[str, Any]:
    """The data of an answer without errors."""
    answer = (await client.post("/graphql", json={"query": text, "variables": variables})).json()
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]
    return found


async def exchanged(client: httpx2.AsyncClient, document: str) -> list[dict[str, Any]]:
    """The rows of the file."""
    identity = (await asked(client, START, d=document))["startExchange"]["exchange"]["id"]
    found: dict[str, Any] = {}
    for _ in range(1200):
        found = (await asked(client, STATE, i=identity))["exchange"]
        if found["state"] not in ("QUEUED", "RUNNING", "PAUSED"):
            break
        await asyncio.sleep(0.05)
    assert found["state"] == "SUCCEEDED", found
    answer = await client.get(found["files"][0]["url"])
    return [orjson.loads(line) for line in answer.content.splitlines()]


async def test_an_exchange_is_masked_as_the_list_is(tmp_path: Path) -> None:
    assert persons.ROWS >= ARROW_ROWS
    assert {"PHONE", "DATE_TO_YEAR"} <= BY_ARROW
    async with hub_over_rest(tmp_path) as client:
        rows = await exchanged(client, f"{{ register {{ persons {{ nodes {{ {FIELDS} }} }} }} }}")
        page = await asked(client, f"{{ register {{ persons(first: {persons.ROWS}) {{ nodes {{ {FIELDS} }} }} }} }}")
    assert rows == page["register"]["persons"]["nodes"]
    rules = [parse_mask(MASKS[code]) if code in MASKS else None for code in persons.ITEMS]
    expected = [tuple(reference.apply(rule, value) if rule else value for rule, value in zip(rules, row[1:], strict=True)) for row in persons.rows()]
    assert [tuple(row.values()) for row in rows] == expected
