"""Independent OAuth clients authorize against a running hub; who acts for an application gets its data, and is named."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session
from sqlalchemy import select

from hub.acts import Actor
from hub.ledger.tables import entry
from hub.people.authorize_clients import AuthorizedClients
from tests.hub.running import RunningHub
from tests.people.signing_in import Enrolled, authorize, beside, enrol, give_application

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]
ROOT = Path(__file__).parents[2]
NATIVE = "http://127.0.0.1/code"
CONSOLE = Actor("console", None, frozenset({"governance:system", "governance:security"}))
PERSONS = "{ civilAffairs { persons(first: 20) { totalCount nodes { name gender idNumber } } } }"


@dataclass
class Client:
    """A department's application that people authorize."""

    client_id: str
    secret: str
    person: Enrolled


@pytest.fixture(scope="module")
def client(hub: RunningHub) -> Client:
    with beside(hub) as core:
        purposes = [{"code": "housing.review", "scenario": "审核", "basis": "办法"}]
        made = core.sharing.create_application(CONSOLE, "code_portal", "housing", purposes, [])
        AuthorizedClients(core.acts).set_redirect_uris(CONSOLE, "code_portal", [NATIVE])
        person = enrol(core, "zhang.portal", "housing", ["governance:steward", "governance:owner"])
        give_application(core, person, "code_portal")
    return Client(made.client_id, made.client_secret, person)


def test_requests_oauthlib(hub: RunningHub, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code and PKCE, at a loopback address with a port of its own (RFC 8252 §7.3)."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    session = OAuth2Session(client.client_id, redirect_uri="http://127.0.0.1:5123/code", pkce="S256", scope=["governance:steward"])
    session.trust_env = False
    address, state = session.authorization_url(f"{hub.base}/oauth/authorize")
    answer = authorize(hub.base, address, client.person)
    assert f"state={state}" in answer
    token = session.fetch_token(f"{hub.base}/oauth/token", authorization_response=answer, auth=HTTPBasicAuth(client.client_id, client.secret))
    assert token["scope"] == ["governance:steward"]
    found = session.post(f"{hub.base}/governance/graphql", json={"query": "{ me { application } }"})
    assert found.json()["data"]["me"]["application"] == "zhang.portal"


def test_oauth4webapi_with_a_key_of_its_own(hub: RunningHub, client: Client) -> None:
    """Discovery, PKCE, iss, and a code and token bound to a key (RFC 9207, RFC 9449 §10)."""
    about = {"client": client.client_id, "secret": client.secret, "redirect": "http://127.0.0.1:6123/code", "dpop": True}
    found = _oauth4webapi(hub, client.person, {**about, "parameters": {"application": "code_portal"}})
    assert found["again"] == "invalid_grant"
    assert (found["type"], found["application"]) == ("dpop", "code_portal")


def _oauth4webapi(hub: RunningHub, person: Enrolled, asked: dict[str, Any]) -> dict[str, Any]:
    command = [str(ROOT / ".venv/bin/node"), str(ROOT / "tests/oauth/code.mjs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout

        def told(content: dict[str, Any]) -> dict[str, Any]:
            process.stdin.write(json.dumps(content) + "\n")
            process.stdin.flush()
            found: dict[str, Any] = json.loads(process.stdout.readline())
            return found

        opened = told({"issuer": hub.base, **asked})
        return told({"answer": authorize(hub.base, opened["open"], person)})


def test_the_owner_gets_the_data_of_the_application_and_is_named(hub: RunningHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with beside(hub) as core:
        person = enrol(core, "zhang.owner", "housing", ["governance:owner"])
        give_application(core, person, "housing")
    session = OAuth2Session("huitong-console", redirect_uri=f"{hub.base}/console/callback", pkce="S256")
    session.trust_env = False
    address, _ = session.authorization_url(f"{hub.base}/oauth/authorize", application="housing")
    answer = authorize(hub.base, address, person)
    token = session.fetch_token(f"{hub.base}/oauth/token", authorization_response=answer, include_client_id=True)["access_token"]
    acting = {"Authorization": f"Bearer {token}", "Huitong-Operator": None}
    own, mine = hub.ask("housing", PERSONS), hub.ask("housing", PERSONS, headers=acting)
    assert mine.data == own.data
    assert mine.data["civilAffairs"]["persons"]["totalCount"] > 0
    assert mine.content["extensions"]["masking"] == own.content["extensions"]["masking"]
    named = hub.ask("housing", PERSONS, headers={**acting, "Huitong-Operator": quote("另一人")})
    assert named.codes == ["BAD_REQUEST"]
    with beside(hub) as core, core.engine.connect() as connection:
        text = connection.execute(select(entry.c.canonical).where(entry.c.seq == int(mine.receipt["entry"]))).scalar_one()
    entered = json.loads(text)
    assert (entered["operator"], entered["application"]) == ("zhang.owner", hub.applications["housing"]["client_id"])
