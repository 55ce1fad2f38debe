"""A scheduler and workers in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from hub.exchange.executors.certificates import HUB, SCHEDULER, Wanted, make_certificates
from hub.exchange.executors.dask import DaskExecutor, Function
from hub.exchange.executors.dask_process import SchedulerOptions, WorkerOptions
from hub.exchange.executors.dask_tls import Tls
from hub.exchange.executors.dask_work import work_on
from hub.exchange.executors.worker_keys import subject_mark
from hub.ledger.subjects import SUBJECT_KEY, Subjects
from hub.pseudonyms.files import FOLDER
from tests.servers.postgres import free_port

ROOT = Path(__file__).parents[3]
SECONDS = 60.0
_WORKERS = 2
PROCESS = (sys.executable, "-m", "hub.exchange.executors.dask_process")


class Cluster:
    """Certificates, the exchange directory and logs are in ``home``; ``keys`` are a hub's, of which workers get copies. Workers are told apart by their place in :attr:`workers`."""

    def __init__(self, home: Path, keys: Path) -> None:
        self.home, self.keys = home, _copied(keys, home / "keys")
        self.tls, self.folder = home / "tls", home / "exchange"
        make_certificates(self.tls, [Wanted(HUB, ()), Wanted(SCHEDULER, ("127.0.0.1",)), Wanted("worker", ("127.0.0.1",))], days=60)
        self.folder.mkdir()
        self.port = free_port()
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """The scheduler's."""
        return f"dask://127.0.0.1:{self.port}"

    @property
    def mark(self) -> str:
        """Of the subject key."""
        return subject_mark(Subjects.in_directory(self.keys))

    def files(self, name: str) -> Tls:
        """The files of one party."""
        return Tls(self.tls / "ca.pem", self.tls / f"{name}.pem", self.tls / f"{name}.key")

    def executor(self, function: Function = work_on) -> DaskExecutor:
        """A hub's."""
        return DaskExecutor(self.url, self.files(HUB), self.folder, self.mark, function)

    def start_scheduler(self) -> None:
        """Starts it, at the same port as before: first by the command, then as what the command becomes, which is faster."""
        if self.scheduler is None:
            self.scheduler = self._start("scheduler", "scheduler", "--port", str(self.port))
            return
        options = SchedulerOptions(self._tls("scheduler"), "127.0.0.1", self.port, "info")
        self.scheduler = self._run("scheduler", [*PROCESS, "scheduler", json.dumps(asdict(options))])

    def start_worker(self) -> None:
        """Starts one more, in the same way."""
        name = f"worker-{len(self.workers)}"
        places = ("--folder", str(self.folder), "--keys", str(self.keys))
        if not self.workers:
            self.workers.append(self._start(name, "worker", "--scheduler", self.url, "--host", "127.0.0.1", *places))
            return
        options = WorkerOptions(self.url, self._tls("worker"), "127.0.0.1", 0, 1, str(self.folder), str(self.keys), "info")
        self.workers.append(self._run(name, [*PROCESS, "worker", json.dumps(asdict(options))]))

    def mend(self) -> None:
        """Starts what a test has killed: a scheduler and two workers run then."""
        if self.scheduler is None or self.scheduler.poll() is not None:
            self.start_scheduler()
        while len(living := [worker for worker in self.workers if worker.poll() is None]) < _WORKERS:
            self.start_worker()
        self.wait_ready(("scheduler", *(f"worker-{self.workers.index(worker)}" for worker in living)))

    def log(self, name: str) -> str:
        """What a process has said."""
        path = self.home / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_ready(self, names: Sequence[str]) -> None:
        """Waits until processes have said so."""
        until = time.monotonic() + SECONDS
        while not all("已就绪" in self.log(name) for name in names):
            if time.monotonic() > until:
                raise RuntimeError("\n".join(f"{name}: {self.log(name)[-1000:]}" for name in names))
            time.sleep(0.05)

    def kill(self, process: subprocess.Popen[bytes] | None) -> None:
        """SIGKILL, as when its machine fails."""
        assert process is not None
        process.kill()
        process.wait(SECONDS)

    def close(self) -> None:
        """Nothing of it runs any more."""
        for process in filter(None, (self.scheduler, *self.workers)):
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in filter(None, (self.scheduler, *self.workers)):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill(process)

    def _tls(self, name: str) -> tuple[str, str, str]:
        files = self.files(name)
        return str(files.ca), str(files.cert), str(files.key)

    def _start(self, name: str, role: str, *arguments: str) -> subprocess.Popen[bytes]:
        trust = [part for pair in zip(("--ca", "--cert", "--key"), self._tls(role), strict=True) for part in pair]
        return self._run(name, [sys.executable, "-m", "hub", "exchange", role, *arguments, *trust])

    def _run(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.home / f"{name}.log").open("ab") as output:
            environment = {**os.environ, "HUITONG_HOME": str(self.home / "none"), "CITY_PASSWORD": "of-the-worker-alone"}
            return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)


def _copied(keys: Path, to: Path) -> Path:
    """Of a hub's keys, those that a worker needs, as docs/exchange.md has it."""
    to.mkdir(mode=0o700)
    shutil.copy2(keys / SUBJECT_KEY, to)
    if (keys / FOLDER).is_dir():
        shutil.copytree(keys / FOLDER, to / FOLDER)
    return to
