"""Documents that the hub has never seen: CPU from their arrival to their answer, everything compiled anew, beside the same documents once they are known."""

from __future__ import annotations

import os
import signal
import statistics
import tempfile
from pathlib import Path

import orjson
from graphql import build_schema

from loadtests.processes import cpu_seconds
from loadtests.random_documents import Documents
from loadtests.report import Figure, Report, middle
from loadtests.staged import STAGES
from tests.hub.running import RunningHub, started, stop

LENGTH = 2048
MOST = 10.0
_DOCUMENTS = 80
_FIRST = 20
"""Asked before anything is counted: the hub's own start is over."""
_WARM = 40


def run() -> Report:
    """Measures over the demonstration's city of 2,000 residents, for an application with masks."""
    with tempfile.TemporaryDirectory(prefix="huitong-bench-") as directory:
        stages = Path(directory) / "stages"
        settings = {"HUITONG_PUBLIC_CALLS_PER_SECOND": "100000", STAGES: str(stages)}
        with started(Path(directory) / "home", settings=settings, module="loadtests.staged") as hub:
            figures = _figures(hub, stages)
            stop(hub)
    about = (
        f"{_DOCUMENTS} documents of {LENGTH / 1024:g} KiB, drawn at random from what the application `housing` sees, of which no two are alike: lists of two rows of several "
        "departments, with links. The whole call, and its stages in the thread that serves (without what other threads do for it). Compiling is what is "
        "wanted to be little: parsing, checking, planning and writing statements, of types and columns that documents before named; reading is the same once a document is known, and in the demonstration "
        "the hub's own process does it, for sources in SQLite and files."
    )
    return Report("Cold documents of 2 KiB", about, figures)


def _figures(hub: RunningHub, stages: Path) -> list[Figure]:
    schema = build_schema(hub.http("GET", "/graphql/schema.graphql", headers=hub.headers("housing")).text)
    documents = Documents(schema, 7)
    texts = [documents.make(LENGTH) for _ in range(_FIRST + _DOCUMENTS)]
    first = [_asked(hub, text) for text in texts[:_FIRST]]
    os.kill(hub.process.pid, signal.SIGUSR1)
    cold = [_asked(hub, text) for text in texts[_FIRST:]]
    os.kill(hub.process.pid, signal.SIGUSR2)
    warm = [_asked(hub, text) for text in texts[-_WARM:]]
    found: dict[str, float] = orjson.loads(stages.read_bytes())
    each = {name: 1000 * seconds / _DOCUMENTS for name, seconds in found.items()}
    value, spread = middle(cold)
    again, around = middle(warm)
    return [
        Figure("compiling, all stages together", sum(each.values()), "ms", MOST),
        *(Figure(f"of it {name}", spent, "ms") for name, spent in sorted(each.items(), key=lambda one: -one[1])),
        Figure(f"the hub's CPU per call, of the {_FIRST} before these: types and masked columns are written for the first time", middle(first)[0], "ms"),
        Figure("the hub's CPU per call, never seen", value, "ms", None, spread),
        Figure("the hub's CPU per call, known", again, "ms", None, around),
        Figure("bytes of a document", statistics.median(len(text) for text in texts)),
    ]


def _asked(hub: RunningHub, text: str) -> float:
    body, headers = orjson.dumps({"query": text}), hub.headers("housing")
    began = cpu_seconds(hub.process.pid)
    answer = hub.client.post("/graphql", content=body, headers=headers)
    ended = cpu_seconds(hub.process.pid)
    if "data" not in answer.json():
        raise RuntimeError(f"{answer.text[:500]}: {text}")
    return 1000 * (ended - began)
