"""Requests that their sender never finishes. All are begun together, so that the hub's patience, many seconds, is waited out once."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.hub.running import RunningHub

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
BODIES = {"/graphql": JSON, "/oauth/token": FORM, "/oauth/revoke": FORM, "/console/demo-token": JSON}
"""Media types of requests whose body is announced and stops, by path."""
HEAD = "a head"
_SECONDS = 60.0


def _answer(hub: RunningHub, sent: str) -> bytes:
    address = urlsplit(hub.base)
    with socket.create_connection((address.hostname, address.port), timeout=_SECONDS) as connection:
        connection.sendall(sent.replace("HOST", address.netloc).encode())
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionError:
            pass
        return received


@pytest.fixture(scope="session")
def unfinished(hub: RunningHub) -> Iterator[Mapping[str, Future[bytes]]]:
    """What the hub answers until it closes, to a body of each path of ``BODIES`` and to ``HEAD``."""
    sent = {
        path: f'POST {path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nContent-Type: {media}\r\nContent-Length: 1000\r\n\r\n{{"que'
        for path, media in BODIES.items()
    }
    sent[HEAD] = "POST /graphql HTTP/1.1\r\nHost: HOST\r\n"
    with ThreadPoolExecutor(len(sent)) as pool:
        yield {name: pool.submit(_answer, hub, request) for name, request in sent.items()}
