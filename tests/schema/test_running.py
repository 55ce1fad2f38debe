"""What running a plan asks of sources, notes as accessed, and tells when a source fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auth.rights import GrantItem, Operation, Shown
from connectors.selection import Column, Kind, Match
from hub.api.execute import planned
from hub.api.prepared import PreparedDocuments
from schema.answer import MOST_BY_PATH, Answer
from schema.faults import Code, Fault
from tests.schema.city import PERSON, PERSONS, MemorySource, city, grant, item, rights
from tests.schema.running import Hub, told

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
RICH = "{ civilAffairs { persons { nodes { name phone household { address } } totalCount } } }"


async def ask(text: str, variables: dict[str, Any] | None = None, down: bool = False, **terms: Any) -> tuple[Answer, MemorySource]:
    hub, source = city()
    source.down = down
    return await hub.ask(rights(grant(**terms)), text, variables), source


def columns(source: MemorySource) -> list[str]:
    return [column.name for asked in source.asked for column in asked.selection.outputs if isinstance(column, Column) and column.mask is None]


async def test_links_of_a_page_are_one_call_with_distinct_keys() -> None:
    answer, source = await ask(RICH)
    assert [asked.method for asked in source.asked] == ["fetch", "count", "fetch_by_keys"]
    assert source.asked[2].values == ("H1",)
    nodes = answer.data["civilAffairs"]["persons"]["nodes"]
    assert [node["household"] for node in nodes] == [{"address": "云岩区"}, {"address": "云岩区"}, None]
    assert answer.data["civilAffairs"]["persons"]["totalCount"] == 3


async def test_only_needed_columns_are_read_and_masked_ones_never_raw() -> None:
    answer, source = await ask(RICH)
    assert set(columns(source)) == {"nm", "pk", "hh", "addr"}
    assert {c.mask.label for asked in source.asked for c in asked.selection.outputs if isinstance(c, Column) and c.mask} == {"KEEP_FIRST_3_LAST_4"}
    assert dict(answer.masking) == {"civilAffairs.persons.nodes.phone": "KEEP_FIRST_3_LAST_4"}
    assert answer.data["civilAffairs"]["persons"]["nodes"][0]["phone"] == "138****0001"


async def test_counting_alone_reads_no_row() -> None:
    answer, source = await ask("{ civilAffairs { persons { totalCount __typename } } }")
    assert [asked.method for asked in source.asked] == ["count"]
    assert answer.rows == 0


async def test_accesses_say_what_was_taken() -> None:
    answer, _ = await ask('{ civilAffairs { person(idNumber: "11010519491231002x") { phone household { address } } } }')
    person, household = answer.accesses["civil_affairs.person", Operation.QUERY], answer.accesses["civil_affairs.household", Operation.QUERY]
    assert {(use.code, use.shown, use.mask) for use in person.uses} == {
        ("id_number", "key", None),
        ("phone", "masked", "KEEP_FIRST_3_LAST_4"),
        ("household_no", "key", None),
    }
    assert (person.rows, household.rows) == (1, 1)
    assert set(person.subjects) == {("id_number", "11010519491231002X"), ("#", 1)}
    assert set(household.subjects) == {("#", 1), ("household_no", "H1")}


async def test_a_look_up_without_a_row_still_names_its_subject() -> None:
    answer, _ = await ask('{ civilAffairs { person(idNumber: "440524188001010014") { name } } }', rows='{"district":{"eq":"520102"}}')
    assert answer.data == {"civilAffairs": {"person": None}}
    assert not answer.errors
    access = answer.accesses["civil_affairs.person", Operation.QUERY]
    assert (access.rows, set(access.subjects)) == (0, {("id_number", "440524188001010014")})


@pytest.mark.parametrize(
    "text",
    [
        "{ civilAffairs { persons { nodes { name } totalCount } } }",
        '{ civilAffairs { persons(where: {not: {district: {eq: "520102"}}}) { nodes { name } totalCount } } }',
        '{ civilAffairs { persons(where: {or: [{district: {eq: "520103"}}, {name: {isNull: false}}]}) { nodes { name } totalCount } } }',
        '{ civilAffairs { person(idNumber: "440524188001010014") { name } } }',
    ],
)
async def test_rows_outside_the_condition_do_not_exist(text: str) -> None:
    answer, _ = await ask(text, rows='{"district":{"eq":"520102"}}')
    assert "王五" not in str(answer.data)
    assert "3" not in str(answer.data).replace("李四", "")


@pytest.mark.parametrize(
    ("text", "data", "errors"),
    [
        (
            '{ civilAffairs { person(idNumber: "11010519491231002X") { name } } }',
            {"civilAffairs": {"person": None}},
            [(("civilAffairs", "person"), "SOURCE_UNAVAILABLE")],
        ),
        ("{ civilAffairs { persons { nodes { name } } } }", {"civilAffairs": None}, [(("civilAffairs", "persons"), "SOURCE_UNAVAILABLE")]),
        (
            'query ($s: CivilAffairsPersonSubject!) { civilAffairs { verifyPerson(subject: $s, claims: {name: "张三"}) { outcome } } }',
            {"civilAffairs": {"verifyPerson": {"outcome": "INDETERMINATE"}}},
            [],
        ),
    ],
)
async def test_a_source_that_is_down(text: str, data: Any, errors: Any) -> None:
    answer, _ = await ask(text, {"s": {"idNumber": "11010519491231002X"}} if "$s" in text else None, down=True)
    assert answer.data == data
    assert told(answer) == errors
    assert [state.state for state in answer.sources.values()] == ["FAILED"]
    assert "not reachable" not in "".join(error.fault.zh + error.fault.en for error in answer.errors)


async def test_plan_and_reference_agree_on_a_source_that_is_down() -> None:
    hub, source = city()
    source.down = True
    view = hub.view(rights(grant()))
    document = hub.documents.check('{ civilAffairs { person(idNumber: "11010519491231002X") { name } } }', view)
    planned, referred = await hub.planned(view, document, {}), await hub.referred(document, {})
    assert (planned.data, told(planned)) == (referred.data, told(referred))


class FailingLinks(MemorySource):
    """Serves rows, but no look-ups by keys."""

    async def fetch_by_keys(self, *args: Any) -> Any:
        self.down = True
        try:
            return await super().fetch_by_keys(*args)
        finally:
            self.down = False


@pytest.mark.parametrize(("count", "errors"), [(MOST_BY_PATH, MOST_BY_PATH), (MOST_BY_PATH + 5, 1)])
async def test_a_failed_link_is_null_with_an_error_and_the_rest_stands(count: int, errors: int) -> None:
    many = [{**PERSONS[0], "pk": i, "hh": f"H{i % 3}"} for i in range(count)]
    hub = Hub(city()[0].snapshot, opened={"civil_affairs.db": FailingLinks({"person": many, "household": []})})
    answer = await hub.ask(rights(grant()), RICH)
    nodes = answer.data["civilAffairs"]["persons"]["nodes"]
    assert all(node["household"] is None and node["name"] == "张三" for node in nodes)
    assert len(answer.errors) == errors
    places = ("civilAffairs", "persons", "nodes", 0, "household") if errors > 1 else ("civilAffairs", "persons", "nodes")
    assert answer.errors[0].path == places
    assert (answer.errors[0].field, answer.errors[0].rows) == (("", 0) if errors > 1 else ("household", count))
    assert {error.fault.code for error in answer.errors} == {Code.SOURCE_UNAVAILABLE}


async def test_a_call_that_reads_too_many_rows_is_refused() -> None:
    aliases = " ".join(f"p{i}: persons(first: 1000) {{ nodes {{ name }} }}" for i in range(25))
    hub, source = city()
    source.tables = {**source.tables, "person": [{**PERSONS[0], "pk": i} for i in range(1000)]}
    with pytest.raises(Fault, match="too many rows") as fault:
        await hub.ask(rights(grant()), f"{{ civilAffairs {{ {aliases} }} }}")
    assert fault.value.code is Code.QUERY_BUDGET
    assert len(source.asked) <= 20, "rows are reserved before they are read"


VERIFY = """query ($s: CivilAffairsPersonSubject!, $c: CivilAffairsPersonClaims!) {
  civilAffairs { verifyPerson(subject: $s, claims: $c) { outcome claims { item outcome } asOf } } }"""


@pytest.mark.parametrize(
    ("number", "claims", "outcome", "per_claim"),
    [
        ("11010519491231002x", {"name": "张三"}, "MATCH", ["MATCH"]),
        ("11010519491231002X", {"name": " 张三　", "birthDate": "1949-12-31"}, "MATCH", ["MATCH", "MATCH"]),
        ("11010519491231002X", {"name": "张三", "birthDate": "1949-12-30"}, "MISMATCH", ["MATCH", "MISMATCH"]),
        ("440524188001010014", {"birthDate": "1880-01-01"}, "MISMATCH", ["MISMATCH"]),
        ("52010219900101765X", None, None, None),
    ],
)
async def test_verification(number: str, claims: dict[str, str] | None, outcome: str | None, per_claim: list[str] | None) -> None:
    answer, source = await ask(VERIFY, {"s": {"idNumber": number}, "c": claims or {"name": "x"}})
    if claims is None:
        assert [code for _, code in told(answer)] == ["BAD_INPUT"]
        return
    found = answer.data["civilAffairs"]["verifyPerson"]
    assert found["outcome"] == outcome
    assert [claim["outcome"] for claim in found["claims"]] == per_claim
    assert all(isinstance(output, Match) for asked in source.asked for output in asked.selection.outputs), "no value is selected"
    assert answer.accesses["civil_affairs.person", Operation.VERIFY].rows == 0, "whether there was one must not show"


@pytest.mark.parametrize(("discloses", "outcome"), [(True, "NOT_FOUND"), (False, "MISMATCH")])
@pytest.mark.parametrize("rows", [None, '{"district":{"eq":"520102"}}'])
async def test_whoever_does_not_exist(discloses: bool, outcome: str, rows: str | None) -> None:
    """A row outside the condition is as non-existent as no row at all."""
    number = "440524188001010014" if rows else "110101190001011009"
    answer, _ = await ask(VERIFY, {"s": {"idNumber": number}, "c": {"name": "王五"}}, rows=rows, discloses_existence=discloses)
    found = answer.data["civilAffairs"]["verifyPerson"]
    assert found["outcome"] == outcome
    assert found["claims"] == [{"item": "name", "outcome": outcome}]


async def test_no_answer_per_claim_without_the_grant() -> None:
    answer, _ = await ask(VERIFY, {"s": {"idNumber": "11010519491231002X"}, "c": {"name": "x", "birthDate": "1949-12-31"}}, per_claim=False)
    assert answer.data["civilAffairs"]["verifyPerson"]["claims"] is None


async def test_lists_of_verifications_are_bounded() -> None:
    text = "query ($r: [CivilAffairsPersonVerificationRequest!]!) { civilAffairs { verifyPersons(requests: $r) { outcome } } }"
    one = {"subject": {"idNumber": "11010519491231002X"}, "claims": {"name": "张三"}}
    answer, _ = await ask(text, {"r": [one] * 100})
    assert answer.data == {"civilAffairs": {"verifyPersons": [{"outcome": "MATCH"}] * 100}}
    hub, source = city()
    with pytest.raises(Fault, match="too many verifications") as fault:
        await hub.ask(rights(grant()), text, {"r": [one] * 101})
    assert fault.value.code is Code.QUERY_BUDGET
    assert not source.asked


async def test_items_of_few_values_are_verified_only_where_they_may_be_queried() -> None:
    hub, _ = city()
    verify_only = rights(grant(operations=frozenset({Operation.VERIFY})))
    claims = hub.view(verify_only).full.type_map["CivilAffairsPersonClaims"]
    assert "gender" not in claims.fields  # type: ignore[attr-defined]
    assert "gender" in hub.view(rights(grant())).full.type_map["CivilAffairsPersonClaims"].fields  # type: ignore[attr-defined]


async def test_links_need_keys_at_both_ends() -> None:
    hub, _ = city()
    without = tuple(i for i in grant().items if i.code != "household_no")
    for items, there in ((grant().items, True), (without, False), ((*without, GrantItem("household_no", Shown.MASKED)), False)):
        fields = hub.view(rights(grant(items=items))).full.type_map["CivilAffairsPerson"].fields  # type: ignore[attr-defined]
        assert ("household" in fields) is there


ODD = replace(PERSON, items={**PERSON.items, "age": item("age", "age", Kind.INTEGER), "score": item("score", "score", Kind.FLOAT)})


@pytest.mark.parametrize(("name", "value"), [("age", 2**40), ("score", float("inf"))])
async def test_values_that_do_not_fit_their_type(name: str, value: float) -> None:
    """A column that the catalog calls integer may hold more than GraphQL's 32 bits."""
    snapshot = replace(city()[0].snapshot, resources={PERSON.code: ODD})
    hub = Hub(snapshot, opened={"civil_affairs.db": MemorySource({"person": [{**PERSONS[0], "age": 1, "score": 1.0, name: value}]})})
    view = hub.view(rights(grant(items=(GrantItem(name, Shown.CLEAR),))))
    document = hub.documents.check(f"{{ civilAffairs {{ persons {{ nodes {{ {name} again: {name} }} }} }} }}", view)
    planned, referred = await hub.planned(view, document, {}), await hub.referred(document, {})
    assert (planned.data, told(planned)) == (referred.data, told(referred))


