"""Attacks E1 to E3, E6, E8 to E10 on masked and denied items: for filters, orders, links, cursors, errors and headers they do not exist (MSK-04)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from auth.rights import GrantItem, Shown
from connectors.selection import Column, Every
from schema.answer import Answer
from schema.faults import Code, Fault
from tests.schema.city import PERSON, PERSONS, SNAPSHOT, city, grant, rights
from tests.schema.running import Hub

pytestmark = [pytest.mark.fast, pytest.mark.anyio]

ASKING = rights(grant())
HIDDEN = ("phone", "idNumber", "householdNo")
"""Masked; key only; key only."""
LIST = "query ($w: CivilAffairsPersonWhere, $o: [CivilAffairsPersonOrder!]) { civilAffairs { persons(where: $w, orderBy: $o) { nodes { name } } } }"


async def refusal(hub: Hub, document: str, variables: dict[str, Any] | None = None) -> tuple[str, str]:
    """Code and text of what is refused."""
    try:
        answer: Answer = await hub.ask(ASKING, document, variables)
    except Fault as fault:
        return fault.code.value, fault.en
    (error,) = answer.errors
    return error.fault.code.value, error.fault.en


FILTERS = ("{NAME: {eq: \"1\"}}", "{NAME: {gt: \"1\"}}", "{NAME: {startsWith: \"1\"}}", "{NAME: {in: [\"1\"]}}", "{NAME: {isNull: true}}",
           "{and: [{not: {or: [{NAME: {ne: \"1\"}}]}}]}")  # fmt: skip


@pytest.mark.parametrize("where", FILTERS)
@pytest.mark.parametrize("name", HIDDEN)
async def test_e1_a_filter_on_a_hidden_item_reads_as_a_misspelt_one(name: str, where: str) -> None:
    misspelt = "zzzzz"
    hub, source = city()
    for document, told in (
        (f"{{ civilAffairs {{ persons(where: {where}) {{ nodes {{ name }} }} }} }}", "INVALID_DOCUMENT"),
        (f"{{ civilAffairs {{ persons(where: {where}) {{ totalCount }} }} }}", "INVALID_DOCUMENT"),
    ):
        code, text = await refusal(hub, document.replace("NAME", name))
        other, as_misspelt = await refusal(hub, document.replace("NAME", misspelt))
        assert (code, other) == (told, told)
        assert text == as_misspelt.replace(misspelt, name)
    assert source.asked == []


@pytest.mark.parametrize("name", HIDDEN)
async def test_e1_e2_in_variables_too(name: str) -> None:
    hub, source = city()
    for variables in ({"w": {"NAME": {"eq": "1"}}}, {"w": {"or": [{"NAME": {"isNull": False}}]}}, {"o": [{"NAME": "ASC"}]}):
        given, misspelt = (orjson.loads(orjson.dumps(variables).replace(b"NAME", each.encode())) for each in (name, "zzzzz"))
        code, text = await refusal(hub, LIST, given)
        assert (code, text) == ("BAD_INPUT", (await refusal(hub, LIST, misspelt))[1].replace("zzzzz", name))
    assert source.asked == []


@pytest.mark.parametrize("name", HIDDEN)
async def test_e2_an_order_by_a_hidden_item_reads_as_a_misspelt_one(name: str) -> None:
    hub, _ = city()
    document = "{ civilAffairs { persons(orderBy: [{NAME: DESC}]) { nodes { name } } } }"
    code, text = await refusal(hub, document.replace("NAME", name))
    assert (code, text) == ("INVALID_DOCUMENT", (await refusal(hub, document.replace("NAME", "zzzzz")))[1].replace("zzzzz", name))


async def test_e2_the_default_order_is_the_surrogate_key_that_is_no_item() -> None:
    hub, source = city()
    await hub.ask(ASKING, "{ civilAffairs { persons { nodes { name phone } } } }")
    assert [order.column for order in source.asked[0].selection.order] == [PERSON.stable_key]
    assert PERSON.stable_key not in {item.column for item in PERSON.items.values()}


async def test_e3_a_cursor_holds_nothing_that_can_be_read_and_serves_its_caller_and_query_alone() -> None:
    hub, _ = city()
    document = "query ($a: String, $w: CivilAffairsPersonWhere) { civilAffairs { persons(first: 1, after: $a, where: $w, orderBy: [{birthDate: ASC}]) { nodes { name } pageInfo { endCursor } } } }"
    first = await hub.ask(ASKING, document)
    cursor = first.data["civilAffairs"]["persons"]["pageInfo"]["endCursor"]
    others = await hub.ask(ASKING, document, caller="other")
    assert cursor != others.data["civilAffairs"]["persons"]["pageInfo"]["endCursor"], "the same place does not show as the same to two callers"
    for caller, variables in (("other", {"a": cursor}), ("app", {"a": cursor, "w": {"gender": {"eq": "1"}}}), ("app", {"a": cursor[:-2] + "AA"})):
        answer = await hub.ask(ASKING, document, variables, caller)
        assert [error.fault.code for error in answer.errors] == [Code.BAD_INPUT]


async def test_e6_a_link_exists_only_where_both_of_its_ends_are_keys() -> None:
    """Where the link's item is masked and no key, that two rows share it is not to be seen."""
    hub, _ = city()
    document = "{ civilAffairs { persons { nodes { household { address } } } } }"
    assert (await hub.ask(ASKING, document)).errors == []
    hidden = [each for each in grant().items if each.code != "household_no"]
    for items in ((*hidden, GrantItem("household_no", Shown.MASKED, mask=None)), tuple(hidden)):
        caller = rights(grant(items=items))
        with pytest.raises(Fault) as refused:
            await hub.ask(caller, document)
        assert refused.value.en == "Cannot query field 'household' on type 'CivilAffairsPerson'."


