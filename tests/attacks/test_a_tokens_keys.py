"""Attacks A17 and A18: what introspection and revocation tell strangers, and what becomes of tokens when keys come, go and cannot be read."""

from __future__ import annotations

import asyncio
import time

import pytest
from joserfc.jwk import ECKey, KeySet

from auth.keys import KeyFault
from hub.acts import Actor
from hub.cli.session import ROLES
from hub.core import TOKEN_KEYS
from hub.identity.keys import MARGIN, SigningKeyService
from hub.ledger.reading import CallFilter, calls
from tests.attacks.world import World, signed
from tests.catalog.homes import NOBODY, refused

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
OPERATOR = Actor("cli:operator", None, ROLES)


async def _introspect(world: World, token: str, name: str = "housing") -> dict[str, object]:
    answer = await world.post("/oauth/introspect", {"token": token}, world.basic(name))
    assert answer.status_code == 200
    content: dict[str, object] = answer.json()
    return content


async def test_a17_foreign_and_tampered_tokens_are_not_active_and_never_a_500(world: World) -> None:
    token = await world.token()
    assert (await _introspect(world, token))["active"] is True
    for asked, by in (
        (token, "auditor"),
        (f"{token[:-4]}AAAA", "housing"),
        (f"{token}x", "housing"),
        ("x", "housing"),
        ("\x00", "housing"),
        ("汇通", "housing"),
        ("a" * 9000, "housing"),
        (".".join(["e30"] * 3), "housing"),
    ):
        assert await _introspect(world, asked, by) == {"active": False}


async def test_a17_a_bound_token_says_to_which_key(world: World) -> None:
    key = ECKey.generate_key("P-256")
    found = await _introspect(world, await world.token(key=key))
    assert (found["token_type"], found["cnf"]) == ("DPoP", {"jkt": key.thumbprint()})


async def test_a17_who_cannot_prove_itself_learns_nothing(world: World) -> None:
    token = await world.token()
    answers = [
        await world.post(f"/oauth/{path}", {"token": token}, headers) for path in ("introspect", "revoke") for headers in ({}, world.basic("nobody", "x"))
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert (await world.ask(f"Bearer {token}")).status_code == 200
    other = await world.post("/oauth/revoke", {"token": token}, world.basic("auditor"))
    assert other.json()["error"] == "invalid_grant"
    assert (await world.ask(f"Bearer {token}")).status_code == 200
    by_key = {**world.assertion(), "token": token}
    assert (await world.post("/oauth/introspect", by_key)).json() == {"active": False}, "a key proves the client at every endpoint"


async def _published(world: World) -> set[str]:
    found = (await world.http.get("/oauth/jwks")).json()
    return {key.thumbprint() for key in KeySet.import_key_set(found).keys}


async def _until(world: World, kids: set[str]) -> None:
    """Waits until the running hub has followed, by itself."""
    for _ in range(100):
        if await _published(world) == kids:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the hub publishes {await _published(world)}, not {kids}")


async def test_a18_keys_rotate_in_two_phases_and_retire_when_their_tokens_have_ended(world: World) -> None:
    now = [time.time()]
    ring = world.hub._keys
    ring._clock = service_clock = lambda: now[0]
    service = SigningKeyService(world.core.settings.keys / TOKEN_KEYS, world.core.acts, clock=service_clock)
    before, old = await world.token(), ring.active.kid
    new = service.rotate(OPERATOR, 900).kid
    assert refused(service.rotate, OPERATOR, 900)[0].code == "CONFLICT", "one waits already"
    await _until(world, {old, new})
    assert ring.active.kid == old, "published, and signs not yet"
    assert [(state.kid, state.state) for state in service.list()] == [(new, "WAITING"), (old, "SIGNING")]
    now[0] += 901
    assert ring.active.kid == new
    after = await world.token()
    assert [(await world.ask(f"Bearer {token}")).status_code for token in (before, after)] == [200, 200]
    assert refused(service.retire, OPERATOR, new)[0].code == "CONFLICT", "it signs"
    assert refused(service.retire, OPERATOR, old)[0].code == "CONFLICT", "what it signed may live"
    assert refused(service.retire, OPERATOR, "../../etc/passwd")[0].code == "NOT_FOUND"
    assert refused(service.retire, NOBODY, old)[0].code == "FORBIDDEN"
    now[0] += 600 + MARGIN
    service.retire(OPERATOR, old)
    await _until(world, {new})
    assert (await world.ask(f"Bearer {before}")).status_code == 401, "the key is unknown, though its token was seen before"
    with world.core.engine.connect() as connection:
        acts = [(entry.content.operation, entry.content.outcome, entry.content.code) for entry in calls(connection, CallFilter(kinds=("admin",)), 1000)]
    keys = [act for act in reversed(acts) if act[0] in ("rotateSigningKey", "retireSigningKey")]
    refusals = [("retireSigningKey", "REFUSED", code) for code in ("CONFLICT", "CONFLICT", "NOT_FOUND", "FORBIDDEN")]
    rotated = [("rotateSigningKey", "OK", None), ("rotateSigningKey", "REFUSED", "CONFLICT")]
    assert keys == [*rotated, *refusals, ("retireSigningKey", "OK", None)]
    ring._clock = time.time


async def test_a18_a_compromised_key_ends_with_its_tokens(world: World) -> None:
    ring, service = world.hub._keys, SigningKeyService(world.core.settings.keys / TOKEN_KEYS, world.core.acts)
    token, stolen = await world.token(), ring.active
    service.rotate(OPERATOR, 0)
    ring.refresh()
    assert (await world.ask(f"Bearer {token}")).status_code == 200
    service.retire(OPERATOR, stolen.kid, now=True)
    ring.refresh()
    assert (await world.ask(f"Bearer {token}")).status_code == 401
    assert (await world.ask(f"Bearer {await world.token()}")).status_code == 200


async def test_a18_a_flood_of_unknown_keys_reads_nothing(world: World) -> None:
    verifier, ring = world.hub._oauth.verifier, world.hub._keys
    checked, seen = verifier.signatures_checked, ring._keys
    own = ECKey.generate_key("P-256")
    for number in range(200):
        token = signed(own, {"alg": "ES256", "typ": "at+jwt", "kid": f"kid-{number}"}, {})
        assert (await world.ask(f"Bearer {token}")).status_code == 401
    assert (verifier.signatures_checked, ring._keys) == (checked, seen)


async def test_a18_keys_that_cannot_be_read_leave_those_of_before_in_force(world: World) -> None:
    token, ring, directory = await world.token(), world.hub._keys, world.core.settings.keys / TOKEN_KEYS
    half = directory / "20260101T000000000000Z-halfcopy.pem"
    half.write_bytes(b"-----BEGIN PRIVATE")
    half.chmod(0o600)
    with pytest.raises(KeyFault, match="halfcopy"):
        ring.refresh()
    assert (await world.ask(f"Bearer {token}")).status_code == 200
    half.unlink()
    moved = directory.rename(directory.with_name("away"))
    with pytest.raises(KeyFault, match="cannot be read"):
        ring.refresh()
    answers = [await world.ask(f"Bearer {token}"), await world.http.get("/oauth/jwks"), await world.ask(f"Bearer {await world.token()}")]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    moved.rename(directory)
    ring.refresh()
