"""Attack A9 on bound tokens (RFC 9449): a token without its key, a proof for another request, a proof twice."""

from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from auth.replay import ReplayCache
from tests.attacks.world import ISSUER, RESOURCE, USE, World, proof

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
KEY, OTHER = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
PROOF = 'DPoP error="invalid_dpop_proof", algs="ES256 EdDSA Ed25519"'
TOKEN = 'DPoP error="invalid_token", algs="ES256 EdDSA Ed25519"'


@pytest.mark.parametrize("key", [KEY, OKPKey.generate_key("Ed25519")], ids=["ES256", "EdDSA"])
async def test_a_bound_token_with_its_proof_is_good_everywhere(world: World, key: Any) -> None:
    token = await world.token(key=key)
    assert (await world.ask_bound(token, key)).status_code == 200
    for path, status in (("/exchanges/x/manifest.json", 404), ("/ledger/proof/999999", 404), ("/graphql/schema.graphql", 200)):
        sent = {"authorization": f"DPoP {token}", "dpop": proof(key, "GET", f"{ISSUER}{path}", token)}
        assert (await world.http.get(path, headers=sent)).status_code == status, path
        assert (await world.http.get(path, headers=sent)).status_code == 401, "the same proof again"


async def test_administrators_tokens_may_be_bound_too(world: World) -> None:
    token = await world.token("auditor", KEY)
    path = "/governance/graphql"
    sent = {**USE, "authorization": f"DPoP {token}", "dpop": proof(KEY, uri=f"{ISSUER}{path}", token=token)}
    assert (await world.http.post(path, json={"query": "{ departments { code } }"}, headers=sent)).status_code == 200
    large = {"query": "{ departments { code } }", "variables": {"x": "y" * 100_000}}
    sent["dpop"] = proof(KEY, uri=f"{ISSUER}{path}", token=token)
    assert (await world.http.post(path, json=large, headers=sent)).status_code == 200, "its length was allowed before the proof was used up"


