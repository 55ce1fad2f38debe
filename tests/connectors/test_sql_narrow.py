"""Columns whose own type is narrower or finer than the item's: what is shown is what is compared, and pages hold every row once."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import replace
from operator import eq, ge, itemgetter, lt, ne
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from connectors.aggregation import Aggregation, Measure
from connectors.arrow_types import wire_rows
from connectors.selection import SALT, UNDELIVERABLE, Binding, Column, Compare, Comparison, Kind, Match, Order, Predicate, Row, Selection, Value
from connectors.spi import SourceConfig
from connectors.sql import SqlConnector
from connectors.sql.single import shortest
from connectors.sql.source import SqlSource
from tests.connectors.stands.mariadb import connected
from tests.servers.mariadb import Mariadb
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
ID = Column("id", Kind.BIGINT)
STABLE = Order("id", Kind.BIGINT, nullable=False)
ROWS = 60


@pytest.fixture
async def finer(postgres: Postgres) -> AsyncIterator[tuple[SqlSource, Binding]]:
    """Rows with a moment of few days, in both of PostgreSQL's types, and a number of single precision beside one of double."""
    binding = await made(
        postgres,
        f"""CREATE TABLE FINER (id bigint, local timestamp, moment timestamptz, r real, f float8, w integer);
        INSERT INTO FINER SELECT i, '2026-01-01'::timestamp + (i * 7 % {ROWS}) * interval '97 minutes',
          '2026-01-01 00:00+00'::timestamptz + (i * 7 % {ROWS}) * interval '97 minutes', (i % 9) * 0.1, (i % 9) * 0.1, i % 9 FROM generate_series(1, {ROWS}) i""",
    )
    source = SqlConnector().open(SourceConfig("city.register", "sql", postgres.url()))
    yield source, binding
    await source.close()


async def made(postgres: Postgres, text: str) -> Binding:
    """A table that ``text`` makes and fills under the name ``FINER``, in a schema of its own."""
    schema = f"s{uuid4().hex}"
    connection: Any = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    try:
        await connection.execute(f"CREATE SCHEMA {schema}; {text.replace('FINER', f'{schema}.finer')}")
    finally:
        await connection.close()
    return Binding(f"{schema}.finer")


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


@pytest.mark.parametrize(("column", "kind"), [("local", Kind.DATE), ("moment", Kind.DATE), ("r", Kind.FLOAT), ("f", Kind.FLOAT), ("w", Kind.FLOAT)])
async def test_what_is_shown_is_what_is_compared_and_paged_by(finer: tuple[SqlSource, Binding], column: str, kind: Kind) -> None:
    await all_of(*finer, column, kind)


async def compared(source: SqlSource, binding: Binding, column: str, kind: Kind) -> None:
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


async def test_a_day_of_mariadb_s_moments(mariadb: Mariadb) -> None:
    name = f"s{uuid4().hex}"
    moments = [(each, f"'2026-01-01' + INTERVAL {each * 7 % ROWS * 97} MINUTE") for each in range(1, ROWS + 1)]
    connection = await connected(mariadb)
    await connection.query(f"CREATE DATABASE {name}")
    await connection.query(f"CREATE TABLE {name}.finer (id INT PRIMARY KEY, local DATETIME, day DATE)")
    await connection.query(f"INSERT INTO {name}.finer VALUES {', '.join(f'({each}, {moment}, DATE({moment}))' for each, moment in moments)}")
    await connection.ensure_closed()
    source = SqlConnector().open(SourceConfig("city.register", "sql", mariadb.url(name)))
    try:
        for column in ("local", "day"):
            await all_of(source, Binding("finer"), column, Kind.DATE)
        one = Compare("local", Kind.DATE, Comparison.EQ, "v")
        assert await source.count(Selection(Binding("finer"), (ID,), one), {"v": "2026-01-02"}) == 15
    finally:
        await source.close()


