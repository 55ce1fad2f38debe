"""The authorization endpoint: what it shows, what it sends back, and that it sends nothing anywhere else (A15, RFC 9700 §2.1, §4.1, §4.11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from auth.authorization import MAX_QUERY
from hub.people.codes import CONSOLE
from hub.people.tables import authorization_code
from tests.people.authorizing import CALLBACK, ISSUER, LI, PORTAL, ZHANG, Pkce, World, answer_of, consent_form, path_of, world_in

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
PORTAL_ID = {"client_id": "portal_id", "redirect_uri": PORTAL}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world_in(tmp_path_factory.mktemp("authorize")) as made:
        yield made


async def test_graphiql_gets_a_code_at_once_with_state_and_iss(world: World) -> None:
    answer = await world.browser().get(world.request(Pkce()))
    sent = answer_of(answer, CALLBACK)
    assert sent["state"] == "s t&a=te"
    assert sent["iss"] == ISSUER
    assert len(sent["code"]) == 43
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_behind_the_login_an_error_goes_back_by_a_page(world: World) -> None:
    """A form's policy would stop a redirect (CSP 3 §6.4.1)."""
    asked = world.request(Pkce(), **PORTAL_ID, scope="governance:security")
    browser = world.browser()
    answer = await world.http.get("/oauth/authorize", params=asked, headers={**browser.cookie(), "sec-fetch-site": "same-origin"})
    assert answer.status_code == 200
    assert answer.headers["refresh"] == f"0; url={(await browser.get(asked)).headers['location']}"


async def test_without_state_none_comes_back(world: World) -> None:
    assert "state" not in answer_of(await world.browser().get(world.request(Pkce(), state=None)))


async def test_the_code_is_stored_hashed_alone(world: World) -> None:
    code = await world.code(Pkce())
    with world.core.engine.connect() as connection:
        assert not [row for row in connection.execute(select(authorization_code)) if code in map(str, row)]


async def test_who_is_not_logged_in_is_sent_to_the_login_and_back(world: World) -> None:
    answer = await world.browser(None).get(world.request(Pkce()))
    assert answer.status_code == 303
    assert path_of(answer.headers["location"]) == "/account/login"
    assert "code=" not in answer.headers["location"].replace("code_challenge", "")
    login = await world.http.get(answer.headers["location"])
    assert login.status_code == 200
    assert 'value="/oauth/authorize?' in login.text


async def test_a_client_of_others_needs_consent_whatever_prompt_says(world: World) -> None:
    for prompt in (None, "none", "consent", "login"):
        page = await world.browser().get(world.request(Pkce(), **PORTAL_ID, prompt=prompt))
        assert page.status_code == 200
        assert "portal" in page.text
        assert "governance:steward" in page.text
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        policy = page.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self' https://portal.example;" in policy
        assert "unsafe" not in policy


async def test_consent_gives_a_code_and_refusal_an_error(world: World) -> None:
    browser = world.browser()
    page = await browser.get(world.request(Pkce(), **PORTAL_ID))
    denied = await browser.post(consent_form(page, "deny"))
    assert answer_of(denied, PORTAL)["error"] == "access_denied"
    assert answer_of(denied)["state"] == "s t&a=te"
    assert "code" in answer_of(await browser.post(consent_form(page)), PORTAL)


@pytest.mark.parametrize(
    ("changed", "headers"),
    [
        ({"csrf": "x"}, None),
        ({"csrf": ""}, None),
        ({}, {"origin": "https://evil.example"}),
        ({}, {"origin": "null"}),
        ({}, {}),
        ({}, {"origin": ISSUER, "sec-fetch-site": "cross-site"}),
    ],
)
async def test_consent_that_is_not_of_the_page_is_no_consent(world: World, changed: dict[str, str], headers: dict[str, str] | None) -> None:
    browser = world.browser()
    form = consent_form(await browser.get(world.request(Pkce(), **PORTAL_ID)))
    answer = await browser.post({**form, **changed}, headers)
    assert answer.status_code == 403
    assert "location" not in answer.headers