async def test_a9_every_fault_of_a_proof_is_refused_and_entered(world: World) -> None:
    token, now = await world.token(key=KEY), int(time.time())
    used = proof(KEY, token=token)
    assert (await world.ask(f"DPoP {token}", dpop=used)).status_code == 200
    rsa = RSAKey.generate_key(2048)
    shared = OctKey.generate_key(256)
    faults: dict[str, str] = {
        "replayed": used,
        "other method": proof(KEY, "GET", token=token),
        "other path": proof(KEY, uri=f"{ISSUER}/governance/graphql", token=token),
        "other host": proof(KEY, uri="http://evil.example/graphql", token=token),
        "other scheme": proof(KEY, uri=RESOURCE.replace("http", "https"), token=token),
        "other port": proof(KEY, uri="http://127.0.0.1:8001/graphql", token=token),
        "user in htu": proof(KEY, uri=RESOURCE.replace("//", "//u@"), token=token),
        "no htu": proof(KEY, token=token, htu=None),
        "htu with a bad port": proof(KEY, token=token, htu="http://127.0.0.1:x/graphql"),
        "no htm": proof(KEY, token=token, htm=None),
        "method in small letters": proof(KEY, "post", token=token),
        "no ath": proof(KEY),
        "ath of another token": proof(KEY, token=f"{token}x"),
        "no iat": proof(KEY, token=token, iat=None),
        "old": proof(KEY, token=token, iat=now - 61),
        "in the future": proof(KEY, token=token, iat=now + 30),
        "iat as text": proof(KEY, token=token, iat=str(now)),
        "from before the hub's start": proof(KEY, token=token, iat=world.hub._identity._proofs._since),
        "address with a tab": proof(KEY, uri=f"{ISSUER}/gra\tphql", token=token),
        "address with a blank before it": proof(KEY, uri=f" {RESOURCE}", token=token),
        "address with another port": proof(KEY, uri="http://127.0.0.1/graphql", token=token),
        "address with a slash behind it": proof(KEY, uri=f"{RESOURCE}/", token=token),
        "address with a name in it": proof(KEY, uri="http://a@127.0.0.1:8000/graphql", token=token),
        "no jti": proof(KEY, token=token, jti=None),
        "long jti": proof(KEY, token=token, jti="j" * 257),
        "no typ": proof(KEY, token=token, header={"typ": None}),
        "typ of an access token": proof(KEY, token=token, header={"typ": "at+jwt"}),
        "no jwk": proof(KEY, token=token, header={"jwk": None}),
        "kid beside the key": proof(KEY, token=token, header={"kid": "x"}),
        "private key in it": proof(KEY, token=token, header={"jwk": KEY.as_dict(private=True)}),
        "key of another": proof(OTHER, token=token, header={"jwk": KEY.as_dict(private=False)}),
        "jwk that is no point": proof(KEY, token=token, header={"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}}),
        "RSA": proof(OTHER, token=token, header={"jwk": rsa.as_dict(private=False)}),
        "shared secret": proof(OTHER, token=token, header={"jwk": shared.as_dict(private=True)}),
        "other curve": proof(OTHER, token=token, header={"jwk": ECKey.generate_key("P-384").as_dict(private=False)}),
        "nothing": "",
        "no JWS": "abc",
        "long": proof(KEY, token=token, more="x" * 3000),
    }
    before = (await world.refusals())["UNAUTHENTICATED"]
    for fault, sent in faults.items():
        answer = await world.ask(f"DPoP {token}", dpop=sent)
        assert answer.status_code == 401, fault
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", fault
        assert answer.headers["www-authenticate"].endswith(PROOF), fault
    assert (await world.refusals())["UNAUTHENTICATED"] - before == len(faults)


async def test_a9_two_proofs_and_none(world: World) -> None:
    token = await world.token(key=KEY)
    body = {"query": "{ __typename }"}
    two = [("authorization", f"DPoP {token}"), ("dpop", proof(KEY, token=token)), ("dpop", proof(KEY, token=token))]
    for headers in (two, two[:1]):
        answer = await world.http.post("/graphql", json=body, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].endswith(PROOF)


async def test_a9_token_and_scheme_belong_together(world: World) -> None:
    bound, plain = await world.token(key=KEY), await world.token()
    for authorization, sent in (
        (f"Bearer {bound}", proof(KEY, token=bound)),
        (f"DPoP {plain}", proof(KEY, token=plain)),
        (f"DPoP {bound}", proof(OTHER, token=bound)),
    ):
        answer = await world.ask(authorization, dpop=sent)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].endswith(TOKEN)
    assert (await world.ask(f"Bearer {plain}", dpop="whatever")).status_code == 200, "a header that says nothing of a plain token"


async def test_a9_the_address_is_the_issuers_and_never_the_hosts(world: World) -> None:
    token = await world.token(key=KEY)
    sent = {"authorization": f"DPoP {token}", "host": "localhost:1"}
    foreign = {**sent, "dpop": proof(KEY, uri="http://localhost:1/graphql", token=token)}
    assert (await world.http.post("/graphql", json={"query": "{ __typename }"}, headers=foreign)).status_code == 401
    own = {**sent, "dpop": proof(KEY, uri=f"{RESOURCE}?x#y", token=token)}
    assert (await world.http.post("/graphql", json={"query": "{ __typename }"}, headers=own)).status_code == 200, "query and fragment do not count"


async def test_a9_a_bound_application_gets_no_plain_token(world: World) -> None:
    endpoint = f"{ISSUER}/oauth/token"
    answer = await world.grant("bound")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
    answer = await world.grant("bound", {"dpop": proof(KEY, uri=endpoint)})
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    sent = proof(KEY, uri=endpoint)
    assert (await world.grant("bound", {"dpop": sent})).status_code == 200
    for fault in (sent, proof(KEY), proof(KEY, "GET", endpoint), "x"):
        refused = await world.grant("bound", {"dpop": fault})
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")


async def test_a9_strangers_fill_no_memory(world: World) -> None:
    """A proof is remembered only for a client that proved itself, or with a token that it fits."""
    cache = world.hub._identity._proofs._cache
    token, before = await world.token(), len(cache)
    await world.post("/oauth/token", {"grant_type": "client_credentials"}, {**world.basic("housing", "wrong"), "dpop": proof(KEY, uri=f"{ISSUER}/oauth/token")})
    await world.ask(f"DPoP {token}", dpop=proof(KEY, token=token))
    await world.ask("DPoP abc", dpop=proof(KEY, token="abc"))
    assert len(cache) == before


async def test_a9_a_full_memory_refuses_and_never_forgets(world: World) -> None:
    proofs = world.hub._identity._proofs
    token, kept = await world.token(key=KEY), proofs._cache
    proofs._cache = ReplayCache(4)
    try:
        used = proof(KEY, token=token)
        assert (await world.ask(f"DPoP {token}", dpop=used)).status_code == 200
        full = await world.ask_bound(token, KEY)
        assert (full.status_code, full.headers["retry-after"]) == (429, "1"), "a quarter of the places is one client's"
        assert (await world.ask(f"DPoP {token}", dpop=used)).status_code == 401
        assert (await world.ask_bound(await _housing_bound(world), KEY)).status_code == 200, "another client has places left"
    finally:
        proofs._cache = kept


async def _housing_bound(world: World) -> str:
    kept, proofs = world.hub._identity._proofs._cache, world.hub._identity._proofs
    proofs._cache = ReplayCache()
    token = await world.token("auditor", KEY)
    proofs._cache = kept
    return token
