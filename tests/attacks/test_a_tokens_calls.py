"""Attacks A1 to A6 and A10 on calls with tokens: each is 401 with the same body and a challenge, entered as a refusal, and never a 500."""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import Any

import pytest
from joserfc.jwk import ECKey
from starlette.datastructures import Headers

from hub.api.identity import Asked
from tests.attacks.world import ISSUER, RESOURCE, USE, World, proof, signed

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


def _token(world: World, *, key: Any = None, header: dict[str, Any] | None = None, **changed: Any) -> str:
    """A token signed with the hub's own key, whatever it says."""
    active, now = world.hub._keys.active, int(time.time())
    client_id = world.ids["housing"]
    sound = {"iss": ISSUER, "aud": RESOURCE, "sub": client_id, "client_id": client_id, "jti": secrets.token_hex(8), "scope": "query:unconditional"}
    members = {"alg": "ES256", "typ": "at+jwt", "kid": active.kid, **(header or {})}
    return signed(key or active.private, members, {**sound, "iat": now, "exp": now + 600, **changed})


async def _refused(world: World, *authorizations: str) -> None:
    """Each is refused alike, and counted in the ledger."""
    before = (await world.refusals())["UNAUTHENTICATED"]
    for authorization in authorizations:
        answer = await world.ask(authorization)
        error = answer.json()["errors"][0]
        assert answer.status_code == 401, authorization
        assert (error["extensions"]["code"], error["extensions"]["messageEn"]) == ("UNAUTHENTICATED", "the access token is not valid or has expired")
        # RFC 6750 §3.1: who used another scheme, or none, is told no error.
        told = 'error="invalid_token", ' if authorization.partition(" ")[0] in ("Bearer", "DPoP") else ""
        assert answer.headers["www-authenticate"].startswith(f'Bearer realm="huitong", {told}resource_metadata=')
        assert ("error=" in answer.headers["www-authenticate"]) == bool(told)
    assert (await world.refusals())["UNAUTHENTICATED"] - before == len(authorizations)


async def test_a0_the_token_that_all_others_are_made_of_is_good(world: World) -> None:
    assert (await world.ask(f"Bearer {_token(world)}")).status_code == 200


@pytest.mark.parametrize("behind", [" ", "\t", " \t "])
async def test_a0_white_space_behind_it_is_no_part_of_it(world: World, behind: str) -> None:
    assert (await world.ask(f"Bearer {_token(world)}{behind}")).status_code == 200


async def test_a1_no_empty_basic_and_malformed_authorization(world: World) -> None:
    good = _token(world)
    headers = ["", "Bearer", "Bearer ", "Basic YXBwOnNlY3JldA==", f"Bearer {good} x", f"Token {good}", f"Bearer {good},", "Negotiate abc", "\x0bBearer a"]
    await _refused(world, *headers)
    assert (await world.ask(None)).status_code == 200, "the public sees the open part of the catalog"
    for authorization in headers:
        assert authorization.strip() == "" or authorization not in (await world.ask(authorization)).text


async def test_a1_two_authorization_headers(world: World) -> None:
    twice = [("authorization", f"Bearer {_token(world)}"), ("authorization", f"Bearer {_token(world)}")]
    answer = await world.http.post("/graphql", json={"query": "{ __typename }"}, headers=twice)
    assert answer.status_code == 401


async def test_a2_no_signature_confused_algorithms_and_keys_that_come_along(world: World) -> None:
    active = world.hub._keys.active
    _, payload, signature = _token(world).split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "at+jwt", "kid": active.kid}).encode()).rstrip(b"=").decode()
    public = active.public.as_pem(private=False)
    own = ECKey.generate_key("P-256")
    tokens = [
        f"{none}.{payload}.",
        f"{none}.{payload}.{signature}",
        _token(world, key=public, header={"alg": "HS256"}),
        _token(world, key=own, header={"jwk": own.as_dict(private=False)}),
        _token(world, header={"jku": "http://127.0.0.1:1/jwks"}),
        _token(world, header={"x5u": "http://127.0.0.1:1/cert"}),
        _token(world, header={"crit": ["exp"], "exp": 1}),
        _token(world, header={"b64": False, "crit": ["b64"]}),
        _token(world, key=own),
        _token(world, key=own, header={"kid": own.thumbprint()}),
        _token(world, header={"kid": "../../../etc/passwd"}),
        _token(world, header={"kid": None}),
    ]
    await _refused(world, *(f"Bearer {token}" for token in tokens))


async def test_a3_times(world: World) -> None:
    now = int(time.time())
    changes: list[dict[str, Any]] = [
        {"exp": now - 1},
        {"nbf": now + 60},
        {"iat": now + 60, "exp": now + 120},
        {"exp": str(now + 60)},
        {"exp": now + 315_360_000},
        {"exp": None},
        {"iat": None},
        {"exp": True},
    ]
    await _refused(world, *(f"Bearer {_token(world, **change)}" for change in changes))


