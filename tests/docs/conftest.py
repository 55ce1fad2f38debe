"""The demonstration, served as ``make run`` serves it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.docs.pages import ROOT
from tests.servers.postgres import free_port

_SECONDS = 180


@dataclass(frozen=True)
class Demonstration:
    """A served demonstration: its home, and the environment in which its user types."""

    home: Path
    url: str
    environment: dict[str, str]


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """A small city, served by ``huitong demo`` from a home of its own."""
    home, port = tmp_path_factory.mktemp("tour") / "home", free_port()
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("HUITONG_", "SEED_")) and name not in ("PORT", "HOST")}
    environment = {**plain, "HUITONG_HOME": str(home), "PORT": str(port), "TMPDIR": str(home.parent)}
    told = home.parent / "demo.log"
    with told.open("wb") as log:
        command = [str(Path(sys.executable).with_name("huitong")), "demo"]
        process = subprocess.Popen(command, env={**environment, "SEED_PERSONS": "2000"}, cwd=ROOT, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, process, told)
            yield Demonstration(home, url, environment)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _wait(url: str, process: subprocess.Popen[bytes], told: Path) -> None:
    limit = time.monotonic() + _SECONDS
    with httpx2.Client(trust_env=False) as client:
        while time.monotonic() < limit and process.poll() is None:
            try:
                if client.get(f"{url}/health/ready").status_code == 200:
                    return
            except httpx2.TransportError:
                time.sleep(0.2)
    raise RuntimeError(f"the demonstration did not start:\n{told.read_text(encoding='utf-8')}")