async def test_e8_what_is_null_empty_or_short_shows_no_more_than_that_it_is_there() -> None:
    """Null stays null by policy (a register says who has no phone); an empty or short value is stars alone, and never itself."""
    hub, source = city()
    phones = [None, "", "1", "13", "138", "1380", "13800000", "13800000001"]
    source.tables = {**source.tables, "person": [{**PERSONS[0], "pk": i, "ph": phone} for i, phone in enumerate(phones)]}
    answer = await hub.ask(ASKING, "{ civilAffairs { persons { nodes { phone } } } }")
    shown = [node["phone"] for node in answer.data["civilAffairs"]["persons"]["nodes"]]
    assert shown[0] is None
    assert shown[-1] == "138****0001"
    assert all(set(text) <= {"*"} for text in shown[1:-1]), shown


async def test_e9_hidden_values_that_cannot_be_read_or_masked_make_no_error() -> None:
    """A value that a rule cannot mask is withheld: no error, no path, nothing to tell it from a null by."""
    hub, source = city()
    odd = ["\0", "\ud800", "x" * 100_000, "1e999", "-0"]
    source.tables = {**source.tables, "person": [{**PERSONS[0], "pk": i, "ph": phone} for i, phone in enumerate(odd)]}
    sent, answer = await hub.sent(ASKING, "{ civilAffairs { persons { nodes { phone } } } }")
    assert answer.errors == []
    for node, raw in zip(sent["civilAffairs"]["persons"]["nodes"], odd, strict=True):
        assert node["phone"] is None or (node["phone"] != raw and len(node["phone"]) <= 71)


async def test_e10_nothing_tells_that_a_hidden_value_changed() -> None:
    """Two states that differ in hidden items alone: the same bytes, the same columns read."""
    bodies, columns = set(), set()
    for phone, number in (("13800000001", "11010519491231002X"), ("13899990001", "520102199001011237")):
        hub, source = city()
        source.tables = {**source.tables, "person": [{**PERSONS[0], "ph": phone, "id": number}]}
        sent, _ = await hub.sent(ASKING, "{ civilAffairs { persons { nodes { name phone } } } }")
        bodies.add(orjson.dumps(sent))
        columns |= {output for each in source.asked for output in each.selection.outputs}
    assert len(bodies) == 1
    assert {each.name for each in columns if isinstance(each, Column)} == {"nm", "ph", "pk"}


async def test_e10_a_watermark_is_no_item() -> None:
    person = replace(PERSON, watermark="updated_at")
    hub = Hub(replace(SNAPSHOT, resources={**SNAPSHOT.resources, person.code: person}))
    for document in ("{ persons { nodes { updatedAt } } }", "{ persons(where: {updatedAt: {isNull: false}}) { nodes { name } } }"):
        with pytest.raises(Fault) as refused:
            await hub.ask(ASKING, f"{{ civilAffairs {document} }}")
        assert "updatedAt" in refused.value.en


async def test_the_row_condition_is_in_every_statement() -> None:
    """What a grant leaves out is out of counts, look-ups and links alike."""
    hub, source = city()
    bounded = rights(grant(rows='{"district":{"eq":"520103"}}'))
    await hub.ask(bounded, '{ civilAffairs { persons { nodes { name } totalCount } person(idNumber: "11010519491231002X") { name } } }')
    assert len(source.asked) == 3
    assert all(isinstance(each.selection.where, Every) and "d" in str(each.selection.where) for each in source.asked)
