"""Redirect URIs and owners are registered strictly; codes count their uses alike in both control databases."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert, update
from typer.testing import CliRunner

from auth.codes import CodeRecord
from auth.redirects import MAX_URIS, check_redirect_uri
from hub.acts import Actor
from hub.catalog.problems import Refused
from hub.catalog.tables import department
from hub.cli.app import app
from hub.people.authorize_clients import AuthorizedClients
from hub.people.codes import StoredCodes
from hub.people.tables import account_role, person
from hub.store.base import now
from hub.store.engine import open_engine
from hub.store.migrate import upgrade
from tests.people.authorizing import LI, ZHANG, World, world_in
from tests.servers.postgres import Postgres
from tests.store.databases import make_database

SYSTEM = Actor("system", "city_data", frozenset({"governance:system"}), application="person_system")
SECURITY = Actor("security", "city_data", frozenset({"governance:security"}), application="person_security")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world_in(tmp_path_factory.mktemp("clients")) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback",
        "https://app.example:8443/a/b?c=d&e=%2f",
        "http://127.0.0.1/callback",
        "http://[::1]/callback",
        "http://[::1]:8000/callback",
        "http://localhost:3000/callback",
        "https://app.example/",
    ],
)
def test_a_sound_redirect_uri_is_kept_as_it_is(uri: str) -> None:
    assert check_redirect_uri(uri) == uri


@pytest.mark.slow
@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://app.example",
        "https://app.example/#x",
        "https://*.example/callback",
        "https://app.example/*",
        "http://app.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://localhost:80@evil.example/callback",
        "https://user@app.example/callback",
        "https://APP.example/callback",
        "HTTPS://app.example/callback",
        "https://app.example:0/callback",
        "https://app.example:99999/callback",
        "https://app.example:/callback",
        "https://app.example:80:81/callback",
        "https://[::1/callback",
        "https://-app.example/callback",
        "https:///callback",
        "https:/app.example/callback",
        "//app.example/callback",
        "/callback",
        "javascript:alert(1)//x",
        "com.example.app:/callback",
        "https://app.example/a/../callback",
        "https://app.example/a/%2e%2E/callback",
        "https://app.example//callback",
        "https://app.example\\@evil.example/",
        "https://app.example/call back",
        "https://app.example/回调",
        "https://app.example/\r\nx",
        f"https://app.example/{'a' * 512}",
    ],
)
def test_another_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="redirect URI"):
        check_redirect_uri(uri)


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_acts_ask_for_their_roles_and_are_entered(world: World) -> None:
    clients = AuthorizedClients(world.core.acts)
    uri = "https://library.example/callback"
    for actor, act in ((SECURITY, lambda: clients.set_redirect_uris(SECURITY, "library", [uri])), (SYSTEM, lambda: clients.set_owner(SYSTEM, "library", None))):
        with pytest.raises(Refused, match="governance:"):
            act()
        assert world.entries_of_kind("admin")[-1]["details"]["actor"] == actor.name
        assert world.entries_of_kind("admin")[-1]["outcome"] == "REFUSED"
    clients.set_redirect_uris(SYSTEM, "library", [uri, uri])
    clients.set_owner(SECURITY, "library", "zhang")
    await world.hub.live.refresh()
    found = world.core.registry.by_name("library")
    assert found is not None
    assert (found.redirect_uris, found.owner) == ((uri,), ZHANG)


@pytest.mark.slow
@pytest.mark.anyio
async def test_owners_are_active_people_of_the_department_and_named_by_others(world: World) -> None:
    clients = AuthorizedClients(world.core.acts)
    themselves = Actor("zhang", "housing", frozenset({"governance:security"}), application=ZHANG)
    for actor, name, code in ((SECURITY, "nobody", "NOT_FOUND"), (SECURITY, "li", "BAD_INPUT"), (themselves, "zhang", "FOUR_EYES")):
        with pytest.raises(Refused) as refused:
            clients.set_owner(actor, "housing", name)
        assert refused.value.problems[0].code == code
    for uris in (["http://evil.example/"], ["https://a.example/"] * (MAX_URIS + 1)):
        with pytest.raises(Refused) as refused:
            clients.set_redirect_uris(SYSTEM, "housing", uris)
        assert refused.value.problems[0].code == "BAD_INPUT"


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_governance_schema_has_both_acts(world: World) -> None:
    document = """mutation {
      setRedirectUris(input: {application: "library", uris: ["https://new.example/"]}) { application { redirectUris owner } problems { code } }
    }"""
    with world.core.engine.begin() as connection:
        connection.execute(update(account_role).where(account_role.c.account == LI).values(role="governance:system"))
    world.core.registry.refresh()
    answer = (await world.ask(await world.token(LI), document, "/governance/graphql")).json()
    assert answer["data"]["setRedirectUris"]["application"]["redirectUris"] == ["https://new.example/"]
    other = document.replace("setRedirectUris", "setOwner").replace('uris: ["https://new.example/"]', 'owner: "zhang"')
    refused = await world.ask(await world.token(LI), other, "/governance/graphql", accept="application/graphql-response+json")
    assert refused.json()["data"]["setOwner"] == {"application": None, "problems": [{"code": "FORBIDDEN"}]}


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_command_line_has_both_acts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITONG_HOME", str(world.core.settings.home))
    run = CliRunner().invoke
    done = run(app, ["app", "redirect", "portal", "https://portal.example/new", "--json"])
    assert (done.exit_code, json.loads(done.stdout)["redirect_uris"]) == (0, ["https://portal.example/new"])
    assert run(app, ["app", "owner", "portal", "zhang"]).exit_code == 0
    assert run(app, ["app", "redirect", "portal", "http://evil.example/"]).exit_code != 0
    world.core.registry.refresh()
    found = world.core.registry.by_name("portal")
    assert found is not None
    assert (found.redirect_uris, found.owner) == (("https://portal.example/new",), ZHANG)


def _counted(url: str) -> None:
    upgrade(url)
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(insert(department).values(code="housing", name="housing", name_en="", uscc="", tier="CITY", created_at=now()))
        values = {"id": ZHANG, "name": "zhang", "display_name": "张三", "department": "housing", "state": "ACTIVE", "created_at": now()}
        connection.execute(insert(person).values(**values, created_by="one", approved_by="other"))
    codes = StoredCodes(engine)
    record = CodeRecord("portal", ZHANG, None, "https://a.example/", "governance:steward", "c" * 43, None, 1000)
    codes.save("hash", record)
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(codes.take, ["hash"] * 16))
    assert sum(each is not None and each.first for each in taken) == 1
    assert {each.record for each in taken if each} == {record}
    assert codes.take("other") is None
    assert codes.gave("hash", "jti", 2000) is False
    again = codes.take("hash")
    assert again is not None
    assert (again.first, again.jti, again.token_until) == (False, "jti", 2000)
    codes.save("later", CodeRecord("portal", ZHANG, None, "https://a.example/", "x", "c" * 43, "k" * 43, 1000 + 700))
    assert codes.take("hash") is None
    first = codes.take("later")
    assert first is not None
    assert first.first
    assert codes.gave("later", "jti", 2000) is True
    engine.dispose()


@pytest.mark.slow
def test_codes_count_their_uses_in_sqlite(tmp_path: Path) -> None:
    _counted(f"sqlite:///{tmp_path / 'control.db'}")


@pytest.mark.slow
def test_codes_count_their_uses_in_postgresql(postgres: Postgres) -> None:
    _counted(make_database(postgres, "authorization_codes"))
