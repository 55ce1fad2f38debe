"""Codes at the token endpoint (A15): once, for whom they were given, with the verifier; a reused one ends what it gave."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator

import anyio
import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import update

from auth.codes import CODE_SECONDS
from hub.people.codes import CONSOLE
from hub.people.tables import authorization_code, person
from tests.people.authorizing import CALLBACK, ISSUER, PORTAL, ZHANG, Pkce, World, answer_of, consent_form, world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
ME = "{ me { application } }"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world_in(tmp_path_factory.mktemp("codes")) as made:
        yield made


def error_of(answer: httpx2.Response) -> tuple[int, str]:
    status, body = answer.status_code, answer.json()
    assert "access_token" not in body
    return status, body["error"]


async def test_a_code_gives_a_token_of_the_person_and_no_refresh_token(world: World) -> None:
    pkce = Pkce()
    answer = await world.redeem(await world.code(pkce), pkce)
    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["scope"]) == ("Bearer", "governance:owner governance:steward")
    payload = body["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["sub"], claims["client_id"], claims["iss"]) == (ZHANG, CONSOLE, ISSUER)
    assert claims["exp"] - claims["iat"] <= 600
    assert (await world.ask(body["access_token"], ME, "/governance/graphql")).json()["data"] == {"me": {"application": "zhang"}}


async def test_only_the_scopes_that_were_asked_for(world: World) -> None:
    pkce = Pkce()
    answer = await world.redeem(await world.code(pkce, scope="governance:owner"), pkce)
    assert answer.json()["scope"] == "governance:owner"


async def test_a15_a_reused_code_gives_nothing_and_ends_the_first_token(world: World) -> None:
    pkce = Pkce()
    code = await world.code(pkce)
    first = (await world.redeem(code, pkce)).json()["access_token"]
    assert (await world.ask(first, ME)).status_code == 200
    assert error_of(await world.redeem(code, pkce)) == (400, "invalid_grant")
    refused = await world.ask(first, ME, accept="application/graphql-response+json")
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


async def test_a15_of_many_who_use_a_code_at_once_none_keeps_a_token(world: World) -> None:
    pkce = Pkce()
    code = await world.code(pkce)
    given: list[str] = []

    async def redeem() -> None:
        body = (await world.redeem(code, pkce)).json()
        given.extend([body["access_token"]] if "access_token" in body else [])

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(redeem)
    assert len(given) <= 1
    for token in given:
        assert (await world.ask(token, ME, accept="application/graphql-response+json")).status_code == 401


async def test_a15_a_second_use_before_the_token_is_noted_stops_it(world: World) -> None:
    """Between the burning of a code and the noting of its token: the token does not leave."""
    pkce = Pkce()
    code = await world.code(pkce)
    codes = next(extension for _, extensions in world.hub._oauth._token_grants if extensions for extension in extensions if hasattr(extension, "redeem"))
    record = codes.take(code, CONSOLE)
    assert codes.take(code, CONSOLE) is None
    with pytest.raises(Exception, match="invalid_grant"):
        codes.redeem(code, record, None)


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": "b" * 43},
        {"code_verifier": "short"},
        {"code_verifier": None},
        {"redirect_uri": None},
        {"redirect_uri": PORTAL},
        {"redirect_uri": f"{CALLBACK}/"},
        {"redirect_uri": f"{CALLBACK}?x=1"},
    ],
)
async def test_a15_a_wrong_use_burns_the_code(world: World, changed: dict[str, str | None]) -> None:
    pkce = Pkce()
    code = await world.code(pkce)
    assert error_of(await world.redeem(code, pkce, **changed))[0] == 400
    assert error_of(await world.redeem(code, pkce)) == (400, "invalid_grant")


async def test_a15_the_challenge_is_no_verifier(world: World) -> None:
    """What a server would accept that takes ``plain``."""
    pkce = Pkce()
    code = await world.code(pkce)
    assert error_of(await world.redeem(code, pkce, code_verifier=pkce.challenge)) == (400, "invalid_grant")


async def test_a15_a_code_of_another_client_is_burned(world: World) -> None:
    pkce = Pkce()
    code = await world.portal_code(pkce)
    assert error_of(await world.redeem(code, pkce)) == (400, "invalid_grant")
    assert error_of(await world.redeem_portal(code, pkce)) == (400, "invalid_grant")


async def test_a15_all_that_is_wrong_with_a_code_reads_alike(world: World) -> None:
    pkce = Pkce()
    answers = [
        await world.redeem("unknown", pkce),
        await world.redeem(await world.code(pkce), pkce, code_verifier="b" * 43),
        await world.redeem(await world.code(pkce), pkce, redirect_uri=PORTAL),
        await world.redeem(await world.portal_code(pkce), pkce),
    ]
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1


async def test_a_confidential_client_redeems_with_its_secret_alone(world: World) -> None:
    pkce = Pkce()
    assert (await world.redeem_portal(await world.portal_code(pkce), pkce)).status_code == 200
    unproven = await world.redeem(await world.portal_code(pkce), pkce, client_id="portal_id", redirect_uri=PORTAL)
    assert error_of(unproven) == (401, "invalid_client")
    basic = base64.b64encode(b"portal_id:wrong").decode()
    wrong = await world.redeem(await world.portal_code(pkce), pkce, {"authorization": f"Basic {basic}"}, client_id=None, redirect_uri=PORTAL)
    assert error_of(wrong) == (401, "invalid_client")


@pytest.mark.parametrize("form", [{"grant_type": "client_credentials"}, {"grant_type": "refresh_token", "refresh_token": "x"}, {"grant_type": "password"}])
async def test_a_public_client_gets_nothing_but_for_a_code(world: World, form: dict[str, str]) -> None:
    answer = await world.http.post("/oauth/token", data={"client_id": CONSOLE, **form})
    assert error_of(answer)[1] in ("invalid_client", "unsupported_grant_type")


async def test_a_public_client_cannot_prove_itself_by_a_secret(world: World) -> None:
    for secret in ("", "x"):
        basic = base64.b64encode(f"{CONSOLE}:{secret}".encode()).decode()
        answer = await world.http.post("/oauth/token", data={"grant_type": "client_credentials"}, headers={"authorization": f"Basic {basic}"})
        assert error_of(answer) == (401, "invalid_client")


async def test_a_code_ends_after_a_minute(world: World) -> None:
    pkce = Pkce()
    code = await world.code(pkce)
    digest = hashlib.sha256(code.encode()).hexdigest()
    with world.core.engine.begin() as connection:
        column = authorization_code.c
        aged = update(authorization_code).where(column.code_hash == digest, column.until <= time.time() + CODE_SECONDS)
        assert connection.execute(aged.values(until=int(time.time()))).rowcount == 1
    assert error_of(await world.redeem(code, pkce)) == (400, "invalid_grant")


async def test_who_is_disabled_meanwhile_gets_no_token(world: World) -> None:
    pkce = Pkce()
    code = await world.code(pkce)
    await world.change(person, person.c.id == ZHANG, state="DISABLED")
    try:
        assert error_of(await world.redeem(code, pkce)) == (400, "invalid_grant")
    finally:
        await world.change(person, person.c.id == ZHANG, state="ACTIVE")


async def test_the_console_revokes_its_own_token_and_no_other(world: World) -> None:
    pkce = Pkce()
    other = (await world.redeem_portal(await world.portal_code(pkce), pkce)).json()["access_token"]
    own = await world.token()
    assert (await world.http.post("/oauth/revoke", data={"client_id": CONSOLE, "token": own})).status_code == 200
    assert error_of(await world.http.post("/oauth/revoke", data={"client_id": CONSOLE, "token": other}))[1] == "invalid_grant"
    assert (await world.ask(own, ME, accept="application/graphql-response+json")).status_code == 401
    assert (await world.ask(other, ME)).status_code == 200


def proof(key: ECKey, **more: str) -> str:
    """A DPoP proof for the token endpoint (RFC 9449 §4.2)."""
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    claims = {"jti": Pkce().verifier, "htm": "POST", "htu": f"{ISSUER}/oauth/token", "iat": int(time.time()), **more}
    return jwt.encode(header, claims, key, algorithms=["ES256"])


async def test_dpop_a_code_bound_to_a_key_is_redeemed_by_that_key_alone(world: World) -> None:
    """RFC 9449 §10."""
    key, other, pkce = ECKey.generate_key("P-256"), ECKey.generate_key("P-256"), Pkce()
    bound = {"dpop_jkt": key.thumbprint()}
    answer = await world.redeem(await world.code(pkce, **bound), pkce, {"dpop": proof(key)})
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    assert error_of(await world.redeem(await world.code(pkce, **bound), pkce, {"dpop": proof(other)})) == (400, "invalid_grant")
    assert error_of(await world.redeem(await world.code(pkce, **bound), pkce)) == (400, "invalid_grant")
    assert error_of(await world.redeem(await world.code(pkce), pkce, {"dpop": "x"})) == (400, "invalid_dpop_proof")


async def test_a_consent_gives_one_code_each_time(world: World) -> None:
    browser, pkce = world.browser(), Pkce()
    form = consent_form(await browser.get(world.request(pkce, client_id="portal_id", redirect_uri=PORTAL)))
    assert answer_of(await browser.post(form))["code"] != answer_of(await browser.post(form))["code"]
