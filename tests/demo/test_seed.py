"""The city on the disk: complete, exact, indexed, seeded once."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from hub.demo import sqlite as writer
from hub.demo.city import FEWEST, City
from hub.demo.progress import shown
from hub.demo.seed import DemoData, seed
from hub.demo.tables import DEPARTMENTS_WITH_DATA, FILES, TABLES, of_department

pytestmark = pytest.mark.slow


def _read(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def _text(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize("code", sorted(TABLES))
def test_every_row_is_there_as_it_was_drawn(demo: DemoData, city: City, code: str) -> None:
    table = TABLES[code]
    stored = _read(demo.databases[code.split(".")[0]], f"SELECT * FROM {table.name} ORDER BY {table.columns[0].name}")
    assert stored == [tuple(map(_text, row)) for row in sorted(city[code], key=lambda row: str(row[0]) if isinstance(row[0], str) else int(str(row[0])))]
    assert demo.rows[code] == len(stored)


@pytest.mark.parametrize("department", DEPARTMENTS_WITH_DATA)
def test_every_declared_index_is_used(demo: DemoData, department: str) -> None:
    for _, table in of_department(department):
        for index in table.indexes:
            (column,) = index.columns
            plan = _read(demo.databases[department], f"EXPLAIN QUERY PLAN SELECT {column.name} FROM {table.name} WHERE {column.name} = 'x'")
            assert str(index.name) in str(plan)


def test_a_second_seeding_writes_nothing(tmp_path: Path) -> None:
    first = seed(tmp_path, FEWEST)
    stamps = {path: path.stat().st_mtime_ns for path in first.directory.iterdir()}
    again = seed(tmp_path, FEWEST)
    assert (first.fresh, again.fresh) == (True, False)
    assert again.rows == first.rows
    assert {path: path.stat().st_mtime_ns for path in first.directory.iterdir()} == stamps


@pytest.mark.parametrize("change", ["persons", "seed", "lost file", "broken stamp"])
def test_it_is_seeded_anew_when_it_is_not_what_is_wanted(tmp_path: Path, change: str) -> None:
    first = seed(tmp_path, FEWEST)
    if change == "lost file":
        first.databases["housing"].unlink()
    if change == "broken stamp":
        (first.directory / "stamp.json").write_text("[]")
    again = seed(tmp_path, FEWEST + (change == "persons"), 99 if change == "seed" else 2026)
    assert again.fresh
    assert all(path.exists() for path in again.databases.values())


def test_a_fault_while_writing_leaves_the_old_file(tmp_path: Path, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "civil_affairs.db"
    path.write_bytes(b"the old file")
    with pytest.raises(KeyError):
        writer.write_database(path, "civil_affairs", {"civil_affairs.person": city["civil_affairs.person"]}, lambda part, done, total: None)
    assert path.read_bytes() == b"the old file"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_seeding_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(part: str, done: int, total: int) -> None:
        if part == "natural_resources.real_estate":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seed(tmp_path, FEWEST, progress=interrupt)
    assert seed(tmp_path, FEWEST).fresh


def test_the_directory_is_closed_to_others(demo: DemoData) -> None:
    assert demo.directory.stat().st_mode & 0o077 == 0


def test_progress_off_a_terminal_is_one_line_for_each_part(tmp_path: Path) -> None:
    stream = io.StringIO()
    with shown(stream) as progress:
        seed(tmp_path, FEWEST, progress=progress)
    lines = stream.getvalue().splitlines()
    assert [line.split(":")[0] for line in lines] == ["residents", *TABLES, *FILES]
    assert lines[0] == f"residents: {FEWEST}"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal_is_a_bar(tmp_path: Path) -> None:
    stream = _Terminal()
    with shown(stream) as progress:
        progress("residents", 50, 100)
        progress("residents", 100, 100)
    assert "100/100" in stream.getvalue()
