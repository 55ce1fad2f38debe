"""E2: a stable key that holds hidden values orders rows by its hash, for each caller by another; pages, exchanges and links are as ever."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from auth.decide import Rights
from auth.rights import GrantItem, Shown
from connectors.registry import open_source
from connectors.selection import Binding, Kind, Order, Value
from connectors.spi import Source, SourceConfig
from connectors.sql.dialect_postgres import PostgresDialect
from connectors.sql.dialect_sqlite import SqliteDialect
from connectors.sql.statements import Statements
from schema.cursors import KEY_BYTES, Cursors
from schema.faces import Faces
from schema.model import Item, Snapshot
from schema.ordering import hides_stable_key
from tests.connectors.stands.mariadb import connected, execute
from tests.exchange.work.build import asked, chunks, lines_of
from tests.schema.city import HOUSEHOLD, HOUSEHOLDS, PERSON, SNAPSHOT, MemorySource, city, grant, item, rights
from tests.schema.running import Hub
from tests.servers.mariadb import Mariadb
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.anyio

ROWS = 200
NAMES = [f"n{i:03d}" for i in range(ROWS)]
"""A person's name tells the rank of the ID number."""
PEOPLE: list[dict[str, Value]] = [
    {"id": f"52010219{1900 + i // 4}0101{i:03d}X"[-18:], "nm": name, "g": "1", "b": "1990-01-01", "ph": "13800000001", "d": f"52010{i % 3}", "hh": f"H{i % 3}"}
    for i, name in enumerate(NAMES)
]
REGISTER = replace(PERSON, stable_key="id", stable_kind=Kind.STRING)
"""Persons of a register without surrogate keys: the ID number orders and pages."""
CITY = replace(SNAPSHOT, resources={each.code: each for each in (REGISTER, HOUSEHOLD)})
COLUMNS = ("id", "nm", "g", "b", "ph", "d", "hh")
CREATE = "CREATE TABLE person (id varchar(18) PRIMARY KEY, nm varchar(9), g varchar(9), b date, ph varchar(11), d varchar(9), hh varchar(9))"
INSERT = f"INSERT INTO person VALUES ({', '.join(repr(each) for each in ('{}',) * len(COLUMNS))})"
CREATE_HOUSEHOLD = "CREATE TABLE household (pk bigint PRIMARY KEY, no varchar(9), addr varchar(9))"
INSERT_HOUSEHOLD = "INSERT INTO household VALUES ({}, '{}', '{}')"
SCRIPT = [
    CREATE,
    *(INSERT.format(*(row[name] for name in COLUMNS)) for row in PEOPLE),
    CREATE_HOUSEHOLD,
    *(INSERT_HOUSEHOLD.format(*row.values()) for row in HOUSEHOLDS),
]
LIST = """query ($n: Int!, $a: String, $o: [CivilAffairsPersonOrder!]) { civilAffairs {
  persons(first: $n, after: $a, orderBy: $o) { nodes { name district household { address } } pageInfo { hasNextPage endCursor } } } }"""
HIDDEN = rights(grant())
"""The ID number is a key, and not shown."""


@pytest.fixture
async def memory() -> Source:
    return MemorySource({"person": PEOPLE, "household": HOUSEHOLDS})


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Source]:
    with closing(sqlite3.connect(tmp_path / "register.db")) as connection:
        connection.executescript(";".join(["BEGIN", *SCRIPT, "COMMIT"]))
    source = open_source(SourceConfig("civil_affairs.db", "sql", f"sqlite:///{tmp_path}/register.db"))
    yield source
    await source.close()


@pytest.fixture
async def postgresql(postgres: Postgres) -> AsyncIterator[Source]:
    connection: Any = await asyncpg.connect(postgres.url(scheme="postgresql"))
    await connection.execute(";".join(["DROP SCHEMA IF EXISTS scrambled CASCADE", "CREATE SCHEMA scrambled", "SET search_path TO scrambled", *SCRIPT]))
    await connection.close()
    source = open_source(SourceConfig("civil_affairs.db", "sql", postgres.url()))
    yield source
    await source.close()


