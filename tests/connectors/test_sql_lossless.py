"""One value that cannot be delivered costs neither its row nor the others, masked or not; what can be delivered comes exactly."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from connectors.errors import SourceMismatch, SourceRefused
from connectors.selection import UNDELIVERABLE, Binding, Column, Compare, Comparison, Kind, Match, Order, Row, Selection, Undeliverable, Value
from connectors.spi import SourceConfig
from connectors.sql import SqlConnector
from connectors.sql.source import SqlSource
from masking import reference
from masking.rules import Mask
from tests.connectors.stands.mariadb import connected
from tests.servers.mariadb import Mariadb
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.anyio
STABLE = Order("id", Kind.BIGINT, nullable=False)
BAD = UNDELIVERABLE
CONSTANT = Mask("CONSTANT", ("x",))
NUMBERS, DATES = (Mask("NUMBER_TO_INTERVAL", (7,)), Mask("NUMBER_ROUND", (1000,))), (Mask("DATE_TO_YEAR"), Mask("DATE_TO_BAND", (10,)))
MEANT = dict.fromkeys((Kind.INTEGER, Kind.BIGINT, Kind.FLOAT, Kind.DECIMAL), NUMBERS) | dict.fromkeys((Kind.DATE, Kind.DATETIME), DATES)
"""Masks that are made for values of a kind."""


async def shown(source: SqlSource, binding: Binding, columns: Sequence[Column]) -> list[Row]:
    rows = await source.fetch(Selection(binding, tuple(columns), None, (STABLE,)), {})
    return [tuple("bad" if isinstance(value, Undeliverable) else value for value in row) for row in rows]


async def column_of(source: SqlSource, binding: Binding, name: str, kind: Kind) -> list[Value]:
    """The column's values; asserts that its masks show the same gaps."""
    plain = [row[0] for row in await shown(source, binding, [Column(name, kind)])]
    masked = [row[0] for row in await shown(source, binding, [Column(name, kind, CONSTANT)])]
    assert masked == [value if value in (None, "bad") else "x" for value in plain]
    assert {row[0] for row in await shown(source, binding, [Column(name, kind, Mask("NULL"))])} == {None}
    stars = Mask("KEEP_FIRST_N_LAST_M", (0, 0))
    hidden = [row[0] for row in await shown(source, binding, [Column(name, kind, stars)])]
    assert [value == "bad" for value in hidden] == [value == "bad" for value in plain]
    for mask in MEANT.get(kind, ()):
        meant = [row[0] for row in await shown(source, binding, [Column(name, kind, mask)])]
        assert meant == [value if value == "bad" else reference.apply(mask, value) for value in plain], (name, mask)
    return plain


