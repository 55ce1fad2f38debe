"""What every connector streams alike: what ``fetch`` gives, batch by batch, and slices that hold each row once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

import pytest

from connectors.arrow_types import position, schema_of, wire_rows
from connectors.paging import cuts, stream
from connectors.selection import SALT, Column, Comparison, Every, Kind, Match, Not, Order, Row, Selection, Value
from connectors.spi import Parameters, Source
from connectors.streaming import Slice, Streamed, Streaming
from masking.rules import parse_mask
from tests.connectors.people import KINDS, NAMES, PEOPLE, columns
from tests.connectors.stands.stand import People
from tests.connectors.test_conformance import STABLE, compare

pytestmark = pytest.mark.anyio
NUMBER = Column("record_no", Kind.BIGINT)


async def streamed(source: Source, selection: Selection, parameters: Parameters | None = None, part: Slice | None = None, rows: int = 2) -> list[Streamed]:
    async with aclosing(stream(source, selection, parameters or {}, part, rows)) as batches:
        return [batch async for batch in batches]


def rows_of(parts: Sequence[Streamed]) -> list[Row]:
    return [row for part in parts for row in wire_rows(part)]


@pytest.mark.behaviour("成批流式读取", "streams of batches")
@pytest.mark.parametrize(
    "order",
    [
        (STABLE,),
        (Order("district", Kind.STRING, descending=True), STABLE),
        (Order("seen", Kind.DATETIME), STABLE),
        (Order("record_no", Kind.BIGINT, nullable=False, scrambled=True),),
    ],
)
@pytest.mark.parametrize("filtered", [False, True])
async def test_a_stream_is_what_fetch_gives(people: People, order: tuple[Order, ...], filtered: bool) -> None:
    where = Every((Not(compare("age", Comparison.EQ)), compare("district", Comparison.IN, "places"))) if filtered else None
    bound: Parameters = {"v": 34, "places": ["520102", "520103", "Zz", 'it\'s \\ "$1"'], SALT: "salt'\\"}
    selection = Selection(people.binding, columns(*NAMES), where, order)
    parts = await streamed(people.source, selection, bound)
    assert rows_of(parts) == list(await people.source.fetch(selection, bound))
    assert all(part.batch.schema.equals(schema_of(selection.outputs)) for part in parts)
    assert sum(sum(part.undelivered) for part in parts) == 0


@pytest.mark.behaviour("成批流式读取", "streams of batches")
async def test_no_batch_is_much_greater_than_was_asked_for(people: People) -> None:
    parts = await streamed(people.source, Selection(people.binding, columns("record_no"), None, (STABLE,)), rows=3)
    assert [part.batch.num_rows for part in parts] == [3, 3, 3]
    assert await streamed(people.source, Selection(people.empty, columns("record_no"), None, (STABLE,))) == []


@pytest.mark.behaviour("成批流式读取", "streams of batches")
@pytest.mark.parametrize("label", ["KEEP_FIRST_3_LAST_4", "NAME", "DATE_TO_YEAR", "NUMBER_TO_INTERVAL(1000)", "CONSTANT(it's 100% \\ $1)", "NULL"])
async def test_masks_within_a_stream_are_those_of_fetch(people: People, label: str) -> None:
    mask = parse_mask(label)
    outputs = (*(Column(name, kind, mask) for name, kind in KINDS.items()), Match("name", Kind.STRING, "v"))
    selection = Selection(people.binding, outputs, None, (STABLE,))
    parts = await streamed(people.source, selection, {"v": ["王小明", "a_b"]}, rows=4)
    assert rows_of(parts) == list(await people.source.fetch(selection, {"v": ["王小明", "a_b"]}))
    assert all(part.batch.schema.equals(schema_of(outputs)) for part in parts)


@pytest.mark.behaviour("分段续读", "streams from a position on")
async def test_a_stream_goes_on_where_another_ended(people: People) -> None:
    order = (Order("district", Kind.STRING), STABLE)
    first = Selection(people.binding, columns("record_no", "district", "born"), None, order, limit="most")
    found: list[Row] = []
    bound: dict[str, Value] = {"most": 4}
    asked = first
    while parts := await streamed(people.source, asked, bound):
        found += rows_of(parts)
        bound.update(zip(("a", "b"), position("city.register", parts[-1], order, (1, 0)), strict=True))
        asked = replace(first, after=("a", "b"))
    assert found == list(await people.source.fetch(replace(first, limit=None), {}))


@pytest.mark.behaviour("切片", "slices of a key")
@pytest.mark.parametrize("key", [NUMBER, Column("id_number", Kind.STRING), Column("district", Kind.STRING), Column("age", Kind.INTEGER)])
@pytest.mark.parametrize("rows", [1, 2, 4, 100])
async def test_slices_hold_every_row_once(people: People, key: Column, rows: int) -> None:
    where = compare("record_no", Comparison.NE)
    selection = Selection(people.binding, columns("record_no"), where, (STABLE,))
    ends = await cuts(people.source, selection, {"v": 5}, key, rows)
    found = [row[0] for part in slices(key, ends) for row in rows_of(await streamed(people.source, selection, {"v": 5}, part))]
    assert sorted(found) == [number for number, *_ in PEOPLE if number != 5]  # type: ignore[type-var]
    sliced = isinstance(people.source, Streaming) and people.source.streams(selection)
    assert bool(ends) == (sliced and rows < 7)


def slices(key: Column, ends: Sequence[Value]) -> list[Slice]:
    return [Slice(key, above, upto) for above, upto in zip([None, *ends], [*ends, None], strict=True)]


@pytest.mark.behaviour("中止流式读取", "streams that are closed early")
async def test_a_stream_that_is_closed_early_frees_its_place(people: People) -> None:
    source = people.reopen(replace(people.config, exchange_sessions=1))
    try:
        selection = Selection(people.binding, columns("record_no"), None, (STABLE,))
        for _ in range(3):
            async with aclosing(stream(source, selection, {}, None, 2)) as batches:
                assert 0 < (await anext(batches)).batch.num_rows < len(PEOPLE)
        assert len(rows_of(await streamed(source, selection))) == len(PEOPLE)
    finally:
        await source.close()


@pytest.mark.behaviour("中止流式读取", "streams that are closed early")
async def test_a_stream_that_waits_for_the_source_is_cancelled_at_once(people: People) -> None:
    if people.slow is None:
        return
    selection = Selection(people.slow, columns("record_no"), None, (STABLE,))
    reading = asyncio.ensure_future(streamed(people.source, selection))
    done, _ = await asyncio.wait({reading}, timeout=0.3)
    assert not done
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
