"""Filters, row conditions and orders: what they accept, what they become, and how the rest is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from connectors.selection import Compare, Comparison, Every, Kind, Not, Order, Some
from schema.faults import Code, Fault
from schema.filters import MOST_DEPTH, MOST_IN, MOST_PARTS, Binds, Filter, check_rows, row_condition
from schema.ordering import order
from tests.schema.city import HOUSEHOLD, PERSON, PERSONS, city, grant, item, rights

pytestmark = pytest.mark.fast

KINDS = replace(PERSON, items={kind.value: item(kind.value, kind.value, kind) for kind in Kind}, identifiers=(), links=())


def predicate(where: dict[str, Any]) -> tuple[Any, Binds]:
    binds: Binds = {}
    items = {"name": PERSON.items["name"], "district": PERSON.items["district"]}
    return Filter(items, binds, "p").predicate(where), binds


def test_a_filter_becomes_a_predicate_without_values() -> None:
    made, binds = predicate({"name": {"eq": "张三", "ne": "x"}, "or": [{"district": {"in": ["1", "2"]}}, {"not": {"name": {"isNull": True}}}]})
    name, district = ("nm", Kind.STRING), ("d", Kind.STRING)
    assert made == Every(
        (
            Every((Compare(*name, Comparison.EQ, "p0"), Compare(*name, Comparison.NE, "p1"))),
            Some(
                (
                    Every((Every((Compare(*district, Comparison.IN, "p2"),)),)),
                    Every((Not(Every((Every((Compare(*name, Comparison.IS_NULL, "p3"),)),))),)),
                )
            ),
        )
    )
    assert binds == {"p0": "张三", "p1": "x", "p2": ("1", "2"), "p3": True}


@pytest.mark.parametrize("where", [{"and": []}, {"or": []}, {"not": {}}, {"name": {}}, {"name": {"in": []}}, {}])
def test_empty_parts_are_taken_as_logic_has_them(where: dict[str, Any]) -> None:
    predicate(where)


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ({"name": None}, "where.name"),
        ({"name": {"eq": None}}, "where.name.eq"),
        ({"and": None}, "where.and"),
        ({"not": None}, "where.not"),
        ({"or": [{"district": {"isNull": None}}]}, "where.or[0].district.isNull"),
    ],
)
def test_null_is_refused_with_its_place(where: dict[str, Any], path: str) -> None:
    with pytest.raises(Fault) as fault:
        predicate(where)
    assert fault.value.code is Code.BAD_INPUT
    assert fault.value.en == f"{path} must not be null"
    assert "isNull" in fault.value.hint_en


@pytest.mark.parametrize(
    "where",
    [
        {"name": {"eq": "a\x00"}},
        {"name": {"in": ["b", "a\x00"]}},
        {"name": {"eq": "x" * 4097}},
        {"name": {"in": ["x"] * (MOST_IN + 1)}},
        {"and": [{"name": {"eq": "x"}}] * MOST_PARTS},
        json.loads('{"not":' * (MOST_DEPTH + 1) + "{}" + "}" * (MOST_DEPTH + 1)),
    ],
    ids=["NUL", "NUL in a list", "long text", "long list", "many parts", "deep"],
)
def test_bounds(where: dict[str, Any]) -> None:
    with pytest.raises(Fault) as fault:
        predicate(where)
    assert fault.value.code is Code.BAD_INPUT


def test_what_just_fits() -> None:
    predicate({"name": {"in": ["x"] * MOST_IN, "eq": "x" * 4096}})
    predicate(json.loads('{"not":' * MOST_DEPTH + "{}" + "}" * MOST_DEPTH))


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"and": []}, [1, 2, 3]),
        ({"or": []}, []),
        ({"not": {"or": []}}, [1, 2, 3]),
        ({"gender": {"in": []}}, []),
        ({"gender": {"notIn": []}}, [1, 2, 3]),
        ({"gender": {"ne": "1"}}, [2]),
        ({"gender": {"isNull": True}}, [3]),
        ({"not": {"gender": {"eq": "1"}}}, [2]),
        ({"or": [{"name": {"startsWith": "张"}}, {"birthDate": {"gt": "1980-01-01"}}]}, [1, 2]),
    ],
)
@pytest.mark.anyio
async def test_answers_of_filters(where: dict[str, Any], found: list[int]) -> None:
    hub, _ = city()
    text = "query ($w: CivilAffairsPersonWhere) { civilAffairs { persons(where: $w) { nodes { name } } } }"
    answer = await hub.ask(rights(grant()), text, {"w": where})
    assert answer.data["civilAffairs"]["persons"]["nodes"] == [{"name": PERSONS[i - 1]["nm"]} for i in found]


@pytest.mark.parametrize(
    "rows",
    [
        {"district": {"eq": "520102"}},
        {"householdNo": {"isNull": False}},
        {"household_no": {"in": ["a", "b"]}},
        {"and": [{"name": {"ne": "x"}}, {"not": {"birth_date": {"lt": "2000-01-01"}}}]},
    ],
)
def test_row_conditions_are_kept_canonical(rows: dict[str, Any]) -> None:
    kept = check_rows(PERSON, rows)
    assert json.loads(kept) == rows
    assert kept == check_rows(PERSON, json.loads(json.dumps(rows, sort_keys=True, indent=2)))
    row_condition(PERSON, kept, {})


@pytest.mark.parametrize(
    "rows",
    [
        None,
        [],
        {},
        "x",
        {"distrikt": {"eq": "1"}},
        {"district": "520102"},
        {"district": {}},
        {"district": {"is": "1"}},
        {"district": {"eq": None}},
        {"district": {"eq": 1}},
        {"district": {"eq": True}},
        {"district": {"in": []}},
        {"district": {"in": "520102"}},
        {"district": {"in": ["1", None]}},
        {"district": {"in": ["1"] * (MOST_IN + 1)}},
        {"district": {"isNull": "yes"}},
        {"district": {"eq": "a\x00"}},
        {"district": {"eq": "x" * 5000}},
        {"birth_date": {"eq": "1990-1-1"}},
        {"birth_date": {"eq": "1990-02-30"}},
        {"birth_date": {"startsWith": "1990-01-01"}},
        {"and": []},
        {"and": {}},
        {"or": [{}]},
        {"not": []},
        {"and": [{"district": {"eq": "1"}}] * MOST_PARTS},
        json.loads('{"not":' * 30 + '{"district":{"eq":"1"}}' + "}" * 30),
    ],
)
def test_wrong_row_conditions_are_refused_when_granted_not_when_called(rows: Any) -> None:
    with pytest.raises(Fault) as fault:
        check_rows(PERSON, rows)
    assert fault.value.code is Code.BAD_INPUT


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("integer", 1, True),
        ("integer", True, False),
        ("integer", 1.0, False),
        ("bigint", 2**62, True),
        ("bigint", 2**64, False),
        ("bigint", "5", False),
        ("float", 1, True),
        ("float", 1.5, True),
        ("float", "1.5", False),
        ("decimal", "12.50", True),
        ("decimal", 12.5, False),
        ("boolean", False, True),
        ("boolean", 0, False),
        ("date", "2026-11-22", True),
        ("datetime", "2026-11-22T00:00:00+00:00", True),
        ("datetime", "2026-11-22T08:00:00+08:00", False),
        ("datetime", "2026-11-22T00:00:00", False),
        ("datetime", "0001-01-01T00:00:00+08:00", False),
        ("string", "", True),
    ],
)
def test_operands_fit_the_items_type(name: str, value: Any, fits: bool) -> None:
    if fits:
        check_rows(KINDS, {name: {"eq": value}})
    else:
        with pytest.raises(Fault):
            check_rows(KINDS, {name: {"eq": value}})


@pytest.mark.parametrize(
    ("kind", "comparison"),
    [("integer", "startsWith"), ("date", "startsWith"), ("boolean", "gt"), ("boolean", "in"), ("string", "gt"), ("string", "lte")],
)
def test_row_conditions_know_the_comparisons_of_callers_filters_and_no_others(kind: str, comparison: str) -> None:
    value: Any = {"integer": 5, "date": "2026-11-22", "boolean": True, "string": "x"}[kind]
    with pytest.raises(Fault):
        check_rows(KINDS, {kind: {comparison: [value] if comparison == "in" else value}})


def test_order_ends_in_the_stable_key() -> None:
    filters = {"name": PERSON.items["name"], "district": PERSON.items["district"]}
    assert order(PERSON, filters, []) == (Order("pk", Kind.BIGINT, nullable=False),)
    made = order(PERSON, filters, [{"district": "DESC"}, {"name": "ASC"}])
    assert made == (Order("d", Kind.STRING, True), Order("nm", Kind.STRING, False), Order("pk", Kind.BIGINT, nullable=False))
    assert order(PERSON, filters, [{"name": None, "district": "DESC"}, {"district": None, "name": "ASC"}]) == made
    stable = replace(HOUSEHOLD, stable_key="no", stable_kind=Kind.STRING)
    assert order(stable, {"householdNo": HOUSEHOLD.items["household_no"]}, [{"householdNo": "DESC"}]) == (Order("no", Kind.STRING, True),)


@pytest.mark.parametrize("given", [[{}], [{"name": "ASC", "district": "ASC"}], [{"name": None}], [{"name": "ASC"}, {"name": "DESC"}]])
def test_orders_that_cannot_be_used(given: list[dict[str, Any]]) -> None:
    filters = {"name": PERSON.items["name"], "district": PERSON.items["district"]}
    with pytest.raises(Fault) as fault:
        order(PERSON, filters, given)
    assert fault.value.code is Code.BAD_INPUT
    assert "orderBy" in fault.value.en


def test_a_row_condition_on_an_item_that_is_gone_refuses() -> None:
    """A later manifest may drop the item: without its condition the grant gives nothing."""
    with pytest.raises(Fault) as refused:
        row_condition(PERSON, '{"noSuchItem":{"eq":"1"}}', {})
    assert refused.value.code is Code.FORBIDDEN
