"""Bytes past any client's care: bodies and heads that never end, and what is no HTTP."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.hub.running import RunningHub
from tests.hub.unfinished import HEAD

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]


def raw(hub: RunningHub, *parts: bytes, wait: float = 30.0) -> bytes:
    """Bytes as they stand, past any client's care; what comes back until the hub closes."""
    address = urlsplit(hub.base)
    with closing(socket.create_connection((address.hostname, address.port), timeout=wait)) as connection:
        received = b""
        try:
            for part in parts:
                connection.sendall(part.replace(b"HOST", (address.netloc).encode()))
            while chunk := connection.recv(65536):
                received += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
        return received


def test_c9_a_slow_body_is_closed(unfinished: Mapping[str, Future[bytes]]) -> None:
    assert b" 408 " in unfinished["/graphql"].result().split(b"\r\n")[0]


def test_c9_a_head_without_end_is_closed(hub: RunningHub, unfinished: Mapping[str, Future[bytes]]) -> None:
    assert b" 408 " in unfinished[HEAD].result().split(b"\r\n")[0]
    assert b" 431 " in raw(hub, b"POST /graphql HTTP/1.1\r\nHost: HOST\r\n", b"X-A: " + b"a" * 100_000).split(b"\r\n")[0]


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"FOO /graphql HTTP/1.1\r\nHost: HOST\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: HOST\r\nContent-Length: -1\r\nConnection: close\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
        b"POST /graphql HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nContent-Length: 4\r\nConnection: close\r\n\r\nabcd",
        b"POST /graphql HTTP/9.9\r\nHost: HOST\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(hub: RunningHub, request_: bytes) -> None:
    status = raw(hub, request_).split(b"\r\n")[0]
    assert status == b"" or status.split(b" ")[1] in (b"400", b"405", b"408", b"415", b"505"), status


def test_c9_a_chunked_body_without_end_is_cut_off(hub: RunningHub) -> None:
    address = urlsplit(hub.base)
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    head = b"POST /graphql HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    sent = 0
    with closing(socket.create_connection((address.hostname, address.port), timeout=30)) as connection:
        connection.sendall(head.replace(b"HOST", address.netloc.encode()) + chunk + chunk)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
        try:
            while sent < 2**26:
                connection.sendall(chunk)
                sent += len(chunk)
        except (ConnectionResetError, BrokenPipeError):
            return
    raise AssertionError(f"the hub took {sent} bytes more after it had refused the request")
