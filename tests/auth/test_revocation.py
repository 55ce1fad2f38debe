"""Revocation (RFC 7009, A7) and introspection (RFC 7662, A17) over HTTP."""

from __future__ import annotations

import pytest

from auth.revocations import RevocationList
from tests.auth.support import ISSUER, NOW, World, basic

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


async def _token(world: World, client_id: str = "app") -> str:
    return str((await world.token(client_id)).json()["access_token"])


async def _calls(world: World, token: str) -> int:
    async with world.http() as http:
        return (await http.get("/protected", headers={"authorization": f"Bearer {token}"})).status_code


async def test_a7_a_revoked_token_fails_on_the_next_call(world: World) -> None:
    token = await _token(world)
    assert await _calls(world, token) == 200
    answer = await world.post("/oauth/revoke", {"token": token, "token_type_hint": "refresh_token"}, basic("app"))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert await _calls(world, token) == 401
    assert world.events[-1] == ("revoke", "app", "done", None)
    assert (await world.post("/oauth/revoke", {"token": token}, basic("app"))).status_code == 200


async def test_a7_other_nodes_and_later_starts_know_it_after_a_refresh(world: World) -> None:
    other_node = RevocationList(world.store, clock=world.clock)
    issued = world.issuing.issue("app", ["query:unconditional"])
    await world.post("/oauth/revoke", {"token": issued.token}, basic("app"))
    assert not other_node.is_revoked(issued.jti)
    other_node.refresh()
    assert other_node.is_revoked(issued.jti)
    assert RevocationList(world.store, clock=world.clock).is_revoked(issued.jti)


async def test_expired_revocations_are_forgotten(world: World) -> None:
    world.revocations.revoke("gone", NOW + 10)
    world.revocations.revoke("kept", NOW + 600)
    world.clock.now = NOW + 10
    world.revocations.refresh()
    assert (world.revocations.is_revoked("gone"), world.revocations.is_revoked("kept")) == (False, True)


async def test_a7_a_disabled_client_fails_on_the_next_call_and_gets_no_new_token(world: World) -> None:
    token = await _token(world)
    assert await _calls(world, token) == 200
    world.clients.disable("app")
    assert await _calls(world, token) == 401
    assert (await world.token()).json()["error"] == "invalid_client"


async def test_a_client_cannot_revoke_anothers_token(world: World) -> None:
    token = await _token(world)
    answer = await world.post("/oauth/revoke", {"token": token}, basic("other"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert await _calls(world, token) == 200
    assert world.events[-1] == ("revoke", "other", "refused", "invalid_grant")


@pytest.mark.parametrize("token", ["x", "a.b.c", "汇通", "\x00", "eyJhbGciOiJub25lIn0.e30."])
async def test_a17_revoking_or_asking_about_garbage_is_no_error(world: World, token: str) -> None:
    revoked = await world.post("/oauth/revoke", {"token": token}, basic("app"))
    asked = await world.post("/oauth/introspect", {"token": token}, basic("app"))
    assert (revoked.status_code, revoked.json()) == (200, {})
    assert (asked.status_code, asked.json()) == (200, {"active": False})


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
@pytest.mark.parametrize("form", ["", "token=", "token_type_hint=access_token"])
async def test_a_missing_token_is_named(world: World, path: str, form: str) -> None:
    answer = await world.post(path, form, basic("app"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "token" in answer.json()["error_description"]


@pytest.mark.parametrize("asker", ["app", "gateway"])
async def test_introspection_tells_the_client_itself_and_gateways(world: World, asker: str) -> None:
    issued = world.issuing.issue("app", ["b", "a"])
    answer = await world.post("/oauth/introspect", {"token": issued.token}, basic(asker))
    whose = {"client_id": "app", "sub": "app", "iss": ISSUER, "aud": f"{ISSUER}/graphql"}
    assert answer.json() == {"active": True, "token_type": "Bearer", "scope": "a b", "jti": issued.jti, "iat": NOW, "exp": NOW + 600, **whose}
    assert answer.headers["cache-control"] == "no-store"
    assert world.events == [("introspect", asker, "done", None)]


async def test_a17_foreign_tampered_expired_revoked_and_disabled_look_alike(world: World) -> None:
    token = await _token(world)
    revoked = world.issuing.issue("app", ["query:unconditional"])
    world.revocations.revoke(revoked.jti, revoked.expires_at)
    disabled = world.issuing.issue("off", ["query:unconditional"]).token
    asked = [(token, "other"), (f"{token[:-4]}AAAA", "app"), (f"{token[:-4]}AAAA", "gateway"), (revoked.token, "app"), (disabled, "gateway")]
    answers = {(await world.post("/oauth/introspect", {"token": one}, basic(by))).content for one, by in asked}
    world.clock.now = NOW + 600
    answers.add((await world.post("/oauth/introspect", {"token": token}, basic("app"))).content)
    assert answers == {b'{"active":false}'}