async def test_no_zero_character_comes_in_by_the_form(world: World) -> None:
    browser = world.browser()
    form = consent_form(await browser.get(world.request(Pkce(), **PORTAL_ID)))
    answer = await browser.post({**form, "query": f"{form['query']}&application=a%00"})
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_consent_of_another_session_is_no_consent(world: World) -> None:
    form = consent_form(await world.browser().get(world.request(Pkce(), **PORTAL_ID)))
    assert (await world.browser(LI).post(form)).status_code == 403
    assert path_of((await world.browser(None).post(form)).headers["location"]) == "/account/login"


async def test_the_form_of_a_consent_is_looked_at_again(world: World) -> None:
    browser = world.browser()
    form = consent_form(await browser.get(world.request(Pkce(), **PORTAL_ID)))
    moved = form | {"query": form["query"].replace("portal.example", "evil.example")}
    assert (await browser.post(moved)).status_code == 400
    plain = form | {"query": form["query"].replace("S256", "plain")}
    assert answer_of(await browser.post(plain), PORTAL)["error"] == "invalid_request"


@pytest.mark.parametrize(
    "uri",
    [
        "https://portal.example/callback/",
        "https://portal.example/callback/..%2fevil",
        "https://portal.example/callback/../evil",
        "https://portal.example/callback?x=1",
        "https://portal.example/callback#x",
        "https://portal.example/Callback",
        "https://PORTAL.example/callback",
        "https://portal.example:443/callback",
        "https://portal.example:8443/callback",
        "https://portal.example//callback",
        "https://portal.example/%63allback",
        "https://portal.example@evil.example/callback",
        "https://portal.example.evil.example/callback",
        "https://evil.example/callback",
        "https://evil.example\\@portal.example/callback",
        "//portal.example/callback",
        "//evil.example",
        "http://portal.example/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "/callback",
        "https://portal.example/callback ",
        " https://portal.example/callback",
        "https://portal.example/callback\r\nX: y",
        "https://portal.example:8444/ported",
        "https://portal.example/ported",
        "https://portal.example/other",
        "https://portal.example/other?fixed=2",
        "http://127.0.0.1:80@evil.example/native",
        "http://127.0.0.1:99999/native",
        "http://127.0.0.1:5000/native/x",
        "http://127.0.0.2:5000/native",
        "http://localhost:5000/native",
        "https://127.0.0.1:5000/native",
        "http://127.0.0.1:5000:6000/native",
        "",
    ],
)
@pytest.mark.parametrize("sound", [True, False])
async def test_a15_another_redirect_uri_is_shown_and_never_followed(world: World, uri: str, sound: bool) -> None:
    """Neither by a sound request nor by one with a further fault, of which the client would be told (open redirect, RFC 9700 §4.11.2)."""
    asked = world.request(Pkce(), **{**PORTAL_ID, "redirect_uri": uri}, response_type="code" if sound else "token")
    for browser in (world.browser(), world.browser(None)):
        answer = await browser.get(asked)
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert answer.headers["content-type"].startswith("text/html")
        assert "evil.example" not in answer.text


@pytest.mark.parametrize("uri", [*("http://127.0.0.1:5000/native", "http://127.0.0.1/native", "https://portal.example:8443/ported"), PORTAL])
async def test_registered_ones_are_good_and_a_loopback_address_with_any_port(world: World, uri: str) -> None:
    page = await world.browser().get(world.request(Pkce(), **{**PORTAL_ID, "redirect_uri": uri}))
    assert page.status_code == 200


async def test_a_query_of_the_redirect_uri_stays(world: World) -> None:
    browser = world.browser()
    page = await browser.get(world.request(Pkce(), **{**PORTAL_ID, "redirect_uri": "https://portal.example/other?fixed=1"}))
    assert (await browser.post(consent_form(page))).headers["location"].startswith("https://portal.example/other?fixed=1&code=")


