"""Look-ups under way at the same time, of real sources: each is answered as it is alone, whatever the others ask, and whoever leaves."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from connectors.coalescing import alone
from connectors.errors import SourceRefused
from connectors.guard import GuardedSource
from connectors.registry import open_source
from connectors.selection import Binding, Column, Compare, Comparison, Kind, Row, Selection, Value
from connectors.spi import Parameters, SourceConfig
from tests.connectors.people import KINDS, NAMES, PEOPLE, columns
from tests.connectors.stands.stand import People
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.anyio

_KEYS: dict[str, list[Value]] = {
    "id_number": [*(row[1] for row in PEOPLE if row[1] is not None), "52010219900517123x", "520102850101123 ", "", "0", "王", "\U0001f600", "a\x00b"],
    "record_no": [*(row[0] for row in PEOPLE), 0, -1, 10**6, 2**70],
}
_asyncpg: Any = asyncpg
Outcome = Row | None | type[Exception]


async def outcome(source: GuardedSource, selection: Selection, parameters: Parameters, key: Column, values: tuple[Value, ...]) -> Outcome:
    """What the source says to a list of those rows."""
    # As a list of keys, because a driver may give a single one another type than a list.
    asked, bound = alone(selection, parameters, key, values if len(values) > 1 or not source.capabilities.order else values * 2)
    try:
        rows = await source.fetch(asked, bound)
    except SourceRefused:
        return SourceRefused
    return tuple(rows[0]) if rows else None


def told(result: Any) -> Outcome:
    """The same of a look-up among others."""
    if isinstance(result, BaseException):
        return SourceRefused if isinstance(result, SourceRefused) else Exception
    return None if result is None else tuple(result)


@pytest.mark.parametrize("column", list(_KEYS))
async def test_look_ups_among_others_are_answered_as_alone(people: People, column: str) -> None:
    source = people.source
    assert isinstance(source, GuardedSource)
    chance, key = random.Random(column), Column(column, KINDS[column])
    whole = Selection(people.binding, columns(*NAMES))
    part = Selection(people.binding, columns("name", "age"), Compare("district", Kind.STRING, Comparison.EQ, "d"))
    questions: list[tuple[Selection, Parameters]] = [(whole, {}), (part, {"d": "520102"}), (part, {"d": "520103"})]
    spelled: list[tuple[Value, ...]] = [(value,) for value in _KEYS[column]]
    spelled.append((chance.choice(_KEYS[column][: len(PEOPLE) - 1]), _KEYS[column][-3]))
    expected = {(place, values): await outcome(source, *questions[place], key, values) for place in range(len(questions)) for values in spelled}
    for _ in range(3):
        wanted = [chance.choice(list(expected)) for _ in range(30)]
        calls = []
        for place, values in wanted:
            calls.append(asyncio.ensure_future(source.look_up(*questions[place], key, values, chance.choice("ab"))))
            if chance.random() < 0.3:
                await asyncio.sleep(0)
        left = {chance.randrange(len(calls)) for _ in range(5)}
        for number in left:
            calls[number].cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [told(result) for n, result in enumerate(results) if n not in left] == [expected[each] for n, each in enumerate(wanted) if n not in left]
    # A statement that nobody waits for any more gives its turn back once its thread has heard of it.
    for _ in range(6000):
        if not source.turns.running:
            break
        await asyncio.sleep(0.01)
    assert (source.turns.running, source.turns.waiting) == (0, 0)


async def _looked_up(source: GuardedSource, selection: Selection, key: Column, keys: Sequence[Value]) -> list[Outcome]:
    results = await asyncio.gather(*(source.look_up(selection, {}, key, (value,), "rights") for value in keys), return_exceptions=True)
    return [told(result) for result in results]


async def test_many_look_ups_are_two_statements_where_the_source_shares_them(people: People) -> None:
    """One for all, and one for those that are missing, because there may be a collation for which they are not."""
    source, selection = people.source, Selection(people.binding, columns("name"))
    assert isinstance(source, GuardedSource)
    shares = source._coalescing is not None and source._coalescing.shares(selection)
    assert shares == (people.config.kind in ("sql", "files") and people.kind != "third party")
    keys: list[Value] = [*(row[0] for row in PEOPLE), *range(1000, 1021)]
    before = source.telemetry.outcomes.total()
    assert await _looked_up(source, selection, Column("record_no", Kind.BIGINT), keys) == [(row[2],) for row in PEOPLE] + [None] * 21
    assert source.telemetry.outcomes.total() - before == (2 if shares else len(keys))


@pytest.mark.slow
async def test_a_collation_that_takes_several_texts_for_one(postgres: Postgres) -> None:
    schema = f"s{uuid4().hex}"
    connection: Any = await _asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    await connection.execute(f"""CREATE SCHEMA {schema}; SET search_path = {schema};
        CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
        CREATE TABLE t (k text COLLATE loose, n text); CREATE INDEX ON t (k);
        INSERT INTO t VALUES ('Abc', 'one'), ('DEF', 'two'), ('ghi', 'three')""")
    await connection.close()
    source = open_source(SourceConfig("city.register", "sql", postgres.url()))
    selection, key = Selection(Binding(f"{schema}.t"), (Column("n", Kind.STRING),)), Column("k", Kind.STRING)
    try:
        for keys in (["abc", "Abc", "def", "x"], ["ABC", "ghi", "GHI", "none", "DEF"], ["x", "y"], ["abc", "ABC"]):
            assert await _looked_up(source, selection, key, keys) == [await outcome(source, selection, {}, key, (each,)) for each in keys]
    finally:
        await source.close()


@pytest.mark.slow
async def test_a_table_that_is_altered_costs_no_answer(postgres: Postgres) -> None:
    schema = f"s{uuid4().hex}"
    connection: Any = await _asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    await connection.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.t AS SELECT n::text AS k, n AS n FROM generate_series(1, 9) n")
    source = open_source(SourceConfig("city.register", "sql", postgres.url()))
    selection, key = Selection(Binding(f"{schema}.t"), (Column("n", Kind.BIGINT),)), Column("k", Kind.STRING)
    try:
        for type_ in ("integer", "bigint", "smallint", "bigint"):
            await connection.execute(f"ALTER TABLE {schema}.t ALTER n TYPE {type_}")
            assert await _looked_up(source, selection, key, ["1", "9", "10"]) == [(1,), (9,), None]
    finally:
        await source.close()
        await connection.close()
