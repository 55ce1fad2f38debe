"""LOG-08: consumers read their calls, providers those on their resources, the auditor all; each reading is an entry that says what was read."""

from __future__ import annotations

from typing import Any

import pytest

from hub.catalog.scopes import AUDIT, STEWARD
from hub.ledger.entry import Entry
from hub.people.roles import ROLES
from tests.reading.world import READERS, SUBJECT, World

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
PROVIDED = """query ($filter: ProvidedFilter, $first: Int, $after: String) { providedCalls(filter: $filter, first: $first, after: $after) {
  nodes { entry call application department operator purpose outcome code accesses { resource provider rows grant approver items { code shown mask } } }
  pageInfo { hasNextPage endCursor } searchedTo archivedBefore } }"""
LEDGER = """query ($filter: LedgerFilter, $first: Int, $after: String) { ledger(filter: $filter, first: $first, after: $after) {
  nodes { entry call kind case operator code trace accesses { resource } } pageInfo { hasNextPage hasPreviousPage endCursor } searchedTo } }"""
OWN = "{ calls(first: 50) { nodes { id entry resources items rows } } }"


def details(entry: Entry) -> Any:
    """What the entry says besides."""
    return entry.content.details


async def nodes(world: World, who: str, document: str, **variables: Any) -> list[Any]:
    answer = await world.ask(who, document, variables=variables)
    assert "errors" not in answer, answer
    (found,) = answer["data"].values()
    return list(found["nodes"])


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("name", sorted(READERS))
async def test_who_reads_which_field(world: World, name: str, role: str) -> None:
    answer = await world.ask(role, f"{{ {name} {{ nodes {{ entry }} }} }}")
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    assert codes == ([] if role in READERS[name] else ["FORBIDDEN"])


async def test_an_application_reads_no_governance_field_and_only_its_own_calls(world: World) -> None:
    answer = await world.ask("rents", "{ providedCalls { nodes { entry } } }")
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    own = (await world.ask("rents", OWN, "/graphql"))["data"]["calls"]["nodes"]
    assert [each["id"] for each in own if each["id"].startswith("call-")] == ["call-4", "call-3", "call-0"]


async def test_a_provider_sees_its_own_part_of_a_call_and_no_more(world: World) -> None:
    found = {each["call"]: each for each in await nodes(world, STEWARD, PROVIDED)}
    assert [call for call in found if call.startswith("call-")] == ["call-5", "call-4", "call-1", "call-0"]
    shared = found["call-1"]
    assert [access["resource"] for access in shared["accesses"]] == ["civil.person"]
    assert (shared["application"], shared["department"], shared["operator"], shared["purpose"]) == ("loans", "bank", "张三", "rent")
    assert shared["code"] is None, "it may be of the other department's source"
    assert shared["accesses"][0]["items"][2] == {"code": "phone", "shown": "masked", "mask": "KEEP_FIRST_N_LAST_M(3,4)@1"}
    assert shared["accesses"][0]["grant"] == "g-1"
    assert "tax" not in str(found)
    assert SUBJECT not in str(found)


@pytest.mark.parametrize("said", [{"code": "SOURCE_UNAVAILABLE"}, {"case": "2026-17"}, {"trace": "ab" * 16}, {"provider": "tax"}])
async def test_what_a_provider_is_not_shown_it_cannot_ask_for(world: World, said: dict[str, str]) -> None:
    assert "errors" in await world.ask(STEWARD, PROVIDED, variables={"filter": said})