@pytest.mark.fast
async def test_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    values: list[tuple[object, ...]] = [
        (1, "好", 5, 1.5, "1.50", 1, "2026-01-01", "2026-01-01 00:00:00"),
        (2, b"\xffblob", "five", "much", "much", "maybe", "2026-02-30", "yesterday"),
        (3, None, None, None, None, None, None, None),
        (4, 7, 2.0, 3, 0.1, 0, 20260101, 20260101),
        (5, "", b"5", b"5", b"5", b"5", b"5", b"5"),
        (6, "\0nul", 2**63 - 1, 1e300, 12, 2, "0001-01-01", "0001-01-01T00:00:00+00:00"),
        (7, "x", 2.5, -0.5, "1e5", 1, "0000-01-01", "10000-01-01T00:00:00Z"),
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE odd (id INTEGER PRIMARY KEY, s, i, f, d, b, day, moment)")
        connection.executemany("INSERT INTO odd VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        connection.execute("INSERT INTO odd (id, s, day) VALUES (8, CAST(x'c3' AS TEXT), CAST(x'e5a5' AS TEXT)), (9, CAST(x'eda080' AS TEXT), NULL)")
    source = SqlConnector().open(SourceConfig("city.register", "sql", f"sqlite:///{path}"))
    odd, none = Binding("odd"), [None, None]
    try:
        assert await column_of(source, odd, "s", Kind.STRING) == ["好", "bad", None, "7", "", "\0nul", "x", "bad", "bad"]
        assert await column_of(source, odd, "i", Kind.BIGINT) == [5, "bad", None, 2, "bad", 2**63 - 1, "bad", *none]
        assert await column_of(source, odd, "f", Kind.FLOAT) == [1.5, "bad", None, 3.0, "bad", 1e300, -0.5, *none]
        assert await column_of(source, odd, "d", Kind.DECIMAL) == ["1.50", "bad", None, "0.1", "bad", "12", "1e5", *none]
        assert await column_of(source, odd, "b", Kind.BOOLEAN) == [True, "bad", None, False, "bad", True, True, *none]
        assert await column_of(source, odd, "day", Kind.DATE) == ["2026-01-01", "bad", None, "bad", "bad", "0001-01-01", "bad", "bad", None]
        moments = ["2026-01-01T00:00:00+00:00", "bad", None, "bad", "bad", "0001-01-01T00:00:00+00:00", "bad", None, None]
        assert await column_of(source, odd, "moment", Kind.DATETIME) == moments
        for kind, value in ((Kind.DATETIME, "2026-01-01T00:00:00Z"), (Kind.DECIMAL, "1.5")):
            every = Compare("moment", kind, Comparison.EQ, "v")
            assert len(await source.fetch(Selection(odd, (Column("id", Kind.BIGINT),), every), {"v": value})) == (kind is Kind.DATETIME)
    finally:
        await source.close()


@pytest.mark.fast
async def test_no_page_begins_behind_what_cannot_be_delivered(tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript("CREATE TABLE odd (id INTEGER PRIMARY KEY, i); INSERT INTO odd VALUES (1, 'five'), (2, 5);")
    source = SqlConnector().open(SourceConfig("city.register", "sql", f"sqlite:///{path}"))
    order = (Order("i", Kind.INTEGER), STABLE)
    try:
        with pytest.raises(SourceRefused, match="no page begins behind a value of i"):
            await source.fetch(Selection(Binding("odd"), (Column("id", Kind.BIGINT),), None, order, ("a", "b"), "n"), {"a": "", "b": 1, "n": 10})
    finally:
        await source.close()


@pytest.mark.slow
async def test_postgres(postgres: Postgres) -> None:
    schema = f"s{uuid4().hex}"
    connection: Any = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    try:
        await connection.execute(
            f"""CREATE SCHEMA {schema}; CREATE TABLE {schema}.odd (id bigint, day date, moment timestamptz, local timestamp, n numeric, f float8, r float4, big numeric);
            INSERT INTO {schema}.odd VALUES (1, '2026-01-01', '2026-01-01 08:00+08', '2026-01-01 00:00:00.5', 1.50, 0.1, 0.1, 7), (2, 'infinity', 'infinity', 'infinity', 'NaN', 'NaN', 'NaN', 'NaN'),
            (3, '-infinity', '-infinity', '-infinity', 'Infinity', 'Infinity', '-Infinity', 1e30), (4, '0044-03-15 BC', '0044-03-15 BC', '0044-03-15 BC', '-Infinity', '-Infinity', 1.5, 1.5),
            (5, '10000-01-01', '10000-01-01 00:00+00', '10000-01-01', 1e-30, 1e308, 16777216, 5), (6, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (7, '9999-12-31', '9999-12-31 23:59:59.999999+00', '0001-01-01', 0, 0, 0, -9)"""
        )
    finally:
        await connection.close()
    source = SqlConnector().open(SourceConfig("city.register", "sql", postgres.url()))
    odd = Binding(f"{schema}.odd")
    last = "9999-12-31T23:59:59.999999+00:00"
    gaps = ["bad"] * 4
    try:
        assert await column_of(source, odd, "day", Kind.DATE) == ["2026-01-01", *gaps, None, "9999-12-31"]
        assert await column_of(source, odd, "moment", Kind.DATETIME) == ["2026-01-01T00:00:00+00:00", *gaps, None, last]
        assert await column_of(source, odd, "local", Kind.DATETIME) == ["2026-01-01T00:00:00.500000+00:00", *gaps, None, "0001-01-01T00:00:00+00:00"]
        assert await column_of(source, odd, "n", Kind.DECIMAL) == ["1.50", "bad", "bad", "bad", "0.000000000000000000000000000001", None, "0"]
        assert await column_of(source, odd, "f", Kind.FLOAT) == [0.1, "bad", "bad", "bad", 1e308, None, 0.0]
        assert await column_of(source, odd, "r", Kind.FLOAT) == [0.1, "bad", "bad", 1.5, 16777216.0, None, 0.0]
        big = await shown(source, odd, [Column("id", Kind.BIGINT), Column("big", Kind.BIGINT), Column("day", Kind.DATE)])
        assert [row[1] for row in big] == [7, "bad", 10**30, "bad", 5, None, -9]
        assert [row[0] for row in big] == [1, 2, 3, 4, 5, 6, 7]
    finally:
        await source.close()


@pytest.mark.slow
async def test_a_value_that_no_column_of_its_type_could_hold_is_the_question_s_fault(postgres: Postgres) -> None:
    schema = f"s{uuid4().hex}"
    connection: Any = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    try:
        await connection.execute(
            f"""CREATE SCHEMA {schema}; CREATE TYPE {schema}.grade AS ENUM ('a', 'b'); CREATE TABLE {schema}.kept (key uuid, grade {schema}.grade);
            INSERT INTO {schema}.kept VALUES ('7f3f1f3e-0000-4000-8000-000000000001', 'a')"""
        )
    finally:
        await connection.close()
    source = SqlConnector().open(SourceConfig("city.register", "sql", postgres.url()))
    kept = Binding(f"{schema}.kept")
    try:
        for column, right in (("key", "7f3f1f3e-0000-4000-8000-000000000001"), ("grade", "a")):
            equal = Selection(kept, (Column("grade", Kind.STRING),), Compare(column, Kind.STRING, Comparison.EQ, "v"))
            assert [tuple(row) for row in await source.fetch(equal, {"v": right})] == [("a",)]
            with pytest.raises(SourceMismatch):
                await source.fetch(equal, {"v": "nope"})
            with pytest.raises(SourceMismatch):
                await source.count(equal, {"v": "nope"})
            with pytest.raises(SourceMismatch):
                await source.look_up_all(Selection(kept, (Column("grade", Kind.STRING),)), {}, Column(column, Kind.STRING), ["nope"], alone=True)
            for claims, outcome in (([right.upper(), "nope", right], True), (["nope"], False), ([], False)):
                assert [tuple(row) for row in await source.fetch(Selection(kept, (Match(column, Kind.STRING, "v"),)), {"v": claims})] == [(outcome,)]
        upper = {"v": ["7F3F1F3E-0000-4000-8000-000000000001"]}
        assert [tuple(row) for row in await source.fetch(Selection(kept, (Match("key", Kind.STRING, "v"),)), upper)] == [(True,)]
        with pytest.raises(SourceRefused, match="does not exist") as missing:
            await source.fetch(Selection(Binding(f"{schema}.none"), (Column("key", Kind.STRING),)), {})
        assert not isinstance(missing.value, SourceMismatch)
    finally:
        await source.close()


@pytest.mark.slow
async def test_mariadb(mariadb: Mariadb) -> None:
    database = f"s{uuid4().hex}"
    connection = await connected(mariadb)
    statements = [
        f"CREATE DATABASE {database}",
        f"""CREATE TABLE {database}.odd (id bigint, day date, moment datetime(6), stamp timestamp(3) NULL, big bigint unsigned, n decimal(65, 30), f float, d double,
            t text, raw varbinary(20), truth tinyint(1), bits bit(1), span time(3)) CHARACTER SET utf8mb4""",
        "SET sql_mode = 'ALLOW_INVALID_DATES'",
        f"""INSERT INTO {database}.odd VALUES
            (1, '2026-01-01', '2026-01-01 00:00:00.5', '2026-01-01 00:00:00.25', 18446744073709551615, 0.1, 0.1, 0.1, '7', 'abc', 1, 1, '-12:30:00.5'),
            (2, '0000-00-00', '0000-00-00', 0, 0, -99999999999999999999999999999999999.999999999999999999999999999999, 16777216, 1e300, 'seven', 0xFF00, 2, 0, NULL),
            (3, '2026-02-31', '2026-02-31', NULL, 9223372036854775808, 1, 1.5, -0.0, '7.5', 0xC3A9, 0, NULL, NULL),
            (4, '2026-00-10', '2026-10-00', NULL, 1, 1, 1.5, 1.5, '', '', NULL, NULL, NULL),
            (5, '0000-01-01', '0000-01-01', NULL, 1, 1, 1.5, 1.5, '12345678901234567890123', NULL, NULL, NULL, NULL),
            (6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)""",
    ]
    for statement in statements:
        await connection.query(statement)
    await connection.ensure_closed()
    source = SqlConnector().open(SourceConfig("city.register", "sql", mariadb.url(database)))
    odd = Binding("odd")
    gaps, huge = ["bad"] * 4, "-99999999999999999999999999999999999.999999999999999999999999999999"
    try:
        assert await column_of(source, odd, "day", Kind.DATE) == ["2026-01-01", *gaps, None]
        assert await column_of(source, odd, "moment", Kind.DATETIME) == ["2026-01-01T00:00:00.500000+00:00", *gaps, None]
        assert await column_of(source, odd, "moment", Kind.DATE) == ["2026-01-01", *gaps, None]
        assert (await column_of(source, odd, "stamp", Kind.DATETIME))[:3] == ["2026-01-01T00:00:00.250000+00:00", "bad", None]
        assert await column_of(source, odd, "big", Kind.BIGINT) == [2**64 - 1, 0, 2**63, 1, 1, None]
        assert (await column_of(source, odd, "n", Kind.DECIMAL))[:2] == ["0." + "1".ljust(30, "0"), huge]
        assert (await column_of(source, odd, "f", Kind.FLOAT))[:3] == [0.10000000149011612, 16777216.0, 1.5]
        assert (await column_of(source, odd, "d", Kind.FLOAT))[:3] == [0.1, 1e300, 0.0]
        assert await column_of(source, odd, "raw", Kind.STRING) == ["abc", "bad", "é", "", None, None]
        texts = await shown(source, odd, [Column("t", Kind.BIGINT), Column("t", Kind.FLOAT), Column("t", Kind.DECIMAL), Column("span", Kind.STRING)])
        assert texts[0] == (7, "bad", "7", "-12:30:00.500")
        assert [row[0] for row in texts] == [7, "bad", "bad", "bad", 12345678901234567890123, None]
        assert [row[2] for row in texts] == ["7", "bad", "7.5", "bad", "12345678901234567890123", None]
        truths = await shown(source, odd, [Column("truth", Kind.BOOLEAN), Column("bits", Kind.BOOLEAN), Column("t", Kind.BOOLEAN)])
        assert truths[:3] == [(True, True, True), (True, False, "bad"), (False, None, "bad")]
        unsigned = Selection(odd, (Column("id", Kind.BIGINT),), Compare("big", Kind.BIGINT, Comparison.GT, "v"), (STABLE,))
        assert await source.fetch(unsigned, {"v": 2**63 - 1}) == [(1,), (3,)]
        exact = Selection(odd, (Column("id", Kind.BIGINT),), Compare("n", Kind.DECIMAL, Comparison.EQ, "v"))
        assert await source.fetch(exact, {"v": huge}) == [(2,)]
    finally:
        await source.close()


@pytest.mark.fast
async def test_sqlite_takes_every_number_but_0_for_true_wherever_it_compares(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "flags.db")) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, b BOOLEAN)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", enumerate((0, 1, -1, 2, None, -1, 0, "maybe")))
    source = SqlConnector().open(SourceConfig("a.b", "sql", f"sqlite+aiosqlite:///{tmp_path / 'flags.db'}"))
    outputs, flag = (Column("id", Kind.BIGINT), Column("b", Kind.BOOLEAN)), Order("b", Kind.BOOLEAN, descending=True)
    try:
        for wanted, ids in ((True, [1, 2, 3, 5]), (False, [0, 6])):
            selection = Selection(Binding("t"), outputs, Compare("b", Kind.BOOLEAN, Comparison.EQ, "v"), (STABLE,))
            assert [row[0] for row in await source.fetch(selection, {"v": wanted})] == ids
        found: list[Value] = []
        known = Compare("id", Kind.BIGINT, Comparison.LT, "known")
        selection = Selection(Binding("t"), outputs, known, (flag, STABLE), limit="most")
        rows = await source.fetch(selection, {"known": 7, "most": 2})
        while rows:
            found += [row[0] for row in rows]
            rows = await source.fetch(replace(selection, after=("flag", "id")), {"known": 7, "most": 2, "flag": rows[-1][1], "id": rows[-1][0]})
        assert found == [1, 2, 3, 5, 0, 6, 4]
    finally:
        await source.close()
