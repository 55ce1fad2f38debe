"""PostgreSQL servers that crash, freeze, come back and are replaced by their standby; each in a private directory, on a free port of 127.0.0.1."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.servers.postgres import SETTINGS, USER, as_server, binary, free_port, hand_over, run

_SECONDS = 60.0
_OWN = {**SETTINGS, "log_statement": "none", "log_min_messages": "fatal", "max_wal_size": "256MB"}


class DurablePostgres:
    """One server over the data in ``home``; ``settings`` stand over those of the tests' other servers."""

    def __init__(self, home: Path, **settings: str) -> None:
        self._home = home
        self._data = home / "data"
        self._settings = {**_OWN, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def url(self, database: str = "postgres", scheme: str = "postgresql+psycopg") -> str:
        """The URL of one of its databases."""
        return f"{scheme}://{USER}@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Makes an empty cluster."""
        command = [str(binary("initdb")), "-D", str(self._data), "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        run(command)

    def follow(self, primary: DurablePostgres) -> None:
        """Makes a standby of another server, which must run."""
        where = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", USER]
        run([str(binary("pg_basebackup")), *where, "-D", str(self._data), "-R", "-c", "fast", "--no-sync"])

    def start(self) -> None:
        """Starts it, after whatever ended it, and waits until it answers."""
        before = self._pid()
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        command = as_server([str(binary("postgres")), "-D", str(self._data), "-p", str(self.port), *settings])
        with (self._home / "server.log").open("ab") as output:
            self._process = subprocess.Popen(command, cwd="/", stdout=output, stderr=output)
        until = time.monotonic() + _SECONDS
        while self._pid() in (None, before) or not (self._data / "postmaster.pid").read_text().rstrip().endswith("ready"):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start: {(self._home / 'server.log').read_text(errors='replace')[-1000:]}")
            time.sleep(0.01)

    def kill(self) -> None:
        """SIGKILL to all of its processes, as when its host fails."""
        self._signal(signal.SIGKILL)
        self._ended()

    def quit(self) -> None:
        """Its own immediate shutdown: backends are told, nothing is written any more."""
        if (pid := self._pid()) is not None:
            os.kill(pid, signal.SIGQUIT)
        self._ended()

    def freeze(self) -> None:
        """It answers nothing any more, and its connections stay."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)
        if self._process is not None and self._process.poll() is None:
            # runuser stops itself when its child stops.
            self._process.send_signal(signal.SIGCONT)

    def promote(self) -> None:
        """A standby becomes a primary."""
        with psycopg.connect(self.url(scheme="postgresql"), autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")

    def end(self) -> None:
        """Whatever state it is in, nothing of it runs any more."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self.quit()

    def _signal(self, number: int) -> None:
        pid = self._pid()
        if pid is not None:
            # The postmaster first: it would start anew what it sees ending.
            for one in (pid, *_children(pid)):
                if Path(f"/proc/{one}").exists():
                    os.kill(one, number)

    def _ended(self) -> None:
        assert self._process is not None
        self._process.wait(timeout=_SECONDS)

    def _pid(self) -> int | None:
        status = self._data / "postmaster.pid"
        lines = status.read_text().splitlines() if status.exists() else []
        return int(lines[0]) if lines else None


def _children(parent: int) -> list[int]:
    """The processes that a process has started (proc(5), field 4 of ``stat``)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == parent:
            found.append(int(path.parent.name))
    return found


@contextmanager
def durable_postgres(**settings: str) -> Iterator[DurablePostgres]:
    """An empty server that runs; nothing of it stays."""
    with _directory() as home:
        server = DurablePostgres(home, **settings)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.end()


@contextmanager
def standby_of(primary: DurablePostgres, **settings: str) -> Iterator[DurablePostgres]:
    """A standby that follows; nothing of it stays."""
    with _directory() as home:
        server = DurablePostgres(home, **settings)
        server.follow(primary)
        server.start()
        try:
            yield server
        finally:
            server.end()


@contextmanager
def _directory() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="huitong-postgres-"))
    try:
        hand_over(home)
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)
