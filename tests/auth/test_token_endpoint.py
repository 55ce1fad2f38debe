"""The token endpoint over HTTP: what it gives, and attacks A13 and A14."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from auth.server import check_issuer
from tests.auth.support import ISSUER, SCOPES, World, basic, part

pytestmark = [pytest.mark.fast, pytest.mark.anyio]

GRANT = "grant_type=client_credentials"


async def test_a_token_for_the_client_itself(world: World) -> None:
    answer = await world.token(scope="query:unconditional")
    body = answer.json()
    assert answer.status_code == 200
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 600, "query:unconditional")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert world.verifier.verify(body["access_token"]).scopes == {"query:unconditional"}
    assert world.events == [("token", "app", "done", None)]


async def test_trap_4_the_issuer_is_the_setting_and_never_the_host_header(world: World) -> None:
    claims = part((await world.token()).json()["access_token"], 1)
    assert (claims["iss"], claims["aud"]) == (ISSUER, f"{ISSUER}/graphql")


@pytest.mark.parametrize("form", [{}, {"scope": ""}])
async def test_no_scope_means_all_of_the_clients(world: World, form: dict[str, str]) -> None:
    body = (await world.token(**form)).json()
    assert set(body["scope"].split(" ")) == SCOPES


@pytest.mark.parametrize(
    "scope",
    [
        "governance:security",
        "query:unconditional governance:security",
        "query:no.such_thing",
        "query:unconditional query:unconditional",
        "query:unconditional  verify:unconditional",
        "query:unconditional\tverify:unconditional",
        "qu\u0435ry:unconditional",
        "QUERY:UNCONDITIONAL",
        "query:unconditional,verify:unconditional",
        " ",
    ],
)
async def test_a13_trap_2_no_scope_is_silently_dropped(world: World, scope: str) -> None:
    answer = await world.token(scope=scope)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    assert "access_token" not in answer.text
    assert world.events == [("token", "app", "refused", "invalid_scope")]


async def test_a13_a_scope_that_exists_and_one_that_does_not_are_refused_with_the_same_bytes(world: World) -> None:
    exists, not_there = await world.token("other", scope="introspect"), await world.token("other", scope="intro")
    assert exists.content == not_there.content


@pytest.mark.parametrize("scope", [" query:unconditional", "query:unconditional  verify:unconditional", "query:unconditional query:unconditional", "查询"])
async def test_scopes_that_are_not_written_as_they_should_be_are_told_how(world: World, scope: str) -> None:
    assert "a single blank" in (await world.token(scope=scope)).json()["error_description"]
    assert "a single blank" not in (await world.token(scope="governance:security")).json()["error_description"]


async def test_a_client_without_scopes_gets_no_token(world: World) -> None:
    assert (await world.token("bare")).json()["error"] == "invalid_scope"


async def test_too_many_scopes_for_one_token(world: World) -> None:
    many = world.clients.by_id["app"].scopes | {f"query:department.resource_{number}" for number in range(400)}
    world.clients.by_id["app"] = type(world.clients.by_id["app"])("app", world.clients.by_id["app"].secret_hash, many, True, "housing", "app")
    answer = await world.token()
    assert answer.json()["scope"] == "query:granted query:unconditional verify:unconditional"
    assert (await world.token(scope="query:granted")).json()["scope"] == "query:granted"
    for scope, why in ((" ".join(sorted(many - {"query:civil_affairs.person"})), "Too many scopes"), ("exchange:granted", "not given all")):
        answer = await world.token(scope=scope)
        assert answer.json()["error"] == "invalid_scope"
        assert why in answer.json()["error_description"]
    assert (await world.token(scope="query:unconditional")).status_code == 200


@pytest.mark.parametrize(
    "form", [f"{GRANT}&{GRANT}", f"{GRANT}&scope=query:unconditional&scope=query:unconditional", f"{GRANT}&x=1&x=2", f"{GRANT}&scope=&scope=a"]
)
async def test_a14_trap_3_parameters_sent_twice(world: World, form: str) -> None:
    answer = await world.post("/oauth/token", form, basic("app"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert world.clients.looked_up == []


@pytest.mark.parametrize("query", ["client_id=app&client_secret=app-secret", "grant_type=client_credentials", "x"])
async def test_a14_nothing_in_the_address(world: World, query: str) -> None:
    for headers in ({}, basic("app")):
        answer = await world.post(f"/oauth/token?{query}", GRANT, headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert "app-secret" not in answer.text
    assert world.clients.looked_up == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "FORM", "__INIT__"])
async def test_a14_only_post(world: World, method: str) -> None:
    async with world.http() as http:
        for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect"):
            answer = await http.request(method, path, headers=basic("app"))
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "form",
    ["grant_type=password&username=x&password=y", "grant_type=authorization_code&code=x", "grant_type=refresh_token&refresh_token=x", "grant_type=%22%5C%00"],
)
async def test_a14_no_other_grant(world: World, form: str) -> None:
    answer = await world.post("/oauth/token", form, basic("app"))
    assert answer.status_code == 400
    assert answer.json() == {"error": "unsupported_grant_type", "error_description": "This is no grant type of the hub's; it has: client_credentials."}


@pytest.mark.parametrize("form", ["", "scope=query:unconditional", "grant_type=", "grant_type=&response_type=token"])
async def test_a14_a_missing_grant_type_is_named(world: World, form: str) -> None:
    answer = await world.post("/oauth/token", form, basic("app"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "grant_type" in answer.json()["error_description"]


async def test_trap_5_header_names_in_any_case(world: World) -> None:
    assert (await world.post("/oauth/token", GRANT, {"AUTHORIZATION": basic("app")["authorization"]})).status_code == 200


async def test_basic_credentials_are_percent_encoded_as_rfc_6749_says(world: World) -> None:
    assert (await world.post("/oauth/token", GRANT, basic("%61pp", "app%2Dsecret"))).status_code == 200


async def test_trap_7_no_token_in_any_log_at_debug(world: World, caplog: pytest.LogCaptureFixture) -> None:
    assert logging.getLogger("authlib").level == logging.INFO
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="authlib.oauth2.rfc6749.grants.client_credentials")
    token = (await world.token()).json()["access_token"]
    await world.post("/oauth/revoke", {"token": token}, basic("app"))
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert token not in logged
    assert "app-secret" not in logged
    assert world.clients.by_id["app"].secret_hash not in logged


async def test_an_event_that_cannot_be_recorded_keeps_the_token_in(world: World) -> None:
    async def fail(*_event: object) -> None:
        raise OSError("the ledger is not writable")

    world.record = fail
    with pytest.raises(OSError, match="ledger"):
        await world.token()


@pytest.mark.parametrize("issuer", ["https://hub.example", "https://hub.example:8443", "http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
async def test_trap_4_issuers_that_may_be(issuer: str) -> None:
    assert check_issuer(issuer) == issuer


@pytest.mark.parametrize(
    "issuer",
    ["http://10.0.0.1:8000", "http://hub.example", "http://localhost.evil.example", "http://127.0.0.1.evil.example"],
)
async def test_trap_4_plain_http_needs_the_operators_word(issuer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    with pytest.raises(ValueError, match="must begin with https"):
        check_issuer(issuer)
    assert check_issuer(issuer, plain_http=True) == issuer


async def test_trap_4_plain_http_at_the_operators_word_needs_no_environment_variable(tmp_path: Path) -> None:
    world = World(tmp_path, issuer="http://10.0.0.1:8000", plain_http=True)
    claims = part((await world.token()).json()["access_token"], 1)
    world.close()
    assert claims["iss"] == "http://10.0.0.1:8000"


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "hub.example",
        "ftp://hub.example",
        "https://hub.example/",
        "https://hub.example/x",
        "https://u@hub.example",
        "https://hub.example?x",
        "https://Hub.example",
    ],
)
async def test_what_is_no_issuer_is_refused_with_the_form_to_write(issuer: str) -> None:
    with pytest.raises(ValueError, match="https://host"):
        check_issuer(issuer, plain_http=True)
