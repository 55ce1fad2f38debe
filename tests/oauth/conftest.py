"""One hub on a free port of loopback, in a thread of the tests' process, for clients that others wrote."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from joserfc.jwk import ECKey, OKPKey, RSAKey

from auth.signed import PublicKey
from hub.app import create_app
from hub.core import Core, initialise, open_core
from hub.settings import Settings
from hub.sharing.clients import Proving
from tests.attacks.world import PURPOSES, World, register
from tests.catalog.homes import CONSOLE
from tests.docs.pages import ROOT

LIBRARY = ROOT / "hub" / "console" / "node_modules" / "oauth4webapi" / "build" / "index.js"


class _Server(uvicorn.Server):
    """Says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


@dataclass
class Served:
    """A served hub and its clients; ``keys`` are those of clients named after their algorithm."""

    issuer: str
    core: Core
    world: World
    keys: dict[str, PublicKey]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A hub with the clients of the attacks, and one more for each algorithm of ``private_key_jwt``."""
    listening = socket.create_server(("127.0.0.1", 0))
    settings = Settings(home=tmp_path_factory.mktemp("served") / "home", port=listening.getsockname()[1])
    initialise(settings)
    core = open_core(settings)
    world = World(core, {name: ECKey.generate_key("P-256") for name in ("water", "roads")})
    register(world)
    keys: dict[str, PublicKey] = {"ES256": ECKey.generate_key("P-256"), "PS256": RSAKey.generate_key(2048), "Ed25519": OKPKey.generate_key("Ed25519")}
    for algorithm, key in keys.items():
        proving = Proving(jwks=json.dumps(key.as_dict(private=False)))
        world.ids[algorithm] = core.sharing.create_application(CONSOLE, algorithm.lower(), "civil_affairs", PURPOSES, [], proving=proving).client_id
    core.registry.refresh()
    server = _Server(uvicorn.Config(create_app(core), log_level="warning", lifespan="on"))
    running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    running.start()
    assert server.is_up.wait(30)
    yield Served(settings.url, core, world, keys)
    server.should_exit = True
    running.join(30)
    listening.close()
    core.close()


@pytest.fixture(scope="session")
def flows(served: Served) -> dict[str, Any]:
    """What oauth4webapi found, by flow; one run of Node for all."""
    world = served.world
    secrets = {name: {"client_id": world.ids[own], "client_secret": world.secrets[own]} for name, own in (("secret", "housing"), ("bound", "bound"))}
    by_key = {
        name: {"client_id": world.ids[name], "kid": key.thumbprint(), "jwk": {**key.as_dict(private=True), "alg": name}} for name, key in served.keys.items()
    }
    given = {"issuer": served.issuer, "library": LIBRARY.as_uri(), "clients": {**secrets, "keys": by_key}}
    node = Path(sys.executable).with_name("node")
    environment = {**os.environ, "NO_PROXY": "*", "NODE_NO_WARNINGS": "1"}
    script = str(Path(__file__).with_name("flows.mjs"))
    done = subprocess.run([str(node), script], input=json.dumps(given), capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
