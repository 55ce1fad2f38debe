"""Streams of real databases are, value by value, what ``fetch`` gives; what cannot be delivered is null and counted."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from connectors.arrow_types import position, schema_of
from connectors.errors import SourceRefused
from connectors.registry import open_source
from connectors.selection import Binding, Column, Compare, Comparison, Kind, Order, Row, Selection, Undeliverable, Value
from connectors.spi import Source, SourceConfig
from masking.rules import parse_mask
from tests.connectors.stands.mariadb import execute
from tests.connectors.test_conformance_streams import rows_of, slices, streamed
from tests.servers.mariadb import Mariadb
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.anyio
STABLE = Order("k", Kind.BIGINT, nullable=False)
MISTYPED = ("object", "bit", "no_number", "written")
"""Columns of another type than their kind's, which PostgreSQL refuses to mask."""
MASKS = ("DATE_TO_YEAR", "NUMBER_ROUND(10)", "KEEP_FIRST_1_LAST_1", "CONSTANT(-)", "NULL")


def lost(value: Value) -> bool:
    """No answer carries it: not even one of JSON's integers has more than 64 bits."""
    return isinstance(value, Undeliverable) or (isinstance(value, int) and not -(2**63) <= value < 2**63)


async def equal_to_fetch(source: Source, binding: Binding, kinds: Mapping[str, Kind]) -> tuple[int, ...]:
    """Raw and behind masks; how many values of each raw column cannot be delivered."""
    raw = tuple(Column(name, kind) for name, kind in kinds.items())
    counts: list[tuple[int, ...]] = []
    sound = {name: kind for name, kind in kinds.items() if name not in MISTYPED}
    for outputs in (raw, *(tuple(Column(name, kind, parse_mask(mask)) for name, kind in sound.items()) for mask in MASKS)):
        selection = Selection(binding, outputs, None, (STABLE,))
        expected: Sequence[Row] = await source.fetch(selection, {})
        parts = await streamed(source, selection, rows=7)
        assert rows_of(parts) == [tuple(None if lost(value) else value for value in row) for row in expected]
        assert all(part.batch.schema.equals(schema_of(outputs)) for part in parts)
        gone = [[place for place, value in enumerate(row) if lost(value)] for row in expected]
        counted = tuple(map(sum, zip(*(part.undelivered for part in parts), strict=True)))
        assert counted == tuple(sum(place in row for row in gone) for place in range(len(outputs)))
        ends = [sum(part.batch.num_rows for part in parts[: place + 1]) for place in range(len(parts))]
        assert [sorted(part.lost) for part in parts] == [gone[end - 1] for end in ends]
        counts.append(counted)
    return counts[0]


_POSTGRES = {
    "k": (Kind.BIGINT, "bigint", []),
    "text": (Kind.STRING, "text", ["''", "'x'", "'王𠮷'", "E'\\\\\\n''\"$1'", "U&'\\FFFE'"]),
    "padded": (Kind.STRING, "char(4)", ["'a'", "'abcd'"]),
    "uuid": (Kind.STRING, "uuid", ["gen_random_uuid()"]),
    "small": (Kind.INTEGER, "smallint", ["-32768", "7"]),
    "whole": (Kind.INTEGER, "integer", ["2147483647", "-1"]),
    "wide": (Kind.BIGINT, "bigint", ["9223372036854775807", "-9223372036854775808"]),
    "object": (Kind.BIGINT, "oid", ["7", "2147483648", "4294967295"]),
    "numbered": (Kind.BIGINT, "numeric", ["12", "1.5", "'NaN'", "1e17", "1e30", "'-Infinity'"]),
    "single": (Kind.FLOAT, "real", ["0.1", "'NaN'", "'Infinity'", "-0.0"]),
    "double": (Kind.FLOAT, "double precision", ["0.1", "1e300", "'NaN'", "'-Infinity'", "-0.0"]),
    "decimals": (Kind.FLOAT, "numeric", ["0.1", "1e400", "'NaN'", "12"]),
    "exact": (Kind.DECIMAL, "numeric", ["0.10", "-12.340", "1e-20", "123456789012345678901234567890.5", "'NaN'", "'Infinity'"]),
    "written": (Kind.DECIMAL, "text", ["'1.50'", "'x'", "'1e3'", "'NaN'", "''"]),
    "flag": (Kind.BOOLEAN, "boolean", ["true", "false"]),
    "bit": (Kind.BOOLEAN, "integer", ["0", "5"]),
    "no_number": (Kind.BIGINT, "text", ["'12'", "'x'"]),
    "born": (Kind.DATE, "date", ["'0001-01-01'", "'9999-12-31'", "'2026-11-22'", "'infinity'", "'-infinity'", "'0044-03-15 BC'", "'5874897-12-31'"]),
    "day": (Kind.DATE, "timestamp", ["'2026-11-22 23:59'", "'infinity'", "'0044-03-15 BC'"]),
    "seen": (Kind.DATETIME, "timestamptz", ["'2026-11-22 08:00+08'", "'1969-12-31 23:59:59.999999Z'", "'infinity'", "'0044-03-15 BC'", "'294276-01-01'"]),
    "local": (Kind.DATETIME, "timestamp", ["'2026-11-22 08:00:00.5'", "'-infinity'", "'9999-12-31 23:59:59.999999'", "'10000-01-01'"]),
}  # fmt: skip


