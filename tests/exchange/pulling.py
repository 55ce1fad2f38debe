"""Exchanges of several files at a running hub, and a proxy before it that drops, delays and alters what comes through."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sqlite3
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2

from hub.acts import make_id
from tests.acceptance.transport import START
from tests.hub.running import RunningHub

DOCUMENT = "{ civilAffairs { persons { nodes { name birthDate phone } } } }"
_HOP = ("connection", "transfer-encoding", "host", "date", "server")
_NOT_NOW = 503


def exchange_at(hub: RunningHub, key: str, format_: str = "JSONL", document: str = DOCUMENT) -> str:
    """The id of an exchange of ``housing`` that has succeeded."""
    identity = str(hub.ask("housing", START, {"document": document, "format": format_, "key": key}).data["startExchange"]["exchange"]["id"])
    events = hub.http("GET", f"/exchanges/{identity}/events", headers=hub.headers("housing")).text
    assert '"state":"SUCCEEDED"' in events, events
    return identity


def stored(hub: RunningHub, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """What the hub's control database answers; changes are committed."""
    with closing(sqlite3.connect(hub.home / "control.db", timeout=30)) as connection, connection:
        return connection.execute(statement, parameters).fetchall()


def planted(hub: RunningHub, like: str, files: dict[str, bytes], **changed: Any) -> str:
    """An exchange of these files, as if the hub had cut it so: all else is that of a true one. Its id."""
    identity = make_id("exchange")
    with closing(sqlite3.connect(hub.home / "control.db", timeout=30)) as connection, connection:
        connection.row_factory = sqlite3.Row
        job = dict(connection.execute("SELECT * FROM exchange WHERE id = ?", (like,)).fetchone())
        job |= {"id": identity, "idempotency_key": identity, **changed}
        _insert(connection, "exchange", job)
        for name, content in files.items():
            named = {"exchange": identity, "name": name, "rows": content.count(b"\n"), "bytes": len(content)}
            _insert(connection, "exchange_file", named | {"sha256": hashlib.sha256(content).hexdigest()})
    folder = hub.home / "exchange" / identity
    folder.mkdir(mode=0o700)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return identity


def _insert(connection: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


def lines(seed: int, size: int) -> bytes:
    """So many bytes of JSON Lines, different for each seed."""
    row = b'{"n":%d,"text":"' % seed
    body = bytearray()
    number = 0
    while len(body) < size:
        body += row + hashlib.sha256(b"%d %d" % (seed, number)).hexdigest().encode() + b'"}\n'
        number += 1
    return bytes(body)


@dataclass
class Proxy:
    """Passes requests on to a hub. What it does to those for files is in the tests' hands.

    ``asked`` is what came: method, path, headers. Not among it is what the hub could not serve at the moment, or did not answer at all: whoever
    means it asks again.
    """

    target: str
    base: str = ""
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    cut_after: int | None = None
    """Bytes of a body after which a connection is reset."""
    pause: float = 0.0
    """Seconds before each piece of 16 KiB."""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """What the next requests for files are answered instead."""
    stalled: str = ""
    """Requests whose paths hold this are neither passed on nor answered, as long as it stands here; then they are dropped."""
    alter: Any = None
    """What becomes of a piece of a body: piece, place of its first byte → piece."""

    def files(self) -> list[tuple[str, str | None]]:
        """The requests for files: name, and range."""
        return [(path.rpartition("/")[2], headers.get("range")) for _, path, headers in self.asked if "/files/" in path]

    def count(self, method: str, path: str) -> int:
        """How many requests there were for a path."""
        return sum((method, path) == (asked, at) for asked, at, _ in self.asked)

    def tokens(self) -> int:
        """How many tokens were asked for."""
        return sum(path == "/oauth/token" for _, path, _ in self.asked)


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    client: httpx2.Client

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def do_DELETE(self) -> None:
        self._pass_on()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Says nothing."""

    def _pass_on(self) -> None:
        proxy = self.proxy
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = (self.command, self.path, headers)
        proxy.asked.append(asked)
        body = self.rfile.read(int(headers.get("content-length", 0)))
        if proxy.stalled and proxy.stalled in self.path:
            while proxy.stalled and proxy.stalled in self.path:
                time.sleep(0.01)
            self.close_connection = True
            return
        if "/files/" in self.path and proxy.answers:
            status, sent = proxy.answers.pop(0)
            self._head(status, {**sent, "content-length": "0"})
            return
        passed = {name: value for name, value in headers.items() if name not in _HOP}
        try:
            with self.client.stream(self.command, proxy.target + self.path, headers=passed, content=body) as answer:
                if answer.status_code == _NOT_NOW:
                    proxy.asked.remove(asked)
                self._head(answer.status_code, dict(answer.headers))
                self._body(answer)
        except httpx2.TransportError:
            proxy.asked.remove(asked)
            raise

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name not in _HOP:
                self.send_header(name, value)
        self.send_header("connection", "close")
        self.end_headers()

    def _body(self, answer: httpx2.Response) -> None:
        at, is_file = 0, "/files/" in self.path
        for whole in answer.iter_raw(16384):
            piece = self.proxy.alter(whole, at) if is_file and self.proxy.alter else whole
            at += len(piece)
            if is_file and self.proxy.cut_after is not None and at > self.proxy.cut_after:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            self.wfile.write(piece)
            if is_file:
                time.sleep(self.proxy.pause)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or was cut off, is what these tests are about."""


@contextmanager
def proxied(hub: RunningHub) -> Iterator[Proxy]:
    """A proxy before the hub."""
    proxy = Proxy(hub.base)
    with httpx2.Client(timeout=60, trust_env=False) as client:
        handler = type("Handler", (_Handler,), {"proxy": proxy, "client": client})
        server = _Server(("127.0.0.1", 0), handler)
        proxy.base = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def inside(folder: Path) -> dict[str, bytes]:
    """All files of a folder but the manifest."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "manifest.json"}


def manifest_in(folder: Path) -> dict[str, Any]:
    """The manifest that was pulled."""
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return found


def environment(hub: RunningHub) -> dict[str, str]:
    """Of a command that is to use the hub's demonstration credentials."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUITONG_")} | {"HUITONG_HOME": str(hub.home)}
