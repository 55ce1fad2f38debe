"""A real demonstration hub in a process of its own, and what a caller needs to talk to it."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.cli.forked import Forked
from tests.hub.canaries import Canaries

GRAPHQL_JSON = "application/graphql-response+json"
PERSONS = 2000
DISTRICT = "520102"
_ROOT = Path(__file__).parents[2]
_MASKED = ("housing", "bank", None)
"""Who sees phones masked, or not at all."""
_START_SECONDS = 90.0
_STOP_SECONDS = 30.0
_TOKEN_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A GraphQL answer."""

    response: httpx2.Response
    content: dict[str, Any]

    @property
    def status(self) -> int:
        """HTTP status."""
        return self.response.status_code

    @property
    def data(self) -> Any:
        """``data``, which must have come without errors."""
        assert "errors" not in self.content, self.content
        return self.content["data"]

    @property
    def errors(self) -> list[dict[str, Any]]:
        """``errors``."""
        return list(self.content.get("errors", ()))

    @property
    def codes(self) -> list[str]:
        """``extensions.code`` of each error."""
        return [error["extensions"]["code"] for error in self.errors]

    @property
    def receipt(self) -> dict[str, Any]:
        """``extensions.receipt``."""
        receipt: dict[str, Any] = self.content["extensions"]["receipt"]
        return receipt


