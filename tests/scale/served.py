"""A hub of a made-up catalog, served by a process of its own, and what can be measured of it from outside."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from hub.acts import Actor
from hub.catalog.scopes import CATALOG, SECURITY, SYSTEM
from hub.core import initialise, open_core
from hub.settings import load_settings
from tests.scale.catalog import Size, department_code, fill
from tests.servers.postgres import free_port

HEADERS = {"Content-Type": "application/json", "Accept": "application/graphql-response+json", "Huitong-Purpose": "use", "Huitong-Operator": "scale"}
_CONSOLE = Actor("console", scopes=frozenset({SYSTEM, SECURITY, CATALOG}))
_ROLES = {"importer": [SYSTEM], "reviewer": [SECURITY]}


@dataclass
class Served:
    """A started hub."""

    url: str
    process: subprocess.Popen[bytes]
    secrets: dict[str, tuple[str, str]]
    seconds: float
    """From the start of the process to its first ready answer."""
    cpu: float
    """CPU seconds until then."""
    client: httpx2.Client = field(repr=False)
    _tokens: dict[str, str] = field(default_factory=dict)

    def cpu_seconds(self) -> float:
        """CPU seconds of the process up to now."""
        found = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(found[11]) + int(found[12])) / os.sysconf("SC_CLK_TCK")

    def mebibytes(self, what: str = "VmRSS") -> int:
        """Resident memory; ``VmHWM``: the most there was."""
        return int(re.search(rf"{what}:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) // 1024  # type: ignore[index]

    def token(self, name: str) -> str:
        """An application's access token."""
        if name not in self._tokens:
            answer = self.client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=self.secrets[name])
            self._tokens[name] = answer.json()["access_token"]
        return self._tokens[name]

    def renew(self, name: str) -> None:
        """The next call asks for another token."""
        self._tokens.pop(name, None)

    def ask(self, name: str, text: str, variables: dict[str, Any] | None = None, path: str = "/graphql", **headers: str) -> tuple[float, dict[str, Any]]:
        """(seconds, answer) of a call."""
        self.token(name)
        body = json.dumps({"query": text, "variables": variables or {}})
        began = time.monotonic()
        answer = self.client.post(path, content=body, headers={**HEADERS, **headers, "Authorization": f"Bearer {self._tokens[name]}"})
        return time.monotonic() - began, answer.json()

    def raw(self, name: str, text: str, **headers: str) -> tuple[float, float, int]:
        """(seconds to the first byte, seconds, bytes on the wire) of a call whose answer is not looked at."""
        self.token(name)
        given = {**HEADERS, "Authorization": f"Bearer {self._tokens[name]}", **headers}
        began, size, first = time.monotonic(), 0, 0.0
        with self.client.stream("POST", "/graphql", content=json.dumps({"query": text}), headers=given) as answer:
            first = time.monotonic() - began
            if answer.status_code != 200:
                raise RuntimeError(f"status {answer.status_code}")
            size = sum(len(piece) for piece in answer.iter_raw())
        return first, time.monotonic() - began, size


def prepare(home: Path, size: Size, applications: int) -> dict[str, tuple[str, str]]:
    """A home with the catalog in force and applications ``app0`` … that all have other rights; (client id, secret) by name."""
    settings = load_settings(home=home)
    initialise(settings)
    core = open_core(settings)
    try:
        fill(core, size, home / "demo")
        made = {}
        for i in range(applications):
            purposes = [{"code": code, "scenario": f"{i}", "basis": "scale"} for code in ("use",)]
            app = core.sharing.create_application(_CONSOLE, f"app{i}", department_code(0), purposes, [])
            made[f"app{i}"] = (app.client_id, app.client_secret)
        for name, roles in _ROLES.items():
            app = core.sharing.create_application(_CONSOLE, name, department_code(0), [{"code": "use", "scenario": "s", "basis": "b"}], roles)
            made[name] = (app.client_id, app.client_secret)
    finally:
        core.close()
    return made


@contextmanager
def serve(home: Path, secrets: dict[str, tuple[str, str]], module: str = "hub", **also: str) -> Iterator[Served]:
    """Starts ``huitong serve``, or a module that does the same, with these environment variables besides, and ends it."""
    port = free_port()
    began = time.monotonic()
    environment = {**os.environ, "HUITONG_HOME": str(home), **also}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", module, "serve", "--port", str(port)], env=environment, stdout=log, stderr=log)
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
            while not _ready(client):
                if process.poll() is not None:
                    raise RuntimeError((home / "log").read_text())
                time.sleep(0.01)
            served = Served(f"http://127.0.0.1:{port}", process, secrets, time.monotonic() - began, 0.0, client)
            served.cpu = served.cpu_seconds()
            yield served
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _ready(client: httpx2.Client) -> bool:
    try:
        return client.get("/health/ready").status_code == 200
    except httpx2.HTTPError:
        return False
