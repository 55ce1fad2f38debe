"""What leaves the hub is, byte by byte, what graphql-core's executor answers: all of the language, over data that sources cannot always deliver.

GraphQL leaves the order of errors open, and graphql-core's follows from which resolver ended first: so its errors are put into the order of
their paths, in which the hub tells its own. Where a root field that may not be null fails, graphql-core tells of the first failure alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from copy import deepcopy
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import note

from connectors.selection import Kind
from hub.api.execute import Executor
from hub.api.long import spliced, texts
from hub.api.prepared import Prepared
from schema import long_lists
from schema.answer import Answer, FieldError
from schema.delivery import delivered
from schema.documents import Document, Documents
from schema.faults import Code, Fault
from schema.reference import run_reference
from schema.run import Run
from schema.view import View
from tests.schema.city import city, grant, rights
from tests.schema.dice import SEED, Dice, examples
from tests.schema.running import CALLER, WIDE, Hub
from tests.schema.worlds import World, make_rights, make_world
from tests.schema.writing import Writer

ODD: dict[Kind, tuple[Any, ...]] = {
    Kind.STRING: (b"\xff\xfe", 5, 1.5),
    Kind.INTEGER: (2**31, -(2**31) - 1, 2**63 - 1, "many", 1.5),
    Kind.BIGINT: ("many", 1e30, 1.5),
    Kind.FLOAT: (float("inf"), float("-inf"), "much", 2**60),
    Kind.DECIMAL: ("NaN", "1e400", "much", 1.5, 7),
    Kind.BOOLEAN: (2, "yes", -1),
    Kind.DATE: ("2026-02-30", "yesterday", "", 20261122),
    Kind.DATETIME: ("2026-11-22T25:00:00+08:00", "now", 5, "2026-11-22 08:00:00"),
}
"""What SQLite keeps in columns of these kinds, whatever they are declared to be."""


def spoil(dice: Dice, world: World) -> None:
    """Puts some values that do not fit where no identifier and no link goes by them. What figures a database makes of them is its own affair."""
    for resource in world.snapshot.resources.values():
        keys = {resource.stable_key, *(resource.items[code].column for code in (*resource.identifiers, *(link.item for link in resource.links)))}
        for row in world.rows[resource.code]:
            for item in resource.items.values():
                if item.column not in keys and dice.chance(20):
                    row[item.column] = dice.pick(ODD[item.kind])


async def planned(hub: Hub, view: View, document: Document, name: str | None, given: dict[str, Any]) -> tuple[bytes, list[FieldError]]:
    """The bytes of the hub's answer, and its errors."""
    prepared = Prepared(view, document, document.operation(name), hub.plans)
    variables = prepared.variables(given)
    plan = prepared.plan(variables)
    context: Any = SimpleNamespace(departments=None)
    answer = await Executor(hub.plans, hub.cursors).run(plan, Run(hub.source, hub.cursors, CALLER, variables), context, view, given)
    return b"".join(texts([each] if isinstance(each := spliced(delivered(plan, answer), answer.long), bytes) else each)), answer.errors


def told(errors: list[FieldError]) -> list[tuple[Any, str, str]]:
    """Paths, codes and texts of errors, in order."""
    return [(error.path, error.fault.code.value, error.fault.en) for error in errors]


def by_path(error: tuple[Any, str, str]) -> list[str]:
    """Where an error stands among others: before those at later indexes and names."""
    return [str(part).zfill(8) if isinstance(part, int) else part for part in error[0]]


async def check(world: World, hub: Hub, view: View, writer: Writer, text: str, counted: Counter[str]) -> None:
    """One document, by both executors."""
    document = Documents(WIDE).check(text, view)
    whole = Document.of(text, document.node, view.full)
    given = writer.variables | dict.fromkeys(writer.cursors)
    note(f"HYPOTHESIS_SEED={SEED}\n{text}\n{writer.operation} {given}")
    right = await run_reference(whole, given, writer.operation, hub.source, hub.cursors, CALLER)
    refused: Fault | None = None
    try:
        data, errors = await planned(hub, view, document, writer.operation, given)
    except Fault as fault:
        refused = fault
    if refused is not None:
        assert (right.data, refused.code) == (None, Code.BAD_INPUT)
        assert refused.en in {error.fault.en for error in right.errors}
        counted["refused"] += 1
        return
    compare(data, errors, right, counted)
    again, repeated = await planned(hub, view, document, writer.operation, given)
    assert (again, told(repeated)) == (data, told(errors)), "the same call has the same answer, its errors in the same order"


def compare(data: bytes, errors: list[FieldError], right: Answer, counted: Counter[str]) -> None:
    """The property."""
    expected = orjson.dumps(right.data)
    if data != expected or told(errors) != sorted(told(right.errors), key=by_path):
        note(f"planned  {data.decode()}\nexpected {expected.decode()}\n{told(errors)}\n{told(right.errors)}")
    assert data == expected
    ours, theirs = told(errors), sorted(told(right.errors), key=by_path)
    nulled = {key for key, value in (right.data or {}).items() if value is None}
    assert sorted(each for each in ours if each[0][0] not in nulled) == sorted(each for each in theirs if each[0][0] not in nulled)
    for key in nulled:
        # What else was found before the failure that makes it null is a matter of time, here and there.
        found = {each for each in theirs if each[0][0] == key}
        assert not found or found & set(ours), key
    counted["with errors" if errors else "without"] += 1
    counted["undeliverable"] += any(error.fault.code is Code.SOURCE_VALUE for error in errors)
    counted["nulled"] += bool(nulled)


async def check_all(random: Random, counted: Counter[str]) -> None:
    """A world, and documents of a few callers."""
    dice = Dice(random)
    world = make_world(dice)
    sound, spoiled = deepcopy(world.rows), dice.chance(50)
    if spoiled:
        spoil(dice, world)
    with TemporaryDirectory() as directory:
        hub = Hub(world.write(Path(directory)))
        world.rows = sound
        try:
            # Some are asked as if all their lists were long.
            with patch.multiple(long_lists, LONG=dice.pick((1, long_lists.LONG)), PART=dice.number(1, 3)):
                for _ in range(4):
                    view = hub.view(make_rights(dice, world))
                    writer = Writer(dice, world, view, whole=True, aggregates=not spoiled)
                    text = writer.document()
                    if text is not None:
                        await check(world, hub, view, writer, text, counted)
        finally:
            await hub.close()


@pytest.mark.slow
@examples(5)
def test_bytes_are_the_references_quickly(random: Random) -> None:
    asyncio.run(check_all(random, Counter()))


@pytest.mark.slow
@examples(45, after=5)
def test_bytes_are_the_references(random: Random) -> None:
    asyncio.run(check_all(random, Counter()))


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_null_for_the_name_of_a_type_is_an_error_of_that_field_alone() -> None:
    hub, _ = city()
    view = hub.view(rights(grant()))
    text = 'query ($n: String = "Query") { t: __type(name: $n) { name } civilAffairs { persons(first: 1) { nodes { name } } } __typename }'
    document = hub.documents.check(text, view)
    data, errors = await planned(hub, view, document, None, {"n": None})
    right = await run_reference(Document.of(text, document.node, view.full), {"n": None}, None, hub.source, hub.cursors, CALLER)
    assert (data, told(errors)) == (orjson.dumps(right.data), told(right.errors))
    assert orjson.loads(data)["t"] is None
    assert orjson.loads(data)["civilAffairs"]["persons"]["nodes"]
    assert [error.path for error in errors] == [("t",)]
