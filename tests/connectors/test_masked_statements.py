"""What a database itself says it was asked: masks stand inside the statement, the raw column is no output, values are compared where they lie."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from connectors.selection import Binding, Column, Compare, Comparison, Kind, Match, Order, Output, Row, Selection
from connectors.spi import SourceConfig
from connectors.sql import SqlConnector
from connectors.sql.source import SqlSource
from masking.rules import parse_mask
from tests.connectors.people import KINDS, NAMES, PEOPLE, write_postgres, write_sqlite
from tests.connectors.stands.mariadb import connected, execute, write_people
from tests.servers.mariadb import Mariadb
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.anyio

MASKED = {"id_number": "ID_NUMBER_1_1", "name": "NAME", "district": "KEEP_FIRST_2_LAST_0", "born": "DATE_TO_YEAR"}
ORDER = (Order("record_no", Kind.BIGINT, nullable=False),)


@dataclass(frozen=True)
class Told:
    """A source of the people, and the statements on their table that the database has noted since it was last asked."""

    source: SqlSource
    person: Binding
    heard: Callable[[], list[str]]

    async def asked(self, *outputs: Output, where: Compare | None = None, **parameters: str | list[str]) -> tuple[Sequence[Row], str]:
        """The rows, and the one statement in which the database was asked for them."""
        self.heard()
        rows = await self.source.fetch(Selection(self.person, outputs, where, ORDER), parameters)
        (statement,) = self.heard()
        return rows, statement


@asynccontextmanager
async def in_sqlite(_request: pytest.FixtureRequest, directory: Path) -> AsyncIterator[Told]:
    write_sqlite(directory / "people.db")
    source = SqlConnector().open(SourceConfig("city.register", "sql", f"sqlite:///{directory / 'people.db'}", pool=1))
    noted: list[str] = []

    def heard() -> list[str]:
        found = [text for text in noted if re.search(r'FROM "?person', text)]
        noted.clear()
        return found

    try:
        async with source._pool.turn(), source._pool.connection() as connection:
            await connection._connection.set_trace_callback(noted.append)  # type: ignore[attr-defined]
        yield Told(source, Binding("person"), heard)
    finally:
        await source.close()


@asynccontextmanager
async def in_postgres(request: pytest.FixtureRequest, _directory: Path) -> AsyncIterator[Told]:
    server: Postgres = request.getfixturevalue("postgres")
    schema = f"s{uuid4().hex}"
    await write_postgres(server.url(), schema)
    source = SqlConnector().open(SourceConfig("city.register", "sql", server.url()))
    try:
        yield Told(source, Binding(f"{schema}.person"), _since_last(lambda: server.log, r"(?m)^(?=\d+ \[)", rf'execute.*FROM "?{schema}"?'))
    finally:
        await source.close()


@asynccontextmanager
async def in_mariadb(request: pytest.FixtureRequest, _directory: Path) -> AsyncIterator[Told]:
    server: Mariadb = request.getfixturevalue("mariadb")
    database = f"s{uuid4().hex}"
    await execute(server, f"CREATE DATABASE {database}")
    writer = await connected(server, database)
    await write_people(writer, PEOPLE)
    await writer.ensure_closed()
    source = SqlConnector().open(SourceConfig("city.register", "sql", server.url(database)))
    try:
        yield Told(source, Binding("person"), _since_last(lambda: server.log, r"(?m)^(?=(?:\d{6}|\t))", r"Execute\t.*FROM `person`"))
    finally:
        await source.close()


def _since_last(log: Callable[[], Path], record: str, wanted: str) -> Callable[[], list[str]]:
    start = log().stat().st_size

    def heard() -> list[str]:
        nonlocal start
        content = log().read_bytes()[start:]
        start += len(content)
        return [text for text in re.split(record, content.decode()) if re.search(wanted, text, re.DOTALL)]

    return heard


_STANDS = {"sqlite": in_sqlite, "postgres": in_postgres, "mariadb": in_mariadb}


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.fast), *(pytest.param(name, marks=pytest.mark.slow) for name in ("postgres", "mariadb"))])
async def told(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Told]:
    """The people in each kind of database."""
    async with _STANDS[request.param](request, tmp_path) as found:
        yield found


def shown(statement: str) -> list[str]:
    """The expressions between SELECT and FROM."""
    listed = re.split(r"\sFROM\s", statement.partition("SELECT ")[2])[0]
    return [" ".join(expression.split()).strip(", ") for expression in re.split(r" AS [`\"]?o\d+[`\"]?", listed) if expression.strip(", \n")]


def raw(name: str) -> Column:
    """The column as it is stored."""
    return Column(name, KINDS[name])


def masked(name: str) -> Column:
    """The column behind its mask."""
    return Column(name, KINDS[name], parse_mask(MASKED[name]))


async def test_masks_stand_in_the_statement_and_raw_columns_do_not(told: Told) -> None:
    _, clear = await told.asked(*map(raw, MASKED))
    rows, statement = await told.asked(*map(masked, MASKED))
    assert len(shown(clear)) == len(shown(statement)) == len(MASKED)
    assert not set(shown(clear)) & set(shown(statement))
    for name, expression in zip(MASKED, shown(statement), strict=True):
        assert name in expression
        assert expression.upper().startswith("CASE ")
        assert re.search(r"\b(substr|left|substring)\(", expression)
        assert not any(other in expression for other in MASKED if other != name)
    texts = [name for name in MASKED if KINDS[name] is Kind.STRING]
    stored = {row[NAMES.index(name)] for row in PEOPLE for name in texts} - {None, ""}
    assert not {value for row in rows for value in row} & stored
    assert all(text in str(rows) for text in ("王**", "5****************X", "1990-01-01"))


async def test_a_rule_that_shows_nothing_of_the_column_reads_nothing_of_it(told: Told) -> None:
    _, statement = await told.asked(raw("record_no"), Column("id_number", Kind.STRING, parse_mask("NULL")))
    (expression,) = shown(statement)[1:]
    assert not re.search(r"\b(substr|left)\(", expression)
    assert not re.search(r"(THEN|ELSE)[^=]*id_number", expression)


async def test_what_a_caller_filters_by_or_verifies_is_compared_in_the_database(told: Told) -> None:
    where = Compare("district", Kind.STRING, Comparison.EQ, "place")
    rows, statement = await told.asked(masked("id_number"), Match("name", Kind.STRING, "claim"), where=where, claim=["王小明"], place="520102")
    assert [row[1] for row in rows] == [True, False, False]
    selected, _, condition = statement.partition("WHERE")
    assert "district" not in selected
    assert "district" in condition
    match = shown(statement)[1]
    assert re.search(r"name.* (=|IN) ", match)
    assert not re.match(r"(CAST\()?[\w.`\"]*name[`\"]?( AS TEXT\))?$", match)
