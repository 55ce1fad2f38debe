"""The real command in a child process, on a home of the test's own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hub.core import initialise
from hub.settings import Settings
from tests.cli.forked import ROOT as ROOT
from tests.cli.forked import Forked

HUITONG = (sys.executable, "-m", "hub")
_SECONDS = 90.0
_AT = re.compile(r"serves at (http://[\w.:\[\]]+)")


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment without the hub's settings, and the home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUITONG_") and name not in ("PORT", "HOST", "SEED_PERSONS")}
    return {**kept, "HUITONG_HOME": str(home), **more}


def run_command(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = Forked(arguments, environment(home, **more), out.fileno(), err.fileno())
        try:
            code = process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read().decode(), err.read().decode())


def initialised(home: Path) -> Path:
    """A home as ``huitong init`` leaves it, for tests of other commands."""
    initialise(Settings(home=home))
    return home


@dataclass
class Child:
    """A hub in a process of its own."""

    process: Forked
    url: str = ""
    lines: list[str] = field(default_factory=list)
    """What it has said so far."""

    def end(self, number: int, group: bool = False) -> int:
        """Sends a signal, to the whole process group as a terminal's Ctrl-C goes; returns the exit code."""
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        return self.process.wait(_SECONDS)

    def said(self) -> str:
        """All of it; complete once the process has ended."""
        return "".join(self.lines)


@contextmanager
def running(home: Path, *arguments: str, **more: str) -> Iterator[Child]:
    """A child that serves; killed in the end if it still does."""
    told, out = os.pipe()
    try:
        process = Forked(arguments, environment(home, **more), out, out, new_session=True)
    finally:
        os.close(out)
    child, ready = Child(process), threading.Event()
    reader = threading.Thread(target=_read, args=(child, told, ready))
    reader.start()
    try:
        if not ready.wait(_SECONDS) or not child.url:
            raise RuntimeError(f"the hub did not start: {child.said()}")
        yield child
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join()


def gone(pattern: str) -> bool:
    """Whether no process has the text in its command line any more, within seconds."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if not any(pattern in line for line in _command_lines()):
            return True
        time.sleep(0.05)
    return False


def _command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue


def _read(child: Child, told: int, ready: threading.Event) -> None:
    with open(told, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            child.lines.append(line)
            if found := _AT.search(line):
                child.url = found[1]
                ready.set()
    ready.set()