@pytest.fixture
async def maria(mariadb: Mariadb) -> AsyncIterator[Source]:
    await execute(mariadb, "DROP DATABASE IF EXISTS scrambled", "CREATE DATABASE scrambled")
    connection = await connected(mariadb, "scrambled")
    async with connection.cursor() as cursor:
        for statement in SCRIPT:
            await cursor.execute(statement)
    await connection.ensure_closed()
    source = open_source(SourceConfig("civil_affairs.db", "sql", mariadb.url("scrambled")))
    yield source
    await source.close()


EVERYWHERE = [
    pytest.param("memory", marks=pytest.mark.fast),
    pytest.param("sqlite", marks=pytest.mark.fast),
    pytest.param("postgresql", marks=pytest.mark.slow),
    pytest.param("maria", marks=pytest.mark.slow),
]


@pytest.fixture
def hub(request: pytest.FixtureRequest) -> Hub:
    """A hub over the register in the source of the test's parameter."""
    name = getattr(request, "param", "memory")
    resources = CITY.resources
    if name == "postgresql":
        resources = {code: replace(each, binding=Binding(f"scrambled.{each.binding.object}")) for code, each in resources.items()}
    return Hub(replace(CITY, resources=resources), opened={"civil_affairs.db": request.getfixturevalue(name)})


