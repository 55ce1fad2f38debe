"""How many rows a cursor is asked for at once: what is held does not depend on how long they are."""

from __future__ import annotations

import sqlite3
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from connectors.paging import stream
from connectors.registry import open_source
from connectors.selection import Binding, Column, Kind, Selection
from connectors.spi import SourceConfig
from connectors.sql.pace import Pace

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
MIB = 1024 * 1024


def test_short_rows_are_soon_taken_in_great_numbers_and_long_ones_never() -> None:
    pace = Pace(16_384)
    taken = []
    for _ in range(4):
        taken.append(pace.rows)
        pace.note([("1" * 18, "name", 1.5, None)] * pace.rows)
    assert taken == [64, 512, 4096, 16_384]
    pace.note([("x" * MIB, b"y" * MIB)] * 100)
    assert pace.rows == 4
    pace.note([("x" * 100 * MIB,)])
    assert pace.rows == 1
    pace.note([])
    assert pace.rows == 1
    assert Pace(10).rows == 10


async def test_a_stream_of_long_texts_is_held_piece_by_piece(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "long.db")) as file:
        file.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
        file.executemany("INSERT INTO t VALUES (?, ?)", ((number, "长" * 70_000) for number in range(600)))
        file.commit()
    source = open_source(SourceConfig("d.long", "sql", f"sqlite:///{tmp_path / 'long.db'}"))
    selection = Selection(Binding("t"), (Column("id", Kind.INTEGER), Column("text", Kind.STRING)))
    rows, sizes = 0, []
    try:
        async with aclosing(stream(source, selection, {}, None, 16_384)) as batches:
            async for streamed in batches:
                rows += streamed.batch.num_rows
                sizes.append(streamed.batch.nbytes)
    finally:
        await source.close()
    assert rows == 600
    assert max(sizes) < 32 * MIB, "a third of what all rows together take"
