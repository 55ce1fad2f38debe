"""``huitong usage report``: its files, its entry, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import orjson
import pytest
from sqlalchemy import select

from hub.clock import clock
from hub.ledger.tables import entry
from hub.store.engine import open_engine
from hub.usage.pages import page
from tests.cli.conftest import Cli, cli, home
from tests.usage.build import access, beijing, call
from tests.usage.test_cli import filled

__all__ = ["cli", "home"]
pytestmark = pytest.mark.slow


def test_a_page_a_workbook_and_an_entry(cli: Cli, home: Path, tmp_path: Path) -> None:
    files = tmp_path / "r.html", tmp_path / "r.xlsx"
    with clock.at(beijing("2026-03-02T09:00:00")):
        filled(tmp_path, call("2026-03-01T10:00:00"), call("2026-03-01T10:30:00", "tax-app", access(rows=4)))
        made = cli("usage", "report", "--output", files[0], "--xlsx", files[1], "--department", "tax", "--actor", "li", "--json")
        assert (made.code, made.data["calls"], made.data["from"]) == (0, 1, "2026-01-01"), made.err
        again = cli("usage", "report", "--output", files[0])
        assert (again.code, "文件已存在" in again.err) == (1, True)
    assert "tax-app" in files[0].read_text("utf-8")
    assert [row[1] for row in openpyxl.load_workbook(files[1])["应用 applications"].iter_rows(min_row=2, max_col=3, values_only=True)] == [None]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    engine = open_engine(f"sqlite:///{home / 'control.db'}")
    with engine.connect() as connection:
        found = [orjson.loads(each) for each in connection.execute(select(entry.c.canonical).where(entry.c.operation == "usage.report")).scalars()]
    engine.dispose()
    said = {"actor": "cli:li", "act": "usage.report", "target": "tax", "from": "2026-01-01", "to": "2026-03-02", "formats": ["HTML", "XLSX"]}
    assert [(each["kind"], each["medium"], each["details"]) for each in found] == [("admin", "FILE", said)]


def test_an_unknown_department_and_a_library_that_is_not_there(cli: Cli, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path)
    unknown = cli("usage", "report", "--department", "nobody", "--output", tmp_path / "r.html")
    assert (unknown.code, "nobody" in unknown.err) == (1, True)
    monkeypatch.setattr(page, "LIBRARY", tmp_path / "none.js")
    unbuilt = cli("usage", "report", "--output", tmp_path / "r.html")
    assert (unbuilt.code, "make build" in unbuilt.err, (tmp_path / "r.html").exists()) == (1, True, False)
