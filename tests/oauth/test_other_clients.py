"""requests-oauthlib and Authlib's own client get tokens; the command line does too."""

# Authlib and requests-oauthlib have no annotations.
# mypy: allow-untyped-calls

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError
from requests_oauthlib import OAuth2Session

from hub.cli.app import run
from tests.oauth.conftest import Served

pytestmark = pytest.mark.slow


def test_requests_oauthlib(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client_id, secret = served.world.ids["housing"], served.world.secrets["housing"]
    with OAuth2Session(client=BackendApplicationClient(client_id, scope=["query:unconditional"])) as session:
        token = session.fetch_token(f"{served.issuer}/oauth/token", client_id=client_id, client_secret=secret)
        assert (token["token_type"], token["scope"]) == ("Bearer", ["query:unconditional"])
        assert session.post(f"{served.issuer}/graphql", json={"query": "{ catalog { __typename } }"}).status_code == 200
        with pytest.raises(InvalidClientError):
            session.fetch_token(f"{served.issuer}/oauth/token", client_id=client_id, client_secret="wrong")


def test_authlibs_client_with_type_and_audience_of_rfc_10070(served: Served) -> None:
    """Its own audience is the token endpoint, which RFC 10070 forbids, and its assertions live for an hour; all can be set."""
    client_id, key = served.world.ids["ES256"], served.keys["ES256"]
    with OAuth2Client(client_id, key, token_endpoint_auth_method="private_key_jwt", trust_env=False) as client:
        header = {"typ": "client-authentication+jwt", "kid": key.thumbprint()}
        method = PrivateKeyJWT(served.issuer, claims={"exp": int(time.time()) + 60}, headers=header, alg="ES256")
        client.register_client_auth_method(method)
        token = client.fetch_token(f"{served.issuer}/oauth/token", grant_type="client_credentials")
        assert token["token_type"] == "Bearer"
        with pytest.raises(OAuthError, match="invalid_client"):
            client.fetch_token(f"{served.issuer}/oauth/token", grant_type="client_credentials")


def test_authlibs_client_renews_a_token_by_itself_and_a_secret_in_the_form_is_refused(served: Served) -> None:
    client_id, secret = served.world.ids["housing"], served.world.secrets["housing"]
    given = {"grant_type": "client_credentials", "token_endpoint": f"{served.issuer}/oauth/token"}
    with OAuth2Client(client_id, secret, **given, trust_env=False) as client:
        first = client.fetch_token()
        client.token = {**first, "expires_at": 1}
        assert client.post(f"{served.issuer}/graphql", json={"query": "{ catalog { __typename } }"}).status_code == 200
        assert client.token["access_token"] != first["access_token"]
    posting = OAuth2Client(client_id, secret, **given, token_endpoint_auth_method="client_secret_post", trust_env=False)
    with posting as client, pytest.raises(OAuthError, match="its secret by HTTP Basic"):
        client.fetch_token()


def _await(holds: Callable[[], bool]) -> None:
    """A running hub follows within a second; a busy machine may take longer."""
    for _ in range(100):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("the hub has not followed")


def test_the_command_line_registers_a_key_and_uses_it(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUITONG_HOME", str(served.core.settings.home))
    key, new = tmp_path / "key.pem", tmp_path / "new.json"
    key.write_bytes(served.keys["PS256"].as_pem(private=True))
    new.write_text(json.dumps(served.keys["Ed25519"].as_dict(private=True)))
    public = tmp_path / "key.pub.pem"
    public.write_bytes(served.keys["PS256"].as_pem(private=False))
    purpose = "rent|公租房审核|条例第十条"
    assert run(["app", "add", "cli_key", "--department", "civil_affairs", "--purpose", purpose, "--jwks", str(key)]) == 1
    assert "private" in capsys.readouterr().err
    assert run(["app", "add", "cli_key", "--department", "civil_affairs", "--purpose", purpose, "--jwks", str(public), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made.keys() == {"name", "client_id"}
    ask = ["--client-id", made["client_id"], "--url", served.issuer]
    _await(lambda: run(["token", *ask, "--key", str(key)]) == 0)
    assert run(["query", "{ catalog { __typename } }", *ask, "--key", str(key), "--purpose", "rent", "--operator", "tester"]) == 0
    assert run(["token", *ask, "--key", str(new)]) == 1, "another key"
    assert run(["token", *ask, "--key", str(public)]) == 1, "no private key"
    assert run(["app", "secret", "cli_key"]) == 1, "it has none"
    assert run(["app", "secret", "cli_none"]) == 1
    capsys.readouterr()
    assert run(["app", "secret", "auditor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["client_secret"] != served.world.secrets["auditor"]
    assert run(["app", "keys", "cli_key", "--jwks", str(public), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["auth_method"] == "private_key_jwt"


def test_the_command_line_rotates_signing_keys(served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HUITONG_HOME", str(served.core.settings.home))
    assert run(["keys", "list", "--json"]) == 0
    (old,) = json.loads(capsys.readouterr().out)
    assert old["state"] == "SIGNING"
    assert run(["keys", "rotate", "--json"]) == 0
    new = json.loads(capsys.readouterr().out)
    assert new["state"] == "WAITING"
    assert run(["keys", "rotate"]) == 1
    assert run(["keys", "retire", old["kid"]]) == 1
    assert run(["keys", "retire", new["kid"]]) == 0, "nothing was signed with it"
    assert run(["keys", "rotate", "--after", "0"]) == 0
    assert run(["keys", "retire", old["kid"]]) == 1
    assert "--now" in capsys.readouterr().err
    assert run(["keys", "retire", old["kid"], "--now"]) == 0
    assert "tokens" in capsys.readouterr().err.lower()