_ASKED = '{subject: {idNumber: "11010519491231002X"}, claims: {name: "x"}}'


@pytest.mark.parametrize(
    "field",
    [
        "persons { edges { cursor @skip(if: true) } }",
        "persons { edges { node @skip(if: true) { name } } totalCount }",
        "persons { edges { node { name @skip(if: true) } } }",
        "persons { nodes { name @skip(if: true) } }",
        "persons { pageInfo { endCursor @skip(if: true) } }",
        "persons { totalCount @skip(if: true) }",
        f"verifyPersons(requests: [{_ASKED} {_ASKED}]) {{ outcome @skip(if: true) }}",
        f"verifyPersons(requests: [{_ASKED} {_ASKED}]) {{ claims {{ item @skip(if: true) }} }}",
        "personsAggregate { count @skip(if: true) }",
        "personsAggregate(groupBy: [district]) { groups { count @skip(if: true) key { district @skip(if: true) } } }",
    ],
)
async def test_what_selects_nothing_is_there_all_the_same(field: str) -> None:
    hub, _ = city()
    caller = rights(grant())
    view = hub.view(caller)
    document = hub.documents.check(f"{{ civilAffairs {{ {field} }} }}", view)
    assert (await hub.planned(view, document, {})).data == (await hub.referred(document, {})).data


