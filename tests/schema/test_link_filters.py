"""Filters through links: which exist for a caller, what they select, and what is noted of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInputObjectType

from auth.decide import Rights
from auth.rights import GrantItem, Operation, SharingClass, Shown
from connectors.registry import links_within, open_source
from connectors.spi import SourceConfig
from hub.api.execute import variables_of
from masking.rules import parse_mask
from schema.answer import Answer
from schema.faults import Code
from schema.filters import MOST_DEPTH, MOST_IN, MOST_LINKS, MOST_PARTS
from schema.reach import reaching
from schema.reader import Exhausted
from tests.schema.linked import PLACE, WHO, clear, everything, granted, hub_over, write_postgres, write_sqlite
from tests.schema.running import Hub

pytestmark = pytest.mark.anyio
LIST = "query ($w: CivilAffairsPersonWhere) { civilAffairs { persons(where: $w) { nodes { name } totalCount } } }"
NAMES = ("张三", "李四", "王五", "赵六", "孙七", "周八")


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.fast), pytest.param("postgres", marks=pytest.mark.slow)])
async def hub(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Hub]:
    if request.param == "sqlite":
        made = hub_over(write_sqlite(tmp_path / "city.db"))
    else:
        url = request.getfixturevalue("postgres").url()
        made = hub_over(url, schema=await write_postgres(url))
    yield made
    await made.close()


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Hub]:
    made = hub_over(write_sqlite(tmp_path / "city.db"))
    yield made
    await made.close()


async def names(hub: Hub, where: dict[str, Any], rights: Rights | None = None) -> list[str]:
    answer = await hub.ask(rights or everything(), LIST, {"w": where})
    assert not answer.errors, [error.fault.en for error in answer.errors]
    persons = answer.data["civilAffairs"]["persons"]
    assert persons["totalCount"] == len(persons["nodes"])
    return [node["name"] for node in persons["nodes"]]


CLOUD = {"household": {"address": {"eq": "云岩区"}}}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (CLOUD, "张三 李四"),
        ({"not": CLOUD}, "王五 赵六 孙七 周八"),
        ({"household": {}}, "张三 李四 王五 周八"),
        ({"not": {"household": {}}}, "赵六 孙七"),
        ({"household": {"address": {"ne": "云岩区"}}}, "王五"),
        ({"household": {"not": {"address": {"eq": "云岩区"}}}}, "王五"),
        ({"not": {"household": {"address": {"ne": "云岩区"}}}}, "张三 李四 赵六 孙七 周八"),
        ({"household": {"address": {"isNull": True}}}, "周八"),
        ({"household": {"address": {"notIn": ["云岩区"]}}}, "王五"),
        ({"household": {"or": [{"address": {"startsWith": "南"}}, {"members": {"eq": "3"}}]}}, "张三 李四 王五"),
        ({"or": [CLOUD, {"district": {"isNull": True}}]}, "张三 李四 赵六"),
        ({"and": [CLOUD, {"name": {"startsWith": "张"}}]}, "张三"),
        ({"household": {"headPerson": {"name": {"eq": "张三"}}}}, "张三 李四"),
        ({"household": {"not": {"headPerson": {}}}}, "周八"),
        ({"household": {"headPerson": {"household": {"address": {"eq": "南明区"}}}}}, "王五"),
    ],
)
async def test_rows_that_a_filter_through_links_selects(hub: Hub, where: dict[str, Any], found: str) -> None:
    """A link without a key, or whose row is not there, is false and not unknown: its negation is true."""
    assert await names(hub, where) == found.split()


async def test_rows_that_are_not_there_for_the_caller_are_found_by_no_filter(hub: Hub) -> None:
    rights = everything(household=granted(PLACE, rows='{"members":{"eq":"3"}}'))
    assert await names(hub, {"household": {"householdNo": {"in": ["H1", "H2", "H3"]}}}, rights) == ["张三", "李四"]
    assert await names(hub, {"not": {"household": {}}}, rights) == ["王五", "赵六", "孙七", "周八"]
    assert await names(hub, {"household": {"not": {"householdNo": {"eq": "H1"}}}}, rights) == []


async def test_the_condition_of_each_end_holds_at_each_level(hub: Hub) -> None:
    rights = everything(person=granted(WHO, rows='{"district":{"eq":"520102"}}'))
    assert await names(hub, {"household": {"headPerson": {}}}, rights) == ["张三", "李四"]
    assert await names(hub, {"household": {"not": {"headPerson": {}}}}, rights) == ["周八"]


def where_fields(hub: Hub, rights: Rights, name: str = "CivilAffairsPersonWhere") -> set[str]:
    found = hub.view(rights).full.type_map[name]
    assert isinstance(found, GraphQLInputObjectType)
    return set(found.fields)


MASKED = GrantItem("address", Shown.MASKED, mask=parse_mask("KEEP_FIRST_1_LAST_1"))


@pytest.mark.fast
@pytest.mark.parametrize(
    ("person", "household", "there"),
    [
        (granted(WHO), granted(PLACE), True),
        (granted(WHO, items=clear("name", "district")), granted(PLACE), False),
        (granted(WHO, items=(*clear("name"), GrantItem("household_no", Shown.CLEAR))), granted(PLACE), True),
        (granted(WHO, items=(*clear("name"), GrantItem("household_no", Shown.MASKED, mask=parse_mask("NULL")))), granted(PLACE), False),
        (granted(WHO, items=(*clear("name"), GrantItem("household_no", Shown.ABSENT, key=True))), granted(PLACE), True),
        (granted(WHO), granted(PLACE, items=clear("address")), False),
        (granted(WHO), granted(PLACE, items=(*clear("address"), GrantItem("household_no", Shown.ABSENT))), False),
        (granted(WHO), granted(PLACE, items=(GrantItem("household_no", Shown.ABSENT, key=True), MASKED)), False),
        (granted(WHO), granted(PLACE, operations=frozenset({Operation.EXCHANGE})), False),
        (granted(WHO), granted(PLACE, operations=frozenset({Operation.VERIFY})), False),
    ],
    ids=["all", "own absent", "own clear", "own masked", "own key", "key not granted", "key denied", "nothing clear", "exchange only", "verify only"],
)
async def test_a_filter_exists_only_where_both_grants_allow_it(small: Hub, person: Any, household: Any, there: bool) -> None:
    assert ("household" in where_fields(small, everything(person, household))) is there


@pytest.mark.fast
async def test_a_filter_exists_only_where_the_target_is_granted_and_published(small: Hub) -> None:
    assert "household" not in where_fields(small, replace(everything(), grants={WHO.code: granted(WHO)}))
    small.snapshot = replace(small.snapshot, resources={WHO.code: WHO})
    assert "household" not in where_fields(small, everything())


@pytest.mark.fast
async def test_masked_absent_and_unfilterable_items_of_the_target_cannot_be_compared(small: Hub) -> None:
    items = (*clear("household_no"), MASKED)
    assert where_fields(small, everything(household=granted(PLACE, items=items)), "CivilAffairsHouseholdWhere") == {"and", "or", "not", "householdNo"}
    odd = replace(PLACE, items={**PLACE.items, "address": replace(PLACE.items["address"], filterable=False)})
    small.snapshot = replace(small.snapshot, resources={WHO.code: WHO, PLACE.code: odd})
    assert "address" not in where_fields(small, everything(), "CivilAffairsHouseholdWhere")
    shut = replace(PLACE, sharing_class=SharingClass.NOT_SHARED)
    small.snapshot = replace(small.snapshot, resources={WHO.code: WHO, PLACE.code: shut})
    assert "household" not in where_fields(small, everything())


@pytest.mark.fast
async def test_only_links_within_one_source_that_can_are_filters(small: Hub) -> None:
    elsewhere = replace(PLACE, source="civil_affairs.other")
    known = small.snapshot.sources
    for changed in (
        {"resources": {WHO.code: WHO, PLACE.code: elsewhere}, "sources": {**known, elsewhere.source: known[WHO.source]}},
        {"sources": {WHO.source: SourceConfig(WHO.source, "rest", "https://x")}},
    ):
        hub = Hub(replace(small.snapshot, **changed))
        assert "household" not in where_fields(hub, everything())
        assert "household" in hub.view(everything()).full.type_map["CivilAffairsPerson"].fields  # type: ignore[attr-defined]


@pytest.mark.fast
async def test_what_the_registry_says_of_a_kind_its_sources_declare(tmp_path: Path) -> None:
    assert links_within("sql")
    assert not links_within("rest")
    source = open_source(SourceConfig("a.b", "sql", write_sqlite(tmp_path / "a.db")))
    assert source.capabilities.links
    await source.close()


@pytest.mark.fast
async def test_items_that_a_filter_compares_are_noted_at_both_ends(small: Hub) -> None:
    answer = await small.ask(everything(), LIST, {"w": {"household": {"address": {"eq": "云岩区"}, "headPerson": {"district": {"ne": "x"}}}}})
    assert uses(answer, PLACE.code) == {("household_no", "key"), ("address", "match"), ("head", "key")}
    assert uses(answer, WHO.code) == {("name", "clear"), ("household_no", "key"), ("id_number", "key"), ("district", "match")}
    household = answer.accesses[PLACE.code, Operation.QUERY]
    assert (household.rows, set(household.subjects)) == (0, set())


@pytest.mark.fast
async def test_a_count_alone_notes_them_too(small: Hub) -> None:
    text = "query ($w: CivilAffairsPersonWhere) { civilAffairs { persons(where: $w) { totalCount } } }"
    assert uses(await small.ask(everything(), text, {"w": CLOUD}), PLACE.code) == {("household_no", "key"), ("address", "match")}


def uses(answer: Answer, resource: str) -> set[tuple[str, str]]:
    return {(use.code, use.shown) for use in answer.accesses[resource, Operation.QUERY].uses}


@pytest.mark.fast
@pytest.mark.parametrize(
    ("where", "reached"),
    [({}, set()), ({"name": {"eq": "x"}}, set()), (CLOUD, {PLACE.code}), ({"or": [{"not": CLOUD}]}, {PLACE.code}), (None, set())],
)
async def test_the_resources_behind_a_filter_are_part_of_what_a_call_needs_rights_for(small: Hub, where: Any, reached: set[str]) -> None:
    """So that their purposes, quotas and approved documents are checked as well."""
    view = small.view(everything())
    document = small.documents.check(LIST, view)
    operation = document.operation(None)
    variables = variables_of(document, operation, {"w": where})
    plan = small.plans.plan(view, document, operation, {})
    assert {code for code, _ in reaching(plan, variables).faces} == {WHO.code} | reached
    assert (reaching(plan, variables) is plan) is not bool(reached)


@pytest.mark.fast
async def test_a_filter_in_the_text_is_reached_as_well(small: Hub) -> None:
    view = small.view(everything())
    document = small.documents.check('{ civilAffairs { persons(where: {household: {address: {eq: "x"}}}) { totalCount } } }', view)
    plan = small.plans.plan(view, document, document.operation(None), {})
    assert (PLACE.code, Operation.QUERY) in reaching(plan, variables_of(document, document.operation(None), {})).faces


def through(links: int) -> dict[str, Any]:
    """A filter that leads through so many links, forth and back."""
    where: dict[str, Any] = {}
    for i in reversed(range(links)):
        where = {"headPerson" if i % 2 else "household": where}
    return where


@pytest.mark.fast
@pytest.mark.parametrize(
    "where",
    [
        through(MOST_LINKS + 1),
        {"household": {"and": [{"address": {"eq": "x"}}] * (MOST_PARTS // 2)}},
        {"household": {"address": {"in": ["x"] * (MOST_IN + 1)}}},
        {"household": {"address": {"eq": "x\0"}}},
        {"household": {"address": {"eq": None}}},
        {"household": None},
    ],
    ids=["links", "parts", "values", "NUL", "null", "null link"],
)
async def test_bounds_hold_behind_links(small: Hub, where: Any) -> None:
    answer = await small.ask(everything(), LIST, {"w": where})
    assert [error.fault.code for error in answer.errors] == [Code.BAD_INPUT]


@pytest.mark.fast
async def test_depth_counts_through_links(small: Hub) -> None:
    where: dict[str, Any] = {"household": {"address": {"eq": "x"}}}
    for _ in range(MOST_DEPTH):
        where = {"not": where}
    answer = await small.ask(everything(), LIST, {"w": where})
    assert [error.fault.en for error in answer.errors] == [f"the filter is nested deeper than {MOST_DEPTH} levels"]
    assert await names(small, through(MOST_LINKS))


@pytest.mark.fast
async def test_values_behind_links_count_and_those_of_a_grants_condition_do_not(small: Hub) -> None:
    several = " ".join(f"p{i}: persons(where: $w) {{ totalCount }}" for i in range(6))
    text = f"query ($w: CivilAffairsPersonWhere) {{ civilAffairs {{ {several} }} }}"
    many = {"household": {"address": {"in": [str(i) for i in range(MOST_IN)]}}}
    with pytest.raises(Exhausted, match="values in filters"):
        await small.ask(everything(), text, {"w": many})
    rows = '{"members":{"in":[' + ",".join(f'"{i}"' for i in range(MOST_IN)) + "]}}"
    answer = await small.ask(everything(household=granted(PLACE, rows=rows)), text, {"w": {"household": {}}})
    assert not answer.errors


@pytest.mark.fast
async def test_a_cursor_is_good_for_its_filter_through_links_only(small: Hub) -> None:
    text = (
        "query ($w: CivilAffairsPersonWhere, $a: String) { civilAffairs { persons(where: $w, first: 1, after: $a) { nodes { name } pageInfo { endCursor } } } }"
    )
    first = await small.ask(everything(), text, {"w": CLOUD})
    cursor = first.data["civilAffairs"]["persons"]["pageInfo"]["endCursor"]
    second = await small.ask(everything(), text, {"w": CLOUD, "a": cursor})
    assert second.data["civilAffairs"]["persons"]["nodes"] == [{"name": "李四"}]
    other = await small.ask(everything(), text, {"w": {"household": {"address": {"eq": "南明区"}}}, "a": cursor})
    assert [error.fault.code for error in other.errors] == [Code.BAD_INPUT]
