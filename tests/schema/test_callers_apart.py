"""Callers with different rights who ask one hub at once get what each would get from a hub of its own: no cache and no joint call lies between them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import event, note

from auth.decide import Rights
from schema.documents import Documents, InvalidDocument
from schema.faults import Fault
from schema.model import Snapshot
from tests.schema.dice import SEED, Dice, examples
from tests.schema.running import WIDE, Hub
from tests.schema.test_reference import allowed_canaries, out
from tests.schema.worlds import World, make_rights, make_world
from tests.schema.writing import Writer

CALLERS = 3


@dataclass(frozen=True)
class Asked:
    """One caller's call of one document."""

    caller: str
    rights: Rights
    text: str
    variables: dict[str, Any]


async def answer(hub: Hub, asked: Asked) -> str:
    """All that leaves; the refusal where the caller may not ask this."""
    view = hub.view(asked.rights)
    try:
        document = hub.documents.check(asked.text, view)
        return out(await hub.planned(view, document, asked.variables, asked.caller))
    except InvalidDocument as refused:
        return f"refused: {sorted(error.message for error in refused.errors)}"
    except Fault as refused:
        return f"refused: {refused.code.value} {refused.en}"


async def alone(snapshot: Snapshot, asked: Asked) -> str:
    """The same from a hub that nobody else ever asked."""
    hub = Hub(snapshot, documents=Documents(WIDE))
    try:
        return await answer(hub, asked)
    finally:
        await hub.close()


def calls(dice: Dice, world: World, hub: Hub) -> list[Asked]:
    """Every caller's own document, asked by every caller."""
    everybody = [(f"app{i}", make_rights(dice, world)) for i in range(CALLERS)]
    made = []
    for _, rights in everybody:
        writer = Writer(dice, world, hub.view(rights))
        text = writer.document()
        if text is not None:
            given = writer.variables | dict.fromkeys(writer.cursors)
            made += [Asked(name, theirs, text, given) for name, theirs in everybody]
    return made


async def check_apart(random: Random) -> None:
    """The property."""
    dice = Dice(random)
    world = make_world(dice, canaries=True)
    with TemporaryDirectory() as directory:
        snapshot = world.write(Path(directory))
        hub = Hub(snapshot, documents=Documents(WIDE))
        try:
            asked = calls(dice, world, hub)
            together = await asyncio.gather(*(answer(hub, one) for one in [*asked, *reversed(asked)]))
        finally:
            await hub.close()
        for one, first, second in zip(asked, together, reversed(together), strict=False):
            note(f"HYPOTHESIS_SEED={SEED}\n{one}")
            assert first == second == await alone(snapshot, one)
            every, allowed = allowed_canaries(world, one.rights)
            brought = one.text + str(one.variables)
            assert not {canary for canary in every - allowed if canary in first and canary not in brought}
            event("refused" if first.startswith("refused") else "answered")


@pytest.mark.slow
@examples(4)
def test_callers_at_once_are_apart_quickly(random: Random) -> None:
    asyncio.run(check_apart(random))


@pytest.mark.slow
@examples(12, after=4)
def test_b11_callers_at_once_are_apart(random: Random) -> None:
    """B11: what one caller is answered never depends on who asked before or beside it (CLS-07)."""
    asyncio.run(check_apart(random))
