"""Servers of the comparison, as whoever measures them sees them: where they listen, whose CPU counts, and what goes with each request."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from loadtests.comparison.pinned import SERVERS, family, starting
from loadtests.peers import PEERS
from tests.servers.postgres import free_port

_START_SECONDS = 60.0


def nothing() -> list[int]:
    """No processes."""
    return []


def no_heads(_round: int, _count: int, _tokens: str) -> list[bytes]:
    """Nothing but the body goes with a request."""
    return [b""]


@dataclass(frozen=True)
class Server:
    """One that can be asked. ``dialect``: the name by which loadtests/peers/workloads.py knows how to ask it."""

    name: str
    dialect: str
    port: int
    process: int
    heads: Callable[[int, int, str], Sequence[bytes]] = no_heads
    """Further header lines of a round's requests, to be used in turn: (round, how many differ at most, tokens of the task)."""
    control: Callable[[], list[int]] = field(default=nothing)
    """Processes of its control database."""

    def processes(self) -> list[int]:
        """Its own, with all children."""
        return family(self.process)


@contextmanager
def peer(name: str, dsn: str, folder: Path) -> Iterator[Server]:
    """A peer on the servers' CPU, until the end of the block.

    Raises:
        RuntimeError: it ended, or did not listen in time; its log is quoted.
    """
    port = free_port()
    with starting(SERVERS), (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(PEERS[name].start(port, dsn), stdout=log, stderr=log)
    try:
        _wait(process, port, folder / f"{name}.log")
        yield Server(name, name, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            httpx2.post(f"http://127.0.0.1:{port}/graphql", json={"query": "{ __typename }"}, timeout=5)
        except httpx2.HTTPError:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text(errors="replace")[-2000:]) from None
            time.sleep(0.05)
        else:
            return