@pytest.mark.slow
async def test_postgresql_by_adbc(postgres: Postgres) -> None:
    schema, random = f"s{uuid4().hex}", Random(7)
    connection: Any = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    columns = ", ".join(f"{name} {type_}" for name, (_, type_, _) in _POSTGRES.items())
    rows = [", ".join([str(k), *(random.choice([*values, "NULL"]) for _, _, values in list(_POSTGRES.values())[1:])]) for k in range(200)]
    await connection.execute(
        f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.t ({columns}); INSERT INTO {schema}.t VALUES {', '.join(f'({row})' for row in rows)}"
    )
    await connection.close()
    for url in (postgres.url(), postgres.url(scheme="gaussdb")):
        source = open_source(SourceConfig("a.b", "sql", url))
        counts = await equal_to_fetch(source, Binding(f"{schema}.t"), {name: kind for name, (kind, _, _) in _POSTGRES.items()})
        assert all(counts[list(_POSTGRES).index(name)] for name in ("numbered", "double", "exact", "written", "no_number", "born", "day", "seen", "local"))
        await source.close()


_MARIADB = {
    "k": (Kind.BIGINT, "bigint", []),
    "text": (Kind.STRING, "varchar(40) CHARACTER SET utf8mb4", ["''", "'x'", "'王𠮷'", "'it''s \\\\ \"'"]),
    "latin": (Kind.STRING, "char(8) CHARACTER SET latin1", ["'é '", "'a'"]),
    "bytes": (Kind.STRING, "varbinary(20)", ["'abc'", "x'ff'", "x'e78e8b'"]),
    "tiny": (Kind.INTEGER, "tinyint", ["-128", "7"]),
    "wide": (Kind.BIGINT, "bigint", ["9223372036854775807", "-9223372036854775808"]),
    "filled": (Kind.INTEGER, "int(6) zerofill", ["42"]),
    "single": (Kind.FLOAT, "float", ["0.1", "16777217", "-0.0", "1e-30"]),
    "double": (Kind.FLOAT, "double", ["0.1", "1e300", "5e-324", "-0.0"]),
    "exact": (Kind.DECIMAL, "decimal(38,10)", ["0.10", "-12.34", "1234567890123456789012345678.5"]),
    "flag": (Kind.BOOLEAN, "tinyint(1)", ["0", "1", "5"]),
    "bit": (Kind.BOOLEAN, "bit(1)", ["b'0'", "b'1'"]),
    "born": (Kind.DATE, "date", ["'1000-01-01'", "'9999-12-31'", "'0000-00-00'", "'2026-02-00'"]),
    "seen": (Kind.DATETIME, "datetime(6)", ["'2026-11-22 08:00:00.123456'", "'2026-11-22 08:00:00'", "'0000-00-00'"]),
}  # fmt: skip


