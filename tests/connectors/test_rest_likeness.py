"""Values that a service writes in several ways, and those by which it means null: what is asked for, and whether its total may be told."""

from __future__ import annotations

import pytest

from connectors.selection import Column, Compare, Comparison, Kind, Selection
from tests.connectors.answering import NUMBER, Opened, answering
from tests.connectors.service_server import servers
from tests.connectors.stands.rest_styles import bound

__all__ = ["answering", "servers"]

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
DESCRIBED: dict[str, object] = {"path": "/n", "items": "items", "paging": {"style": "none"}}


@pytest.mark.parametrize(
    ("kind", "null", "value", "others"),
    [(Kind.DATE, "19000101", "1900-01-01", ["19000101 "]), (Kind.DECIMAL, "0.00", "0.00", ["0.0", 0]), (Kind.INTEGER, "-1", -1, [-1])],
)
async def test_a_text_that_means_null_and_reads_as_what_is_asked_for_is_not_counted(
    answering: Opened, kind: Kind, null: str, value: str | int, others: list[object]
) -> None:
    items = [{"n": n, "v": each} for n, each in enumerate([null, *others, null])]
    service = answering(lambda _request: {"items": items, "total": len(items)})
    described = bound(DESCRIBED, nulls=[null, "-"], filters={"v": "v"}, count={"total": "total"}, dates={"v": "compact"} if kind is Kind.DATE else None)
    asked = Selection(described, NUMBER, Compare("v", kind, Comparison.EQ, "asked"))
    assert await service.source.fetch(asked, {"asked": value}) == [(n,) for n in range(1, 1 + len(others))]
    assert await service.source.count(asked, {"asked": value}) == len(others)
    assert len(service.asked) == 2
    assert all("v=" in each for each in service.asked)


async def test_decimals_that_are_one_are_asked_for_once(answering: Opened) -> None:
    service = answering(lambda _request: {"items": [{"n": 1, "d": "1.0"}], "total": 1})
    described = bound(DESCRIBED, filters={"d": "d"}, count={"total": "total"})
    asked = Selection(described, NUMBER, Compare("d", Kind.DECIMAL, Comparison.IN, "v"))
    assert await service.source.fetch(asked, {"v": ["1.0", "1.00"]}) == [(1,)]
    assert await service.source.count(asked, {"v": ["1.0", "1.00"]}) == 1
    assert [*(await service.source.fetch_by_keys(Selection(described, NUMBER), {}, Column("d", Kind.DECIMAL), ["1.0", "1.00"])).values()] == [[(1,)]]
