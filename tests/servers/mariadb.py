"""A MariaDB server of the tests' own: private directory, free port of 127.0.0.1, every statement in a log that tests may read."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.debian import ensure
from tests.servers.postgres import free_port

_USER = "mysql"
_START_SECONDS = 60.0
_SETTINGS = (
    "--no-defaults",
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=32M",
    "--performance-schema=off",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--general-log=on",
    "--skip-log-bin",
)
"""A server's own defaults, case-insensitive text with padding among them, so that the hub has to do without better ones."""


@dataclass(frozen=True, slots=True)
class Mariadb:
    """A running server; its user ``hub`` may do everything and needs no password on the loopback."""

    host: str
    port: int
    user: str
    log: Path
    """The general log: every statement with its values."""
    home: Path

    def url(self, database: str, scheme: str = "mariadb+asyncmy", user: str | None = None) -> str:
        """The URL of one of its databases, as sources write it."""
        return f"{scheme}://{user or self.user}@{self.host}:{self.port}/{database}"

    def logged(self, start: int = 0) -> str:
        """The log's text from a byte position on."""
        return self.log.read_bytes()[start:].decode()


@contextmanager
def running_mariadb(*settings: str) -> Iterator[Mariadb]:
    """Starts a server and stops it in the end, by its process id; nothing of it stays. ``settings`` are options of mariadbd."""
    server = binary("mariadbd")
    install = binary("mariadb-install-db")
    home = Path(tempfile.mkdtemp(prefix="huitong-mariadb-"))
    try:
        _hand_over(home)
        (home / "init.sql").write_text("CREATE USER hub@'%';\nGRANT ALL ON *.* TO hub@'%' WITH GRANT OPTION;\n")
        _run([str(install), "--no-defaults", f"--datadir={home / 'data'}", "--auth-root-authentication-method=normal", "--skip-test-db"])
        with _server(server, home, settings) as running:
            yield running
    finally:
        shutil.rmtree(home, ignore_errors=True)


def binary(name: str) -> Path:
    """A program of MariaDB's server; installs Debian's package when it is missing and this user may."""
    sbin = Path("/usr/sbin") / name
    return sbin if sbin.exists() else ensure("mariadb-server", name)


def _as_server(command: Sequence[str]) -> list[str]:
    # MariaDB refuses to run as root.
    return ["runuser", "-u", _USER, "--", *command] if os.geteuid() == 0 else list(command)


def _hand_over(home: Path) -> None:
    if os.geteuid() == 0:
        owner = pwd.getpwnam(_USER)
        os.chown(home, owner.pw_uid, owner.pw_gid)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(_as_server(command), cwd="/", capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} failed: {(done.stdout + done.stderr).strip()[-1000:]}")


@contextmanager
def _server(server: Path, home: Path, settings: Sequence[str]) -> Iterator[Mariadb]:
    output, log, port = home / "server.log", home / "general.log", free_port()
    places = [f"--datadir={home / 'data'}", f"--port={port}", f"--socket={home / 'socket'}", f"--pid-file={home / 'pid'}"]
    starting = [str(server), *_SETTINGS, *places, f"--general-log-file={log}", f"--init-file={home / 'init.sql'}", *settings]
    with output.open("wb") as errors:
        process = subprocess.Popen(_as_server(starting), cwd="/", stdout=errors, stderr=errors)
    try:
        _wait(process, output)
        yield Mariadb("127.0.0.1", port, "hub", log, home)
    finally:
        _stop(process, home / "pid")


def _wait(process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while b"ready for connections" not in output.read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"MariaDB did not start: {output.read_text(errors='replace')[-1000:]}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes], pid: Path) -> None:
    if process.poll() is None and pid.exists():
        # The process that was started may be runuser; the server's own id is in its file.
        os.kill(int(pid.read_text()), signal.SIGTERM)
    elif process.poll() is None:
        process.terminate()
    process.wait(timeout=30)
