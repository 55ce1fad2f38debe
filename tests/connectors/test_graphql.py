"""GraphQL sources: what is asked of another hub, of a Relay connection and of a plain list, and how many times."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from connectors.calling import CALLING, Calling, RemoteReceipt
from connectors.errors import SourceFault, SourceRefused
from connectors.registry import open_source
from connectors.selection import Column, Compare, Comparison, Every, Kind, Order, Predicate, Row, Selection, Value
from connectors.spi import Source, SourceConfig
from tests.connectors.graphql_service import Service
from tests.connectors.people import KINDS, PEOPLE, columns
from tests.connectors.stands.graphql import remote_binding
from tests.servers.http import serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
STABLE = Order("record_no", Kind.BIGINT, nullable=False)
HUB = remote_binding()
RELAY = remote_binding("allPeople", style="relay", filters={"district": "district", "name": "filter.by.name"}, total="totalCount", max_page=4)
LIST = remote_binding(
    "people",
    style="list",
    first="limit",
    offset="offset",
    max_page=4,
    sorted_by="record_no",
    filters={"district": "district"},
    keys={"id_number": {"argument": "ids", "most": 3}},
    lookups={"record_no": {"field": "one", "argument": "id"}},
)
Opening = Callable[..., Source]


def compare(column: str, comparison: Comparison = Comparison.EQ, parameter: str = "v") -> Compare:
    return Compare(column, KINDS[column], comparison, parameter)


@pytest.fixture
async def service() -> AsyncIterator[tuple[Service, Opening]]:
    """The service, and how sources of it are opened."""
    made = Service()
    opened: list[Source] = []
    with serving(made.application()) as address:
        made.address = address

        def opening(path: str = "/graphql", **changes: Any) -> Source:
            opened.append(open_source(replace(SourceConfig("city.register", "graphql", address + path), **changes)))
            return opened[-1]

        yield made, opening
        for source in opened:
            await source.close()


async def test_another_hub_filters_orders_and_pages(service: tuple[Service, Opening]) -> None:
    made, opening = service
    where = Every((compare("district"), compare("age", Comparison.GTE, "age")))
    selection = Selection(HUB, columns("name"), where, (Order("born", Kind.DATE, descending=True), STABLE), ("a", "b"), "limit")
    found = await opening().fetch(selection, {"v": "520102", "age": 30, "a": "1991-01-01", "b": 3, "limit": 1})
    assert [row[0] for row in found] == ["王小明"]
    (asked,) = made.asked
    assert "520102" not in asked.document
    assert asked.variables["first"] == 1
    assert asked.variables["orderBy"] == [{"born": "DESC"}, {"record_no": "ASC"}]
    assert {"district": {"eq": "520102"}} in asked.variables["where"]["and"]


async def test_a_list_ordered_by_text_is_read_on_by_the_other_hub_s_cursors(service: tuple[Service, Opening]) -> None:
    made, opening = service
    source = opening(local_rows=4)
    page = Selection(HUB, columns("name", "record_no"), compare("age", Comparison.GTE), (Order("name", Kind.STRING), STABLE), limit="l")
    later = replace(page, after=("a", "b"))
    rows: list[Row] = []
    found = await source.fetch(page, {"v": -1, "l": 3})
    # One row of each page only tells that there are more, as the hub reads lists.
    while rows := [*rows, *found[:2]]:
        if len(found) < 3:
            break
        found = await source.fetch(later, {"v": -1, "l": 3, "a": rows[-1][0], "b": rows[-1][1]})
    known = sorted((row for row in PEOPLE if row[4] is not None), key=lambda row: (row[2] is None, str(row[2])))
    assert rows == [(row[2], row[0]) for row in known]
    assert {asked.variables["first"] for asked in made.asked} == {3}
    assert len({asked.document for asked in made.asked}) == 2
    # A position that is not known, or a cursor that is not taken, costs a reading from the beginning.
    asked = {"v": -1, "l": 1, "a": rows[1][0], "b": rows[1][1]}
    assert list(await opening().fetch(later, asked)) == rows[2:3]
    assert "after" not in made.asked[-1].variables
    with pytest.raises(SourceRefused, match="local_rows"):
        await opening(local_rows=4).fetch(replace(later, binding=remote_binding(max_page=2)), {**asked, "a": rows[6][0], "b": rows[6][1]})


async def test_what_another_hub_cannot_compare_is_done_here(service: tuple[Service, Opening]) -> None:
    made, opening = service
    where = Every((compare("district"), compare("name", Comparison.GT, "n")))
    found = await opening().fetch(Selection(HUB, columns("name"), where, (STABLE,)), {"v": "520103", "n": "古"})
    assert [row[0] for row in found] == ["古丽米热·阿不都", "𠮷田一郎"]
    assert made.asked[0].variables["where"] == {"district": {"eq": "520103"}}


@pytest.mark.parametrize("value", [2**40, 1.5, "\ud800"])
async def test_values_that_no_argument_holds_are_compared_here(service: tuple[Service, Opening], value: Value) -> None:
    _, opening = service
    column = "name" if isinstance(value, str) else "age"
    assert await opening().fetch(Selection(HUB, columns("name"), compare(column), (STABLE,)), {"v": value}) == []


async def test_the_document_is_the_same_for_every_value(service: tuple[Service, Opening]) -> None:
    made, opening = service
    source = opening()
    for value in ("王小明", "欧阳修"):
        await source.fetch(Selection(HUB, columns("record_no"), compare("name"), (STABLE,), limit="l"), {"v": value, "l": 5})
    assert len({asked.document for asked in made.asked}) == 1


async def test_types_are_asked_for_once(service: tuple[Service, Opening], monkeypatch: pytest.MonkeyPatch) -> None:
    made, opening = service
    source = opening()
    for _ in range(3):
        await source.count(Selection(HUB, ()), {})
    known = made.introspected
    await source.fetch(Selection(remote_binding("register.nobody"), columns("name"), compare("name")), {"v": "x"})
    assert made.introspected == known
    with pytest.raises(SourceRefused, match="does not exist"):
        await source.fetch(Selection(HUB, (Column("nmae", Kind.STRING),)), {})
    assert made.introspected == known
    # What is missing is looked for again once the types that are known have aged; so is all by a description.
    monkeypatch.setattr("connectors.graphql.source._FRESH", 0.0)
    with pytest.raises(SourceRefused, match="does not exist"):
        await source.fetch(Selection(HUB, (Column("nmae", Kind.STRING),)), {})
    assert made.introspected > known
    known = made.introspected
    await source.describe(HUB)
    assert made.introspected > known


async def test_keys_go_in_lists_and_single_look_ups_in_one_request(service: tuple[Service, Opening]) -> None:
    made, opening = service
    source = opening()
    keys: list[Value] = [row[1] for row in PEOPLE if row[1] is not None]
    found = await source.fetch_by_keys(Selection(HUB, columns("name")), {}, Column("id_number", Kind.STRING), [*keys, "0"])
    assert {key: rows[0][0] for key, rows in found.items()} == {row[1]: row[2] for row in PEOPLE if row[1] is not None}
    assert len(made.asked) == 1
    unfiltered = remote_binding("register.unfiltered")
    asked: list[Value] = [*keys, "0", "ill-formed", *[f"x{n}" for n in range(40)]]
    found = await source.fetch_by_keys(Selection(unfiltered, columns("name", "age"), compare("age")), {"v": 34}, Column("id_number", Kind.STRING), asked)
    assert {rows[0] for rows in found.values()} == {("王小明", 34), ("古丽米热·阿不都", 34), ("", 34)}
    assert [len(asked.variables) for asked in made.asked[1:]] == [30, 20]
    with pytest.raises(SourceFault) as fault:
        await source.fetch_by_keys(Selection(unfiltered, columns("name")), {}, Column("id_number", Kind.STRING), ["down"])
    assert fault.value.retryable


async def test_a_relay_connection(service: tuple[Service, Opening]) -> None:
    made, opening = service
    source = opening()
    rows = await source.fetch(Selection(RELAY, columns("record_no"), None, (STABLE,)), {})
    assert [row[0] for row in rows] == list(range(1, 10))
    assert len(made.asked) == 3
    where: Predicate = Every((compare("district"), compare("name", parameter="n")))
    rows = await source.fetch(Selection(RELAY, columns("record_no"), where), {"v": "520102", "n": ""})
    assert [row[0] for row in rows] == [6]
    assert made.asked[-1].variables == {"district": "520102", "first": 4}
    rows = await source.fetch(Selection(RELAY, columns("record_no"), where), {"v": "520102", "n": "王小明"})
    assert made.asked[-1].variables == {"district": "520102", "filter": {"by": {"name": "王小明"}}, "first": 4}
    assert await source.count(Selection(RELAY, (), compare("district")), {"v": "520102"}) == 3
    assert "totalCount" in made.asked[-1].document
    assert await source.count(Selection(RELAY, (), compare("age")), {"v": 34}) == 3


async def test_a_plain_list(service: tuple[Service, Opening]) -> None:
    made, opening = service
    source = opening()
    page = Selection(LIST, columns("record_no"), None, (STABLE,), limit="l")
    assert [row[0] for row in await source.fetch(page, {"l": 2})] == [1, 2]
    assert [asked.variables for asked in made.asked] == [{"limit": 2, "offset": 0}]
    later = replace(page, after=("a",))
    assert [row[0] for row in await source.fetch(later, {"l": 2, "a": 6})] == [7, 8]
    made.asked.clear()
    asked: list[Value] = [row[1] for row in PEOPLE if row[1] is not None][:5]
    found = await source.fetch_by_keys(Selection(LIST, columns("record_no")), {}, Column("id_number", Kind.STRING), asked)
    assert sorted(rows[0][0] for rows in found.values()) == [1, 2, 3, 5, 6]  # type: ignore[type-var]
    assert [asked.variables["ids"] for asked in made.asked] == [asked[:3], asked[3:]]


async def test_single_look_ups_of_another_service(service: tuple[Service, Opening]) -> None:
    made, opening = service
    binding = remote_binding("people", style="list", first="limit", lookups={"id_number": {"field": "one", "argument": "id", "most": 2}})
    asked: list[Value] = [row[1] for row in PEOPLE if row[1] is not None][:3]
    found = await opening().fetch_by_keys(Selection(binding, columns("record_no")), {}, Column("id_number", Kind.STRING), asked)
    assert [rows[0][0] for rows in found.values()] == [1, 2, 3]
    assert [len(each.variables) for each in made.asked] == [2, 1]


async def test_a_list_that_does_not_ascend_as_declared_is_refused(service: tuple[Service, Opening]) -> None:
    made, opening = service
    made.rows = PEOPLE[::-1]
    with pytest.raises(SourceRefused, match="do not ascend"):
        await opening().fetch(Selection(LIST, columns("record_no"), None, (STABLE,), limit="l"), {"l": 3})


async def test_more_rows_than_allowed_are_not_read(service: tuple[Service, Opening]) -> None:
    made, opening = service
    source = opening(local_rows=5)
    with pytest.raises(SourceRefused, match="local_rows"):
        await source.fetch(Selection(RELAY, columns("record_no"), compare("age"), (STABLE,)), {"v": 34})
    assert len(made.asked) == 2


async def test_fixed_arguments_are_sent(service: tuple[Service, Opening]) -> None:
    _, opening = service
    binding = remote_binding("people", style="list", first="limit", arguments={"status": "NONE"})
    assert await opening().fetch(Selection(binding, columns("name")), {}) == []


async def test_use_trace_and_hubs_are_carried_and_the_receipt_kept(service: tuple[Service, Opening]) -> None:
    made, opening = service
    made.extensions = {"receipt": {"call": "call_1", "entry": "42", "signature": "x"}}
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    calling = Calling("c", "rent", "张 三", "17/a", trace, via=("0" * 16, "1" * 16))
    token = CALLING.set(calling)
    try:
        source = opening(options={"purposes": {"rent": "rent-check"}})
        await source.count(Selection(HUB, ()), {})
        await source.count(Selection(RELAY, ()), {})
    finally:
        CALLING.reset(token)
    carried = {"huitong-purpose": "rent-check", "huitong-operator": "%E5%BC%A0%20%E4%B8%89", "huitong-case": "17%2Fa", "traceparent": trace}
    assert made.asked[0].headers.items() >= (carried | {"huitong-via": f"{'0' * 16}, {'1' * 16}"}).items()
    # A service that is no hub is told nothing of the call, unless the manifest says so.
    assert not {*carried, "huitong-via"} & set(made.asked[1].headers)
    assert calling.receipts == [RemoteReceipt("city.register", "call_1", "42")]


async def test_a_receipt_that_is_none_is_passed_over(service: tuple[Service, Opening]) -> None:
    made, opening = service
    calling = Calling("c")
    token = CALLING.set(calling)
    try:
        source = opening(options={"carry": True})
        for receipt in (None, {"call": "x y", "entry": "1"}, {"call": "\n"}, ["a"], {"call": "x" * 200, "entry": "1"}):
            made.extensions = {"receipt": receipt}
            await source.count(Selection(RELAY, ()), {})
    finally:
        CALLING.reset(token)
    assert calling.receipts == []