async def test_a4_issuer_and_audience(world: World) -> None:
    changes: list[dict[str, Any]] = [
        {"iss": "https://evil.example"},
        {"iss": f"{ISSUER}/"},
        {"aud": "https://evil.example"},
        {"aud": ISSUER},
        {"aud": ["https://evil.example"]},
        {"aud": []},
        {"aud": None},
        {"aud": {RESOURCE: 1}},
    ]
    await _refused(world, *(f"Bearer {_token(world, **change)}" for change in changes))


async def test_a5_types_and_an_id_token(world: World) -> None:
    now = int(time.time())
    headers: list[dict[str, Any]] = [{"typ": None}, {"typ": "JWT"}, {"typ": "dpop+jwt"}, {"typ": "client-authentication+jwt"}, {"typ": ["at+jwt"]}]
    id_token = signed(world.hub._keys.active.private, {"alg": "ES256", "typ": "JWT", "kid": world.hub._keys.active.kid}, {"iss": ISSUER, "exp": now + 60})
    assertion = world.assertion()["client_assertion"]
    await _refused(world, *(f"Bearer {_token(world, header=header)}" for header in headers), f"Bearer {id_token}", f"Bearer {assertion}")


@pytest.mark.parametrize("scope", [["query:unconditional"], "query:unconditional\tverify:unconditional", "query:unconditional query:unconditional", " ", ""])
async def test_a6_scope_that_is_not_one_clean_text(world: World, scope: Any) -> None:
    await _refused(world, f"Bearer {_token(world, scope=scope)}")


async def test_a6_scopes_match_whole_or_not_at_all(world: World) -> None:
    homoglyph = "governance:\u0430udit"
    await _refused(world, f"Bearer {_token(world, scope=homoglyph)}")
    for scope in ("governance:audi", "GOVERNANCE:AUDIT", "governance:audit:x", "query:unconditional,governance:audit"):
        auditor: dict[str, Any] = {"client_id": world.ids["auditor"], "sub": world.ids["auditor"], "scope": scope}
        answer = await world.http.post(
            "/governance/graphql", json={"query": "{ departments { code } }"}, headers={"authorization": f"Bearer {_token(world, **auditor)}"}
        )
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN"), scope


@pytest.mark.parametrize("header", ["x-client-cert", "x-forwarded-client-cert", "x-forwarded-user", "x-ssl-client-verify", "x-real-ip", "x-client-id"])
async def test_a10_headers_that_name_a_client_name_nobody(world: World, header: str) -> None:
    answer = await world.http.get("/exchanges/x/manifest.json", headers={header: world.ids["housing"], "x-forwarded-for": "127.0.0.1"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("path", ["/exchanges/x/manifest.json", "/ledger/proof/1", "/graphql/schema.graphql", "/governance/graphql/schema.graphql"])
async def test_a1_every_other_resource_refuses_alike_and_enters_it(world: World, path: str) -> None:
    before = (await world.refusals())["UNAUTHENTICATED"]
    answer = await world.http.get(path, headers={"authorization": "Bearer abc"})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert (await world.refusals())["UNAUTHENTICATED"] == before + 1


async def test_the_check_of_a_bearer_token_waits_for_nothing_and_asks_no_database(world: World) -> None:
    """The coroutine ends at its first step: no thread, no statement. With a proof on SQLite it is the same."""
    key = ECKey.generate_key("P-256")
    plain, bound = await world.token(), await world.token(key=key)
    headers = [{"authorization": f"Bearer {plain}"}, {"authorization": f"DPoP {bound}", "dpop": proof(key, token=bound)}]
    for sent in headers:
        asked = Asked(Headers(sent), "POST", "/graphql")
        before = world.own_statements()
        with pytest.raises(StopIteration) as done:
            world.hub._identity.caller(asked).send(None)
        assert done.value.value.application.name == "housing"
        assert world.own_statements() == before


async def test_a_token_whose_scopes_do_not_reach_is_told_so(world: World) -> None:
    """RFC 6750 §3.1: 403 and ``insufficient_scope``, wherever a token is asked for; without a token 401."""
    authorization = f"Bearer {await world.token()}"
    headers = {"authorization": authorization, "accept": USE["accept"]}
    answers = [
        await world.http.post("/governance/graphql", json={"query": "{ departments { code } }"}, headers=headers),
        await world.http.post(
            "/governance/graphql",
            json={"query": "{ ledger { nodes { entry } } }"},
            headers={**headers, "authorization": f"bEARER {await world.token('operator')}"},
        ),
        await world.http.get("/console/person", headers=headers),
    ]
    for answer in answers:
        assert answer.status_code == 403
        assert 'Bearer realm="huitong", error="insufficient_scope", resource_metadata=' in answer.headers["www-authenticate"]
        assert 'DPoP error="insufficient_scope"' in answer.headers["www-authenticate"]
    nobody = await world.http.get("/console/person")
    assert (nobody.status_code, "error=" in nobody.headers["www-authenticate"]) == (401, False)
