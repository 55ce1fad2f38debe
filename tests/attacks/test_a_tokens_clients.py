"""Attacks A11 to A14 and A16 on the token endpoint: one answer for whatever is wrong with a client, nothing parsed that need not be."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey
from starlette.types import Message

from hub.sharing.clients import ClientService, Proving
from tests.attacks.world import ASSERTION_TYPE, ISSUER, PURPOSES, World, earlier, signed
from tests.catalog.homes import CONSOLE

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
GRANT = {"grant_type": "client_credentials"}
FORM = b"application/x-www-form-urlencoded"


async def _assert(world: World, **changed: Any) -> httpx2.Response:
    return await world.post("/oauth/token", {**GRANT, **world.assertion(**changed)})


async def test_an_assertion_gives_a_token_once(world: World) -> None:
    form = {**GRANT, **world.assertion()}
    answer = await world.post("/oauth/token", form)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")
    assert (await world.post("/oauth/token", form)).json()["error"] == "invalid_client"


async def test_a11_every_fault_of_an_assertion_has_the_same_answer_and_the_same_work(world: World) -> None:
    """RFC 10070: typed, for the issuer alone, for five minutes at most, once. Unknown clients cost what known ones cost."""
    now, foreign, water = int(time.time()), ECKey.generate_key("P-256"), world.ids["water"]
    used = world.assertion()
    await world.post("/oauth/token", {**GRANT, **used})
    claims = {"iss": water, "sub": water, "aud": ISSUER, "jti": "j", "iat": now, "exp": now + 60}
    header = {"alg": "ES256", "typ": "client-authentication+jwt", "kid": world.keys["water"].thumbprint()}
    twice = json.dumps(claims)[:-1].encode() + b', "aud": "https://evil.example"}'
    other: dict[str, Any] = {"iss": world.ids["roads"], "sub": world.ids["roads"]}
    rsa = RSAKey.generate_key(2048)
    faults: dict[str, dict[str, str]] = {
        "replayed jti": used,
        "aud is the token endpoint": world.assertion(aud=f"{ISSUER}/oauth/token"),
        "aud is the resource": world.assertion(aud=f"{ISSUER}/graphql"),
        "aud is a list": world.assertion(aud=[ISSUER]),
        "aud is a list with another": world.assertion(aud=[ISSUER, "https://evil.example"]),
        "no aud": world.assertion(aud=None),
        "exp beyond five minutes": world.assertion(exp=now + 302),
        "expired": world.assertion(iat=now - 60, exp=now - 1),
        "iat in the future": world.assertion(iat=now + 60, exp=now + 120),
        "nbf in the future": world.assertion(nbf=now + 60),
        "no iat": world.assertion(iat=None),
        "no exp": world.assertion(exp=None),
        "no jti": world.assertion(jti=None),
        "empty jti": world.assertion(jti=""),
        "jti that is no text": world.assertion(jti=7),
        "times as texts": world.assertion(iat=str(now), exp=str(now + 60)),
        "sub is not iss": world.assertion(iss="somebody"),
        "other client's key": world.assertion(**other),
        "other client by its kid": world.assertion(header={"kid": world.keys["roads"].thumbprint()}, **other),
        "foreign key": world.assertion(key=foreign),
        "foreign key that comes along": world.assertion(key=foreign, header={"jwk": foreign.as_dict(private=False)}),
        "unknown kid": world.assertion(header={"kid": "nobody's"}),
        "kid of another kind": world.assertion(header={"kid": 7}),
        "no typ": world.assertion(header={"typ": None}),
        "typ JWT": world.assertion(header={"typ": "JWT"}),
        "alg none": {"client_assertion_type": ASSERTION_TYPE, "client_assertion": "eyJhbGciOiJub25lIn0.e30.AA"},
        "alg confusion": world.assertion(header={"alg": "PS256"}, key=rsa),
        "crit": world.assertion(header={"crit": ["exp"]}),
        "claims twice": {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed(world.keys["water"], header, twice)},
        "claims no object": {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed(world.keys["water"], header, b"[]")},
        "nested deep": {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed(world.keys["water"], header, b"[" * 2000)},
        "half a character": world.assertion(jti="\ud800", iss=None),
        "unknown client": world.assertion(iss="nobody", sub="nobody"),
        "a client that has a secret": world.assertion(iss=world.ids["housing"], sub=world.ids["housing"]),
        "sub that is no text": world.assertion(sub=["x"], iss=["x"]),
        "no JWS": {"client_assertion_type": ASSERTION_TYPE, "client_assertion": "汇通"},
        "too long": {"client_assertion_type": ASSERTION_TYPE, "client_assertion": world.assertion(jti="j" * 9000)["client_assertion"]},
        "another assertion type": {**world.assertion(), "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        "another client_id in the form": {**world.assertion(), "client_id": world.ids["roads"]},
    }
    assertions = world.hub._oauth._assertions
    answers = set()
    for fault, form in faults.items():
        checked = assertions.signatures_checked
        answer = await world.post("/oauth/token", {**GRANT, **form})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), fault
        assert assertions.signatures_checked == checked + (fault != "another assertion type"), fault
        answers.add((answer.content, tuple(sorted(answer.headers.items()))))
    answers.add(_of(await world.grant("housing", world.basic("housing", "wrong"))))
    answers.add(_of(await world.grant("housing", world.basic("nobody", "wrong"))))
    assert len(answers) == 1


def _of(answer: httpx2.Response) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    return answer.content, tuple(sorted(answer.headers.items()))


async def test_a11_only_an_assertion_that_holds_is_remembered(world: World) -> None:
    before = len([one for _, one in world.statements if one.startswith("INSERT INTO used_once")])
    await _assert(world, key=ECKey.generate_key("P-256"))
    await _assert(world, aud="https://evil.example")
    assert len([one for _, one in world.statements if one.startswith("INSERT INTO used_once")]) == before
    assert (await _assert(world)).status_code == 200
    assert len([one for _, one in world.statements if one.startswith("INSERT INTO used_once")]) == before + 1


async def test_a11_a_client_has_one_way_of_proving_itself(world: World) -> None:
    for form, headers in (
        ({**GRANT, "client_secret": world.secrets["housing"], "client_id": world.ids["housing"]}, {}),
        ({**GRANT, **world.assertion()}, world.basic("housing")),
        ({**GRANT, **world.assertion()}, world.basic("water", "x")),
        (GRANT, world.basic("water", "")),
        ({**GRANT, "client_id": world.ids["water"]}, {}),
    ):
        assert (await world.post("/oauth/token", form, headers)).json()["error"] == "invalid_client"


@pytest.mark.parametrize(("key", "alg"), [(RSAKey.generate_key(2048), "PS256"), (OKPKey.generate_key("Ed25519"), "EdDSA"), (OKPKey.generate_key(), "Ed25519")])
async def test_keys_are_rotated_with_both_in_force(world: World, key: Any, alg: str) -> None:
    service, old = ClientService(world.core.acts), world.keys["roads"]
    own = old.as_dict(private=False), key.as_dict(private=False)
    service.replace_keys(CONSOLE, "roads", json.dumps({"keys": own}))
    await world.hub.live.refresh()
    new = {"key": key, "header": {"alg": alg, "kid": key.thumbprint()}}
    assert (await _assert(world, name="roads")).status_code == 200
    assert (await _assert(world, name="roads", **new)).status_code == 200
    assert (await _assert(world, name="roads", key=key, header={"alg": alg, "kid": None})).status_code == 200, "the only key of its algorithm"
    service.replace_keys(CONSOLE, "roads", json.dumps(own[1]))
    await world.hub.live.refresh()
    assert (await _assert(world, name="roads")).json()["error"] == "invalid_client"
    assert (await _assert(world, name="roads", **new)).status_code == 200
    service.replace_keys(CONSOLE, "roads", json.dumps(own[0]))
    await world.hub.live.refresh()


async def test_a_key_that_is_left_out_ends_with_the_tokens_from_before(world: World) -> None:
    """Until then a rotation interrupts nobody: neither one more key nor another ``kid`` does."""
    service, (old, new) = ClientService(world.core.acts), (ECKey.generate_key("P-256").as_dict(private=False) for _ in range(2))
    made = world.core.sharing.create_application(CONSOLE, "bridges", "civil_affairs", PURPOSES, [], proving=Proving(jwks=json.dumps(old)))
    await world.hub.live.refresh()
    stolen = earlier(world.hub).issue(made.client_id, ["query:unconditional"]).token
    for keys, status in (([old, new], 200), ([old | {"kid": "renamed"}, new], 200), ([new], 401), ([old], 401)):
        service.replace_keys(CONSOLE, "bridges", json.dumps({"keys": keys}))
        await world.hub.live.refresh()
        assert (await world.ask(f"Bearer {stolen}")).status_code == status


async def test_a_new_secret_ends_the_earlier_one_at_once(world: World) -> None:
    before, stolen = world.secrets["housing"], earlier(world.hub).issue(world.ids["housing"], ["query:unconditional"]).token
    assert (await world.ask(f"Bearer {stolen}")).status_code == 200
    world.secrets["housing"] = str(ClientService(world.core.acts).renew_secret(CONSOLE, "housing").secret)
    await world.hub.live.refresh()
    assert (await world.grant("housing", world.basic("housing", before))).json()["error"] == "invalid_client"
    assert (await world.ask(f"Bearer {stolen}")).status_code == 401, "nor does what it got"
    assert (await world.grant("housing")).status_code == 200


CREATE = "mutation($i: CreateApplicationInput!) { createApplication(input: $i) { application { clientId clientSecret authMethod keys } problems { path } } }"
REPLACE = "mutation($i: ReplaceApplicationKeysInput!) { replaceApplicationKeys(input: $i) { application { authMethod keys } problems { path code } } }"
RENEW = "mutation($i: ApplicationNameInput!) { renewApplicationSecret(input: $i) { application { clientSecret } problems { path code } } }"


async def test_administrators_register_and_change_what_a_client_proves_itself_by(world: World) -> None:
    public = json.dumps({"keys": [world.keys["roads"].as_dict(private=False)]})
    sound = {"name": "forestry", "department": "civil_affairs", "purposes": PURPOSES}
    for fault in ({"jwks": json.dumps(world.keys["roads"].as_dict(private=True))}, {"authMethod": "private_key_jwt"}, {"authMethod": "none"}):
        refused = (await world.govern(CREATE, {"i": {**sound, **fault}}))["createApplication"]
        assert refused["application"] is None
        assert refused["problems"][0]["path"] in ("jwks", "authMethod")
    made = (await world.govern(CREATE, {"i": {**sound, "jwks": public, "dpopBound": True}}))["createApplication"]["application"]
    assert (made["authMethod"], made["clientSecret"], made["keys"]) == ("private_key_jwt", None, [world.keys["roads"].thumbprint()])
    world.ids["forestry"], world.keys["forestry"] = made["clientId"], world.keys["roads"]
    assert (await _assert(world, name="forestry")).json()["error"] == "invalid_dpop_proof", "proven by its key, and its tokens are bound"
    replaced = (await world.govern(REPLACE, {"i": {"application": "forestry", "jwks": "{}"}}))["replaceApplicationKeys"]
    assert replaced["problems"][0]["path"] == "jwks"
    refused = (await world.govern(RENEW, {"i": {"application": "forestry"}}))["renewApplicationSecret"]
    assert refused["problems"] == [{"path": "application", "code": "CONFLICT"}]
    denied = (await world.govern(RENEW, {"i": {"application": "housing"}}, "auditor"))["renewApplicationSecret"]
    assert (denied["application"], denied["problems"][0]["code"]) == (None, "FORBIDDEN")


async def test_a12_unknown_client_and_wrong_secret_are_the_same(world: World) -> None:
    answers = [await world.post("/oauth/token", GRANT, world.basic(name, "wrong")) for name in ("housing", "nobody", "water", "auditor")]
    assert len({_of(answer) for answer in answers}) == 1
    assert answers[0].status_code == 401


async def test_a13_scopes_beyond_ones_own_are_no_token(world: World) -> None:
    for scope in ("governance:security", "query:unconditional governance:audit", "query:civil_affairs.person", "query:no.such", "introspect", "*"):
        answer = await world.grant(scope=scope)
        assert (answer.status_code, answer.json()["error"], "access_token" in answer.json()) == (400, "invalid_scope", False), scope


@pytest.mark.parametrize("resource", ["https://evil.example/graphql", ISSUER, f"{ISSUER}/graphql/", f"{ISSUER}/graphql#x", "x"])
async def test_a13_tokens_are_for_the_hub_alone(world: World, resource: str) -> None:
    answer = await world.grant(resource=resource)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")
    assert (await world.grant(resource=f"{ISSUER}/graphql")).status_code == 200


async def test_a14_duplicates_query_strings_other_methods_and_old_grants(world: World) -> None:
    own = world.basic("housing")
    twice = await world.post("/oauth/token", b"grant_type=client_credentials&grant_type=client_credentials", own)
    asked = await world.http.get("/oauth/token?grant_type=client_credentials", headers=own)
    address = await world.post(f"/oauth/token?client_id={world.ids['housing']}&client_secret={world.secrets['housing']}", GRANT)
    password = await world.post("/oauth/token", {"grant_type": "password", "username": "x", "password": "y"}, own)
    assert [(answer.status_code, answer.json().get("error")) for answer in (twice, address, password)] == [
        (400, "invalid_request"),
        (400, "invalid_request"),
        (400, "unsupported_grant_type"),
    ]
    assert (asked.status_code, asked.headers["allow"]) == (405, "POST")
    implicit = await world.http.get("/.well-known/oauth-authorization-server")
    assert not {"token", "id_token"} & set(implicit.json()["response_types_supported"])


async def _sent(world: World, chunks: list[bytes], *headers: tuple[bytes, bytes]) -> tuple[int, int]:
    """The status, and how many bytes of the body were read for it."""
    answered: list[Message] = []
    read = 0

    async def receive() -> Message:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": chunks[read - 1], "more_body": read < len(chunks)}

    async def send(message: Message) -> None:
        answered.append(message)

    where = {"path": "/oauth/token", "raw_path": b"/oauth/token", "query_string": b"", "root_path": "", "server": ("h", 80), "client": ("127.0.0.1", 1)}
    scope = {"type": "http", "method": "POST", "http_version": "1.1", "scheme": "http", **where}
    await world.hub({**scope, "headers": [(b"host", b"127.0.0.1:8000"), (b"content-type", FORM), *headers]}, receive, send)
    return answered[0]["status"], sum(map(len, chunks[:read]))


async def test_a16_large_and_packed_bodies_are_refused_before_they_are_read(world: World) -> None:
    piece = 16_384
    for body in (b"a=1&" * 1_000_000, b"a;" * 10_000_000, b"x" * 20_000_000):
        chunks = [body[start : start + piece] for start in range(0, len(body), piece)]
        status, read = await _sent(world, chunks)
        assert (status, read) == (413, 2 * piece)
        assert await _sent(world, chunks, (b"content-length", str(len(body)).encode())) == (413, 0)
    packed = gzip.compress(b"grant_type=client_credentials&" * 100_000, mtime=0)
    assert await _sent(world, [packed], (b"content-encoding", b"gzip")) == (400, 0)
    assert await _sent(world, [b"a;a;a;a"]) == (400, 7)
    assert world.hub._bodies.held == 0


async def test_who_tries_secrets_is_counted_by_address(world: World) -> None:
    """The audit administrator sees from where secrets, assertions and tokens were tried."""
    before = await world.refused_from("127.0.0.1")
    await world.grant("housing", world.basic("housing", "wrong"))
    await world.post("/oauth/introspect", {"token": "x"}, world.basic("nobody", "x"))
    after = await world.refused_from("127.0.0.1")
    assert after["invalid_client"] - before["invalid_client"] == 2
