"""Rows outside a grant's row condition do not exist for its application: by no filter, look-up, link, verification, cursor, count or file."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.hub.running import DISTRICT, RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

LIST = """
query ($where: CivilAffairsPersonWhere, $first: Int = 1000) {
  civilAffairs { persons(where: $where, first: $first) { totalCount nodes { name birthDate district } } }
}"""
OUTSIDE = {"district": {"ne": DISTRICT}}
EVERYONE = {"birthDate": {"gte": "1000-01-01"}}
TRICKS: dict[str, dict[str, Any]] = {
    "other district": {"district": {"eq": "520103"}},
    "several districts": {"district": {"in": ["520103", DISTRICT, "520111"]}},
    "not in this district": {"district": {"notIn": [DISTRICT]}},
    "all but this": OUTSIDE,
    "prefix": {"district": {"startsWith": "52"}},
    "empty prefix": {"district": {"startsWith": ""}},
    "wildcards are text": {"district": {"startsWith": "%"}},
    "null or not": {"or": [{"district": {"isNull": True}}, {"district": {"isNull": False}}]},
    "or with a tautology": {"or": [OUTSIDE, EVERYONE]},
    "not not": {"not": {"not": OUTSIDE}},
    "not this": {"not": {"district": {"eq": DISTRICT}}},
    "contradiction negated": {"not": {"and": [{"district": {"eq": "a"}}, {"district": {"eq": "b"}}]}},
    "nested or": {"or": [{"or": [{"or": [EVERYONE]}]}, {"and": [OUTSIDE]}]},
    "empty and": {"and": []},
    "empty or": {"or": []},
    "empty object": {},
    "empty in": {"district": {"in": []}},
    "empty notIn": {"district": {"notIn": []}},
    "null operand": {"district": {"eq": None}},
    "null condition": {"district": None},
    "SQL": {"district": {"eq": "' OR 1=1 --"}},
    "SQL in a list": {"district": {"in": ["x') OR ('1'='1"]}},
}


@pytest.fixture(scope="module")
def inside(hub: RunningHub) -> list[tuple[str, str]]:
    """Name and birth date of everybody in the district, in the list's order, out of the database itself."""
    return hub.rows("civil_affairs", "SELECT name, birth_date FROM person WHERE district = ? ORDER BY person_id", [DISTRICT])


@pytest.mark.parametrize("where", TRICKS.values(), ids=TRICKS)
def test_filters(hub: RunningHub, inside: list[tuple[str, str]], where: dict[str, Any]) -> None:
    answer = hub.ask("housing", LIST, {"where": where})
    if answer.errors:
        assert answer.codes == ["BAD_INPUT"]
        return
    page = answer.data["civilAffairs"]["persons"]
    assert {node["district"] for node in page["nodes"]} <= {DISTRICT}
    assert {(node["name"], node["birthDate"]) for node in page["nodes"]} <= set(inside)
    assert page["totalCount"] == len(page["nodes"]) <= len(inside)


def test_what_is_always_true_gives_all_of_the_district_and_no_more(hub: RunningHub, inside: list[tuple[str, str]]) -> None:
    for where in (None, EVERYONE, TRICKS["or with a tautology"], TRICKS["prefix"], TRICKS["null or not"]):
        page = hub.ask("housing", LIST, {"where": where}).data["civilAffairs"]["persons"]
        assert [(node["name"], node["birthDate"]) for node in page["nodes"]] == inside
        assert page["totalCount"] == len(inside)


def test_what_is_only_outside_gives_nothing(hub: RunningHub) -> None:
    for where in (OUTSIDE, TRICKS["other district"], TRICKS["not in this district"], TRICKS["not this"], TRICKS["not not"]):
        assert hub.ask("housing", LIST, {"where": where}).data["civilAffairs"]["persons"] == {"totalCount": 0, "nodes": []}


def test_look_up_of_a_person_outside_is_that_of_nobody(hub: RunningHub) -> None:
    document = "query ($id: String!) { civilAffairs { person(idNumber: $id) { name } } }"
    nobody = "11010519491231002X"
    assert hub.rows("civil_affairs", "SELECT 1 FROM person WHERE id_number = ?", [nobody]) == []
    for number in (nobody, *(each["id_number"] for each in hub.outside)):
        assert hub.ask("housing", document, {"id": number}).data == {"civilAffairs": {"person": None}}
    assert hub.ask("civil_affairs_own", document, {"id": hub.outside[0]["id_number"]}).data["civilAffairs"]["person"] == {"name": hub.outside[0]["name"]}


def test_verification_of_a_person_outside_is_that_of_nobody(hub: RunningHub) -> None:
    document = """query ($id: String!, $claims: CivilAffairsPersonClaims!) { civilAffairs {
        verifyPerson(subject: {idNumber: $id}, claims: $claims) { outcome claims { item outcome } } } }"""
    person = hub.outside[0]
    claims = {"name": person["name"], "birthDate": person["birth_date"]}
    answers = [hub.ask("housing", document, {"id": number, "claims": claims}) for number in (person["id_number"], "11010519491231002X")]
    expected = {"outcome": "MISMATCH", "claims": [{"item": name, "outcome": "MISMATCH"} for name in claims]}
    assert [answer.data["civilAffairs"]["verifyPerson"] for answer in answers] == [expected, expected]
    own = hub.ask("civil_affairs_own", document, {"id": "11010519491231002X", "claims": claims})
    assert own.data["civilAffairs"]["verifyPerson"]["outcome"] == "NOT_FOUND"


