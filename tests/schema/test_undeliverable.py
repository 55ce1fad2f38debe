"""Values that a source holds and cannot deliver: null with an error that names the item, wherever they stand; all else arrives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auth.rights import GrantItem, Shown
from connectors.selection import UNDELIVERABLE, Kind
from hub.errors import field_errors
from masking.rules import parse_mask
from schema.answer import MOST_BY_PATH
from tests.schema.city import HOUSEHOLDS, PERSON, PERSONS, MemorySource, city, grant, item, rights
from tests.schema.running import Hub, told

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
BAD = [UNDELIVERABLE, "a\ud800", b"bytes"]
ids = ["undeliverable", "surrogate", "no JSON"]
AT = ("civilAffairs", "persons", "nodes")


def hub_with(persons: list[dict[str, Any]], households: Any = HOUSEHOLDS) -> Hub:
    return Hub(city()[0].snapshot, opened={"civil_affairs.db": MemorySource({"person": persons, "household": households})})


def changed(number: int, **values: Any) -> list[dict[str, Any]]:
    """The persons, of whom one has these values."""
    return [{**row, **values} if i == number else row for i, row in enumerate(PERSONS)]


@pytest.mark.parametrize("value", BAD, ids=ids)
async def test_one_value_costs_no_other(value: Any) -> None:
    data, answer = await hub_with(changed(1, nm=value)).sent(rights(grant()), "{ civilAffairs { persons { nodes { x: name district } } } }")
    assert data["civilAffairs"]["persons"]["nodes"] == [
        {"x": "张三", "district": "520102"},
        {"x": None, "district": "520102"},
        {"x": "王五", "district": "520103"},
    ]
    assert told(answer) == [((*AT, 1, "x"), "SOURCE_VALUE")]
    (error,) = field_errors(answer.errors, "call_1", False)
    assert "常住人口" in error["message"]
    assert "name" in error["message"]
    assert error["extensions"]["messageEn"] == "the source of civil_affairs.person holds a value of name that cannot be delivered"
    assert (error["extensions"]["origin"], error["extensions"]["retryable"]) == ("SOURCE", False)
    assert "部门" in error["extensions"]["hint"]


@pytest.mark.parametrize("value", BAD, ids=ids)
async def test_of_many_one_error_tells_how_many(value: Any) -> None:
    count = MOST_BY_PATH + 1
    hub = hub_with([{**PERSONS[0], "pk": i, "nm": value} for i in range(count)])
    data, answer = await hub.sent(rights(grant()), "{ civilAffairs { persons { edges { node { name district } } } } }")
    assert all(edge == {"node": {"name": None, "district": "520102"}} for edge in data["civilAffairs"]["persons"]["edges"])
    (error,) = field_errors(answer.errors, "call_1", True)
    assert error["path"] == ["civilAffairs", "persons", "edges"]
    assert (error["extensions"]["field"], error["extensions"]["rows"]) == ("node.name", count)


async def test_a_linked_row_that_stands_in_several_places_is_told_of_in_each() -> None:
    hub = hub_with(list(PERSONS), [{"pk": 1, "no": "H1", "addr": UNDELIVERABLE}])
    data, answer = await hub.sent(rights(grant()), "{ civilAffairs { persons { nodes { household { address } } } } }")
    assert data["civilAffairs"]["persons"]["nodes"] == [{"household": {"address": None}}] * 2 + [{"household": None}]
    assert told(answer) == [((*AT, i, "household", "address"), "SOURCE_VALUE") for i in (0, 1)]


async def test_a_look_up_and_a_masked_item() -> None:
    hub = hub_with(changed(0, b=UNDELIVERABLE, ph=UNDELIVERABLE))
    data, answer = await hub.sent(rights(grant()), '{ civilAffairs { person(idNumber: "11010519491231002X") { name birthDate phone } } }')
    assert data == {"civilAffairs": {"person": {"name": "张三", "birthDate": None, "phone": None}}}
    assert told(answer) == [(("civilAffairs", "person", name), "SOURCE_VALUE") for name in ("birthDate", "phone")]


async def test_an_item_of_which_nothing_is_told_does_not_tell_that_there_is_such_a_value() -> None:
    hidden = rights(grant(items=(GrantItem("phone", Shown.MASKED, mask=parse_mask("NULL")),)))
    for value in (UNDELIVERABLE, None, "13800000001"):
        data, answer = await hub_with(changed(0, ph=value)).sent(hidden, "{ civilAffairs { persons(first: 1) { nodes { phone } } } }")
        assert (data, answer.errors) == ({"civilAffairs": {"persons": {"nodes": [{"phone": None}]}}}, [])


async def test_numbers() -> None:
    odd = replace(PERSON, items={**PERSON.items, "big": item("big", "big", Kind.BIGINT), "age": item("age", "age", Kind.INTEGER)})
    snapshot = replace(city()[0].snapshot, resources={PERSON.code: odd})
    rows: list[Any] = [{**PERSONS[0], "big": UNDELIVERABLE, "age": UNDELIVERABLE}, {**PERSONS[1], "big": 2**60, "age": 1}]
    hub = Hub(snapshot, opened={"civil_affairs.db": MemorySource({"person": rows})})
    terms = grant(items=(GrantItem("big", Shown.CLEAR), GrantItem("age", Shown.CLEAR)))
    data, answer = await hub.sent(rights(terms), "{ civilAffairs { persons { nodes { big age } } } }")
    assert data["civilAffairs"]["persons"]["nodes"] == [{"big": None, "age": None}, {"big": str(2**60), "age": 1}]
    assert told(answer) == [((*AT, 0, name), "SOURCE_VALUE") for name in ("age", "big")]


@pytest.mark.parametrize("value", BAD[:2], ids=ids[:2])
async def test_a_link_whose_key_cannot_be_delivered(value: Any) -> None:
    """It is no empty text, though it looks like one: the row with an empty key is another's."""
    persons = [{**PERSONS[0], "hh": value}, {**PERSONS[1], "hh": ""}, {**PERSONS[2], "hh": "H2"}]
    hub = hub_with(persons, [*HOUSEHOLDS, {"pk": 3, "no": "", "addr": "空"}])
    data, answer = await hub.sent(rights(grant()), "{ civilAffairs { persons { nodes { household { address } } } } }")
    assert data["civilAffairs"]["persons"]["nodes"] == [{"household": None}, {"household": {"address": "空"}}, {"household": {"address": "南明区"}}]
    assert told(answer) == [((*AT, 0, "household"), "SOURCE_VALUE")]
    assert "household_no" in answer.errors[0].fault.en


