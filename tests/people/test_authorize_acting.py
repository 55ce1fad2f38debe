"""A person who answers for an application acts for it on /graphql, under its rights and the own name, as long as all of this holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from sqlalchemy import delete, insert

from hub.acts import bump
from hub.catalog.scopes import OWNER
from hub.people.codes import CONSOLE
from hub.people.sessions import close_all_in
from hub.people.tables import account_role, person
from hub.sharing.registry import Application
from hub.sharing.tables import application
from hub.store.base import now
from tests.attacks.world import earlier
from tests.people.authorizing import LI, ZHANG, Pkce, World, answer_of, world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
ME = "{ me { application department { code } scopes } }"
NEW = {"accept": "application/graphql-response+json"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world_in(tmp_path_factory.mktemp("acting")) as made:
        yield made


async def client_token(world: World, name: str) -> str:
    answer = await world.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(f"{name}_id", f"{name}-secret"))
    return str(answer.json()["access_token"])


async def test_the_owner_sees_what_the_application_sees(world: World) -> None:
    own, acting = await client_token(world, "housing"), await world.token(application="housing")
    for document in (ME, "{ __schema { types { name fields { name } } } }", "{ catalog(first: 5) { totalCount nodes { code } } }"):
        assert (await world.ask(own, document)).json()["data"] == (await world.ask(acting, document)).json()["data"]


async def test_more_grants_than_a_token_can_name_are_handed_over_as_they_are_given(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one word for all of them; the person acts with the same rights."""
    scopes, many = Application.scopes, frozenset(f"query:civil_affairs.register_of_residents_{n}" for n in range(200))
    monkeypatch.setattr(Application, "scopes", lambda app: scopes(app) if app.person else scopes(app) | many)
    token = await world.token(application="housing")
    found = (await world.ask(token, ME)).json()["data"]["me"]
    assert (found["application"], many <= set(found["scopes"])) == ("housing", True)


async def test_the_ledger_names_the_person_and_the_application(world: World) -> None:
    await world.ask(await world.token(application="housing"), ME, huitong_purpose="none")
    entered = world.entries("query")[-1]
    assert (entered["application"], entered["operator"], entered["department"]) == ("housing_id", "zhang", "housing")


async def test_an_administrator_is_named_as_actor_and_operator(world: World) -> None:
    await world.ask(await world.token(), ME, "/governance/graphql")
    entered = world.entries("governance.query")[-1]
    assert (entered["application"], entered["operator"], entered["details"]["actor"]) == (ZHANG, "zhang", "zhang")


@pytest.mark.parametrize("acting", [{}, {"application": "housing"}])
async def test_nobody_else_is_the_operator(world: World, acting: dict[str, str]) -> None:
    token = await world.token(**acting)
    assert (await world.ask(token, ME, huitong_operator="zhang", **NEW)).status_code == 200
    refused = await world.ask(token, ME, huitong_operator=quote("李四"), **NEW)
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
    entered = [each for each in world.entries_of_kind("deny") if each.get("code") == "BAD_REQUEST"][-1]
    assert entered["operator"] == "zhang"


async def test_for_an_application_there_is_no_governance(world: World) -> None:
    """Not even where the application itself has a role."""
    with world.core.engine.begin() as connection:
        connection.execute(insert(account_role).values(account="library_id", role="governance:catalog", given_by="test", given_at=now()))
        bump(connection, "rights")
    await world.hub.live.refresh()
    token = await world.token(application="library")
    assert (await world.ask(token, ME, "/governance/graphql", **NEW)).status_code == 403
    assert (await world.ask(await client_token(world, "library"), ME, "/governance/graphql", **NEW)).status_code == 200


async def test_who_answers_for_nothing_acts_for_nothing(world: World) -> None:
    sent = answer_of(await world.browser(LI).get(world.request(Pkce(), application="housing")))
    assert sent["error"] == "access_denied"


@pytest.mark.parametrize("end", ["owner", "owner's role", "person", "application"])
async def test_the_token_ends_at_once_with_what_it_rests_on(world: World, end: str) -> None:
    token, own = await world.token(application="housing"), await world.token()
    assert (await world.ask(token, ME, **NEW)).status_code == 200
    await _end(world, end)
    try:
        refused = await world.ask(token, ME, **NEW)
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
        assert (await world.ask(own, ME, **NEW)).status_code == (401 if end == "person" else 200)
    finally:
        await _restore(world, end)


async def _end(world: World, end: str) -> None:
    if end == "owner":
        await world.change(application, application.c.client_id == "housing_id", owner=LI)
    elif end == "owner's role":
        with world.core.engine.begin() as connection:
            connection.execute(delete(account_role).where(account_role.c.account == ZHANG, account_role.c.role == OWNER))
            bump(connection, "rights")
        await world.hub.live.refresh()
    elif end == "person":
        await world.change(person, person.c.id == ZHANG, state="DISABLED")
    else:
        await world.change(application, application.c.client_id == "housing_id", active=False)


async def _restore(world: World, end: str) -> None:
    if end == "owner's role":
        with world.core.engine.begin() as connection:
            connection.execute(insert(account_role).values(account=ZHANG, role=OWNER, given_by="test", given_at=now()))
            bump(connection, "rights")
    await world.change(person, person.c.id == ZHANG, state="ACTIVE")
    await world.change(application, application.c.client_id == "housing_id", active=True, owner=ZHANG)


async def test_a_role_that_is_taken_away_leaves_the_token_at_once(world: World) -> None:
    token = await world.token()
    await _end(world, "owner's role")
    try:
        assert (await world.ask(token, ME)).json()["data"]["me"]["scopes"] == ["governance:steward"]
    finally:
        await _restore(world, "owner's role")


async def test_graphiql_is_told_who_is_logged_in_and_for_whom(world: World) -> None:
    for acting in ({}, {"application": "housing"}):
        token = await world.token(**acting)
        found = (await world.http.get("/console/person", headers={"authorization": f"Bearer {token}"})).json()
        assert found == {"name": "zhang", "displayName": "张三", "application": acting.get("application"), "applications": ["housing", "library"], "csrf": None}


async def test_only_the_persons_own_browser_is_told_the_token_of_its_forms(world: World) -> None:
    token = await world.token()
    for who, told in ((ZHANG, True), (LI, False)):
        cookies = world.browser(who).cookies
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        found = await world.http.get("/console/person", headers={"authorization": f"Bearer {token}", "cookie": cookie})
        assert (found.json()["csrf"] is not None) is told


async def test_an_application_is_no_person(world: World) -> None:
    sent = {"authorization": f"Bearer {await client_token(world, 'housing')}"}
    assert (await world.http.get("/console/person", headers=sent)).status_code == 403
    assert (await world.http.get("/console/person")).status_code in (401, 403)


@pytest.mark.parametrize("application_id", [None, "housing_id"])
async def test_tokens_stay_void_when_the_account_comes_back(world: World, application_id: str | None) -> None:
    """A token from a lost machine does not come back to life with its person, whose sessions and tokens were ended in between."""
    scope, issuer = ("query:unconditional" if application_id else OWNER), earlier(world.hub)
    stolen = issuer.issue(CONSOLE, [scope], subject=ZHANG, application=application_id).token
    assert (await world.ask(stolen, ME, **NEW)).status_code == 200
    with world.core.engine.begin() as connection:
        close_all_in(connection, ZHANG)
    await world.hub.live.refresh()
    assert (await world.ask(stolen, ME, **NEW)).status_code == 401
    assert (await world.ask(await world.token(), ME, **NEW)).status_code == 200
    await world.change(person, person.c.id == ZHANG, tokens_from=0)
