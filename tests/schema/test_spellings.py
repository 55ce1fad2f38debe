"""A claim matches what a source holds in whatever spelling; keys are found in each of theirs, by their index, in one statement for all."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import local
from connectors.selection import Binding, Column, Compare, Comparison, Kind, Match, Order, Selection, Value
from connectors.spi import Parameters, Source, SourceConfig
from connectors.sql import SqlConnector
from connectors.sql.dialect_postgres import PostgresDialect
from connectors.sql.dialect_sqlite import SqliteDialect
from connectors.sql.statement import Statement
from connectors.sql.statements import Statements
from masking.canonical import canonical_name
from masking.spellings import of_name
from schema.filters import Binds
from schema.values import canonical, identified, spellings
from tests.schema.city import PERSONS, SNAPSHOT, grant, item, rights
from tests.schema.running import Hub
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.anyio

NAME, ID = item("name", "n", validator="person_name"), item("id_number", "id", validator="resident_id")
STABLE = Order("pk", Kind.BIGINT, nullable=False)
PEOPLE = ("张伟", "张三", "李乾", "李干", "钟发", "余秋雨", "欧阳震华", "古丽米热·阿不都", "John Smith")
STORED: list[str | None] = [None, "", "張 三丰", "%", "_", "张*", *(each for name in PEOPLE for each in dict.fromkeys(of_name(name)))]
IDS = ["11010519491231002X", "110105194912310011", "110105491231003", "11010519491231002x", "110105200001010024"]
"""The first person twice, in two spellings; the third with 15 digits."""


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Source]:
    with closing(sqlite3.connect(tmp_path / "names.db")) as connection, connection:
        connection.execute("CREATE TABLE t (pk INTEGER PRIMARY KEY, n TEXT, id CHAR(18))")
        connection.execute("CREATE INDEX t_id ON t (id)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", [(place, name, each_id(place)) for place, name in enumerate(STORED)])
    source = SqlConnector().open(SourceConfig("a.b", "sql", f"sqlite:///{tmp_path}/names.db"))
    yield source
    await source.close()


@pytest.fixture
async def postgresql(postgres: Postgres) -> AsyncIterator[Source]:
    connection: Any = await asyncpg.connect(postgres.url(scheme="postgresql"))
    await connection.execute("DROP TABLE IF EXISTS spelled; CREATE TABLE spelled (pk bigint PRIMARY KEY, n text, id char(18)); CREATE INDEX ON spelled (id)")
    await connection.copy_records_to_table("spelled", records=[(place, name, each_id(place)) for place, name in enumerate(STORED)])
    await connection.execute("INSERT INTO spelled SELECT 1000 + i, 'x', lpad(i::text, 18, '9') FROM generate_series(1, 5000) i; ANALYZE spelled")
    await connection.close()
    source = SqlConnector().open(SourceConfig("a.b", "sql", postgres.url()))
    yield source
    await source.close()


def each_id(place: int) -> str | None:
    return IDS[place] if place < len(IDS) else None


class InTheHub:
    """The same rows, compared by the hub for a source that cannot."""

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[tuple[Value, ...]]:
        rows = [(place, name, each_id(place)) for place, name in enumerate(STORED)]
        return local.answer(selection, parameters, [Column("pk", Kind.BIGINT), Column("n", Kind.STRING), Column("id", Kind.STRING)], rows)


async def matched(source: Any, table: str, claim: Value) -> list[bool | None]:
    listed = Compare("pk", Kind.BIGINT, Comparison.LT, "most")
    asked = Selection(Binding(table), (Match("n", Kind.STRING, "c"),), listed, (STABLE,))
    rows = await source.fetch(asked, {"c": spellings(NAME, claim), "most": len(STORED)})
    return [row[0] for row in rows]


def expected(claim: Value) -> list[bool | None]:
    return [None if stored is None else canonical_name(stored) == claim for stored in STORED]


@pytest.mark.fast
@given(st.sampled_from(PEOPLE).flatmap(lambda name: st.sampled_from(of_name(name))))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_claim_matches_where_the_canonical_forms_are_equal(sqlite: Source, said: str) -> None:
    claim = canonical(NAME, said, "name")
    assert await matched(sqlite, "t", claim) == expected(claim)
    assert await matched(InTheHub(), "t", claim) == expected(claim)


@pytest.mark.slow
async def test_postgresql_matches_alike(postgresql: Source) -> None:
    for name in PEOPLE:
        claim = canonical(NAME, of_name(name)[-1], "name")
        assert await matched(postgresql, "spelled", claim) == expected(claim)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("said", "places"),
    [("11010519491231002x", [0, 3]), ("110105194912310011", [1]), ("110105491231001", [1]), ("110105491231003", [2]), ("110105200001010024", [4])],
)
async def test_keys_are_found_in_each_spelling(sqlite: Source, said: str, places: list[int]) -> None:
    assert await found(sqlite, "t", said) == places
    assert await found(InTheHub(), "t", said) == places


@pytest.mark.slow
async def test_postgresql_finds_keys_alike_and_by_their_index(postgresql: Source, postgres: Postgres) -> None:
    assert [await found(postgresql, "spelled", said) for said in ("11010519491231002x", "110105491231003")] == [[0, 3], [2]]
    statement, binds = looked_up("spelled", "11010519491231002X", Statements(PostgresDialect()))
    connection: Any = await asyncpg.connect(postgres.url(scheme="postgresql"))
    try:
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement.text}", *statement.arguments(binds)))
    finally:
        await connection.close()
    assert "Index Cond: (id = ANY" in plan
    assert "Seq Scan" not in plan


@pytest.mark.fast
async def test_sqlite_finds_keys_by_their_index(sqlite: Source, tmp_path: Path) -> None:
    statement, binds = looked_up("t", "11010519491231002X", Statements(SqliteDialect()))
    with closing(sqlite3.connect(tmp_path / "names.db")) as connection:
        plan = "\n".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement.text}", statement.arguments(binds)))
    assert "INDEX t_id (id=?)" in plan


async def found(source: Any, table: str, said: str) -> list[Value]:
    binds: Binds = {}
    where = identified(ID, canonical(ID, said, "id"), binds, "key", spelled=True)
    return [row[0] for row in await source.fetch(Selection(Binding(table), (Column("pk", Kind.BIGINT),), where, (STABLE,)), binds)]


def looked_up(table: str, said: str, statements: Statements) -> tuple[Statement, Mapping[str, Any]]:
    binds: Binds = {}
    where = identified(ID, canonical(ID, said, "id"), binds, "key", spelled=True)
    return statements.rows(Selection(Binding(table), (Column("pk", Kind.BIGINT),), where)), binds


class Watched:
    """A source, and what it was asked."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.capabilities = source.capabilities
        self.asked: list[tuple[Selection, dict[str, int]]] = []

    async def fetch(self, selection: Selection, parameters: Parameters) -> Any:
        self.asked.append((selection, {name: len(value) if isinstance(value, tuple) else 1 for name, value in parameters.items()}))
        return await self.source.fetch(selection, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)


