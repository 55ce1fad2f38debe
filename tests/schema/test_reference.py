"""The plan executor and the reference answer alike, and neither gives more than was granted: random catalogs, data, rights and documents."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, event, given, note, seed, settings
from hypothesis import strategies as st

from auth.decide import Rights, decide
from auth.rights import Operation, Shown
from connectors.local import condition
from connectors.selection import Kind
from hub.errors import field_errors
from schema.answer import Answer
from schema.documents import Document
from schema.faces import Face
from schema.faults import Code
from schema.filters import Binds, Filter, row_condition
from schema.model import Item
from schema.view import View
from tests.schema.dice import Dice
from tests.schema.running import Hub, told
from tests.schema.worlds import World, make_rights, make_world
from tests.schema.writing import Writer, plain

SEED = int(os.environ.get("HYPOTHESIS_SEED") or secrets.randbits(32))


def examples(count: int) -> Any:
    """Bounded; HYPOTHESIS_SEED repeats a run."""
    chosen = settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    return lambda test: seed(SEED)(chosen(given(st.randoms(use_true_random=True))(test)))


Check = Callable[[World, Hub, View, Document, dict[str, Any]], Any]


async def check_all(random: Random, check: Check, canaries: bool) -> None:
    """Makes a world, and documents of a few callers: asked first without cursors, then with those given out and with a wrong one."""
    dice = Dice(random)
    world = make_world(dice, canaries)
    with TemporaryDirectory() as directory:
        hub = Hub(world.write(Path(directory)))
        try:
            for _ in range(4):
                await check_one(dice, world, hub, check)
        finally:
            await hub.close()


async def check_one(dice: Dice, world: World, hub: Hub, check: Check) -> None:
    """One caller's document."""
    view = hub.view(make_rights(dice, world))
    writer = Writer(dice, world, view)
    text = writer.document()
    if text is None:
        event("nothing to see")
        return
    document = hub.documents.check(text, view)
    hub.cursors.sealed.clear()
    await check(world, hub, view, document, writer.variables)
    given_out = list(dict.fromkeys(hub.cursors.sealed))[:2]
    for cursor in [*given_out, "AAAA"] if writer.cursors else []:
        event("paged")
        await check(world, hub, view, document, writer.variables | dict.fromkeys(writer.cursors, cursor))


def difference(left: Any, right: Any, path: str = "$") -> str:
    """Where two answers first differ, the order of keys included."""
    if isinstance(left, dict) and isinstance(right, dict) and list(left) == list(right):
        return next((found for key in left if (found := difference(left[key], right[key], f"{path}.{key}"))), "")
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return next((found for i in range(len(left)) if (found := difference(left[i], right[i], f"{path}[{i}]"))), "")
    return "" if orjson.dumps(left) == orjson.dumps(right) else f"{path}: {left!r} by plan, {right!r} by reference"


async def same_answers(world: World, hub: Hub, view: View, document: Document, variables: dict[str, Any]) -> None:
    """The property."""
    note(f"HYPOTHESIS_SEED={SEED}\n{document.text}\n{variables}")
    planned = await hub.planned(view, document, variables)
    referred = await hub.referred(document, variables)
    if orjson.dumps(planned.data) != orjson.dumps(referred.data):
        note(f"planned {planned.data}\nreferred {referred.data}\nerrors {told(planned)} {told(referred)}")
        pytest.fail(f"the data differ: {difference(planned.data, referred.data)}", pytrace=False)
    nulled = {key for key, value in (planned.data or {}).items() if value is None}
    assert [e for e in told(planned) if e[0][0] not in nulled] == [e for e in told(referred) if e[0][0] not in nulled]
    for key in nulled:
        assert {e for e in told(referred) if e[0][0] == key} <= {e for e in told(planned) if e[0][0] == key}
    event(f"errors: {bool(planned.errors)}")
    event(f"rows: {bool(planned.rows)}")


def out(answer: Answer) -> str:
    """Everything of an answer that leaves the hub, before its encoding escapes anything."""
    content = [answer.data, field_errors(answer.errors, "call", True), field_errors(answer.errors, "call", False), dict(answer.masking)]
    return orjson.dumps(content).decode()


def allowed_canaries(world: World, rights: Rights) -> tuple[set[str], set[str]]:
    """(all canaries, those that the rights give in clear), judged on the raw rows by the hub's own evaluator, not by SQL."""
    every, given_out = set(), set()
    for resource in world.snapshot.resources.values():
        decision = decide(resource.policy, rights)
        binds: Binds = {}
        where = row_condition(resource, decision.rows, binds) if decision and decision.rows else None
        for row in world.rows[resource.code]:
            names = list(row)
            holds = condition(where, {name: i for i, name in enumerate(names)}, binds)(tuple(row[name] for name in names))
            for item in resource.items.values():
                if item.kind in (Kind.STRING, Kind.BIGINT):
                    every.add(str(row[item.column]))
                    if decision and holds and decision.items[item.code].shown is Shown.CLEAR:
                        given_out.add(str(row[item.column]))
    return every, given_out


async def within_grant(world: World, hub: Hub, view: View, document: Document, variables: dict[str, Any]) -> None:
    """No canary that was not granted stands in the answer, unless the caller brought it."""
    note(f"HYPOTHESIS_SEED={SEED}\n{document.text}\n{variables}")
    text = out(await hub.planned(view, document, variables))
    every, given_out = allowed_canaries(world, view.faces.rights)
    asked = document.text + str(variables)
    leaked = {canary for canary in every - given_out if canary in text and canary not in asked}
    assert not leaked, leaked
    event(f"canaries shown: {any(canary in text for canary in given_out)}")


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
            assert answer.data[department][field]["totalCount"] == len(expected)
            assert found == set(sorted(expected)[:3])
            event(f"through a link: {any(name in face.link_filters for name in where)}")
            event(f"some rows: {0 < len(expected) < len(world.rows[resource.code])}")


async def check_filters(random: Random) -> None:
    dice = Dice(random)
    world = make_world(dice)
    with TemporaryDirectory() as directory:
        hub = Hub(world.write(Path(directory)))
        try:
            for _ in range(4):
                await filters_select(dice, world, hub)
        finally:
            await hub.close()


@pytest.mark.fast
@examples(15)
def test_filters_through_links_select_what_the_stored_rows_say_quickly(random: Random) -> None:
    asyncio.run(check_filters(random))


@pytest.mark.slow
@examples(150)
def test_filters_through_links_select_what_the_stored_rows_say(random: Random) -> None:
    asyncio.run(check_filters(random))


@pytest.mark.fast
@examples(15)
def test_plan_equals_reference_quickly(random: Random) -> None:
    asyncio.run(check_all(random, same_answers, canaries=False))


@pytest.mark.slow
@examples(100)
def test_plan_equals_reference(random: Random) -> None:
    asyncio.run(check_all(random, same_answers, canaries=False))


@pytest.mark.fast
@examples(15)
def test_result_within_grant_quickly(random: Random) -> None:
    asyncio.run(check_all(random, within_grant, canaries=True))


@pytest.mark.slow
@examples(100)
def test_result_within_grant(random: Random) -> None:
    """No value that was not granted leaves (CLS-01, MSK-01)."""
    asyncio.run(check_all(random, within_grant, canaries=True))