@pytest.mark.parametrize("client_id", ["nobody", "housing_id", "", ZHANG, "portal", "portal_id\x00"])
async def test_an_unknown_client_is_shown_and_never_followed(world: World, client_id: str) -> None:
    answer = await world.browser().get(world.request(Pkce(), **{**PORTAL_ID, "client_id": client_id}))
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "a" * 44}, "invalid_request"),
        ({"code_challenge": "a" * 42 + "="}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": "CODE"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"request": "x.y.z"}, "invalid_request"),
        ({"request_uri": "https://evil.example/request"}, "invalid_request"),
        ({"dpop_jkt": "no thumbprint"}, "invalid_request"),
        ({"resource": "https://elsewhere.example/graphql"}, "invalid_target"),
        ({"scope": "governance:security"}, "invalid_scope"),
        ({"scope": "governance:owner governance:audit"}, "invalid_scope"),
        ({"scope": "governance:owner  governance:steward"}, "invalid_scope"),
        ({"scope": "governance:owner governance:owner"}, "invalid_scope"),
        ({"scope": "query:unconditional"}, "invalid_scope"),
        ({"application": "portal"}, "access_denied"),
        ({"application": "absent"}, "access_denied"),
        ({"application": "housing_id"}, "access_denied"),
        ({"application": "housing", "scope": "governance:owner"}, "invalid_scope"),
    ],
)
async def test_a15_other_faults_go_back_with_state_and_iss(world: World, changed: dict[str, str | None], error: str) -> None:
    sent = answer_of(await world.browser().get(world.request(Pkce(), **changed)), CALLBACK)
    assert (sent["error"], sent["state"], sent["iss"]) == (error, "s t&a=te", ISSUER)
    assert "code" not in sent
    assert "evil" not in sent.get("error_description", "")


@pytest.mark.parametrize(
    "name", ["client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method", "application", "x"]
)
async def test_a14_a_parameter_twice_is_an_error(world: World, name: str) -> None:
    asked = world.request(Pkce(), scope="governance:owner", application="housing", x="1")
    answer = await world.browser().get(urlencode([*asked.items(), (name, asked[name])]))
    if name in ("client_id", "redirect_uri"):
        assert answer.status_code == 400
        assert "location" not in answer.headers
    else:
        sent = answer_of(answer, CALLBACK)
        assert sent["error"] == "invalid_request"
        assert sent.get("state") == (None if name == "state" else "s t&a=te")


@pytest.mark.parametrize("query", ["a" * (MAX_QUERY + 1), "&".join(f"a{n}=1" for n in range(40)), "a", "a=%ff", "a=1;b=2&c", "=&=", ""])
async def test_what_cannot_be_read_is_shown(world: World, query: str) -> None:
    assert (await world.browser().get(query)).status_code == 400


async def test_an_authorization_is_entered_with_the_person_and_a_refusal_too(world: World) -> None:
    await world.code(Pkce())
    await world.browser().get(world.request(Pkce(), scope="governance:security"))
    entered = world.entries("oauth.authorize")[-2:]
    assert [(each["operator"], each["application"], each["outcome"], each.get("code")) for each in entered] == [
        ("zhang", CONSOLE, "OK", None),
        ("zhang", CONSOLE, "REFUSED", "invalid_scope"),
    ]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_no_other_method(world: World, method: str) -> None:
    assert (await world.http.request(method, "/oauth/authorize")).status_code == 405


async def test_metadata_names_what_there_is(world: World) -> None:
    found = (await world.http.get("/.well-known/oauth-authorization-server")).json()
    assert found["authorization_endpoint"] == f"{ISSUER}/oauth/authorize"
    assert found["response_types_supported"] == ["code"]
    assert found["response_modes_supported"] == ["query"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert found["grant_types_supported"] == ["client_credentials", "authorization_code"]
    assert "none" in found["token_endpoint_auth_methods_supported"]
    assert "none" not in found["introspection_endpoint_auth_methods_supported"]
