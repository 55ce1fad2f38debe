"""``python -m connectors.files.worker``: reads one delivery, or guesses columns of files, in a process of its own with bounded memory.

A job comes as JSON on standard input; progress and the outcome go to standard output, one JSON object per line.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import Any

import duckdb
import orjson

from connectors.files.findings import Findings
from connectors.files.guess import guess
from connectors.files.ingest import Job, Outcome, ingest
from connectors.files.options import ObjectSpec

_NICE = 10
_CPU_SECONDS, _ROWS_PER_SECOND = 600, 10_000
"""What a job may take: a million rows of eleven columns take some 30 seconds."""


def main() -> None:
    """One job."""
    asked = orjson.loads(sys.stdin.buffer.read())
    os.nice(_NICE)
    most = int(asked["memory_mb"]) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    seconds = _CPU_SECONDS + int(asked["max_rows"]) // _ROWS_PER_SECOND
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    jobs = [_job(asked, each) for each in asked["jobs"]]
    if asked["task"] == "guess":
        _say({"guesses": [guess(job) for job in jobs]})
        return
    try:
        answer = _outcome(ingest(jobs[0], _progress))
    except (MemoryError, duckdb.OutOfMemoryException):
        answer = _too_large()
    _say(answer)


def _job(asked: dict[str, Any], job: dict[str, Any]) -> Job:
    spec = ObjectSpec.model_validate_json(job["spec"])
    return Job(Path(job["path"]), Path(job["target"]), job["format"], spec, asked["max_rows"], asked["max_unpacked_bytes"])


def _outcome(outcome: Outcome) -> dict[str, object]:
    return {"rows": outcome.rows, "facts": outcome.facts, "columns": outcome.columns, "report": outcome.findings.as_json() if outcome.findings else None}


def _too_large() -> dict[str, object]:
    findings = Findings()
    findings.add("TOO_LARGE")
    return {"rows": 0, "facts": {}, "columns": (), "report": findings.as_json()}


def _progress(rows: int) -> None:
    _say({"progress": rows})


def _say(what: dict[str, object]) -> None:
    sys.stdout.buffer.write(orjson.dumps(what) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
