"""Looks for the demonstration's canaries in every byte that leaves a hub: answers as they come, and afterwards all that it wrote.

Canaries are the internal notes in every row of every source; and, for those who see phones masked, the residents' phones.
"""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import cached_property
from pathlib import Path

import httpx2
from starlette.types import ASGIApp

from hub.app import Hub
from hub.demo.rows import CANARY

_FORMS = tuple(CANARY.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be"))
_PHONE = re.compile(rb"(?<!\d)1[3-9]\d{9}(?!\d)")
_SOURCES = re.compile(r"demo/[a-z_]+\.db(-wal|-shm|-journal)?\Z|demo/(water_supply|ecology)/")
"""What lies under the demonstration's home and is a department's own."""
_GZIP = b"\x1f\x8b\x08"
_CUT = re.compile(r"snapshots/[^/]+/[^/]+/work/")
"""A delivery that was being read when its hub was killed; the next hub takes it away."""


class Leak(AssertionError):
    """A canary was met outside its source."""


def leaks(content: bytes) -> bool:
    """Whether a canary is in there, in any of the forms in which texts are written."""
    return any(form in content for form in _FORMS)


@asynccontextmanager
async def watched(hub: ASGIApp, base: str, home: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a hub within this process. Its answers and, in the end, what the hub wrote are looked through."""
    canaries = Canaries(home)
    hooks = {"response": [canaries.received]}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=hub), base_url=base, event_hooks=hooks) as client:
        yield client
    canaries.written()


@asynccontextmanager
async def alive(hub: Hub, base: str, home: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a hub within this process, from the hub's start to its end. What it wrote is looked through once it has ended: while it is at
    work, a delivery that is being read lies there as it came."""
    async with watched(hub, base, home) as client, hub._rest.router.lifespan_context(hub._rest):
        yield client


class Canaries:
    """Watches one hub. ``scanned`` counts the bytes that were looked at."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.scanned = 0

    @cached_property
    def phones(self) -> frozenset[bytes]:
        """The residents' phones as the department holds them."""
        with closing(sqlite3.connect(f"file:{self._home}/demo/civil_affairs.db?mode=ro", uri=True)) as connection:
            return frozenset(str(phone).encode() for (phone,) in connection.execute("SELECT phone FROM person WHERE phone IS NOT NULL"))

    def response(self, response: httpx2.Response) -> None:
        """An answer: head and body. A stream of events has no end to wait for."""
        head = b"\n".join(name + b": " + value for name, value in response.headers.raw)
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            self.check(head, str(response.url))
        else:
            self.check(head + b"\n\n" + response.read(), str(response.url))

    async def received(self, response: httpx2.Response) -> None:
        """The same for a client within this process."""
        await response.aread()
        self.response(response)

    def masked(self, content: bytes, where: str) -> None:
        """An answer to a caller that sees phones masked, or not at all."""
        found = self.phones.intersection(_PHONE.findall(content))
        if found:
            raise Leak(f"{len(found)} phones in clear: {where}")

    def check(self, content: bytes, where: str) -> None:
        """Bytes from anywhere."""
        self.scanned += len(content)
        if leaks(content):
            raise Leak(f"canary in {where}")

    def written(self, *others: Path, killed: bool = False) -> None:
        """All files that the hub wrote, and what it said: databases, logs, exchanges, caches, and the sources' snapshots. Sources themselves are left out."""
        for path in (*self._home.rglob("*"), *others):
            name = path.relative_to(self._home).as_posix() if path.is_relative_to(self._home) else path.name
            if path.is_file() and not _SOURCES.match(name) and not (killed and _CUT.match(name)):
                self._file(path)

    def _file(self, path: Path) -> None:
        content = _content(path)
        self.check(content, str(path))
        if path.suffix == ".duckdb":
            self._snapshot(path)
        if content[:3] == _GZIP:
            self.check(zlib.decompress(content, 31), str(path))

    def _snapshot(self, path: Path) -> None:
        """A snapshot is packed: it is read as a table."""
        import duckdb

        with duckdb.connect(str(path), read_only=True) as database:
            for (table,) in database.execute("SELECT table_name FROM information_schema.tables").fetchall():
                rows = database.execute(f'SELECT * FROM "{table}"').fetchall()
                self.check(json.dumps(rows, default=str, ensure_ascii=False).encode(), str(path))


def _content(path: Path) -> bytes:
    """SQLite's files are read by somebody else: a process that closes one gives up its locks on it, and others destroy what it writes.

    https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
    """
    if not re.search(r"\.db(-wal|-shm|-journal)?\Z", path.name):
        return path.read_bytes()
    done = subprocess.run(["cat", str(path)], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise FileNotFoundError(path)
    return done.stdout