CHOICES = """query Short($more: Boolean!) { civilAffairs { persons(first: 1) { nodes { name ...More @include(if: $more) } } } }
query Long { civilAffairs { persons(first: 1) { nodes { ...More } } } }
fragment More on CivilAffairsPerson { gender }"""


async def test_conditions_of_other_operations_need_no_variables() -> None:
    hub, _ = city()
    view = hub.view(rights(grant()))
    document = hub.documents.check(CHOICES, view)
    assert document.conditions(document.operation("Short")) == {"more"}
    assert document.conditions(document.operation("Long")) == frozenset()
    prepared = PreparedDocuments(hub.plans, hub.documents.check).of(view, CHOICES, "Long")
    assert prepared.plan(prepared.variables({})).operation is prepared.operation
    planned(hub.plans, view, document, document.operation("Long"), {})
    with pytest.raises(Fault, match="more"):
        planned(hub.plans, view, document, document.operation("Short"), {})


@pytest.mark.parametrize(
    ("text", "name", "hint"),
    [
        ("query A { __typename } query B { __typename }", None, "operations of the document: A, B"),
        ("query A { __typename } query B { __typename }", "C", "operations of the document: A, B"),
        ("{ __typename }", "C", "leave operationName out"),
    ],
)
async def test_an_operation_that_cannot_be_told_is_refused_with_those_that_there_are(text: str, name: str | None, hint: str) -> None:
    hub, _ = city()
    document = hub.documents.check(text, hub.view(rights(grant())))
    with pytest.raises(Fault, match="operationName") as fault:
        document.operation(name)
    assert (fault.value.code, fault.value.hint_en) == (Code.BAD_REQUEST, hint)


async def test_conditions_within_fragments_count() -> None:
    hub, _ = city()
    text = """query A($b: Boolean!) { ...F } query B($b: Boolean!) { ...G } fragment F on Query { ...G }
    fragment G on Query { civilAffairs { persons(first: 1) { nodes { name gender @skip(if: $b) } } } }"""
    document = hub.documents.check(text, hub.view(rights(grant())))
    assert {document.conditions(document.operation(name)) for name in "AB"} == {frozenset({"b"})}
