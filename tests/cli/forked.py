"""Processes of the hub, forked from one that has imported it: two seconds of imports are spared for each."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["hub.cli.app", "hub.cli.serving", "hub.app", "hub.demo", "tests.cli.forked"])


class Forked:
    """A command in a process of its own, which behaves as one of :class:`subprocess.Popen` does. Its descriptors 1 and 2 are those given."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], out: int, err: int, *, new_session: bool = False) -> None:
        # fork() by a server of its own: no thread of the tests is there.
        self._process = FORKS.Process(target=_command, args=(tuple(arguments), dict(environment), DupFd(out), DupFd(err), new_session))
        self._process.start()
        self.args = tuple(arguments)

    @property
    def pid(self) -> int:
        """Its number."""
        if self._process.pid is None:
            raise RuntimeError("the process did not start")
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended; ``None`` while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Its end.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self._process.exitcode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """At once."""
        self.send_signal(signal.SIGKILL)


def _command(arguments: tuple[str, ...], given: dict[str, str], out: Any, err: Any, new_session: bool) -> None:
    from hub.cli import main

    if new_session:
        os.setsid()
    for held, number in ((out, 1), (err, 2)):
        descriptor = held.detach()
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(given)
    os.chdir(ROOT)
    sys.argv = ["huitong", *arguments]
    main()
