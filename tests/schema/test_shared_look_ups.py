"""Callers who look up at once, with equal rights and with different ones, share statements and nothing else: each is answered as it is alone."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest

from auth.decide import Rights
from auth.rights import GrantItem, Shown
from connectors.guard import GuardedSource
from connectors.selection import Binding
from connectors.spi import SourceConfig
from masking.rules import parse_mask
from schema.answer import Answer
from schema.filters import check_rows
from schema.model import Snapshot
from schema.values import dumped
from schema.view import View
from tests.schema.city import DEPARTMENTS, PERSON, grant, rights
from tests.schema.dice import SEED, Dice, examples
from tests.schema.running import Hub, told
from tests.schema.worlds import HOSTILE
from tests.servers.postgres import Postgres

_asyncpg: Any = asyncpg
COLUMNS = "pk bigint, id text, nm text, g text, b date, ph text, d text, hh text"
NUMBERS = [f"52010219900101{number:03}X" for number in range(12)]
TEXTS = [text for text in HOSTILE if "\0" not in text]
DISTRICTS = ("520102", "520103", None)
PERSONS = [
    (n, number, f"姓{n}{TEXTS[n % len(TEXTS)]}", None if n % 3 == 0 else str(n % 2), f"19{50 + n}-01-31", f"138{n:08}", DISTRICTS[n % 3], None)
    for n, number in enumerate(NUMBERS)
]
RESOURCE = replace(PERSON, items={code: replace(item, validator=None) for code, item in PERSON.items.items()}, links=())
ROWS: tuple[dict[str, Any] | None, ...] = (None, {"district": {"eq": "520102"}}, {"district": {"eq": "520103"}}, {"gender": {"isNull": True}})
SHOWN = ("name", "gender", "birth_date", "phone", "district")


@dataclass(frozen=True)
class Asked:
    """One caller's call."""

    caller: str
    rights: Rights
    text: str
    variables: Mapping[str, Any]


def hub_over(config: SourceConfig, binding: str) -> Hub:
    """A hub that nobody else ever asked."""
    resource = replace(RESOURCE, binding=Binding(binding))
    return Hub(Snapshot(1, DEPARTMENTS, {config.code: config}, {resource.code: resource}))


def drawn_items(dice: Dice) -> tuple[GrantItem, ...]:
    """The items of a grant, clear or masked."""
    masks = {"name": "NAME", "phone": "KEEP_FIRST_3_LAST_4", "district": "NULL", "gender": "CONSTANT(*)", "birth_date": "DATE_TO_YEAR"}
    items = [GrantItem("id_number", Shown.ABSENT, key=True)]
    for code in SHOWN:
        shown = dice.pick((Shown.CLEAR, Shown.CLEAR, Shown.MASKED))
        items.append(GrantItem(code, shown, mask=parse_mask(masks[code]) if shown is Shown.MASKED else None))
    return tuple(items)


def drawn_rights(dice: Dice) -> list[Rights]:
    """Grants of which two differ in their rows alone."""
    items = drawn_items(dice)
    given = zip((items, items, drawn_items(dice)), dice.some(ROWS, 3, 3), strict=True)
    return [rights(grant(items=each, rows=None if rows is None else check_rows(RESOURCE, rows))) for each, rows in given]


def drawn(dice: Dice) -> list[Asked]:
    """Calls of six applications, of which some have the same rights, for few texts and few persons."""
    some = drawn_rights(dice)
    texts = [
        "query ($n: String!) { civilAffairs { person(idNumber: $n) { name phone birthDate gender district __typename } } }",
        "query ($n: String!) { civilAffairs { person(idNumber: $n) { x: name } again: person(idNumber: $n) { name district } } }",
    ]
    numbers = [*NUMBERS[:5], "nobody"]
    return [Asked(f"app{dice.number(0, 5)}", dice.pick(some), dice.pick(texts), {"n": dice.pick(numbers)}) for _ in range(24)]


async def answered(hub: Hub, view: View, asked: Asked) -> tuple[bytes, Any, Any]:
    """What leaves, and what the ledger is told of it."""
    answer: Answer = await hub.planned(view, hub.documents.check(asked.text, view), asked.variables, asked.caller)
    accesses = [(code, operation, access.uses, access.rows, sorted(map(str, access.subjects))) for (code, operation), access in answer.accesses.items()]
    return dumped(answer.data), told(answer), (accesses, answer.misses, answer.asked)


async def check(dice: Dice, config: SourceConfig, binding: str) -> None:
    """The property; that statements were shared; and that those who leave take nothing with them."""
    calls = drawn(dice)
    lone, together = hub_over(config, binding), hub_over(config, binding)
    try:
        expected = [await answered(lone, lone.view(each.rights), each) for each in calls]
        for each, (data, _, _) in zip(calls, expected, strict=True):
            document = lone.documents.check(each.text, lone.view(each.rights))
            assert data == orjson.dumps((await lone.referred(document, each.variables)).data)
        views = {each.rights.fingerprint: together.view(each.rights) for each in calls}
        tasks = []
        for each in calls:
            tasks.append(asyncio.ensure_future(answered(together, views[each.rights.fingerprint], each)))
            for _ in range(dice.pick((0, 0, 0, 1, 3))):
                await asyncio.sleep(0)
        left = set(dice.some(range(len(calls)), 0, 4)) if dice.chance(50) else set()
        for place in left:
            tasks[place].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        for place, each in enumerate(calls):
            gone = place in left and isinstance(found[place], asyncio.CancelledError)
            assert gone or found[place] == expected[place], f"HYPOTHESIS_SEED={SEED} {each}"
        source, alone = together.source(config.code), lone.source(config.code)
        assert isinstance(source, GuardedSource)
        assert isinstance(alone, GuardedSource)
        assert source.telemetry.outcomes.total() < alone.telemetry.outcomes.total()
    finally:
        await lone.close()
        await together.close()


async def on_sqlite(random: Random) -> None:
    """A file with the persons."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "register.db"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"CREATE TABLE person ({COLUMNS})")
            connection.executemany("INSERT INTO person VALUES (?, ?, ?, ?, ?, ?, ?, ?)", PERSONS)
        await check(Dice(random), SourceConfig("civil_affairs.db", "sql", f"sqlite:///{path}"), "person")


@pytest.mark.slow
@examples(8)
def test_callers_of_sqlite_are_answered_as_alone(random: Random) -> None:
    asyncio.run(on_sqlite(random))


@pytest.mark.slow
@pytest.mark.anyio
async def test_callers_of_postgresql_are_answered_as_alone(postgres: Postgres) -> None:
    table = f"person_{uuid4().hex}"
    connection = await _asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    try:
        await connection.execute(f"CREATE TABLE {table} ({COLUMNS.replace('b date', 'b text')})")
        await connection.executemany(f"INSERT INTO {table} VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", PERSONS)
        await connection.execute(f"ALTER TABLE {table} ALTER b TYPE date USING b::date")
    finally:
        await connection.close()
    for place in range(12):
        await check(Dice(Random(f"{SEED} {place}")), SourceConfig("civil_affairs.db", "sql", postgres.url()), table)
