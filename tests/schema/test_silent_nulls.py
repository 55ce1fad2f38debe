"""No null is silent: whatever a source fails to give, an error stands for it. Random documents over sources that fail and hold bad values."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import event, note

from connectors.errors import SourceUnavailable
from connectors.selection import UNDELIVERABLE, Column, Output, Row, Selection, Value
from connectors.spi import Parameters, Source
from hub.api.execute import flags_of, variables_of
from schema.answer import Answer, FieldError
from schema.answer import Path as At
from schema.delivery import delivered
from schema.documents import Documents
from schema.run import Run, run_departments
from tests.schema.dice import SEED, Dice, examples
from tests.schema.running import CALLER, WIDE, Hub
from tests.schema.worlds import make_rights, make_world
from tests.schema.writing import Writer


class Troubled:
    """A source some of whose look-ups fail and some of whose values cannot be delivered: the same ones whenever they are asked for."""

    def __init__(self, inner: Source, dice: Dice) -> None:
        self._inner = inner
        self._dice = dice
        self.troubled = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        if self.troubled and self._dice.chance(10):
            raise SourceUnavailable("x", "down")
        rows = await self._inner.fetch(selection, parameters)
        return [self._spoilt(row, selection.outputs) for row in rows] if self.troubled else rows

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        if self.troubled and self._dice.chance(30):
            raise SourceUnavailable("x", "down")
        found = await self._inner.fetch_by_keys(selection, parameters, key, values)
        return {value: [self._spoilt(row, selection.outputs) for row in rows] for value, rows in found.items()} if self.troubled else found

    def _spoilt(self, row: Row, outputs: Sequence[Output]) -> Row:
        return tuple(
            self._dice.pick((UNDELIVERABLE, "\ud800")) if isinstance(output, Column) and output.name != "pk" and self._dice.chance(15) else value
            for value, output in zip(row, outputs, strict=True)
        )


def lost(whole: Any, left: Any, at: At = ()) -> Iterator[At]:
    """Places that hold something in the whole answer and null in the other."""
    if left is None:
        if whole is not None:
            yield at
    elif isinstance(left, dict):
        for key, value in left.items():
            yield from lost(whole[key], value, (*at, key))
    elif isinstance(left, list):
        for i, value in enumerate(left):
            yield from lost(whole[i], value, (*at, i))


def stands_for(error: FieldError, place: At) -> bool:
    """The error lies at the place, below it where a null went up, or stands for the field in all rows of a list."""
    if error.rows:
        end = len(error.path)
        return place[:end] == error.path and ".".join(str(part) for part in place[end + 1 :]) == error.field
    return error.path[: len(place)] == place


async def check(random: Random) -> None:
    dice = Dice(random)
    world = make_world(dice)
    with TemporaryDirectory() as directory:
        hub = Hub(world.write(Path(directory)))
        troubled = [Troubled(hub.source(code), dice) for code in hub.snapshot.sources]
        hub.opened = dict(zip(hub.snapshot.sources, troubled, strict=True))  # type: ignore[arg-type]
        try:
            for _ in range(4):
                await check_one(dice, hub, Writer(dice, world, hub.view(make_rights(dice, world))), troubled)
        finally:
            await hub.close()


async def check_one(dice: Dice, hub: Hub, writer: Writer, troubled: Sequence[Troubled]) -> None:
    text = writer.document()
    if text is None:
        return
    answers = []
    document = Documents(WIDE).check(text, writer.view)
    operation = document.operation(None)
    for trouble in (False, True):
        for source in troubled:
            source.troubled = trouble
        variables = variables_of(document, operation, writer.variables)
        plan = hub.plans.plan(writer.view, document, operation, flags_of(hub.plans.flags(document, operation), variables))
        answer = Answer()
        found = await run_departments(plan, Run(hub.source, hub.cursors, CALLER, variables), answer)
        answer.data = {key: found.get(key, "Query") for key in plan.order}
        answers.append((orjson.loads(delivered(plan, answer)), answer.errors))
    (whole, _), (left, errors) = answers
    places = list(lost(whole, left))
    note(f"HYPOTHESIS_SEED={SEED}\n{text}\n{places}\n{[(error.path, error.field, error.rows) for error in errors]}")
    assert not [place for place in places if not any(stands_for(error, place) for error in errors)]
    event(f"nulls: {bool(places)}")
    event(f"nulls of links: {any('link' in str(place[-1]) for place in places)}")


@pytest.mark.slow
@examples(20)
def test_every_null_of_a_failure_has_its_error_quickly(random: Random) -> None:
    asyncio.run(check(random))


@pytest.mark.slow
@examples(80, after=20)
def test_every_null_of_a_failure_has_its_error(random: Random) -> None:
    asyncio.run(check(random))
