"""Filters through links select what the stored rows say: each is asked of the source and worked out row by row, in three-valued logic."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import event, note

from auth.rights import Operation
from connectors.local import condition
from connectors.spi import SourceConfig
from schema.faces import Face
from schema.faults import Code
from schema.filters import Binds, Filter, row_condition
from schema.model import Item
from tests.schema.dice import SEED, Dice, examples
from tests.schema.running import Hub
from tests.schema.worlds import World, make_rights, make_world
from tests.schema.writing import Writer, plain

Row = Mapping[str, Any]


def truth(world: World, face: Face, row: Row, where: Mapping[str, Any]) -> bool | None:
    """Whether a filter holds for a stored row: ``None`` is unknown. Links are followed over the stored rows, one by one."""
    return conjunction([_entry(world, face, row, name, value) for name, value in where.items()])


def conjunction(parts: list[bool | None]) -> bool | None:
    return False if False in parts else None if None in parts else True


def _entry(world: World, face: Face, row: Row, name: str, value: Any) -> bool | None:
    if name == "and":
        return conjunction([truth(world, face, row, part) for part in value])
    if name in ("or", "not"):
        inner = conjunction([negated(truth(world, face, row, part)) for part in value]) if name == "or" else truth(world, face, row, value)
        return negated(inner)
    if name not in face.link_filters:
        return of_item(face.filters[name], row, value)
    link, target = face.link_filters[name]
    key = row[face.resource.items[link.item].column]
    there = [other for other in world.rows[target.resource.code] if key is not None and other[target.resource.items[link.to_item].column] == key]
    return any(visible(target, other) and truth(world, target, other, value) is True for other in there)


def negated(held: bool | None) -> bool | None:
    return None if held is None else not held


def of_item(item: Item, row: Row, comparisons: Mapping[str, Any]) -> bool | None:
    binds: Binds = {}
    return condition(Filter({"it": item}, binds, "p").predicate({"it": comparisons}), {item.column: 0}, binds)((row[item.column],))


def visible(face: Face, row: Row) -> bool:
    """The condition of the caller's grant holds for the row."""
    binds: Binds = {}
    where = row_condition(face.resource, face.decision.rows, binds) if face.decision.rows else None
    return condition(where, {name: i for i, name in enumerate(row)}, binds)(tuple(row.values())) is True


async def filters_select(dice: Dice, world: World, hub: Hub) -> None:
    """One caller's filters through links, each asked of the source and worked out from the stored rows."""
    view = hub.view(make_rights(dice, world))
    writer = Writer(dice, world, view)
    for department, resource in [(name, r) for name, code in view.faces.departments.items() for r in hub.snapshot.by_department[code]]:
        face = view.faces.face(resource.code)
        if face is None or not face.link_filters or not face.filters or not face.decision.allows(Operation.QUERY):
            continue
        field = next(name for name, action in face.roots.items() if action == "list")
        text = f"query ($w: {face.type_name}Where) {{ {department} {{ {field}(where: $w, first: 3) {{ nodes {{ __typename }} totalCount }} }} }}"
        for _ in range(4):
            where = plain(writer.where(face))
            answer = await hub.planned(view, hub.documents.check(text, view), {"w": where})
            note(f"HYPOTHESIS_SEED={SEED}\n{resource.code} {where} {[e.fault.en for e in answer.errors]}")
            if answer.errors:
                assert {error.fault.code for error in answer.errors} == {Code.BAD_INPUT}
                continue
            expected = [row[resource.stable_key] for row in world.rows[resource.code] if visible(face, row) and truth(world, face, row, where) is True]
            found = {value for name, value in answer.accesses[resource.code, Operation.QUERY].subjects if name == "#"}
            least = resource.least_cohort
            assert answer.data[department][field]["totalCount"] == (len(expected) if least == 1 or len(expected) >= least or len(expected) <= 3 else None), (
                "a page of all rows tells them"
            )
            assert found == set(sorted(expected)[:3])
            event(f"through a link: {any(name in face.link_filters for name in where)}")
            event(f"some rows: {0 < len(expected) < len(world.rows[resource.code])}")


def in_one_source(world: World) -> World:
    """The same world with one source for each department: most of its links may then be filters."""
    resources = {code: replace(each, source=f"{each.department}.db") for code, each in world.snapshot.resources.items()}
    sources = {each.source: SourceConfig(each.source, "sql", "sqlite:///x") for each in resources.values()}
    return World(replace(world.snapshot, resources=resources, sources=sources), world.rows)


async def check_filters(random: Random) -> None:
    dice = Dice(random)
    world = in_one_source(make_world(dice))
    with TemporaryDirectory() as directory:
        hub = Hub(world.write(Path(directory)))
        try:
            for _ in range(12):
                await filters_select(dice, world, hub)
        finally:
            await hub.close()


@pytest.mark.slow
@examples(15)
def test_filters_through_links_select_what_the_stored_rows_say_quickly(random: Random) -> None:
    asyncio.run(check_filters(random))


@pytest.mark.slow
@examples(150, after=15)
def test_filters_through_links_select_what_the_stored_rows_say(random: Random) -> None:
    asyncio.run(check_filters(random))
