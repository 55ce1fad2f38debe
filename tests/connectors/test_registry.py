"""Connectors are found by kind: the hub's own, and those that another package announces; drivers are imported when a source is opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from connectors.errors import ConfigFault
from connectors.registry import kinds, open_source
from connectors.selection import Binding, Column, Kind, Selection
from connectors.spi import SourceConfig
from tests.connectors.people import PEOPLE, write_sqlite

pytestmark = pytest.mark.fast

DRIVERS = ("aiosqlite", "asyncmy", "asyncpg", "async_gaussdb", "defusedxml", "dmPython", "dmSQLAlchemy", "duckdb", "fsspec", "ksycopg2", "python_calamine")
FOREIGN = """
from dataclasses import replace

from connectors.sql import SqlConnector
from tests.connectors.stands.partial import Partial


class LedgerBooks:
    def open(self, config):
        return Partial(SqlConnector().open(replace(config, kind="sql")))
"""


def test_no_driver_is_imported_before_a_source_is_opened() -> None:
    code = f"import sys, hub.app, hub.cli.app; print([each for each in {DRIVERS!r} if each in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another package, installed: a module, and metadata with entry points."""
    package = tmp_path / "site"
    metadata = package / "books-1.0.dist-info"
    metadata.mkdir(parents=True)
    (package / "ledger_books.py").write_text(FOREIGN)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: books\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[huitong.connectors]\nbooks = ledger_books:LedgerBooks\nbroken = ledger_books:Missing\n")
    monkeypatch.syspath_prepend(package)
    return tmp_path


@pytest.mark.anyio
async def test_a_connector_of_another_package(foreign: Path) -> None:
    """Opened behind the hub's limits, and asked only for what it declares."""
    assert {"books", "files", "graphql", "rest", "sql"} <= set(kinds())
    write_sqlite(foreign / "people.db")
    source = open_source(SourceConfig("city.books", "books", f"sqlite:///{foreign}/people.db"))
    assert not source.capabilities.order
    rows = await source.fetch(Selection(Binding("person"), (Column("record_no", Kind.BIGINT),)), {})
    assert len(rows) == len(PEOPLE)
    await source.close()


def test_a_connector_that_cannot_be_loaded_names_its_package(foreign: Path) -> None:
    with pytest.raises(ConfigFault) as caught:
        open_source(SourceConfig("city.books", "broken", "books://here"))
    assert "ledger_books:Missing" in caught.value.hint


def test_an_unknown_kind_tells_the_known_ones() -> None:
    with pytest.raises(ConfigFault) as caught:
        open_source(SourceConfig("city.books", "carrier_pigeon", "roof://city"))
    assert "files, graphql, rest, sql" in caught.value.hint
