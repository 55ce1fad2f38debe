"""What is no date of the calendar is told as such behind a mask as well: SQLite keeps any text in a column of dates."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from connectors.registry import open_source
from connectors.selection import Binding, Column, Kind, Order, Selection, Undeliverable
from connectors.spi import SourceConfig
from masking.rules import parse_mask

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
WRONG = ["", " ", "2026-02-30", "0000-01-01", "12026-01-01", "2026-1-1", "2026-01-01T00:00:00", b"2026-01-01", b"\xff", 5, 2.5]


@pytest.mark.parametrize("label", [None, "DATE_TO_YEAR", "DATE_TO_BAND(10)"])
async def test_what_is_no_date_is_undeliverable(tmp_path: Path, label: str | None) -> None:
    with closing(sqlite3.connect(tmp_path / "dates.db")) as connection, connection:
        connection.execute("CREATE TABLE dates (id integer PRIMARY KEY, day)")
        connection.executemany("INSERT INTO dates (day) VALUES (?)", [(value,) for value in [*WRONG, None, "2026-11-22"]])
    source = open_source(SourceConfig("x.dates", "sql", f"sqlite:///{tmp_path / 'dates.db'}"))
    asked = Column("day", Kind.DATE, parse_mask(label) if label else None)
    rows = await source.fetch(Selection(Binding("dates"), (asked,), order=(Order("id", Kind.BIGINT, nullable=False),)), {})
    await source.close()
    assert [isinstance(row[0], Undeliverable) for row in rows] == [True] * len(WRONG) + [False, False]
    assert rows[-2][0] is None
