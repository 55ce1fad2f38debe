"""What SQL sources tell of themselves: names, types, keys, rights."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from connectors.registry import open_source
from connectors.selection import Binding, Column, Kind, Selection
from connectors.spi import ForeignKey, ObjectDescription, SourceConfig
from connectors.sql.driver import object_name, object_text
from connectors.sql.types_sqlite import declared_kind
from tests.catalog.drafts import NASTY, write
from tests.servers.postgres import Postgres

NAMES = [(None, "person"), ("public", "person"), (None, "用户 信息"), ("public", 'a.b"c'), ("a b", "c"), ("a.b", "c d"), (None, "'"), ("s", ";--")]


async def listed(url: str) -> dict[str, ObjectDescription]:
    """By object."""
    source = open_source(SourceConfig("a.b", "sql", url, timeout_ms=20_000))
    try:
        return {each.binding.object: each for each in await source.objects()}
    finally:
        await source.close()


@pytest.mark.fast
@pytest.mark.parametrize(("schema", "name"), NAMES)
def test_names_are_written_so_that_they_are_read_again(schema: str | None, name: str) -> None:
    assert object_name(Binding(object_text(schema, name))) == (schema, name)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("INTEGER", Kind.BIGINT),
        ("UNSIGNED BIG INT", Kind.BIGINT),
        ("FLOATING POINT", Kind.BIGINT),
        ("NATIVE CHARACTER(70)", Kind.STRING),
        ("CLOB", Kind.STRING),
        ("BLOB", None),
        ("DOUBLE PRECISION", Kind.FLOAT),
        ("NUMERIC(9,2)", Kind.DECIMAL),
        ("anything", Kind.DECIMAL),
        ("", Kind.STRING),
        ("bool", Kind.BOOLEAN),
        ("date", Kind.DATE),
        ("timestamp with time zone", Kind.DATETIME),
        ("jsonb", None),
    ],
)
def test_declared_types_follow_sqlites_rules(declared: str, kind: Kind | None) -> None:
    assert declared_kind(declared) is kind


@pytest.mark.fast
@pytest.mark.anyio
async def test_sqlite_lists_keys_indexes_and_what_is_broken(tmp_path: Path) -> None:
    found = await listed(write(tmp_path / "nasty.db", NASTY))
    order = found["Order"]
    assert (order.primary_key, order.indexed) == (("orderID",), ("orderID",))
    assert order.foreign_keys == (ForeignKey(("customer",), "customers", ("code",)),)
    assert found["orders"].foreign_keys == (ForeignKey(("customer_code",), "customers", ("code",)), ForeignKey(("Order",), "Order", ("orderID",)))
    assert found["composite_with_unique"].unique_keys == (("serial",),)
    assert found["composite_with_unique"].foreign_keys == (ForeignKey(("a", "b"), "composite", ("a", "b")),)
    assert found["partly_unique"].unique_keys == found["partly_unique"].indexed == ()
    assert found["broken"].unreadable
    assert not found["broken"].columns
    assert found["no_key"].view
    generated = {column.name: column.kind for column in found['"all.types""x"'].columns}
    assert (generated["g"], generated["v"]) == (Kind.BIGINT, Kind.STRING)


@pytest.mark.fast
@pytest.mark.anyio
async def test_generated_columns_and_quoted_names_are_described_and_read(tmp_path: Path) -> None:
    source = open_source(SourceConfig("a.b", "sql", write(tmp_path / "nasty.db", NASTY)))
    binding = Binding('"all.types""x"')
    assert {"g", "v"} <= {column.name for column in await source.describe(binding)}
    rows = await source.fetch(Selection(binding, (Column("g", Kind.BIGINT), Column("v", Kind.STRING))), {})
    assert rows == [(2, "a!"), (4, "b!")]
    await source.close()


@pytest.mark.fast
@pytest.mark.anyio
async def test_a_view_that_works_for_hours_does_not_hold_up_the_list(tmp_path: Path) -> None:
    endless = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 3000000000) SELECT max(n) AS n FROM n"
    found = await listed(write(tmp_path / "t.db", f"CREATE VIEW slow AS {endless}; CREATE TABLE t (id INTEGER PRIMARY KEY)"))
    assert [column.name for column in found["slow"].columns] == ["n"]
    assert found["t"].primary_key == ("id",)


@pytest.mark.slow
@pytest.mark.anyio
async def test_postgres_lists_keys_by_the_accounts_rights(postgres: Postgres) -> None:
    name = f"o{uuid4().hex}"
    owner = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    await owner.execute(f"CREATE SCHEMA {name}; SET search_path = {name}; CREATE ROLE {name} LOGIN; GRANT USAGE ON SCHEMA {name} TO {name}")
    await owner.execute("CREATE TABLE a (x integer, y integer, closed text, CONSTRAINT pk PRIMARY KEY (y, x))")
    await owner.execute("CREATE TABLE b (id integer UNIQUE, p integer, q integer, FOREIGN KEY (p, q) REFERENCES a (y, x)); COMMENT ON TABLE b IS '乙'")
    await owner.execute(f"CREATE TABLE c (id integer); GRANT SELECT (x, y) ON a TO {name}; GRANT SELECT ON b TO {name}")
    await owner.close()
    found = await listed(postgres.url().replace(f"//{postgres.user}@", f"//{name}@"))
    a, b, c = (found[f"{name}.{each}"] for each in "abc")
    assert ([column.name for column in a.columns], a.primary_key, a.unique_keys) == (["x", "y"], ("y", "x"), ())
    assert (b.comment, b.unique_keys, b.indexed) == ("乙", (("id",),), ("id",))
    assert b.foreign_keys == (ForeignKey(("p", "q"), f"{name}.a", ("y", "x")),)
    assert "grant" in c.unreadable
