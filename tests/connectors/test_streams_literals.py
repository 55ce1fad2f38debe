"""Values written into PostgreSQL's statements: whatever their text is, they mean what a parameter would."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import SourceRefused
from connectors.registry import open_source
from connectors.selection import Binding, Column, Compare, Comparison, Kind, Selection
from connectors.spi import SourceConfig
from connectors.sql.adbc import AdbcStreams
from connectors.sql.literals import quoted, with_values
from tests.connectors.test_conformance_streams import rows_of, streamed
from tests.servers.postgres import Postgres

HOSTILE = [
    "'",
    "''",
    "\\",
    "\\'",
    "'; DROP TABLE person; --",
    "$1",
    "$$",
    "E'",
    '"',
    '{"a"}',
    "\\\\'\\",
    "\n",
    "\u2028",
    "𠮷",
    "%s",
    ":a",
    "/*",
    "NULL",
    "",
    " ",
]
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.sampled_from(HOSTILE)


@pytest.mark.fast
def test_places_within_texts_and_names_are_none() -> None:
    text = """SELECT "a$1""b", '$1''$2', $2 FROM t WHERE x = $1 AND y = $12"""
    assert with_values(text, [1, "$1", *[0] * 9, None]) == """SELECT "a$1""b", '$1''$2',  E'$1' FROM t WHERE x =  E'1' AND y = NULL"""


@pytest.mark.fast
@given(texts)
def test_a_literal_ends_where_its_text_ends(text: str) -> None:
    inner = quoted(text).strip().removeprefix("E'").removesuffix("'")
    assert inner.replace("\\\\", "").replace("''", "").count("'") == 0
    assert inner.replace("\\\\", "").count("\\") == 0
    assert inner.replace("\\\\", "\\").replace("''", "'") == text


@pytest.mark.fast
@pytest.mark.parametrize("value", ["a\0b", "\ud800", ["\0"], float("nan"), float("inf"), object(), {"a": 1}])
def test_what_no_text_holds_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"NUL|surrogates|no value"):
        with_values("SELECT $1", [value])


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_server_reads_every_value_back(postgres: Postgres) -> None:
    """Many at once, some of them in lists, so that one that breaks out changes those behind it."""
    found: list[str] = []
    given(texts)(lambda text: found.append(text))()
    found += HOSTILE
    place = {"host": postgres.host, "port": postgres.port, "user": postgres.user, "database": "postgres", "password": "it's \\ $1"}
    streams = AdbcStreams("a.b", place, 3000)
    text = "SELECT CAST(v AS TEXT) FROM unnest(CAST($1 AS TEXT[])) WITH ORDINALITY AS a(v, n) ORDER BY n"
    single = ", ".join(f"CAST(${place} AS TEXT) AS c{place}" for place in range(1, len(found) + 1))
    async with aclosing(streams.batches(text, [found], "t")) as batches:
        assert [value async for batch in batches for value in batch.column(0).to_pylist()] == found
    async with aclosing(streams.batches(f"SELECT {single}", found, "t")) as batches:
        assert [list(row.values()) async for batch in batches for row in batch.to_pylist()] == [found]
    await streams.close()


@pytest.mark.slow
@pytest.mark.anyio
async def test_hostile_parameters_select_what_they_name(postgres: Postgres) -> None:
    connection: Any = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    await connection.execute("CREATE SCHEMA hostile; CREATE TABLE hostile.t (k bigint, s text, c char(8))")
    await connection.executemany("INSERT INTO hostile.t VALUES ($1, $2, 'x')", list(enumerate(HOSTILE)))
    await connection.close()
    source = open_source(SourceConfig("a.b", "sql", postgres.url()))

    async def numbers(comparison: Comparison, value: Any) -> list[object]:
        selection = Selection(Binding("hostile.t"), (Column("k", Kind.BIGINT),), Compare("s", Kind.STRING, comparison, "v"))
        return [row[0] for row in rows_of(await streamed(source, selection, {"v": value}, rows=100))]

    for place, text in enumerate(HOSTILE):
        assert await numbers(Comparison.EQ, text) == [place]
        assert await numbers(Comparison.IN, [text, "nobody"]) == [place]
        assert place in await numbers(Comparison.STARTS_WITH, text)
    assert await numbers(Comparison.IN, []) == []
    with pytest.raises(SourceRefused) as refused:
        await numbers(Comparison.EQ, "secret\0value")
    assert "secret" not in str(refused.value)
    await source.close()
