"""Two servers on one PostgreSQL control database, and the command line as a third process."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import httpx2

from hub.core import Core, initialise, open_core
from hub.settings import Settings
from tests.catalog.homes import CONSOLE, SECURITY, publish
from tests.hub.canaries import Canaries
from tests.hub.running import RunningHub
from tests.servers.postgres import free_port

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
ISSUER = "http://127.0.0.1:8000"
"""The address of the load balancer that is not there: tokens of one server are good at the other."""
PERMITS = 12
PURPOSE = {"code": "permit-check", "scenario": "运输资格审核", "basis": "道路运输条例"}
LIST = "{ transport { permits { totalCount } } }"
_TRIES, _PAUSE = 20, 0.05
_START_SECONDS = 60.0
_MANIFEST = """
[department]
code = "transport"
name = "市交通局"
name_en = "Transport bureau"
uscc = "115201000093900013"

[[sources]]
code = "register"
kind = "sql"
url = "sqlite+aiosqlite:///{file}"

[[resources]]
code = "permit"
plural = "permits"
name = "道路运输证"
description = "道路运输证的信息"
classification = "30702601"
level = "INTERNAL"
cohort = 1
sharing_class = "CONDITIONAL"
legal_basis = ["道路运输条例第二十四条"]
open_class = "CLOSED"
update_cycle = "daily"
operations = ["QUERY", "VERIFY", "EXCHANGE"]
service_methods = ["INTERFACE", "FILE"]
source = "register"
object = "permit"
identifiers = ["permit_no"]
stable_key = "permit_id"

[[resources.items]]
code = "permit_no"
name = "证号"
type = "string"
column = "permit_no"
nullable = false

[[resources.items]]
code = "plate"
name = "车牌"
type = "string"
column = "plate"
"""


def in_time(look: Callable[[], T], seconds: float = 30.0) -> T:
    """What ``look`` gives once that is true; fails when it takes longer than work may on a busy machine."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"not within {seconds} seconds"
        time.sleep(_PAUSE)
    return found


def in_a_second(look: Callable[[], T]) -> T:
    """What ``look`` gives once that is true; fails after twenty looks over a second."""
    for _ in range(_TRIES):
        if found := look():
            return found
        time.sleep(_PAUSE)
    found = look()
    assert found, "not within a second"
    return found


def _is_granted(node: RunningHub, name: str) -> bool:
    """Whether a token of this node carries the scope of the permits."""
    return "query:transport.permit" in node.grant_token(name).json().get("scope", "")


@dataclass
class Cluster:
    """``core`` acts as the command line does; ``first`` and ``second`` serve. All nodes know the same applications."""

    directory: Path
    url: str
    core: Core
    nodes: list[RunningHub] = field(default_factory=list)
    applications: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def first(self) -> RunningHub:
        """One node."""
        return self.nodes[0]

    @property
    def second(self) -> RunningHub:
        """The other node."""
        return self.nodes[1]

    def register(self, name: str, roles: tuple[str, ...] = (), *, department: str = "transport") -> None:
        """An application; known to the nodes within a second, which the caller waits for by :meth:`await_token`."""
        made = self.core.sharing.create_application(CONSOLE, name, department, [PURPOSE], list(roles))
        told = {"client_id": made.client_id, "client_secret": made.client_secret, "purposes": [PURPOSE["code"]], "operator": "经办 甲"}
        self.applications[name] = {"name": name, **told}

    def grant(self, name: str, **changed: Any) -> str:
        """A grant of the permits to an application; its id."""
        return self.core.sharing.create_grant(SECURITY, terms(name, **changed)).id

    def await_token(self, name: str, node: RunningHub) -> None:
        """Until the node knows the application and its present scopes."""
        in_a_second(lambda: node.grant_token(name).status_code == 200)

    def ready_application(self, name: str, **changed: Any) -> str:
        """An application with a grant that works at both nodes; the grant's id. It has one token for both."""
        self.register(name)
        identity = self.grant(name, **changed)
        for node in self.nodes[:2]:
            in_a_second(partial(_is_granted, node, name))
        self.first.token(name)
        self.second._tokens[name, None] = self.first._tokens[name, None]
        return identity


def terms(application: str, **changed: Any) -> dict[str, Any]:
    """What an administrator grants."""
    made: dict[str, Any] = {
        "application": application,
        "resource": "transport.permit",
        "operations": ["QUERY", "EXCHANGE"],
        "items": [{"code": "permit_no", "value": "CLEAR"}],
        "rows": None,
        "purposes": [PURPOSE],
        "per_claim": False,
        "discloses_existence": False,
        "max_page": 100,
        "quota": None,
        "documents": [],
        "approver": "王局长",
    }
    return {**made, **changed}


@contextmanager
def clustered(directory: Path, url: str) -> Iterator[Cluster]:
    """A control database with a tiny catalog and administrators, and two nodes, each on a home of its own with the same keys."""
    file = directory / "permits.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE permit (permit_id INTEGER PRIMARY KEY, permit_no TEXT NOT NULL, plate TEXT)")
        connection.executemany("INSERT INTO permit (permit_no, plate) VALUES (?, ?)", [(f"P-{number}", f"贵A·{number:05}") for number in range(PERMITS)])
        connection.commit()
    settings = Settings(home=directory / "home-0", database=url)
    initialise(settings)
    core = open_core(settings)
    cluster = Cluster(directory, url, core)
    publish(core, _MANIFEST.format(file=file))
    for name in ("system", "security", "audit"):
        cluster.register(f"{name}_admin", (f"governance:{name}",))
    with ExitStack() as held:
        held.callback(core.close)
        for number in (1, 2):
            cluster.nodes.append(held.enter_context(node(cluster, number)))
        yield cluster


@contextmanager
def node(cluster: Cluster, number: int, url: str | None = None, settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[RunningHub]:
    """One more ``huitong serve`` on the cluster's database, on a home of its own."""
    home, port = cluster.directory / f"home-{number}", free_port()
    shutil.copytree(cluster.core.settings.keys, home / "keys")
    home.chmod(0o700)
    log = cluster.directory / f"node-{number}.stderr"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUITONG_") and name not in ("HOST", "PORT")}
    own = {"HUITONG_HOME": str(home), "HUITONG_DATABASE": url or cluster.url, "HUITONG_PUBLIC_URL": ISSUER, "PORT": str(port)}
    with log.open("wb") as output:
        command = [sys.executable, "-m", "hub", "serve"]
        process = subprocess.Popen(command, cwd=ROOT, env={**kept, **own, **settings}, stdout=output, stderr=output)
    base = f"http://127.0.0.1:{port}"
    try:
        with httpx2.Client(base_url=base, timeout=60, trust_env=False) as client:
            running = RunningHub(base, home, process, log, client, Canaries(home))
            # Instead of the demonstration's.
            running.__dict__["applications"] = cluster.applications
            _await_ready(running)
            yield running
    finally:
        process.terminate()
        process.wait(30)


def _await_ready(running: RunningHub) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while running.process.poll() is None and time.monotonic() < deadline:
        try:
            if running.http("GET", "/health/ready").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"the node did not start: {running.log.read_text()[-2000:]}")
