"""What every connector does alike under load and in trouble (SPI): many keys, concurrent writes, cancellation, timeouts, refusals."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.errors import SourceBusy, SourceFault, SourceRefused, SourceTimeout
from connectors.selection import Column, Compare, Comparison, Kind, Linked, Not, Order, Row, Selection, Value
from connectors.spi import Source
from tests.connectors.people import KINDS, NAMES, PEOPLE, columns
from tests.connectors.stands.stand import People

pytestmark = pytest.mark.anyio
STABLE = Order("record_no", Kind.BIGINT, nullable=False)
MANY = 10_000


@pytest.mark.behaviour("空集合", "empty sets")
async def test_an_object_without_rows(people: People) -> None:
    every = Selection(people.empty, columns(*NAMES), None, (STABLE,))
    assert list(await people.source.fetch(every, {})) == []
    assert await people.source.count(every, {}) == 0
    assert await people.source.fetch_by_keys(Selection(people.empty, columns("name")), {}, Column("record_no", Kind.BIGINT), [1, 2]) == {}


@pytest.mark.behaviour("一次查找 10,000 个键", "look-up of 10,000 keys")
@pytest.mark.parametrize("column", ["id_number", "record_no"])
async def test_ten_thousand_keys(people: People, column: str) -> None:
    place = NAMES.index(column)
    known: list[Value] = [row[place] for row in PEOPLE if row[place] is not None]
    others: list[Value] = [100_000 + n if column == "record_no" else f"9{n:017}" for n in range(MANY - len(known))]
    asked = others[:5000] + known + others[5000:]
    found = await people.source.fetch_by_keys(Selection(people.binding, columns("name")), {}, Column(column, KINDS[column]), asked)
    assert {key: list(rows) for key, rows in found.items()} == {row[place]: [(row[2],)] for row in PEOPLE if row[place] is not None}


@pytest.mark.behaviour("并发写入时的分页", "keyset pages under concurrent inserts", needs="insert")
@pytest.mark.parametrize("order", [(STABLE,), (replace(STABLE, descending=True),), (Order("district", Kind.STRING), STABLE)])
async def test_pages_under_concurrent_inserts(own_people: People, order: tuple[Order, ...]) -> None:
    """Rows that were there throughout come exactly once, in order; new ones at most once."""
    writing = asyncio.create_task(_insert(own_people))
    pages = await _pages(own_people, order)
    await writing
    numbers = [row[0] for row in pages]
    assert len(set(numbers)) == len(numbers)
    assert [row for row in pages if row in PEOPLE] == [row for row in await _pages(own_people, order) if row in PEOPLE]
    assert {row[0] for row in PEOPLE} <= set(numbers)


async def _insert(people: People) -> None:
    if people.insert is not None:
        for n in range(12):
            await people.insert((100 + n if n % 2 else -n, *PEOPLE[n % len(PEOPLE)][1:]))
            await asyncio.sleep(0)


async def _pages(people: People, order: tuple[Order, ...]) -> list[Row]:
    after = tuple(f"a{place}" for place in range(len(order)))
    first = Selection(people.binding, columns(*NAMES), None, order, limit="limit")
    pages = list(await people.source.fetch(first, {"limit": 2}))
    for _ in range(40):
        position = {name: pages[-1][NAMES.index(key.column)] for name, key in zip(after, order, strict=True)}
        page = await people.source.fetch(replace(first, after=after), {"limit": 2, **position})
        if not page:
            return pages
        pages += page
    raise AssertionError("the pages do not end")


async def _works(people: People, source: Source) -> None:
    """It answers; where half a second is not enough for that on a busy machine, once more."""
    for _ in range(20):
        with suppress(SourceTimeout):
            assert await source.count(Selection(people.binding, ()), {}) == len(PEOPLE)
            return
    raise AssertionError("it does not answer in time any more")


def _narrow(people: People, timeout_ms: int) -> Source:
    """The source with a single place, so that a call whose work went on would keep the next one out."""
    return people.reopen(replace(people.config, pool=1, timeout_ms=timeout_ms))


@pytest.mark.behaviour("取消即停止", "cancellation stops the work", needs="slow")
async def test_a_cancelled_call_leaves_its_place(people: People) -> None:
    if people.slow is None:
        return await _works(people, people.source)
    source = _narrow(people, 20_000)
    try:
        await _works(people, source)
        reading = asyncio.create_task(source.fetch(Selection(people.slow, columns("name")), {}))
        await asyncio.sleep(0.3)
        assert not reading.done()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await _works(people, source)
    finally:
        await source.close()


async def _judged(source: Source, selection: Selection) -> None:
    """A fetch; where this process itself was too busy to judge the source, as it says then, once more."""
    for _ in range(3):
        with suppress(SourceBusy):
            await source.fetch(selection, {})


@pytest.mark.behaviour("30 秒的工作在 0.5 秒超时处停止", "30 s of work cut at a timeout of 0.5 s", needs="slow")
async def test_a_slow_call_is_cut(people: People) -> None:
    if people.slow is None:
        return await _works(people, people.source)
    source = _narrow(people, 500)
    try:
        with pytest.raises(SourceTimeout):
            await _judged(source, Selection(people.slow, columns("name")))
        await _works(people, source)
    finally:
        await source.close()


@pytest.mark.behaviour("列出对象", "list of objects")
async def test_objects_are_listed_or_refused(people: People) -> None:
    if not people.source.capabilities.objects:
        with pytest.raises(SourceRefused, match="cannot list"):
            await people.source.objects()
        return
    described = [each for each in await people.source.objects() if each.binding.object == people.binding.object]
    assert [[column.name for column in each.columns] for each in described] == [list(NAMES)]


@pytest.mark.behaviour("通过链接筛选", "filters through links")
async def test_links_are_followed_or_refused(people: People) -> None:
    """People of whom another with the same district is 34 years old; three-valued: a null district is linked to nobody."""
    other = Linked("district", Kind.STRING, people.binding, "district", Compare("age", Kind.INTEGER, Comparison.EQ, "v"))
    selection = Selection(people.binding, columns("record_no"), other, (STABLE,))
    if not people.source.capabilities.links:
        with pytest.raises(SourceRefused, match="cannot filter through links"):
            await people.source.fetch(selection, {"v": 34})
        return
    assert [row[0] for row in await people.source.fetch(selection, {"v": 34})] == [1, 2, 3, 4, 6]
    assert [row[0] for row in await people.source.fetch(replace(selection, where=Not(other)), {"v": 34})] == [5, 7, 8, 9]


@pytest.mark.behaviour("数据时点", "the data's moment")
async def test_the_data_have_a_moment_or_are_of_now(people: People) -> None:
    await _works(people, people.source)
    moment = people.source.as_of(people.binding)
    assert moment is None or moment <= datetime.now(UTC)


@pytest.mark.behaviour("错误不含数据", "faults that quote no data")
async def test_faults_quote_no_value(people: People) -> None:
    with pytest.raises(SourceFault) as caught:
        await people.source.fetch(Selection(people.missing, columns("name"), Compare("name", Kind.STRING, Comparison.EQ, "v")), {"v": "王小明机密"})
    assert "王小明" not in str(caught.value)
    assert people.config.url not in str(caught.value)