async def test_a_provider_finds_nothing_by_another_departments_resource(world: World) -> None:
    assert await nodes(world, STEWARD, PROVIDED, filter={"resource": "tax.company"}) == []
    answer = await world.ask(STEWARD, '{ providedCalls(provider: "tax") { nodes { entry } } }')
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    told = await world.ask(AUDIT, '{ providedCalls(provider: "tax") { nodes { call } } }')
    assert [each["call"] for each in told["data"]["providedCalls"]["nodes"]] == ["call-2", "call-1"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"application": "loans", "kind": ["call"], "purpose": "rent"}, [2, 1]),
        ({"department": "housing", "outcome": "REFUSED"}, [3]),
        ({"provider": "tax"}, [2, 1]),
        ({"resource": "civil.person", "item": "phone"}, [5, 1, 0]),
        ({"resource": "civil.person", "item": "salary"}, []),
        ({"resource": "civil.person", "provider": "tax"}, []),
        ({"operation": "exchange", "kind": ["exchange"]}, [4]),
        ({"kind": ["exchange", "deny"], "department": "housing"}, [4, 3]),
        ({"code": "SOURCE_UNAVAILABLE"}, [1]),
        ({"scenario": "审核", "outcome": "OK", "operator": "张三", "department": "bank"}, [5]),
        ({"case": "2026-17"}, [5]),
        ({"trace": "ab" * 16}, [5]),
        ({"call": "call-2"}, [2]),
        ({"from": "2026-03-02T13:00:00+08:00", "to": "2026-03-02T15:00:00+08:00"}, [2, 1]),
        ({"to": "2026-03-02T04:00:00.000001+00:00"}, [0]),
    ],
    ids=str,
)
async def test_filters_of_the_ledger(world: World, said: dict[str, Any], expected: list[int]) -> None:
    found = [each["call"] for each in await nodes(world, AUDIT, LEDGER, filter=said, first=100)]
    assert [call for call in found if call.startswith("call-")] == [f"call-{number}" for number in expected]


async def test_filters_by_number(world: World) -> None:
    first = world.entries(call="call-1")[0].seq
    found = await nodes(world, AUDIT, LEDGER, filter={"lowest": str(first), "highest": str(first + 2)})
    assert [each["call"] for each in found] == ["call-3", "call-2", "call-1"]


@pytest.mark.parametrize("said", [{"kind": ["calls"]}, {"lowest": "x"}, {"purpose": ""}, {"operator": "y" * 600}, {"lowest": "10", "highest": "9"}])
async def test_filters_that_cannot_be(world: World, said: dict[str, Any]) -> None:
    answer = await world.ask(AUDIT, LEDGER, variables={"filter": said})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_INPUT"]


async def test_pages_neither_skip_nor_repeat_and_a_cursor_serves_its_own_reading(world: World) -> None:
    seen: list[str] = []
    after = None
    said = {"provider": "civil"}
    while True:
        answer = (await world.ask(AUDIT, LEDGER, variables={"filter": said, "first": 1, "after": after}))["data"]["ledger"]
        seen += [each["call"] for each in answer["nodes"]]
        after = answer["pageInfo"]["endCursor"]
        if not answer["pageInfo"]["hasNextPage"]:
            break
    assert [call for call in seen if call.startswith("call-")] == ["call-5", "call-4", "call-1", "call-0"]
    for who, filter_ in ((AUDIT, {"provider": "tax"}), (STEWARD, None)):
        document = LEDGER if who == AUDIT else PROVIDED
        answer = await world.ask(who, document, variables={"filter": filter_, "after": after})
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_INPUT"]


async def test_each_reading_says_in_its_entry_what_was_read(world: World) -> None:
    await nodes(world, AUDIT, LEDGER, filter={"operator": "张三", "department": "bank"}, first=1)
    entry = world.entries()[-1]
    (read,) = details(entry)["read"]
    last = world.entries(call="call-5")[0].seq
    assert (read["field"], read["count"], read["first"], read["last"]) == ("ledger", 1, last, last)
    assert read["filter"]["department"] == "bank"
    assert read["filter"]["operator"].startswith("hmac:")
    assert "张三".encode() not in entry.canonical

    await world.ask("rents", OWN, "/graphql")
    (read,) = details(world.entries()[-1])["read"]
    assert (read["field"], read["filter"]["application"]) == ("calls", world.ids["rents"])
    await nodes(world, STEWARD, PROVIDED, filter={"department": "bank"})
    (read,) = details(world.entries()[-1])["read"]
    assert (read["field"], read["filter"]["provider"], read["count"]) == ("providedCalls", "civil", 2)


async def test_a_document_reads_only_as_often_as_its_entry_can_tell(world: World) -> None:
    many = " ".join(f"a{number}: ledger(first: 1) {{ nodes {{ entry }} }}" for number in range(9))
    answer = await world.ask(AUDIT, f"{{ {many} }}")
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"QUERY_BUDGET"}
    assert len(details(world.entries()[-1])["read"]) == 8
    long = dict.fromkeys(("scenario", "purpose", "resource", "item"), "长" * 500)
    several = " ".join(f"a{number}: ledger(filter: $f) {{ nodes {{ entry }} }}" for number in range(8))
    assert "errors" not in await world.ask(AUDIT, f"query ($f: LedgerFilter) {{ {several} }}", variables={"f": long})
    assert all(set(read["filter"]) == {"sha256"} for read in details(world.entries()[-1])["read"])
