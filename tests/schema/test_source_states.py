"""What an answer says of its sources: the state, as of when, and one source's statements never in another's way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.selection import Binding, Row, Selection
from connectors.spi import Parameters, SourceConfig
from schema.model import Department, Snapshot
from tests.schema.city import DEPARTMENTS, HOUSEHOLD, HOUSEHOLDS, SNAPSHOT, MemorySource, rights
from tests.schema.running import Hub

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
CODE = "civil_affairs.db"
TABLES: Mapping[str, Sequence[Mapping[str, Any]]] = {"household": HOUSEHOLDS}
ONE = "{ civilAffairs { households { nodes { address } } } }"


class Delivered(MemorySource):
    """Serves deliveries."""

    delivered: datetime | None = None

    def as_of(self, binding: Binding) -> datetime | None:
        """The delivery's moment."""
        return self.delivered


class Held(MemorySource):
    """Answers only when it is let."""

    def __init__(self) -> None:
        super().__init__(TABLES)
        self.let = asyncio.Event()

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        """Waits, then answers."""
        await self.let.wait()
        return await super().fetch(selection, parameters)


def hub_with(source: MemorySource, cycle: str) -> Hub:
    """One resource with this update cycle."""
    household = replace(HOUSEHOLD, update_cycle=cycle)
    return Hub(Snapshot(1, DEPARTMENTS, SNAPSHOT.sources, {household.code: household}), opened={CODE: source})


@pytest.mark.parametrize(("age", "state"), [(timedelta(hours=5), "OK"), (timedelta(days=5), "STALE")])
async def test_a_delivery_says_as_of_when_it_is(age: timedelta, state: str) -> None:
    source = Delivered(TABLES)
    source.delivered = datetime.now(UTC) - age
    answer = await hub_with(source, "daily").ask(rights(), ONE)
    assert (answer.sources[CODE].state, answer.sources[CODE].as_of) == (state, source.delivered)


class Switching(Delivered):
    """Another delivery comes into service while it is read."""

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        """Of the delivery before."""
        rows = await super().fetch(selection, parameters)
        self.delivered = datetime.now(UTC)
        return rows


async def test_data_of_a_delivery_that_was_replaced_while_it_was_read_are_as_of_the_old_one() -> None:
    source = Switching(TABLES)
    source.delivered = old = datetime.now(UTC) - timedelta(days=5)
    answer = await hub_with(source, "daily").ask(rights(), ONE)
    assert (answer.sources[CODE].state, answer.sources[CODE].as_of) == ("STALE", old)


async def test_a_live_source_is_as_of_its_reading_and_a_failed_one_of_nothing() -> None:
    source = MemorySource(TABLES)
    hub = hub_with(source, "daily")
    before = datetime.now(UTC)
    answer = await hub.ask(rights(), ONE)
    as_of = answer.sources[CODE].as_of
    assert as_of is not None
    assert before <= as_of <= datetime.now(UTC)
    source.down = True
    answer = await hub.ask(rights(), ONE)
    assert (answer.sources[CODE].state, answer.sources[CODE].as_of) == ("FAILED", None)


async def test_statements_that_hang_at_one_source_do_not_keep_another_waiting() -> None:
    other = replace(HOUSEHOLD, code="housing.flat", department="housing", plural="flats", source="housing.db")
    sources = {**SNAPSHOT.sources, "housing.db": SourceConfig("housing.db", "memory", "memory:")}
    departments = {**DEPARTMENTS, "housing": Department("housing", "housing")}
    stuck, sound = Held(), MemorySource(TABLES)
    hub = Hub(Snapshot(1, departments, sources, {HOUSEHOLD.code: HOUSEHOLD, other.code: other}), opened={CODE: stuck, "housing.db": sound})
    many = " ".join(f"a{i}: households {{ nodes {{ address }} }}" for i in range(20))
    asking = asyncio.create_task(hub.ask(rights(), f"{{ civilAffairs {{ {many} }} housing {{ flats {{ nodes {{ address }} }} }} }}"))
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(sound.asked) == 1
    assert not stuck.asked
    stuck.let.set()
    answer = await asking
    assert not answer.errors
    assert len(stuck.asked) == 20
