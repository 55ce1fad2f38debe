"""Draws persons of the demonstration for the scenarios: ``python -m loadtests.scenarios.prepare [--home .huitong] [--count 200] [--seed 1] FILE``."""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from hub.anomalies.sketch import Sketch
from hub.anomalies.structure import structure

_APART = "apart"
# Whoever is insured in the district, so that every link of the scenarios has something to show.
_PERSONS = """
    SELECT id_number, name, birth_date, district FROM person
    WHERE district = ? AND id_number IN (SELECT id_number FROM human_resources.social_insurance WHERE district = ?) ORDER BY id_number
"""


def draw(home: Path, count: int, seed: int) -> list[dict[str, Any]]:
    """So many persons of ``housing``'s district, none of them a sample person of the tour, whose claims others may need.

    No two numbers are close by the hub's own rule against sequences (docs/anomalies.md), so that nobody takes the test for scraping.
    The same city and seed give the same persons.

    Raises:
        FileNotFoundError: there is no demonstration in this home.
    """
    demo = home / "demo"
    samples = json.loads((demo / "samples.json").read_bytes())["persons"]
    district = next(each["district"] for each in samples if "housing" in each["visible_to"])
    taken = {each["id_number"] for each in samples}
    persons = [each for each in _residents(demo, district) if each["id_number"] not in taken]
    # Anybody may know who was drawn.
    random.Random(seed).shuffle(persons)
    return [person for person, _ in zip(_apart(persons), range(count), strict=False)]


def _residents(demo: Path, district: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f"file:{demo / 'civil_affairs.db'}?mode=ro", uri=True)) as connection:
        connection.execute("ATTACH ? AS human_resources", [f"file:{demo / 'human_resources.db'}?mode=ro"])
        rows = connection.execute(_PERSONS, [district, district])
        return [dict(zip(("id_number", "name", "birth_date", "district"), row, strict=True), visible_to=["housing"]) for row in rows]


def _apart(persons: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    sketch = Sketch(_APART)
    for person in persons:
        if sketch.add(structure(person["id_number"]).sequences) is False:
            yield person


def main(arguments: list[str] | None = None) -> int:
    """Writes the file, readable by its owner alone; 1 where there is no demonstration."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.scenarios.prepare", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("HUITONG_HOME", ".huitong")))
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    try:
        persons = draw(options.home, options.count, options.seed)
    except (FileNotFoundError, sqlite3.OperationalError):
        sys.stderr.write(f"{options.home} 中没有演示城市 holds no demonstration: make run, or give --home\n")
        return 1
    options.file.parent.mkdir(parents=True, exist_ok=True)
    options.file.touch(mode=0o600)
    options.file.write_text(json.dumps({"seed": options.seed, "persons": persons}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