@dataclass
class RunningHub:
    """A started hub. ``home`` is its directory, ``log`` what it wrote to standard error."""

    base: str
    home: Path
    process: Forked | subprocess.Popen[bytes]
    log: Path
    client: httpx2.Client
    canaries: Canaries
    _tokens: dict[tuple[str, str | None], tuple[str, float]] = field(default_factory=dict, repr=False)

    @cached_property
    def applications(self) -> dict[str, dict[str, Any]]:
        """``credentials.json`` by name; tests add applications that they register."""
        return {each["name"]: each for each in json.loads((self.home / "demo" / "credentials.json").read_bytes())}

    @cached_property
    def samples(self) -> dict[str, Any]:
        """``samples.json``."""
        found: dict[str, Any] = json.loads((self.home / "demo" / "samples.json").read_bytes())
        return found

    @property
    def inside(self) -> list[dict[str, Any]]:
        """Sample persons whom ``housing`` may see."""
        return [person for person in self.samples["persons"] if "housing" in person["visible_to"]]

    @property
    def outside(self) -> list[dict[str, Any]]:
        """Sample persons whom ``housing`` may not see."""
        return [person for person in self.samples["persons"] if "housing" not in person["visible_to"]]

    def http(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        """One request as it stands; nothing is added, no redirect followed."""
        return self.client.request(method, path, content=body, headers=dict(headers or {}))

    def grant_token(self, name: str, scope: str | None = None) -> httpx2.Response:
        """What the token endpoint answers an application."""
        app = self.applications[name]
        form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope is not None else {})
        return self.client.post("/oauth/token", data=form, auth=(app["client_id"], app["client_secret"]))

    def token(self, name: str, scope: str | None = None) -> str:
        """A live access token of an application, with its full scope unless one is given."""
        kept, at = self._tokens.get((name, scope), ("", 0.0))
        if time.monotonic() - at > _TOKEN_SECONDS:
            answer = self.grant_token(name, scope)
            assert answer.status_code == 200, answer.text
            kept, at = answer.json()["access_token"], time.monotonic()
            self._tokens[name, scope] = kept, at
        return kept

    def headers(self, name: str | None, use: bool = True, scope: str | None = None) -> dict[str, str]:
        """The headers of a call by an application, or by the public."""
        made = {"Content-Type": "application/json", "Accept": GRAPHQL_JSON, "Accept-Language": "en"}
        if name is not None:
            made["Authorization"] = f"Bearer {self.token(name, scope)}"
            if use:
                app = self.applications[name]
                made |= {"Huitong-Purpose": app["purposes"][0], "Huitong-Operator": quote(app["operator"])}
        return made

    def ask(self, name: str | None, document: str, variables: Mapping[str, Any] | None = None, /, **more: Any) -> Answer:
        """A document by an application (``None``: the public). ``path``, ``use``, ``scope`` and ``headers`` (``None`` removes one) may be given."""
        headers = self.headers(name, more.pop("use", True), more.pop("scope", None)) | more.pop("headers", {})
        body = json.dumps({"query": document, "variables": dict(variables or {})}).encode()
        path = more.pop("path", "/graphql")
        assert not more, more
        response = self.http("POST", path, body, {key: value for key, value in headers.items() if value is not None})
        if name in _MASKED:
            self.canaries.masked(response.content, str(name))
        return Answer(response, response.json())

    def govern(self, name: str, document: str, variables: Mapping[str, Any] | None = None, /, **more: Any) -> Answer:
        """A document of the governance endpoint."""
        return self.ask(name, document, variables, path="/governance/graphql", **more)

    def rows(self, department: str, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a department's own SQLite file, past the hub."""
        with closing(sqlite3.connect(f"file:{self.home}/demo/{department}.db?mode=ro", uri=True)) as connection:
            return connection.execute(statement, parameters).fetchall()


@contextmanager
def started(
    home: Path,
    *,
    persons: int = PERSONS,
    port: int = 0,
    arguments: Sequence[str] = (),
    settings: Mapping[str, str] = MappingProxyType({}),
    module: str = "hub",
) -> Iterator[RunningHub]:
    """Starts ``huitong demo``, or a module that does the same, on a home and waits until it is ready. In the end it is killed if it still runs: end it by :func:`stop`.

    Every answer and, in the end, every file is looked through for canaries.
    """
    canaries = Canaries(home)
    home.mkdir(parents=True, exist_ok=True)
    log, told = home.with_name(f"{home.name}.stderr"), home.with_name(f"{home.name}.stdout")
    # Only what the command needs: settings of whoever runs the tests must not change the hub's.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUITONG_") and name not in ("HOST", "PORT")}
    environment = kept | {"HUITONG_HOME": str(home), "SEED_PERSONS": str(persons), "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    # Lower than the default, so that a test gets beyond it on a machine of any speed.
    environment |= {"HUITONG_CALLER_CALLS": "48", **settings}
    with told.open("wb") as output, log.open("ab") as errors:
        process = _begun(module, ("demo", *arguments), environment, output.fileno(), errors.fileno())
    try:
        base = _await_ready(process, told, log)
        with httpx2.Client(base_url=base, timeout=60, trust_env=False, event_hooks={"response": [canaries.response]}) as client:
            yield RunningHub(base, home, process, log, client, canaries)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    canaries.written(log, told, killed=process.returncode == -signal.SIGKILL)


def _begun(module: str, arguments: Sequence[str], environment: Mapping[str, str], output: int, errors: int) -> Forked | subprocess.Popen[bytes]:
    if module == "hub":
        return Forked(arguments, environment, output, errors)
    return subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=_ROOT, env=environment, stdout=output, stderr=errors)


def stop(hub: RunningHub) -> None:
    """Ends a hub as Ctrl-C does; it must end by itself, with exit code 0."""
    hub.process.send_signal(signal.SIGINT)
    code = hub.process.wait(_STOP_SECONDS)
    assert code == 0, f"exit code {code}: {hub.log.read_text()[-2000:]}"


def _await_ready(process: Forked | subprocess.Popen[bytes], told: Path, log: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    # A client reads all certificates of the machine, so one does for all tries.
    with httpx2.Client(trust_env=False) as client:
        while process.poll() is None and time.monotonic() < deadline:
            found = re.search(r"http://127\.0\.0\.1:\d+", told.read_text())
            if found and _is_ready(client, found[0]):
                return found[0]
            time.sleep(0.05)
    raise RuntimeError(f"the hub did not start (exit code {process.poll()}): {log.read_text()[-2000:]}")


def _is_ready(client: httpx2.Client, base: str) -> bool:
    try:
        return client.get(f"{base}/health/ready").status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """One hub for all tests of this process. Tests add to it, and take nothing of the demonstration's away."""
    with started(tmp_path_factory.mktemp("hub") / "home") as running:
        yield running
        stop(running)