VERIFY = """query ($s: CivilAffairsPersonSubject!, $c: CivilAffairsPersonClaims!) {
  civilAffairs { verifyPerson(subject: $s, claims: $c) { outcome } } }"""


@pytest.fixture
async def register(tmp_path: Path) -> AsyncIterator[tuple[Hub, Watched]]:
    """The persons in SQLite, the second with a number of 15 digits, the first twice."""
    path = tmp_path / "register.db"
    persons = [dict(each) for each in PERSONS]
    persons[1]["id"], persons[1]["nm"] = "520102900101123", "李　四"
    persons.append({**persons[0], "pk": 4, "id": "11010519491231002x", "b": "1949-12-30"})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE person (pk INTEGER PRIMARY KEY, id, nm, g, b, ph, d, hh)")
        connection.executemany("INSERT INTO person VALUES (:pk, :id, :nm, :g, :b, :ph, :d, :hh)", persons)
    config = SourceConfig("civil_affairs.db", "sql", f"sqlite:///{path}")
    person = SNAPSHOT.resources["civil_affairs.person"]
    named = replace(person, items={**person.items, "name": item("name", "nm", validator="person_name")})
    snapshot = replace(SNAPSHOT, sources={config.code: config}, resources={**SNAPSHOT.resources, person.code: named})
    source = Watched(SqlConnector().open(config))
    yield Hub(snapshot, opened={config.code: source}), source
    await source.close()


@pytest.mark.fast
async def test_every_claim_and_outcome_is_one_statement_with_as_many_values(register: tuple[Hub, Watched]) -> None:
    hub, source = register
    outcomes = []
    for number, name in [
        ("520102900101123", "李四"),
        ("52010219900101123X", "李 四"),
        ("52010219900101123X", "钟发里古丽米热•阿不都"),
        ("110101190001011009", "John Smith"),
    ]:
        answer = await hub.ask(rights(grant(discloses_existence=True)), VERIFY, {"s": {"idNumber": number}, "c": {"name": name}})
        outcomes.append((answer.data or {})["civilAffairs"]["verifyPerson"]["outcome"])
    assert outcomes == ["MATCH", "MATCH", "MISMATCH", "NOT_FOUND"]
    assert [source.asked[0]] * 4 == source.asked
    assert source.asked[0][1] == {"c0": 16, "subject": 3}


@pytest.mark.fast
@pytest.mark.parametrize(("claims", "outcome"), [({"name": "张三"}, "MATCH"), ({"name": "张四"}, "MISMATCH"), ({"birthDate": "1949-12-31"}, "INDETERMINATE")])
async def test_rows_of_one_subject_that_disagree_tell_nothing(register: tuple[Hub, Watched], claims: dict[str, str], outcome: str) -> None:
    answer = await register[0].ask(rights(grant()), VERIFY, {"s": {"idNumber": "11010519491231002X"}, "c": claims})
    assert answer.data == {"civilAffairs": {"verifyPerson": {"outcome": outcome}}}


@pytest.mark.fast
async def test_a_row_is_looked_up_by_either_number(register: tuple[Hub, Watched]) -> None:
    hub, source = register
    for number in ("520102900101123", "52010219900101123X"):
        answer = await hub.ask(rights(grant()), f'{{ civilAffairs {{ person(idNumber: "{number}") {{ birthDate }} }} }}')
        assert answer.data == {"civilAffairs": {"person": {"birthDate": "1990-01-01"}}}
    assert len(source.asked) == 2


@pytest.mark.fast
@pytest.mark.parametrize("number", ["520102900101123", "52010219900101123X"])
async def test_the_reference_looks_a_row_up_by_either_number_too(register: tuple[Hub, Watched], number: str) -> None:
    hub, _ = register
    view = hub.view(rights(grant()))
    document = hub.documents.check(f'{{ civilAffairs {{ person(idNumber: "{number}") {{ birthDate }} }} }}', view)
    planned, referred = await hub.planned(view, document, {}), await hub.referred(document, {})
    assert referred.errors == []
    assert planned.data == referred.data == {"civilAffairs": {"person": {"birthDate": "1990-01-01"}}}
