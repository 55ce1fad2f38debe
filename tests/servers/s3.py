"""An S3-compatible server of the tests' own (moto), installed apart from what the hub runs on: free port of 127.0.0.1."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from tests.servers.postgres import free_port

_APART = Path(sys.prefix) / "s3"
_START_SECONDS = 60.0


_SCOPE = "AWS4-HMAC-SHA256 Credential=anybody/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=none"
"""By which the server knows whom a call is for; it is not looked at before :meth:`S3Server.be_strict`."""


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server that admits everybody, until it is told otherwise."""

    endpoint: str

    def make_key(self, user: str, *actions: str) -> tuple[str, str]:
        """An access key and its secret, with which these actions are allowed on everything."""
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
        self._identities(Action="CreateUser", UserName=user)
        self._identities(Action="PutUserPolicy", UserName=user, PolicyName="only", PolicyDocument=json.dumps(policy))
        made = self._identities(Action="CreateAccessKey", UserName=user)
        key, secret = (re.search(f"<{name}>(.+?)</{name}>", made) for name in ("AccessKeyId", "SecretAccessKey"))
        assert key is not None
        assert secret is not None
        return key[1], secret[1]

    def be_strict(self) -> None:
        """From now on keys, signatures and policies are looked at, as by a store of one's own."""
        self._post("/moto-api/reset-auth", b"0", "text/plain")

    def _identities(self, **given: str) -> str:
        return self._post("/", urlencode({"Version": "2010-05-08", **given}).encode(), "application/x-www-form-urlencoded")

    def _post(self, path: str, body: bytes, media: str) -> str:
        headers = {"Authorization": _SCOPE, "Content-Type": media}
        with urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}{path}", body, headers)) as answer:  # noqa: S310 - http by itself
            return str(answer.read(), "utf-8")

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
