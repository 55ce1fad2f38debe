"""Clients prove themselves; what is wrong with one cannot be told from outside, not even by the work it causes (A12)."""

from __future__ import annotations

import hashlib

import pytest

from auth.clients import Client, ClientAuthenticator, hash_secret, make_secret
from tests.auth.support import Clients, World, basic, client

pytestmark = pytest.mark.fast


def test_secrets_are_random_and_stored_as_a_hash() -> None:
    secrets = {make_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(secret) for secret in secrets} == {43}
    assert hash_secret("s") == hashlib.sha256(b"s").hexdigest()


def test_a_client_shows_no_hash() -> None:
    app = client("app")
    assert app.secret_hash not in repr(app)


@pytest.mark.parametrize(
    ("client_id", "secret", "proven"),
    [
        ("app", "app-secret", True),
        ("app", "other-secret", False),
        ("app", "", False),
        ("APP", "app-secret", False),
        ("nobody", "nobody-secret", False),
        ("off", "off-secret", False),
        ("app\x00", "app-secret", False),
        ("应用", "app-secret", False),
        ("a" * 129, "app-secret", False),
        ("", "", False),
    ],
)
def test_a12_whatever_is_wrong_the_work_is_one_look_up_and_one_comparison(client_id: str, secret: str, proven: bool) -> None:
    comparisons: list[tuple[str, str]] = []

    def same(given: str, known: str) -> bool:
        comparisons.append((given, known))
        return given == known

    store = Clients(client("app"), client("off", active=False))
    found = ClientAuthenticator(store, same=same).authenticate(client_id, secret)
    assert isinstance(found, Client) is proven
    assert len(store.looked_up) == 1
    ((given, known),) = comparisons
    assert given == hash_secret(secret)
    assert len(known) == len(given)


@pytest.mark.parametrize("client_id", ["app\x00", "a" * 129, "应用", "app:x"])
def test_ids_that_no_client_can_have_never_reach_the_store(client_id: str) -> None:
    store = Clients()
    ClientAuthenticator(store).authenticate(client_id, "s")
    assert store.looked_up == [""]


@pytest.mark.anyio
async def test_a12_trap_1_every_failure_has_the_same_bytes(world: World) -> None:
    form = {"grant_type": "client_credentials"}
    attempts: list[tuple[dict[str, str], dict[str, str]]] = [
        (form, basic("app", "wrong")),
        (form, basic("nobody")),
        (form, basic("off")),
        (form, basic("app", "")),
        (form, {}),
        (form, {"authorization": "Basic !!!!"}),
        (form, {"authorization": "Basic //79"}),
        (form, {"authorization": "Basic"}),
        (form, {"authorization": "Basic YXBw"}),
        (form, {"authorization": "Bearer abc"}),
        ({**form, "client_id": "app", "client_secret": "app-secret"}, {}),
        ({**form, "client_secret": "app-secret"}, basic("app")),
        ({**form, "client_assertion": "x", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, basic("app")),
        ({**form, "client_id": "other"}, basic("app")),
        ({**form, "client_id": "app"}, {}),
    ]
    answers = set()
    for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect"):
        for fields, headers in attempts:
            answer = await world.post(path, {**fields, "token": "x"}, headers)
            answers.add((answer.status_code, answer.content, tuple(sorted(answer.headers.items()))))
    ((status, body, headers_seen),) = answers
    assert status == 401
    assert b'"invalid_client"' in body
    assert dict(headers_seen)["www-authenticate"] == 'Basic realm="huitong", charset="UTF-8"'
    assert dict(headers_seen)["cache-control"] == "no-store"
    assert {event[1:] for event in world.events} == {(None, "refused", "invalid_client")}


@pytest.mark.anyio
async def test_a12_wrong_unknown_and_disabled_clients_cost_the_same_at_the_endpoint(world: World) -> None:
    for headers in (basic("app", "wrong"), basic("nobody"), basic("off")):
        world.clients.looked_up.clear()
        world.comparisons.clear()
        await world.post("/oauth/token", {"grant_type": "client_credentials"}, headers)
        assert len(world.clients.looked_up) == 1
        assert len(world.comparisons) == 1


@pytest.mark.anyio
async def test_two_authorization_headers_prove_nobody(world: World) -> None:
    async with world.http() as http:
        headers = [("authorization", basic("app")["authorization"]), ("authorization", basic("other")["authorization"])]
        answer = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