async def test_numbers_beside_texts_in_sqlite(tmp_path: Path) -> None:
    """A column without a type keeps both; as texts they are ordered, compared and looked up as texts."""
    with closing(sqlite3.connect(tmp_path / "loose.db")) as connection, connection:
        connection.execute("CREATE TABLE loose (id INTEGER PRIMARY KEY, bare, typed TEXT)")
        rows = [(each, each if each % 2 else f"{each}x" if each % 4 else str(each), str(each)) for each in range(1, ROWS + 1)]
        connection.executemany("INSERT INTO loose VALUES (?, ?, ?)", rows)
        connection.execute("CREATE VIEW seen AS SELECT id, CASE WHEN id % 2 THEN id ELSE typed END AS bare FROM loose")
    source = SqlConnector().open(SourceConfig("city.register", "sql", f"sqlite:///{tmp_path}/loose.db"))
    try:
        for table, column in (("loose", "bare"), ("loose", "typed"), ("seen", "bare")):
            await all_of(source, Binding(table), column, Kind.STRING)
            key = Column(column, Kind.STRING)
            assert await source.fetch_by_keys(Selection(Binding(table), (ID,)), {}, key, ["7"]) == {"7": [(7,)]}
            assert await source.look_up_all(Selection(Binding(table), (ID,)), {}, key, ["7"], alone=True) == [(7, "7")]
            begins = Compare(column, Kind.STRING, Comparison.STARTS_WITH, "v")
            assert await ids(source, Binding(table), begins, "5") == [5, *range(50, 60)]
    finally:
        await source.close()


async def all_of(source: SqlSource, binding: Binding, column: str, kind: Kind) -> None:
    """Pages both ways, and comparisons with each value."""
    for descending in (False, True):
        rows: list[Any] = [*await paged(source, Selection(binding, (Column(column, kind), ID), None, (Order(column, kind, descending), STABLE)), 7)]
        assert sorted(row[1] for row in rows) == list(range(1, ROWS + 1))
        assert rows == sorted(sorted(rows, key=itemgetter(1)), key=itemgetter(0), reverse=descending)
    await compared(source, binding, column, kind)


async def test_a_number_in_the_middle_of_two_is_called_by_neither(postgres: Postgres) -> None:
    """In a query as in a stream and in a filter: PostgreSQL's own text of 123456500 is 1.23456496e+08."""
    binding = await made(
        postgres, "CREATE TABLE FINER (id bigint, r real); INSERT INTO FINER VALUES (1, 134218500), (2, 0.1), (3, 123456500), (4, NULL), (5, 'NaN')"
    )
    source = SqlConnector().open(SourceConfig("city.register", "sql", postgres.url()))
    whole = Selection(binding, (Column("r", Kind.FLOAT),), None, (STABLE,))
    try:
        shown = [134218500.0, 0.1, 123456496.0, None]
        assert [row[0] for row in await source.fetch(whole, {})] == [*shown, UNDELIVERABLE]
        assert [row[0] async for part in source.stream(whole, {}, None, 100) for row in wire_rows(part)] == [*shown, None]
        assert await ids(source, binding, Compare("r", Kind.FLOAT, Comparison.EQ, "v"), 123456496.0) == [3]
    finally:
        await source.close()


async def test_lists_are_scrambled_by_object_ids(postgres: Postgres) -> None:
    """PostgreSQL casts an ``oid`` to no ``numeric``."""
    binding = await made(postgres, "CREATE TABLE FINER (id oid); INSERT INTO FINER VALUES (1), (2), (4294967295)")
    source = SqlConnector().open(SourceConfig("city.register", "sql", postgres.url()))
    hidden = replace(STABLE, scrambled=True)
    try:
        assert {row[0] for row in await source.fetch(Selection(binding, (ID,), None, (hidden,)), {SALT: "salt"})} == {1, 2, 4294967295}
    finally:
        await source.close()


async def test_numbers_of_single_precision_are_added_as_they_are_shown(finer: tuple[SqlSource, Binding]) -> None:
    source, binding = finer
    asked = Aggregation(binding, None, (), (), (Measure("r", Kind.FLOAT, total=True, extremes=True),), "n")
    ((_, _, _, total, least, greatest),) = await source.aggregate(asked, {"n": 1})
    assert (total, least, greatest) == (pytest.approx(sum(round(each % 9 * 0.1, 1) for each in range(1, ROWS + 1)), abs=1e-12), 0.0, 0.8)