def test_links_from_companies_lead_to_nobody_outside(hub: RunningHub) -> None:
    page = hub.ask("housing", "{ marketRegulation { companies(first: 1000) { nodes { uscc legalRep { name district } } } } }").data
    represented = dict(hub.rows("market_regulation", "SELECT uscc, legal_rep_id_number FROM company"))
    people = dict(hub.rows("civil_affairs", "SELECT id_number, district FROM person"))
    companies = page["marketRegulation"]["companies"]["nodes"]
    shown = {each["uscc"]: each["legalRep"] for each in companies}
    expected = {uscc: people.get(number) == DISTRICT for uscc, number in represented.items()}
    assert {uscc: person is not None for uscc, person in shown.items()} == expected
    assert {True, False} <= set(expected.values())
    assert {person["district"] for person in shown.values() if person} == {DISTRICT}


def test_links_from_estates_and_insurances_lead_to_nobody_outside(hub: RunningHub) -> None:
    people = dict(hub.rows("civil_affairs", "SELECT id_number, district FROM person"))
    estates = hub.ask("housing", "{ naturalResources { realEstates(first: 1000) { totalCount nodes { unitNo district owner { district } } } } }").data
    owners = dict(hub.rows("natural_resources", "SELECT unit_no, owner_id_number FROM real_estate WHERE district = ?", [DISTRICT]))
    nodes = estates["naturalResources"]["realEstates"]["nodes"]
    assert {node["unitNo"]: node["owner"] is not None for node in nodes} == {unit: people.get(owner) == DISTRICT for unit, owner in owners.items()}
    assert estates["naturalResources"]["realEstates"]["totalCount"] == len(owners)
    insured = hub.ask("housing", "{ humanResources { socialInsurances(first: 1000) { nodes { district person { district } } } } }").data
    nodes = insured["humanResources"]["socialInsurances"]["nodes"]
    count = hub.rows("human_resources", "SELECT count(*) FROM social_insurance WHERE district = ?", [DISTRICT])[0][0]
    assert len(nodes) == count > 0
    assert {person["district"] for node in nodes for person in (node, node["person"]) if person} == {DISTRICT}


def test_a_link_cannot_be_followed_back_to_rows_outside(hub: RunningHub) -> None:
    document = """{ marketRegulation { companies(first: 200) { nodes { legalRep { district household { district address } } } } } }"""
    for company in hub.ask("housing", document).data["marketRegulation"]["companies"]["nodes"]:
        if company["legalRep"]:
            assert company["legalRep"]["district"] == DISTRICT
            assert company["legalRep"]["household"] is None or company["legalRep"]["household"]["district"] == DISTRICT


def test_households_are_those_of_the_district(hub: RunningHub) -> None:
    page = hub.ask("housing", "{ civilAffairs { households(first: 1000) { totalCount nodes { householdNo } } } }").data["civilAffairs"]["households"]
    stored = hub.rows("civil_affairs", "SELECT household_no FROM household WHERE district = ? ORDER BY household_id", [DISTRICT])
    assert [node["householdNo"] for node in page["nodes"]] == [number for (number,) in stored]


def test_a_cursor_of_one_who_sees_all_opens_nothing(hub: RunningHub) -> None:
    document = "query ($after: String) { civilAffairs { persons(first: 5, after: $after) { nodes { district } pageInfo { endCursor } } } }"
    cursor = hub.ask("civil_affairs_own", document).data["civilAffairs"]["persons"]["pageInfo"]["endCursor"]
    assert hub.ask("housing", document, {"after": cursor}).codes == ["BAD_INPUT"]


def test_an_exchange_holds_rows_of_the_district_alone(hub: RunningHub, inside: list[tuple[str, str]]) -> None:
    start = """mutation ($document: String!, $variables: JSON) { startExchange(input: {
        document: $document, variables: $variables, format: JSONL, idempotencyKey: "rows-outside"}) { exchange { id } } }"""
    document = """query ($where: CivilAffairsPersonWhere) { civilAffairs { persons(where: $where) { nodes { name birthDate district } } } }"""
    variables = {"where": TRICKS["or with a tautology"]}
    identity = hub.ask("housing", start, {"document": document, "variables": variables}).data["startExchange"]["exchange"]["id"]
    watched = "query ($id: ID!) { exchange(id: $id) { state files { url } } }"
    deadline = time.monotonic() + 120
    while (exchange := hub.ask("housing", watched, {"id": identity}).data["exchange"])["state"] in (
        "QUEUED",
        "RUNNING",
        "PAUSED",
    ) and time.monotonic() < deadline:
        time.sleep(0.05)
    content = hub.http("GET", exchange["files"][0]["url"], headers={"Authorization": f"Bearer {hub.token('housing')}"}).text
    rows = [json.loads(line) for line in content.splitlines()]
    assert [(row["name"], row["birthDate"]) for row in rows] == inside
    assert {row["district"] for row in rows} == {DISTRICT}
