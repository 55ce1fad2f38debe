"""An application with more grants than a token can name gets a token without naming scopes, and is held to its grants all the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hub.app import create_app
from hub.core import Core
from tests.catalog.homes import CONSOLE, SECURITY, new_core, publish
from tests.catalog.small import SMALL
from tests.hub.canaries import alive
from tests.sharing.sides import PURPOSES, consumer
from tests.sharing.terms import terms

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
BASE = "http://127.0.0.1:8000"
SECRET = "s" * 43
USE = {"Huitong-Purpose": "rent", "Huitong-Operator": "li"}
MANY = 180


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def code(number: int) -> str:
    return f"person_of_the_register_{number}"


def manifest() -> str:
    """The smallest manifest, with its resource many times."""
    head, _, person = SMALL.partition("[[resources]]")
    person, _, _ = person.partition("[[resources.links]]")
    made = [person.replace('"person"', f'"{code(number)}"', 1).replace('"persons"', f'"all_{code(number)}"') for number in range(MANY)]
    return head + "".join(f"[[resources]]{each}" for each in made)


def granted(core: Core, number: int) -> str:
    items = [{"code": "id_number", "value": "CLEAR", "key": True}]
    given = terms(application="many", resource=f"civil_affairs.{code(number)}", items=items, rows=None, operations=["QUERY"], documents=[], quota=None)
    return core.sharing.create_grant(SECURITY, given).id


async def token(http: httpx2.AsyncClient, core: Core, **form: str) -> Any:
    app = core.registry.by_name("many")
    assert app is not None
    return (await http.post("/oauth/token", data={"grant_type": "client_credentials", **form}, auth=(app.client_id, SECRET))).json()


async def asked(http: httpx2.AsyncClient, bearer: str, document: str) -> Any:
    return (await http.post("/graphql", json={"query": document}, headers=USE | {"Authorization": f"Bearer {bearer}"})).json()


def tried(number: int) -> str:
    document = f'{{ civilAffairs {{ personOfTheRegister{number}(idNumber: "1") {{ idNumber }} }} }}'
    return f"{{ dryRun(document: {json.dumps(document)}) {{ wouldRun }} }}"


async def test_an_application_with_many_grants_gets_its_token_and_no_more_than_its_grants(tmp_path: Path) -> None:
    with new_core(tmp_path) as core:
        publish(core, manifest())
        consumer(core)
        core.sharing.create_application(CONSOLE, "many", "housing_bureau", PURPOSES, [], SECRET)
        grants = [granted(core, number) for number in range(MANY - 1)]
        core.registry.refresh()
        hub = create_app(core)
        async with alive(hub, BASE, core.settings.home) as http:
            made = await token(http, core)
            assert "query:granted" in made["scope"].split()
            bearer = made["access_token"]
            scopes = (await asked(http, bearer, "{ me { scopes } }"))["data"]["me"]["scopes"]
            assert {f"query:civil_affairs.{code(number)}" for number in range(MANY - 1)} < set(scopes)
            assert (await asked(http, bearer, tried(5)))["data"]["dryRun"]["wouldRun"]
            assert not (await asked(http, bearer, tried(MANY - 1)))["data"]["dryRun"]["wouldRun"], "no grant, no right"
            core.sharing.change_grant(SECURITY, grants[5], "SUSPENDED")
            await hub.live.refresh()
            assert not (await asked(http, bearer, tried(5)))["data"]["dryRun"]["wouldRun"]
            one = f"query:civil_affairs.{code(6)}"
            narrow = (await token(http, core, scope=one))["access_token"]
            assert (await asked(http, narrow, "{ me { scopes } }"))["data"]["me"]["scopes"] == [one], "who names scopes has these and no others"
            most = " ".join(f"query:civil_affairs.{code(number)}" for number in range(MANY - 1) if number not in (5, 7))
            refused = await token(http, core, scope=most)
            assert (refused["error"], "Too many scopes" in refused["error_description"]) == ("invalid_scope", True), "a token says no more than was asked for"
