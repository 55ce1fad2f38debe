"""The server as other people's clients meet it: Authlib's OAuth client and the standard library's HTTP, over a socket."""

# Authlib has no annotations.
# mypy: allow-untyped-calls

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from authlib.integrations.httpx_client import OAuth2Client

from tests.auth.support import FORM, Clock, World

pytestmark = pytest.mark.slow


class _Server(uvicorn.Server):
    """Says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[World]:
    """The server on a free port of loopback, over plain http, whose address is the issuer."""
    listening = socket.create_server(("127.0.0.1", 0))
    world = World(tmp_path, issuer=f"http://127.0.0.1:{listening.getsockname()[1]}", clock=Clock(time.time()))
    server = _Server(uvicorn.Config(world.app, log_level="warning"))
    running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    running.start()
    assert server.is_up.wait(20)
    yield world
    server.should_exit = True
    running.join(20)
    listening.close()
    world.close()


def test_authlibs_own_client_gets_uses_introspects_and_revokes_a_token(live: World) -> None:
    with OAuth2Client("app", "app-secret", scope="query:unconditional") as client:
        metadata = client.request("GET", f"{live.issuer}/.well-known/oauth-authorization-server", withhold_token=True).json()
        token = client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
        assert (token["token_type"], token["scope"]) == ("Bearer", "query:unconditional")
        assert client.get(f"{live.issuer}/protected").json() == ["query:unconditional"]
        asked = client.introspect_token(metadata["introspection_endpoint"], token=token["access_token"], token_type_hint="access_token")
        assert asked.json()["client_id"] == "app"
        assert client.revoke_token(metadata["revocation_endpoint"], token=token["access_token"], token_type_hint="access_token").status_code == 200
        assert client.get(f"{live.issuer}/protected").status_code == 401


def _post(world: World, form: bytes, authorization: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(world.issuer.removeprefix("http://"), timeout=20)
    try:
        connection.request("POST", "/oauth/token", form, {"Authorization": authorization, "Content-Type": FORM})
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    finally:
        connection.close()


def test_a_client_of_the_standard_library(live: World) -> None:
    right = "Basic " + base64.b64encode(b"app:app-secret").decode()
    wrong = "Basic " + base64.b64encode(b"app:wrong").decode()
    status, body = _post(live, b"grant_type=client_credentials", right)
    assert status == 200
    assert live.verifier.verify(body["access_token"]).client_id == "app"
    assert _post(live, b"grant_type=client_credentials", wrong)[0] == 401
    assert _post(live, b"x" * 20_000, right) == (413, {"error": "invalid_request", "error_description": "The form is longer than 16384 bytes."})
