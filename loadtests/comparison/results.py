"""A run's results as one JSON file: all rounds as they were measured, what follows from them, and on what and with what it was measured."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from loadtests.comparison import wrk
from loadtests.comparison.records import Record, Records
from loadtests.comparison.verdicts import Bound, Verdict
from loadtests.peers import PEERS

FOLDER = Path(__file__).parents[1] / "results"
_OF_HUB = ("strawberry-graphql", "graphql-core", "starlette", "uvicorn", "uvloop", "httptools", "sqlalchemy", "asyncpg", "psycopg", "orjson", "joserfc")


@dataclass
class Results:
    """Everything that a run has found."""

    facts: dict[str, Any]
    """Machine, versions, seed, extent."""
    records: Records = field(default_factory=Records)
    verdicts: list[Verdict] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    """What is told without a bound."""
    checked: list[str] = field(default_factory=list)
    """What was found to be the same before measuring."""
    failed: list[str] = field(default_factory=list)
    """Whose figures are missing, and why."""

    def write(self, folder: Path = FOLDER) -> Path:
        """Writes ``<date>-<mode>.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.facts['began'][:10]}-{self.facts['mode']}.json"
        rows = ",\n".join(json.dumps(asdict(record), ensure_ascii=False) for record in self.records.every)
        rest = {name: getattr(self, name) for name in ("facts", "figures", "checked", "failed")}
        rest["verdicts"] = [{**asdict(verdict), "held": verdict.held, "stretched": verdict.stretched} for verdict in self.verdicts]
        text = json.dumps(rest, ensure_ascii=False, indent=1)
        path.write_text(f'{text[:-2]},\n "records": [\n{rows}\n]}}\n', encoding="utf-8")
        return path


def read(path: Path) -> Results:
    """What was written."""
    found: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    verdicts = [Verdict(v["group"], v["name"], v["value"], Bound(**v["bound"]), v["unit"]) for v in found["verdicts"]]
    records = Records(Record(**row) for row in found["records"])
    return Results(found["facts"], records, verdicts, found["figures"], found["checked"], found["failed"])


def facts(mode: str, seed: int, persons: int, rounds: Sequence[int], database: str, control: str) -> dict[str, Any]:
    """On what and with what is measured."""
    return {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "mode": mode,
        "commit": _said(["git", "describe", "--always", "--dirty"]),
        "seed": seed,
        "persons": persons,
        "rounds": list(rounds),
        "control database": control,
        "machine": {
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "processor": _of_file("/proc/cpuinfo", "model name"),
            "cpus": os.cpu_count(),
            "memory": _of_file("/proc/meminfo", "MemTotal"),
            "load": os.getloadavg(),
        },
        "versions": {
            "Python": platform.python_version(),
            "PostgreSQL": database,
            "wrk": wrk.version(),
            "hub": ", ".join(f"{package} {version(package)}" for package in ("huitong", *_OF_HUB)),
            **{name: peer.version() for name, peer in PEERS.items()},
        },
    }


def _of_file(path: str, name: str) -> str:
    lines = (line.partition(":") for line in Path(path).read_text("utf-8").splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "")


def _said(command: Sequence[str]) -> str:
    return subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False).stdout.strip()
