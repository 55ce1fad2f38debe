"""Random lists over random catalogs: every format of a chunk holds what a query answers, row for row, and names whom it names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import polars
import pytest
from hypothesis import event, note

from schema.export_spec import Branch, Leaf
from schema.reader import Exhausted
from tests.exchange.work.build import Asked, Written, asked, chunks, csv_of, lines_of, written
from tests.exchange.work.documents import callers, listing
from tests.schema.dice import SEED, Dice, examples
from tests.schema.running import Hub
from tests.schema.worlds import make_world

_polars: Any = polars


def columns(fields: tuple[Leaf | Branch, ...]) -> bool:
    """Whether there is a scalar in them, however deep."""
    return any(isinstance(each, Leaf) or columns(each.fields) for each in fields)


def as_answered(row: Mapping[str, Any], fields: tuple[Leaf | Branch, ...]) -> dict[str, Any]:
    """A row of a typed file as a query answers it."""
    made: dict[str, Any] = {}
    for each in fields:
        if isinstance(each, Branch) and not columns(each.fields):
            continue
        value = row[each.key]
        if isinstance(each, Branch):
            made[each.key] = None if value is None else as_answered(value, each.fields)
        elif hasattr(value, "isoformat"):
            made[each.key] = value.isoformat()
        else:
            made[each.key] = str(value) if type(value) is int and abs(value) > 2**53 else value
    return made


def without_empty(row: Mapping[str, Any], fields: tuple[Leaf | Branch, ...]) -> dict[str, Any]:
    """The row without links of which nothing is selected: tables have no columns for them."""
    made = {}
    for each in fields:
        if isinstance(each, Leaf):
            made[each.key] = row[each.key]
        elif columns(each.fields):
            made[each.key] = None if row[each.key] is None else without_empty(row[each.key], each.fields)
    return made


def same(found: list[Any], expected: list[Any]) -> None:
    """The same rows in their order, with their keys in their order."""
    assert list(map(orjson.dumps, found)) == list(map(orjson.dumps, expected))


async def check_formats(made: Asked, folder: Path) -> None:
    """Each format by itself."""
    jsonl = await written(made, folder)
    same(lines_of(jsonl.content), made.rows)
    check_receipt(jsonl, made)
    text = await written(made, folder, "CSV")
    assert text.content.decode("utf-8-sig") == csv_of(made.export, made.rows)
    foreign = await written(made, folder, "CSV", "GB18030")
    assert foreign.content.decode("gb18030") == csv_of(made.export, made.rows)
    arrow, parquet = await written(made, folder, "ARROW"), await written(made, folder, "PARQUET")
    for frame in (_polars.read_ipc(arrow.task.path), _polars.read_parquet(parquet.task.path)):
        same([as_answered(row, made.spec.fields) for row in frame.to_dicts()], [without_empty(row, made.spec.fields) for row in made.rows])


def check_receipt(done: Written, made: Asked) -> None:
    """What is told of the rows is what a query would have told."""
    assert done.receipt.rows == len(made.rows)
    assert done.receipt.undelivered == made.undelivered
    assert {code: hashes | made.asked_for.get(code, set()) for code, hashes in done.subjects.items()} | {
        code: hashes for code, hashes in made.asked_for.items() if hashes and code not in done.subjects
    } == made.subjects


async def check(random: Random) -> None:
    """Documents of a few callers of one world."""
    dice = Dice(random)
    world = make_world(dice)
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        hub = Hub(world.write(folder))
        try:
            for _ in range(3):
                rights = callers(dice, world)
                drawn = listing(dice, world, hub.view(rights))
                if drawn is None:
                    continue
                note(f"HYPOTHESIS_SEED={SEED}\n{drawn}")
                try:
                    made = await asked(hub, rights, *drawn)
                except Exhausted:
                    # More than one call may ask for: there is no answer to compare with.
                    event("beyond a call's budget")
                    continue
                if made is None:
                    event("refused")
                    continue
                event("with rows" if made.rows else "empty")
                await check_formats(made, folder)
                parts = await chunks(made, folder, dice.number(1, 4))
                same([row for part in parts for row in lines_of(part.content)], made.rows)
                other = await asked(hub, rights, *drawn, masks="source")
                assert other is not None
                assert (await written(other, folder)).content == (await written(made, folder)).content
        finally:
            await hub.close()


@pytest.mark.slow
@examples(8)
def test_a_few(random: Random) -> None:
    asyncio.run(check(random))


@pytest.mark.slow
@examples(60, after=8)
def test_more(random: Random) -> None:
    asyncio.run(check(random))