@pytest.mark.slow
async def test_mariadb_by_a_cursor(mariadb: Mariadb) -> None:
    database, random = f"s{uuid4().hex}", Random(7)
    columns = ", ".join(f"`{name}` {type_}" for name, (_, type_, _) in _MARIADB.items())
    rows = [", ".join([str(k), *(random.choice([*values, "NULL"]) for _, _, values in list(_MARIADB.values())[1:])]) for k in range(200)]
    await execute(mariadb, f"CREATE DATABASE {database}", f"CREATE TABLE {database}.t ({columns})")
    await execute(mariadb, "SET sql_mode = ''", f"INSERT INTO t VALUES {', '.join(f'({row})' for row in rows)}", database=database)
    source = open_source(SourceConfig("a.b", "sql", mariadb.url(database)))
    counts = await equal_to_fetch(source, Binding("t"), {name: kind for name, (kind, _, _) in _MARIADB.items()})
    assert all(counts[list(_MARIADB).index(name)] for name in ("bytes", "born", "seen"))
    for text in ("a", "王", "it's \\ \""):
        selection = Selection(Binding("t"), (Column("k", Kind.BIGINT),), Compare("latin", Kind.STRING, Comparison.NE, "v"), (STABLE,))
        assert rows_of(await streamed(source, selection, {"v": text})) == list(await source.fetch(selection, {"v": text}))
    await source.close()


_LOOSE = ["NULL", "1", "-7", "2.0", "1.5", "1e300", "9e999", "''", "'x'", "'12'", "'1.50'", "x'ff'", "x'41'", "CAST(x'ff' AS TEXT)", "'2026-11-22'",
          "'2026-02-30'", "'2026-11-22T08:00:00Z'", "'2026-11-22T08:00:00.5+08:00'", "9223372036854775807"]  # fmt: skip


@pytest.mark.slow
async def test_sqlite_with_any_value_anywhere(tmp_path: Path) -> None:
    random, kinds = Random(7), {"k": Kind.BIGINT, **{kind.value: kind for kind in Kind}}
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection, connection:
        connection.execute(f"CREATE TABLE t (k INTEGER PRIMARY KEY, {', '.join(f'`{kind.value}`' for kind in Kind)})")
        for k in range(200):
            connection.execute(f"INSERT INTO t VALUES ({k}, {', '.join(random.choice(_LOOSE) for _ in Kind)})")
    source = open_source(SourceConfig("a.b", "sql", f"sqlite:///{tmp_path}/t.db"))
    assert all((await equal_to_fetch(source, Binding("t"), kinds))[1:])
    await source.close()


@pytest.mark.slow
async def test_slices_of_columns_of_mixed_types_hold_every_row_once(tmp_path: Path) -> None:
    random, values = Random(5), [*_LOOSE, "'a'", "'A'", "'b'", "'B '", "3", "'3'"]
    types = {"plain": "", "text": "TEXT", "nocase": "TEXT COLLATE NOCASE", "whole": "INTEGER", "number": "NUMERIC"}
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection, connection:
        connection.execute(f"CREATE TABLE t (k INTEGER PRIMARY KEY, {', '.join(f'{name} {type_}' for name, type_ in types.items())})")
        for k in range(120):
            connection.execute(f"INSERT INTO t VALUES ({k}, {', '.join(random.choice(values) for _ in types)})")
        connection.execute("CREATE VIEW v AS SELECT * FROM t")
    source = open_source(SourceConfig("a.b", "sql", f"sqlite:///{tmp_path}/t.db"))
    selection = Selection(Binding("v"), (Column("k", Kind.BIGINT),))
    for name in types:
        for kind in (Kind.STRING, Kind.BIGINT):
            key = Column(name, kind)
            ends = await source.cuts(selection, {}, key, 10)
            found = [row[0] for part in slices(key, ends) for row in rows_of(await streamed(source, selection, {}, part))]
            assert sorted(found) == list(range(120)), (name, kind)  # type: ignore[type-var]
    await source.close()


_COLLATIONS = ("utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin", "utf8mb4_nopad_bin")


