"""Sources that do not stream are read page after page: rows that share a place in the order stay in one page, or it is told that they cannot."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.arrow_types import wire_rows
from connectors.errors import SourceRefused
from connectors.paging import stream
from connectors.selection import Binding, Column, Kind, Order, Selection
from tests.schema.city import MemorySource

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
KEY, NAME = Column("pk", Kind.BIGINT), Column("nm", Kind.STRING)


async def read(keys: list[int], rows: int, limit: int | None = None) -> list[Any]:
    """The batches of persons with these stable keys."""
    source = MemorySource({"person": [{"pk": key, "nm": f"n{place}"} for place, key in enumerate(keys)]})
    selection = Selection(Binding("person"), (NAME,), None, (Order("pk", Kind.BIGINT, nullable=False),), limit=None if limit is None else "most")
    return [[row[0] for row in wire_rows(part)] async for part in stream(source, selection, {} if limit is None else {"most": limit}, rows=rows)]


@pytest.mark.parametrize("keys", [[1, 2, 3, 4, 5, 6, 7], [1, 2, 2, 3, 3, 4, 5], [1, 1, 2, 2, 3, 3, 4], [1, 1, 1, 2, 2, 2, 3]])
@pytest.mark.parametrize("limit", [None, 1, 4, 7, 9])
async def test_no_row_is_lost_between_pages(keys: list[int], limit: int | None) -> None:
    parts = await read(keys, 3, limit)
    assert [name for part in parts for name in part] == [f"n{place}" for place in range(min(7, limit or 7))]
    assert all(len(part) <= 4 for part in parts)


async def test_rows_that_fill_a_page_are_told_of() -> None:
    with pytest.raises(SourceRefused, match="4 rows and more share one value of pk, which is the stable key"):
        await read([1, 2, 2, 2, 2, 3], 3)
    assert await read([1, 2, 2, 2, 2, 3], 4) == [["n0"], ["n1", "n2", "n3", "n4"], ["n5"]]
    assert await read([2, 2, 2, 2], 1, 1) == [["n0"]]


@pytest.mark.parametrize(
    ("kind", "one", "again", "more"),
    [
        (Kind.DECIMAL, "1.0", "1.00", ("2", "3")),
        (Kind.DATETIME, "2020-01-01T00:00:00Z", "2020-01-01T08:00:00+08:00", ("2020-01-02T00:00:00Z", "2020-01-03T00:00:00Z")),
    ],
)
async def test_two_texts_of_one_key_stay_in_one_page(kind: Kind, one: str, again: str, more: tuple[str, str]) -> None:
    source = MemorySource({"person": [{"pk": key, "nm": f"n{place}"} for place, key in enumerate(("", one, again, *more)) if place]})
    selection = Selection(Binding("person"), (NAME,), None, (Order("pk", kind, nullable=False),))
    assert [[row[0] for row in wire_rows(part)] async for part in stream(source, selection, {}, rows=2)] == [["n1", "n2"], ["n3", "n4"]]
    with pytest.raises(SourceRefused, match="2 rows and more share one value of pk"):
        _ = [part async for part in stream(source, selection, {}, rows=1)]
