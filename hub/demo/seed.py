"""Puts the demonstration city on the disk, once: a SQLite file or a folder of deliveries per department under ``<home>/demo``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.demo.city import SEED, draw_city
from hub.demo.files import write_files
from hub.demo.progress import Progress, silent
from hub.demo.sqlite import write_database
from hub.demo.tables import DEPARTMENTS_WITH_DATA

FORMAT = 3
"""Raised with every change to what a seed gives, so that an existing home is seeded anew."""
_STAMP = "stamp.json"


@dataclass(frozen=True, slots=True)
class DemoData:
    """What lies on the disk."""

    directory: Path
    """``<home>/demo``."""
    databases: Mapping[str, Path]
    """SQLite files by department code."""
    rows: Mapping[str, int]
    """Row counts by resource code."""
    fresh: bool
    """Written by this call; false where an earlier one had done it."""


def seed(home: Path, persons: int, seed: int = SEED, progress: Progress = silent) -> DemoData:
    """The city of ``persons`` residents under ``home``; does nothing where it lies there already.

    Raises:
        ValueError: too few persons.
        DivisionsMissing: the table of divisions has not been built.
    """
    directory = home / "demo"
    databases = {department: directory / f"{department}.db" for department in DEPARTMENTS_WITH_DATA}
    wanted = {"format": FORMAT, "persons": persons, "seed": seed}
    rows = _stamped(directory / _STAMP, wanted)
    if rows is not None and all(path.exists() for path in databases.values()):
        return DemoData(directory, databases, rows, fresh=False)
    return DemoData(directory, databases, _write(directory, databases, wanted, progress), fresh=True)


def _write(directory: Path, databases: Mapping[str, Path], wanted: Mapping[str, int], progress: Progress) -> dict[str, int]:
    city = draw_city(wanted["persons"], wanted["seed"], progress)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Without its stamp a half-written city is seeded anew at the next start.
    (directory / _STAMP).unlink(missing_ok=True)
    for department, path in databases.items():
        write_database(path, department, city, progress)
    write_files(directory, city, progress)
    rows = {code: len(table) for code, table in city.items()}
    draft = directory / f".{_STAMP}"
    draft.write_text(json.dumps({**wanted, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    draft.replace(directory / _STAMP)
    return rows


def _stamped(stamp: Path, wanted: Mapping[str, int]) -> dict[str, int] | None:
    """The row counts that the stamp notes, if it was made for the wanted parameters."""
    try:
        noted = json.loads(stamp.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(noted, dict) or not isinstance(rows := noted.pop("rows", None), dict):
        return None
    return rows if noted == wanted else None