async def test_a_page_that_ends_at_such_a_value_of_its_order() -> None:
    """Its cursor is made, and refused when it is used: going on from there would lose rows."""
    text = """query ($a: String) { civilAffairs { persons(orderBy: {birthDate: ASC}, first: 1, after: $a) {
      nodes { name } edges { cursor } pageInfo { endCursor } } } }"""
    hub = hub_with([{**PERSONS[0], "b": UNDELIVERABLE}])
    data, answer = await hub.sent(rights(grant()), text)
    assert not answer.errors
    page = data["civilAffairs"]["persons"]
    assert page["nodes"] == [{"name": "张三"}]
    assert page["edges"][0]["cursor"] == page["pageInfo"]["endCursor"]
    _, behind = await hub.sent(rights(grant()), text, {"a": page["pageInfo"]["endCursor"]})
    assert told(behind) == [(("civilAffairs", "persons"), "SOURCE_VALUE")]
    assert "order" in behind.errors[0].fault.en


@pytest.mark.parametrize(
    ("claims", "outcome", "each"),
    [
        ({"birthDate": "1949-12-31"}, "INDETERMINATE", ["INDETERMINATE"]),
        ({"name": "张三", "birthDate": "1949-12-31"}, "INDETERMINATE", ["MATCH", "INDETERMINATE"]),
        ({"name": "李四", "birthDate": "1949-12-31"}, "MISMATCH", ["MISMATCH", "INDETERMINATE"]),
    ],
)
async def test_a_claim_about_such_a_value_has_no_answer(claims: Any, outcome: str, each: list[str]) -> None:
    text = """query ($c: CivilAffairsPersonClaims!) { civilAffairs { verifyPerson(subject: {idNumber: "11010519491231002X"}, claims: $c) {
      outcome claims { outcome } } } }"""
    data, answer = await hub_with(changed(0, b=UNDELIVERABLE)).sent(rights(grant()), text, {"c": claims})
    assert not answer.errors
    assert data == {"civilAffairs": {"verifyPerson": {"outcome": outcome, "claims": [{"outcome": one} for one in each]}}}


async def test_a_stable_key_that_cannot_be_told_names_no_subject() -> None:
    data, answer = await hub_with(changed(0, pk="\ud800")[:1]).sent(rights(grant()), "{ civilAffairs { persons { nodes { name } } } }")
    assert data["civilAffairs"]["persons"]["nodes"] == [{"name": "张三"}]
    (access,) = answer.accesses.values()
    assert (access.rows, access.subjects) == (1, {})


async def test_plan_and_reference_agree() -> None:
    hub = hub_with(changed(1, nm=UNDELIVERABLE, hh=UNDELIVERABLE))
    view = hub.view(rights(grant()))
    document = hub.documents.check("{ civilAffairs { persons { nodes { name household { address } } } } }", view)
    data, planned = await hub.sent(rights(grant()), document.text)
    referred = await hub.referred(document, {})
    assert (data, told(planned)) == (referred.data, told(referred))
