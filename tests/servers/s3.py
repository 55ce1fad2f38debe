"""An S3-compatible server of the tests' own (moto), installed apart from what the hub runs on: free port of 127.0.0.1."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.servers.postgres import free_port

_APART = Path(sys.prefix) / "s3"
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server that admits everybody."""

    endpoint: str

    def make_bucket(self, name: str) -> None:
        """An empty bucket."""
        with urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/{name}", method="PUT")) as answer:  # noqa: S310 - http by itself
            answer.read()


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """Starts a server and stops it in the end, by its process id."""
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_APART), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, cwd="/", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield _ready(S3Server(f"http://127.0.0.1:{port}"), process)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _ready(server: S3Server, process: subprocess.Popen[bytes]) -> S3Server:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError("moto did not start: run `make dev`")
        with suppress(OSError):
            urllib.request.urlopen(f"{server.endpoint}/moto-api/").close()  # noqa: S310 - the same
            return server
        time.sleep(0.05)
    raise RuntimeError("moto does not answer")
