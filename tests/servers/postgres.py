"""A PostgreSQL server of the tests' own: private directory, free port of 127.0.0.1, every statement in a log that tests may read."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from tests.servers.debian import ensure

USER = "postgres"
_START_SECONDS = 60.0
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "shared_buffers": "32MB",
    "log_statement": "all",
    "log_min_messages": "warning",
    "log_line_prefix": "%p [%a] ",
    "logging_collector": "off",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server; everybody on the loopback is trusted."""

    host: str
    port: int
    user: str
    log: Path
    """What the server logs: every statement, with the values bound to it."""

    def url(self, database: str = "postgres", scheme: str = "postgresql+asyncpg") -> str:
        """The URL of one of its databases, as sources and SQLAlchemy write it."""
        return f"{scheme}://{self.user}@{self.host}:{self.port}/{database}"

    def logged(self, start: int = 0) -> str:
        """The log's text from a byte position on."""
        return self.log.read_bytes()[start:].decode()


@contextmanager
def running_postgres(**settings: str) -> Iterator[Postgres]:
    """Starts a server, with these settings besides the tests' own, and stops it in the end, by its process id; nothing of it stays."""
    postgres = binary("postgres")
    home = Path(tempfile.mkdtemp(prefix="huitong-postgres-"))
    try:
        hand_over(home)
        run([str(postgres.with_name("initdb")), "-D", str(home / "data"), "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
        with _server(postgres, home, {**SETTINGS, **settings}) as server:
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


def binary(name: str) -> Path:
    """A program of the newest installed PostgreSQL; installs Debian's package when it is missing and this user may."""
    if found := _installed(name):
        return found
    ensure("postgresql", "psql")
    if found := _installed(name):
        return found
    raise RuntimeError(f"PostgreSQL's {name} is missing: run `apt-get install postgresql` as root")


def _installed(name: str) -> Path | None:
    packaged = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4].split(".")[0]))
    if packaged:
        return packaged[-1]
    found = shutil.which(name)
    return Path(found) if found else None


def as_server(command: Sequence[str]) -> list[str]:
    """The command as the user that a server runs as."""
    # PostgreSQL refuses to run as root.
    return ["runuser", "-u", USER, "--", *command] if os.geteuid() == 0 else list(command)


def hand_over(home: Path) -> None:
    """Gives a directory to that user."""
    if os.geteuid() == 0:
        owner = pwd.getpwnam(USER)
        os.chown(home, owner.pw_uid, owner.pw_gid)


def run(command: Sequence[str]) -> None:
    """Runs one of PostgreSQL's programs to its end.

    Raises:
        RuntimeError: it failed.
    """
    done = subprocess.run(as_server(command), cwd="/", capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr.strip()[-1000:]}")


@contextmanager
def _server(postgres: Path, home: Path, given: Mapping[str, str]) -> Iterator[Postgres]:
    log, data, port = home / "server.log", home / "data", free_port()
    settings = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
    with log.open("wb") as output:
        process = subprocess.Popen(as_server([str(postgres), "-D", str(data), "-p", str(port), *settings]), cwd="/", stdout=output, stderr=output)
    try:
        _wait(process, data, log)
        yield Postgres("127.0.0.1", port, USER, log)
    finally:
        _stop(process, data)


def _wait(process: subprocess.Popen[bytes], data: Path, log: Path) -> None:
    status = data / "postmaster.pid"
    deadline = time.monotonic() + _START_SECONDS
    while not (status.exists() and status.read_text().rstrip().endswith("ready")):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-1000:]}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes], data: Path) -> None:
    status = data / "postmaster.pid"
    if process.poll() is None and status.exists():
        # The process that was started may be runuser; the server's own id is in its file.
        os.kill(int(status.read_text().splitlines()[0]), signal.SIGINT)
    elif process.poll() is None:
        process.terminate()
    process.wait(timeout=30)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens now: none of those that the system gives to whoever asks for any, as each connection does."""
    least = int(_GIVEN.read_text().split()[0])
    for port in SystemRandom().sample(range(_UNPRIVILEGED, least), 100):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise RuntimeError(f"of 100 ports below {least} none is free")


_GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")
_UNPRIVILEGED = 10_000
