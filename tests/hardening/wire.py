"""Raw requests over a socket, as a hostile caller writes them."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from tests.hub.running import RunningHub

QUERY = b'{"query": "{ __typename }"}'


def raw(hub: RunningHub, head: str, body: bytes = b"", host: str | None = "127.0.0.1", end: bool = True) -> bytes:
    """What the hub answers until it closes. ``head`` is the request line and headers without Host; ``end`` declares the body's length."""
    lines = [head.strip(), *([f"Host: {host}"] if host is not None else []), "Connection: close"]
    lines += [f"Content-Length: {len(body)}"] if end else []
    parts = urlsplit(hub.base)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionError:
            pass
    return received


def status(answer: bytes) -> int:
    """Of a raw answer."""
    return int(answer.split(b" ", 2)[1])
