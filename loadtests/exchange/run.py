"""One run of each way to take a register, and how long it took."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtests.comparison.hubs import postmaster
from loadtests.exchange import residents
from loadtests.exchange.watching import Watch, cpu_of
from tests.scale.served import Served
from tests.servers.debian import ensure
from tests.servers.postgres import Postgres

FORMATS = ("ARROW", "CSV", "PARQUET", "JSONL")
COPY, PLAIN = "COPY", "plain"
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")
_START = "mutation($input: StartExchangeInput!) { startExchange(input: $input) { exchange { id } } }"
_LOOK = "query($id: ID!) { exchange(id: $id) { state reason finishedAt files { name rows bytes } } }"
_POLL = 0.5
_SETTLE = 0.2


@dataclass(frozen=True)
class Taken:
    """One run: ``way`` is one of the formats, ``COPY`` or ``plain``. CPU seconds by whose; the most memory of a process that exports, and of the hub, in MiB."""

    way: str
    rows: int
    seconds: float
    cpu: dict[str, float]
    exporting: float = 0.0
    hub: float = 0.0
    bytes: int = 0
    files: int = 0

    @property
    def per_second(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds


def copied(server: Postgres, rows: int) -> Taken:
    """PostgreSQL's own way: psql takes the same columns by COPY and throws them away."""
    command = f"COPY resident ({', '.join(residents.COLUMNS)}) TO STDOUT"
    process = postmaster(server)
    before, began = cpu_of(process), time.perf_counter()
    subprocess.run([str(ensure("postgresql", "psql")), "-q", "-c", command, server.url(scheme="postgresql")], stdout=subprocess.DEVNULL, check=True)
    seconds = time.perf_counter() - began
    return Taken(COPY, rows, seconds, {"PostgreSQL": _settled(process) - before})


def plainly(server: Postgres, rows: int, folder: Path) -> Taken:
    """A program with SQLAlchemy, masks in Python and a csv.writer."""
    process, path = postmaster(server), folder / "plain.csv"
    before = cpu_of(process)
    given = [sys.executable, "-m", "loadtests.exchange.plain", server.url(scheme="postgresql+psycopg"), str(rows), str(path)]
    said = json.loads(subprocess.run(given, capture_output=True, check=True).stdout)
    size = path.stat().st_size
    path.unlink()
    return Taken(PLAIN, rows, said["seconds"], {"PostgreSQL": _settled(process) - before, "exporting": said["cpu"]}, said["mebibytes"], bytes=size)


def _settled(process: int) -> float:
    """CPU seconds once a server process whose caller has gone has ended as well, so that it counts."""
    time.sleep(_SETTLE)
    return cpu_of(process)


def exchanged(
    hub: Served, server: Postgres, format_: str, rows: int, home: Path, workers: Sequence[int] = (), most: float = 3600.0, keep: bool = False
) -> Taken:
    """An exchange of the hub's, from its start to its success; its files are taken away unless they are to be kept: on a disk that is told what is
    free, that keeps others waiting. ``workers`` export beside the hub's own processes.

    Raises:
        RuntimeError: it did not succeed, or not whole.
    """

    def cpus() -> dict[str, float]:
        own = hub.cpu_seconds()
        return {"PostgreSQL": cpu_of(postmaster(server)), "hub": own, "exporting": cpu_of(hub.process.pid) - own + sum(map(cpu_of, workers))}

    given = {"document": residents.DOCUMENT, "format": format_, "idempotencyKey": uuid.uuid4().hex}
    with Watch(hub.process.pid, cpus, workers) as watch:
        began, moment = time.perf_counter(), datetime.now(UTC)
        identity = _asked(hub, _START, {"input": given})["startExchange"]["exchange"]["id"]
        while (found := _asked(hub, _LOOK, {"id": identity})["exchange"])["state"] not in _ENDED:
            if time.perf_counter() - began > most:
                raise RuntimeError(f"not within {most:g} s: {found}")
            time.sleep(_POLL)
    # As the hub has it: whoever asks all the time burdens it.
    seconds = (datetime.fromisoformat(found["finishedAt"]) - moment).total_seconds()
    files = found["files"]
    if found["state"] != "SUCCEEDED" or (there := sum(int(file["rows"]) for file in files)) != rows:
        raise RuntimeError(f"{format_}: {found['state']} {found['reason']}, {files}")
    if not keep:
        shutil.rmtree(home / "exchange" / identity, ignore_errors=True)
    return Taken(format_, there, seconds, watch.spent, watch.most, watch.own, sum(int(file["bytes"]) for file in files), len(files))


def _asked(hub: Served, text: str, variables: dict[str, object]) -> dict[str, Any]:
    """A token lives for ten minutes: where it is over, the next is asked for."""
    for _ in range(2):
        answer = hub.ask(residents.APPLICATION, text, variables)[1]
        if "data" in answer and "errors" not in answer:
            found: dict[str, Any] = answer["data"]
            return found
        hub.renew(residents.APPLICATION)
    raise RuntimeError(str(answer)[:1000])
