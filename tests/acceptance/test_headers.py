"""Headers of every kind of answer: nothing that tells of the software, nothing that may be kept, what is needed to go on."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterator

import httpx2
import pytest

from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

KEPT_FROM = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def answers(hub: RunningHub) -> Iterator[tuple[str, httpx2.Response]]:
    housing = hub.headers("housing")
    yield "query", hub.http("POST", "/graphql", b'{"query": "{ __typename }"}', housing)
    yield "invalid document", hub.http("POST", "/graphql", b'{"query": "{ x }"}', housing)
    yield "no JSON", hub.http("POST", "/graphql", b"{", housing)
    yield "public", hub.http("POST", "/graphql", b'{"query": "{ __typename }"}', hub.headers(None))
    yield "wrong token", hub.http("POST", "/graphql", b"{}", hub.headers(None) | {"Authorization": "Bearer x"})
    yield "wrong method", hub.http("PUT", "/graphql")
    yield "wrong media type", hub.http("POST", "/graphql", b"x", {"Content-Type": "text/plain"})
    yield "forbidden", hub.http("POST", "/governance/graphql", b'{"query": "{ __typename }"}', housing)
    yield "governance", hub.http("POST", "/governance/graphql", b'{"query": "{ __typename }"}', hub.headers("steward"))
    yield "SDL", hub.http("GET", "/graphql/schema.graphql", headers=housing)
    yield "SDL of administrators", hub.http("GET", "/governance/graphql/schema.graphql", headers=hub.headers("steward"))
    yield "GraphiQL", hub.http("GET", "/graphql", headers={"Accept": "text/html"})
    yield "no such address", hub.http("GET", "/nothing")
    yield "no such exchange", hub.http("GET", "/exchanges/x/manifest.json", headers=housing)
    yield "no token for an exchange", hub.http("GET", "/exchanges/x/manifest.json")
    yield "proof without a token", hub.http("GET", "/ledger/proof/1")
    yield "checkpoint", hub.http("GET", "/ledger/checkpoint")
    yield "key", hub.http("GET", "/ledger/key")
    yield "token", hub.grant_token("housing")
    yield "wrong secret", hub.client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("app_x", "y"))
    yield "no grant type", hub.client.post("/oauth/token", auth=("app_x", "y"))


def test_f6_no_answer_tells_of_the_software_or_may_be_kept_or_guessed_at(hub: RunningHub) -> None:
    faults = []
    for kind, answer in answers(hub):
        headers = answer.headers
        faults += [(kind, name) for name in ("server", "x-powered-by", "access-control-allow-origin") if name in headers]
        # The console's page holds nothing of anybody: it may be kept, if it is asked for anew before each use.
        wanted = KEPT_FROM if kind != "GraphiQL" else {**KEPT_FROM, "cache-control": "no-cache"}
        faults += [(kind, name) for name, value in wanted.items() if headers.get(name) != value]
        faults += [(kind, "HTML")] if kind != "GraphiQL" and "html" in headers.get("content-type", "") else []
    assert faults == []


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("POST", "/graphql/", 404), ("PUT", "/oauth/token", 405)])
def test_no_such_address_is_told_like_any_error(hub: RunningHub, method: str, path: str, status: int) -> None:
    answer = hub.http(method, path)
    (error,) = answer.json()["errors"]
    assert answer.status_code == status
    assert error["extensions"]["code"] == "NOT_FOUND"
    assert error["extensions"]["messageEn"] == "no such address or method"
    assert error["extensions"]["hintEn"]


@pytest.mark.parametrize(("method", "path", "taken"), [("GET", "/oauth/token", "POST"), ("POST", "/graphql/schema.graphql", "GET")])
def test_another_method_is_told_with_those_that_the_address_takes(hub: RunningHub, method: str, path: str, taken: str) -> None:
    answer = hub.http(method, path)
    (error,) = answer.json()["errors"]
    assert answer.status_code == 405
    assert taken in answer.headers["allow"]
    for hint in (error["extensions"]["hint"], error["extensions"]["hintEn"]):
        assert {taken, method} <= set(re.findall("[A-Z]+", hint))


def test_unauthenticated_answers_say_how_to_authenticate(hub: RunningHub) -> None:
    for kind, answer in answers(hub):
        assert (answer.status_code in (401, 403)) == ("www-authenticate" in answer.headers), kind


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Bearer a.b.c", "Basic aG91c2luZzp4", "Token x", "bearer x", "Bearer x y", "Bearer eyJhbGciOiJub25lIn0.e30."]
)
def test_every_faulty_authorization_is_refused_alike(hub: RunningHub, value: str) -> None:
    answer = hub.http("POST", "/graphql", b'{"query": "{ __typename }"}', hub.headers(None) | {"Authorization": value.strip()})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["UNAUTHENTICATED"]


def test_a_tampered_token_is_refused(hub: RunningHub) -> None:
    head, payload, signature = hub.token("housing").split(".")
    others = hub.token("civil_affairs_own").split(".")
    for token in (f"{head}.{others[1]}.{signature}", f"{head}.{payload}.{signature[:-4]}AAAA", f"{head}.{payload}.", f"{others[0]}.{payload}.{others[2]}"):
        answer = hub.http("POST", "/graphql", b'{"query": "{ __typename }"}', hub.headers(None) | {"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401


def test_c14_too_many_calls_at_once_are_told_when_to_return(hub: RunningHub) -> None:
    """More calls of one application than it may have in work; whoever is refused is told to come back, and another application is served."""
    body = b'{"query": "{ humanResources { socialInsurances(first: 1000) { nodes { person { household { district } } employer { name } } } } }"}'
    headers, found = hub.headers("housing"), []
    lock, start, context = threading.Lock(), threading.Barrier(241), ssl.create_default_context()

    def call() -> None:
        with httpx2.Client(base_url=hub.base, timeout=60, trust_env=False, verify=context) as client:
            start.wait()
            answer = client.post("/graphql", content=body, headers=headers)
            with lock:
                found.append(answer)

    threads = [threading.Thread(target=call) for _ in range(240)]
    for thread in threads:
        thread.start()
    start.wait()
    bank = hub.ask("bank", "{ me { application } }")
    for thread in threads:
        thread.join()
    assert bank.data == {"me": {"application": "bank"}}
    refused = [answer for answer in found if answer.status_code == 429]
    assert {answer.status_code for answer in found} <= {200, 429}
    assert refused
    assert all(answer.headers["retry-after"].isdigit() for answer in refused)
    assert {error["extensions"]["code"] for answer in refused for error in answer.json()["errors"]} == {"RATE_LIMITED"}
