"""Columns whose own type is narrower or finer than the item's: what is shown is what is compared, and pages hold every row once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from operator import eq, ge, lt, ne
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from connectors.aggregation import Aggregation, Measure
from connectors.arrow_types import wire_rows
from connectors.selection import Binding, Column, Compare, Comparison, Kind, Match, Order, Predicate, Row, Selection, Value
from connectors.spi import SourceConfig
from connectors.sql import SqlConnector
from connectors.sql.single import shortest
from connectors.sql.source import SqlSource
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ID = Column("id", Kind.BIGINT)
STABLE = Order("id", Kind.BIGINT, nullable=False)
ROWS = 60


@pytest.fixture
async def finer(postgres: Postgres) -> AsyncIterator[tuple[SqlSource, Binding]]:
    """Rows with a moment of few days, in both of PostgreSQL's types, and a number of single precision beside one of double."""
    schema = f"s{uuid4().hex}"
    connection: Any = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    try:
        await connection.execute(
            f"""CREATE SCHEMA {schema}; CREATE TABLE {schema}.finer (id bigint, local timestamp, moment timestamptz, r real, f float8, w integer);
            INSERT INTO {schema}.finer SELECT i, '2026-01-01'::timestamp + (i * 7 % {ROWS}) * interval '97 minutes',
              '2026-01-01 00:00+00'::timestamptz + (i * 7 % {ROWS}) * interval '97 minutes', (i % 9) * 0.1, (i % 9) * 0.1, i % 9 FROM generate_series(1, {ROWS}) i"""
        )
    finally:
        await connection.close()
    source = SqlConnector().open(SourceConfig("city.register", "sql", postgres.url()))
    yield source, Binding(f"{schema}.finer")
    await source.close()


async def ids(source: SqlSource, binding: Binding, where: Predicate, value: Value | Sequence[Value]) -> list[Value]:
    found = await source.fetch(Selection(binding, (ID,), where, (STABLE,)), {"v": value})
    streamed = [part async for part in source.stream(Selection(binding, (ID,), where, (STABLE,)), {"v": value}, None, 100)]
    assert [tuple(row) for part in streamed for row in wire_rows(part)] == [tuple(row) for row in found]
    return [row[0] for row in found]


async def paged(source: SqlSource, whole: Selection, size: int) -> list[Row]:
    """All pages; the order's keys are the outputs."""
    rows: list[Row] = []
    after: dict[str, Value] = {}
    for _ in range(ROWS):
        names = tuple(f"a{place}" for place in range(len(whole.order))) if after else ()
        page = await source.fetch(replace(whole, after=names, limit="n"), {**after, "n": size})
        rows += page
        if len(page) < size:
            return rows
        after = {f"a{place}": value for place, value in enumerate(page[-1])}
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(("column", "kind"), [("local", Kind.DATE), ("moment", Kind.DATE), ("r", Kind.FLOAT), ("f", Kind.FLOAT)])
async def test_pages_by_a_finer_column_hold_every_row_once(finer: tuple[SqlSource, Binding], column: str, kind: Kind, descending: bool) -> None:
    source, binding = finer
    order = (Order(column, kind, descending), STABLE)
    rows = await paged(source, Selection(binding, (Column(column, kind), ID), None, order), 7)
    assert sorted(row[1] for row in rows) == list(range(1, ROWS + 1))  # type: ignore[type-var]
    assert rows == sorted(sorted(rows, key=lambda row: row[1]), key=lambda row: row[0], reverse=descending)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(("column", "kind"), [("local", Kind.DATE), ("moment", Kind.DATE), ("r", Kind.FLOAT), ("f", Kind.FLOAT), ("w", Kind.FLOAT)])
async def test_what_is_shown_is_what_is_compared(finer: tuple[SqlSource, Binding], column: str, kind: Kind) -> None:
    source, binding = finer
    shown: dict[Any, Any] = {row[0]: row[1] for row in await source.fetch(Selection(binding, (ID, Column(column, kind)), None, (STABLE,)), {})}
    for value in {*shown.values(), 1e300, -1e-300, 0.10000000001} if kind is Kind.FLOAT else set(shown.values()):
        for comparison, holds in ((Comparison.EQ, eq), (Comparison.NE, ne), (Comparison.LT, lt), (Comparison.GTE, ge)):
            found = await ids(source, binding, Compare(column, kind, comparison, "v"), value)
            assert found == [each for each in shown if holds(shown[each], value)], (comparison, value)
        assert await ids(source, binding, Compare(column, kind, Comparison.IN, "v"), [value]) == [each for each in shown if shown[each] == value]
        claimed = await source.fetch(Selection(binding, (ID, Match(column, kind, "v")), None, (STABLE,)), {"v": [value]})
        assert [row[0] for row in claimed if row[1]] == [each for each in shown if shown[each] == value]


async def test_a_number_of_single_precision_is_its_shortest_text(finer: tuple[SqlSource, Binding]) -> None:
    source, binding = finer
    both = Selection(binding, (Column("r", Kind.FLOAT), Column("f", Kind.FLOAT)), None, (STABLE,))
    numbers = [(round(each % 9 * 0.1, 1), each % 9 * 0.1) for each in range(1, ROWS + 1)]
    assert [tuple(row) for row in await source.fetch(both, {})] == [(r, pytest.approx(f)) for r, f in numbers]
    streamed = [row async for part in source.stream(both, {}, None, 100) for row in wire_rows(part)]
    assert [row[0] for row in streamed] == [r for r, _ in numbers]


def test_shortest_of_powers_of_two_and_of_the_least_numbers() -> None:
    """As the shortest text of other programs (Ryu)."""
    known = [2.0**-96, 2.0**87, 2.0**90, 2.0**-149, 3 * 2.0**-149, 0.10000000149011612, 16777216.0, -3.4028234663852886e38]
    assert [shortest(each) for each in known] == [1.2621775e-29, 1.5474251e26, 1.2379401e27, 1e-45, 4e-45, 0.1, 16777216.0, -3.4028235e38]


async def test_numbers_of_single_precision_are_added_as_they_are_shown(finer: tuple[SqlSource, Binding]) -> None:
    source, binding = finer
    asked = Aggregation(binding, None, (), (), (Measure("r", Kind.FLOAT, total=True, extremes=True),), "n")
    ((_, _, _, total, least, greatest),) = await source.aggregate(asked, {"n": 1})
    assert (total, least, greatest) == (pytest.approx(sum(round(each % 9 * 0.1, 1) for each in range(1, ROWS + 1)), abs=1e-12), 0.0, 0.8)
