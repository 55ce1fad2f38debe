"""The plan executor and the reference answer alike, and neither gives more than was granted: random catalogs, data, rights and documents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import event, note

from auth.decide import Rights, decide
from auth.rights import Shown
from connectors.local import condition
from connectors.selection import Kind
from hub.errors import field_errors
from schema.answer import Answer
from schema.documents import Document, Documents
from schema.filters import Binds, row_condition
from schema.view import View
from tests.schema.dice import SEED, Dice, examples
from tests.schema.running import WIDE, Hub, told
from tests.schema.worlds import World, make_rights, make_world
from tests.schema.writing import Writer

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
    document = Documents(WIDE).check(text, view)
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


@pytest.mark.fast
@examples(15)
def test_plan_equals_reference_quickly(random: Random) -> None:
    asyncio.run(check_all(random, same_answers, canaries=False))


@pytest.mark.slow
@examples(60, after=15)
def test_plan_equals_reference(random: Random) -> None:
    asyncio.run(check_all(random, same_answers, canaries=False))


@pytest.mark.fast
@examples(15)
def test_result_within_grant_quickly(random: Random) -> None:
    asyncio.run(check_all(random, within_grant, canaries=True))


@pytest.mark.slow
@examples(60, after=15)
def test_result_within_grant(random: Random) -> None:
    """No value that was not granted leaves (CLS-01, MSK-01)."""
    asyncio.run(check_all(random, within_grant, canaries=True))