@pytest.mark.slow
@pytest.mark.parametrize("collation", _COLLATIONS)
async def test_slices_by_any_collation_hold_every_row_once(mariadb: Mariadb, collation: str) -> None:
    database, random = f"s{uuid4().hex}", Random(3)
    values = ["'a'", "'A'", "'a '", "'á'", "'ß'", "'ss'", "'王'", "'𠮷'", "''", "'b'", "'B'", "NULL", "'\\''", "'z'", "'Ä'"]
    rows = ", ".join(f"({k}, {random.choice(values)}, {random.choice(['1', '2', '3'])})" for k in range(200))
    await execute(mariadb, f"CREATE DATABASE {database}")
    table = f"CREATE TABLE t (k bigint PRIMARY KEY, s varchar(20) CHARACTER SET utf8mb4 COLLATE {collation}, e enum('9', '10', '1'), KEY (s))"
    await execute(mariadb, table, f"INSERT INTO t VALUES {rows}", database=database)
    source = open_source(SourceConfig("a.b", "sql", mariadb.url(database)))
    selection = Selection(Binding("t"), (Column("k", Kind.BIGINT),))
    key = Column("s", Kind.STRING)
    ends = await source.cuts(selection, {}, key, 20)
    assert ends
    found = [row[0] for part in slices(key, ends) for row in rows_of(await streamed(source, selection, {}, part))]
    assert sorted(found) == list(range(200))  # type: ignore[type-var]
    assert await source.cuts(selection, {}, Column("e", Kind.STRING), 20) == ()
    await source.close()


@pytest.mark.slow
async def test_slices_of_a_filter_that_the_column_s_character_set_cannot_tell(mariadb: Mariadb) -> None:
    database = f"s{uuid4().hex}"
    await execute(mariadb, f"CREATE DATABASE {database}")
    table = "CREATE TABLE t (k bigint PRIMARY KEY, s varchar(20) CHARACTER SET latin1)"
    await execute(mariadb, table, f"INSERT INTO t VALUES {', '.join(f'({k}, 5)' for k in range(60))}", database=database)
    source = open_source(SourceConfig("a.b", "sql", mariadb.url(database)))
    selection = Selection(Binding("t"), (Column("k", Kind.BIGINT),), Compare("s", Kind.STRING, Comparison.NOT_IN, "v"))
    ends = await source.cuts(selection, {"v": ["中"]}, Column("k", Kind.BIGINT), 20)
    assert ends == [19, 39]
    found = [row[0] for part in slices(Column("k", Kind.BIGINT), ends) for row in rows_of(await streamed(source, selection, {"v": ["中"]}, part))]
    assert sorted(found) == list(range(60))  # type: ignore[type-var]
    await source.close()


@pytest.mark.slow
@pytest.mark.parametrize("collation", ['"C"', '"en-x-icu"', "nocase"])
async def test_slices_by_any_collation_of_postgresql_hold_every_row_once(postgres: Postgres, collation: str) -> None:
    schema, random = f"s{uuid4().hex}", Random(3)
    values = ["'a'", "'A'", "'a '", "'á'", "'王'", "'𠮷'", "''", "'b'", "'B'", "NULL", "''''", "E'\\\\'"]
    rows = ", ".join(f"({k}, {random.choice(values)})" for k in range(200))
    connection: Any = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    await connection.execute(f"CREATE SCHEMA {schema}; SET search_path = {schema}")
    await connection.execute("CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
    await connection.execute(f"CREATE TABLE t (k bigint, s text COLLATE {collation}); INSERT INTO t VALUES {rows}; CREATE INDEX ON t (s)")
    await connection.close()
    source = open_source(SourceConfig("a.b", "sql", postgres.url()))
    selection = Selection(Binding(f"{schema}.t"), (Column("k", Kind.BIGINT),))
    key = Column("s", Kind.STRING)
    ends = await source.cuts(selection, {}, key, 20)
    found = [row[0] for part in slices(key, ends) for row in rows_of(await streamed(source, selection, {}, part))]
    assert ends
    assert sorted(found) == list(range(200))  # type: ignore[type-var]
    await source.close()


@pytest.mark.slow
async def test_nobody_goes_on_behind_what_cannot_be_delivered(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "t.db")) as connection, connection:
        connection.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, born DATE)")
        connection.execute("INSERT INTO t VALUES (1, '2026-01-01'), (2, '2026-02-30')")
    source = open_source(SourceConfig("a.b", "sql", f"sqlite:///{tmp_path}/t.db"))
    order = (Order("born", Kind.DATE), STABLE)
    (part,) = await streamed(source, Selection(Binding("t"), (Column("born", Kind.DATE), Column("k", Kind.BIGINT)), None, order))
    assert (part.undelivered, part.lost) == ((1, 0), {0})
    with pytest.raises(SourceRefused, match="cannot be delivered"):
        position("a.b", part, order, (0, 1))
    assert position("a.b", part, (STABLE,), (1,)) == (2,)
    await source.close()