async def paged(hub: Hub, size: int = ROWS, caller: str = "app", rights: Rights = HIDDEN, order: list[dict[str, str]] | None = None) -> list[dict[str, Any]]:
    """Nodes of the whole list, page by page."""
    found: list[dict[str, Any]] = []
    after, more = None, True
    while more:
        answer = await hub.ask(rights, LIST, {"n": size, "a": after, "o": order or []}, caller)
        assert answer.errors == []
        page = answer.data["civilAffairs"]["persons"]
        found += page["nodes"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    return found


def names(nodes: list[dict[str, Any]]) -> list[str]:
    return [node["name"] for node in nodes]


def correlation(left: list[str], right: list[str]) -> float:
    """Spearman's, of the ranks in two orders of the same names."""
    ranks = {name: i for i, name in enumerate(right)}
    squares = sum((i - ranks[name]) ** 2 for i, name in enumerate(left))
    return float(1 - 6 * squares / (ROWS * (ROWS**2 - 1)))


CHANCE = 0.28
"""Four times the deviation of chance, 1/√(n - 1)."""


@pytest.mark.parametrize("hub", EVERYWHERE, indirect=True)
async def test_e2_the_order_of_a_hidden_key_tells_no_rank_and_is_another_for_each_caller(hub: Hub) -> None:
    one, other, whole = names(await paged(hub, 70)), names(await paged(hub, 200, "other")), names(await paged(hub))
    assert one == whole, "pages go on in one order, every row once"
    assert sorted(one) == sorted(other) == NAMES
    for left, right in ((one, NAMES), (other, NAMES), (one, other)):
        assert abs(correlation(left, right)) < CHANCE


@pytest.mark.fast
@pytest.mark.parametrize("hub", ["sqlite"], indirect=True)
async def test_e2_every_source_gives_a_caller_the_same_order(hub: Hub, memory: Source) -> None:
    assert await paged(hub, 70) == await paged(Hub(CITY, opened={"civil_affairs.db": memory}))


@pytest.mark.fast
@pytest.mark.parametrize("size", [7, 64])
async def test_e2_an_order_asked_for_stays_and_only_its_ties_are_scrambled(hub: Hub, size: int) -> None:
    nodes = await paged(hub, size, order=[{"district": "DESC"}])
    assert [node["district"] for node in nodes] == sorted((str(row["d"]) for row in PEOPLE), reverse=True)
    assert sorted(names(nodes)) == NAMES
    tied = [node["name"] for node in nodes if node["district"] == "520100"]
    assert tied != sorted(tied)
    assert tied == [name for name in names(await paged(hub)) if name in tied]


@pytest.mark.fast
@pytest.mark.parametrize("hub", ["sqlite"], indirect=True)
@pytest.mark.parametrize("batch", [9, 1000])
async def test_e2_an_exchange_has_every_row_once_in_the_scrambled_order(hub: Hub, batch: int, tmp_path: Path) -> None:
    made = await asked(hub, HIDDEN, "{ civilAffairs { persons { nodes { name } } } }", caller="app")
    assert made is not None
    assert made.spec.key is None
    assert [row["name"] for part in await chunks(made, tmp_path, batch) for row in lines_of(part.content)] == names(await paged(hub))


@pytest.mark.fast
async def test_e2_links_lead_where_they_led(hub: Hub) -> None:
    addresses = {row["no"]: {"address": row["addr"]} for row in HOUSEHOLDS}
    expected = {row["nm"]: addresses.get(row["hh"]) for row in PEOPLE}
    assert {node["name"]: node["household"] for node in await paged(hub, 50)} == expected


@pytest.mark.fast
async def test_e2_whoever_sees_the_key_in_clear_has_its_own_order(hub: Hub) -> None:
    clear = (GrantItem("id_number", Shown.CLEAR), *(each for each in grant().items if each.code != "id_number"))
    assert names(await paged(hub, 70, rights=rights(grant(items=clear)))) == NAMES


@pytest.mark.fast
def test_e2_the_secret_of_an_order_is_one_for_all_nodes_and_another_for_every_caller_and_resource() -> None:
    one, node, foreign = Cursors(bytes(KEY_BYTES)), Cursors(bytes(KEY_BYTES)), Cursors(b"\x01" * KEY_BYTES)
    assert one.salt("app", "a.b") == node.salt("app", "a.b")
    assert len({one.salt("app", "a.b"), one.salt("app", "a.c"), one.salt("other", "a.b"), foreign.salt("app", "a.b"), one.salt("appa", ".b")}) == 5


def absent(**more: Any) -> Item:
    return item("no", "pk", **more)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("items", "shown", "hides"),
    [
        ((), Shown.ABSENT, False),
        ((absent(),), Shown.ABSENT, False),
        ((absent(marks=frozenset({"sensitive"})),), Shown.ABSENT, True),
        ((absent(marks=frozenset({"sensitive"})),), Shown.CLEAR, False),
        ((absent(validator="resident_id"),), Shown.ABSENT, True),
        ((absent(share_mask="DENY"),), Shown.ABSENT, True),
        ((absent(open_mask="DENY"),), Shown.ABSENT, False),
        ((absent(share_mask="ID_NUMBER_1_1"),), Shown.MASKED, True),
        ((absent(), item("again", "pk", marks=frozenset({"sensitive"}))), Shown.CLEAR, False),
        ((absent(), item("again", "pk", marks=frozenset({"sensitive"}))), Shown.ABSENT, True),
    ],
)
def test_e2_when_the_stable_key_is_hidden(items: tuple[Item, ...], shown: Shown, hides: bool) -> None:
    resource = replace(PERSON, items={**PERSON.items, **{each.code: each for each in items}})
    given = grant().items if shown is Shown.ABSENT or not items else (*grant().items, GrantItem("no", shown))
    snapshot: Snapshot = replace(SNAPSHOT, resources={PERSON.code: resource})
    face = Faces(snapshot, rights(grant(items=given))).face(PERSON.code)
    assert face is not None
    assert hides_stable_key(face) is hides


@pytest.mark.fast
async def test_the_statement_of_a_surrogate_key_has_no_hash() -> None:
    hub, source = city()
    await hub.ask(HIDDEN, "{ civilAffairs { persons(first: 1) { nodes { name } } } }")
    selection = source.asked[0].selection
    assert selection.order == (Order("pk", Kind.BIGINT, nullable=False),)
    later = replace(selection, after=("after0",))
    for dialect, place, limit in ((PostgresDialect(), "CAST($1 AS BIGINT)", "$2"), (SqliteDialect(), "?", "? OFFSET ?")):
        text = " ".join(Statements(dialect).rows(later).text.split())
        assert text.endswith(f'FROM "person" WHERE "person"."pk" > {place} ORDER BY "person"."pk" ASC LIMIT {limit}')
