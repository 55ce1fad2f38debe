"""``huitong serve --workers``: several processes behind one port write one ledger; one that dies is replaced, and none is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from hub.core import initialise
from hub.settings import Settings
from tests.cli.children import Child, run_command, running
from tests.drain.test_drain import caller
from tests.servers.postgres import Postgres, free_port
from tests.store.databases import make_database

pytestmark = pytest.mark.slow
_SECONDS = 30.0
_CALLERS = 16


def until(look: Callable[[], bool]) -> None:
    """Waits for it."""
    end = time.monotonic() + _SECONDS
    while not look():
        assert time.monotonic() < end
        time.sleep(0.05)


def started(child: Child) -> list[int]:
    """The processes of workers, in the order of their starts."""
    return [json.loads(line)["pid"] for line in child.lines if '"worker_started"' in line]


def alive(process: int) -> bool:
    """Whether it runs."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def answered(port: int) -> int:
    """How many documents a worker has answered, as its administration listener tells."""
    figures = httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    found = re.findall(r"^huitong_http_requests_total\{(.*)\} ([0-9.]+)", figures, re.MULTILINE)
    return sum(int(float(count)) for labels, count in found if 'operation="data"' in labels and 'code="200"' in labels)


def ready(port: int) -> bool:
    """Whether a worker is there and says that it is ready."""
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/health/ready", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> str:
    """A control database."""
    return make_database(postgres, "workers")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, database: str) -> Path:
    """An initialised home over it."""
    home = tmp_path_factory.mktemp("workers") / "home"
    initialise(Settings(home=home, database=database))
    return home


async def call(child: Child, found: Counter[str], then: Callable[[], None]) -> None:
    """Sixteen callers without pause while ``then`` runs, until nobody listens any more."""
    async with asyncio.TaskGroup() as group:
        for number in range(_CALLERS):
            group.create_task(caller(child.url, found, held=number % 2 == 0))
        await asyncio.to_thread(then)


def test_two_workers_share_the_port_and_the_ledger_and_outlive_each_other(home: Path, database: str) -> None:
    admin = free_port()
    settings = {"HUITONG_DATABASE": database, "HUITONG_ADMIN_PORT": str(admin), "HUITONG_PUBLIC_CALLS_PER_SECOND": "100000"}
    found: Counter[str] = Counter()
    with running(home, "serve", "--port", "0", "--workers", "2", **settings) as child:
        first = started(child)
        assert len(first) == 2
        assert ready(admin)
        assert ready(admin + 1)

        def meanwhile() -> None:
            until(lambda: answered(admin) > 50 and answered(admin + 1) > 50)
            assert not found.keys() - {"200", "429", "last"}, found
            os.kill(first[0], signal.SIGKILL)
            before = answered(admin + 1)
            until(lambda: answered(admin + 1) > before + 50)
            until(lambda: ready(admin) and answered(admin) > 50)
            found["while one was gone"] = sum(found[lost] for lost in ("ConnectionResetError", "IncompleteReadError"))
            child.process.send_signal(signal.SIGTERM)

        asyncio.run(call(child, found, meanwhile))
        assert child.process.wait(_SECONDS) == 0, child.said()
        assert len(started(child)) == 3
    assert not any(alive(process) for process in started(child))
    # Only connections of the worker that was killed were lost, and none at the end. A caller loses two at most: the one that is answered, and
    # one that waits to be accepted, as the kernel closes a killed process's connections before the socket that listens.
    assert sum(found[lost] for lost in ("ConnectionResetError", "IncompleteReadError")) == found["while one was gone"] <= 2 * _CALLERS, found
    assert "Traceback" not in child.said()
    ended = [json.loads(line) for line in child.lines if '"worker_ended"' in line]
    assert [(each["pid"], each["exit_code"]) for each in ended] == [(first[0], -signal.SIGKILL)]
    verified = json.loads(run_command(home, "ledger", "verify", "--json", HUITONG_DATABASE=database).stdout)
    assert verified["ok"]
    assert found["200"] > 200


def test_sqlite_serves_one_process(tmp_path: Path) -> None:
    initialise(Settings(home=tmp_path / "home"))
    refused = run_command(tmp_path / "home", "serve", "--port", "0", HUITONG_WORKERS="2")
    assert refused.returncode == 1
    assert "PostgreSQL" in refused.stderr
    assert "HUITONG_WORKERS=1" in refused.stderr
