"""Wrong input gets a clear answer that names what is wrong and what to do, and loses nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.transport import grant_input, granted, manifest, published, registered
from tests.hub.running import Answer, RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

PERSON = "query ($id: String!) { civilAffairs { person(idNumber: $id) { name } } }"
PERSONS = """query ($where: CivilAffairsPersonWhere, $orderBy: [CivilAffairsPersonOrder!], $first: Int, $after: String) {
    civilAffairs { persons(where: $where, orderBy: $orderBy, first: $first, after: $after) { nodes { name } pageInfo { endCursor } } } }"""
MALFORMED = {
    "cut off": b'{"query": "{ __typename }"',
    "no JSON": b"query { __typename }",
    "single quotes": b"{'query': '{ __typename }'}",
    "trailing comma": b'{"query": "{ __typename }",}',
    "two objects": b'{"query": "{ __typename }"}{"query": "{ __typename }"}',
}


def post(hub: RunningHub, body: bytes) -> Answer:
    response = hub.http("POST", "/graphql", body, hub.headers("housing"))
    return Answer(response, response.json())


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_malformed_json_is_told_with_its_place(hub: RunningHub, body: bytes) -> None:
    answer = post(hub, body)
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
    assert "JSON" in answer.errors[0]["message"]
    assert "line" in answer.errors[0]["message"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "empty"),
        (b"null", "object"),
        (b"[]", "object"),
        (b'"{ __typename }"', "object"),
        (b"{}", "query is missing"),
        (b'{"query": null}', "query"),
        (b'{"query": 1}', "query"),
        (b'{"query": ["{ __typename }"]}', "query"),
        (b'{"query": "{ __typename }", "variables": []}', "variables"),
        (b'{"query": "{ __typename }", "variables": "{}"}', "variables"),
        (b'{"query": "{ __typename }", "operationName": 1}', "operationName"),
        (b'{"query": "{ __typename }", "operationName": "Other"}', "operationName"),
        (b'{"query": "query A { __typename } query B { __typename }"}', "operationName"),
    ],
)
def test_parameters_of_the_wrong_kind_are_named(hub: RunningHub, body: bytes, word: str) -> None:
    answer = post(hub, body)
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
    assert word in answer.errors[0]["message"]


@pytest.mark.parametrize(
    ("document", "place", "word"),
    [
        ("{ civilAffairs { persons {", (1, 27), "Expected Name"),
        ("{ civilAffairs\n  { persons( { nodes { name } } } }", (2, 14), "Expected Name"),
        ("{ civilAffairs { persons { nodes { nmae } } } }", (1, 36), "nmae"),
        ("{ civilAffairs { persons(frist: 1) { nodes { name } } } }", (1, 26), "frist"),
        ('{ civilAffairs { persons(where: {brithDate: {eq: "2000-01-01"}}) { nodes { name } } } }', (1, 34), "brithDate"),
        ('{ civilAffairs { persons(where: {birthDate: {like: "2000"}}) { nodes { name } } } }', (1, 46), "like"),
        ("{ nothingOfThisName }", (1, 3), "nothingOfThisName"),
        ("{ civilAffairs }", (1, 3), "subfields"),
        ("query ($x: Int) { civilAffairs { persons(first: $y) { nodes { name } } } }", (1, 49), "$y"),
        ("{ ...Missing }", (1, 6), "Missing"),
    ],
)
def test_an_invalid_document_is_told_with_line_and_column(hub: RunningHub, document: str, place: tuple[int, int], word: str) -> None:
    answer = hub.ask("housing", document)
    assert answer.status == 400
    assert set(answer.codes) == {"INVALID_DOCUMENT"}
    told = [(error["message"], (error["locations"][0]["line"], error["locations"][0]["column"])) for error in answer.errors]
    assert any(word in message and found == place for message, found in told), told
    assert all("Did you mean" not in message or "{ ... }" in message for message, _ in told)


def test_every_fault_of_a_document_is_told(hub: RunningHub) -> None:
    answer = hub.ask("housing", "{ civilAffairs { persons { nodes { nmae brithDate } } } wrong }")
    assert len(answer.errors) == 3


@pytest.mark.parametrize(
    ("number", "word"),
    [
        ("520102199001011230", "check digit"),
        ("52010219900101123", "17 digits and a check character"),
        ("520102199013011236", ""),
        ("", ""),
        ("x" * 18, ""),
        ("%", ""),
        ("' OR 1=1 --", ""),
    ],
)
def test_an_invalid_identity_number_is_refused(hub: RunningHub, number: str, word: str) -> None:
    verify = 'query ($id: String!) { civilAffairs { verifyPerson(subject: {idNumber: $id}, claims: {name: "x"}) { outcome } } }'
    for document in (PERSON, verify):
        answer = hub.ask("housing", document, {"id": number})
        assert answer.codes == ["BAD_INPUT"]
        assert "idNumber" in answer.errors[0]["message"]
        assert word in answer.errors[0]["message"].lower() + answer.errors[0]["extensions"].get("hint", "").lower()
        assert not number or number not in answer.response.text


def test_a_small_letter_and_full_width_digits_are_the_same_number(hub: RunningHub) -> None:
    person = hub.inside[0]
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in person["id_number"])
    for written in (wide, f" {person['id_number']} ", person["id_number"].lower()):
        answer = hub.ask("housing", PERSON, {"id": written})
        assert answer.codes == ["BAD_INPUT"] or answer.data["civilAffairs"]["person"] == {"name": person["name"]}


@pytest.mark.parametrize("first", [0, -1, 1001, 2**31 - 1])
def test_a_page_size_that_is_not_offered(hub: RunningHub, first: int) -> None:
    answer = hub.ask("housing", PERSONS, {"first": first})
    assert answer.codes == ["BAD_INPUT"]
    assert "1 to 1000" in answer.errors[0]["message"]
    assert str(first) in answer.errors[0]["message"]
    assert "startExchange" in answer.errors[0]["extensions"]["hint"]


@pytest.mark.parametrize("first", ["1", 1.5, True, 2**31, [1]])
def test_a_page_size_that_is_no_number(hub: RunningHub, first: Any) -> None:
    answer = hub.ask("housing", PERSONS, {"first": first})
    assert answer.codes == ["BAD_INPUT"]
    assert "first" in answer.errors[0]["message"]


def test_a_page_size_that_is_null_is_as_if_left_out(hub: RunningHub) -> None:
    """Clients that send every variable send null for what was not set."""
    given, bare = (hub.ask("housing", PERSONS, variables).data for variables in ({"first": None}, {}))
    assert given == bare
    assert given["civilAffairs"]["persons"]["nodes"]


def cursor(hub: RunningHub, **variables: Any) -> str:
    found: str = hub.ask("housing", PERSONS, {"first": 3, **variables}).data["civilAffairs"]["persons"]["pageInfo"]["endCursor"]
    return found


@pytest.mark.parametrize("after", ["", "x", "====", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "游标", "../../etc/passwd", "a" * 5000, "\u0000"])
def test_garbage_is_no_cursor(hub: RunningHub, after: str) -> None:
    answer = hub.ask("housing", PERSONS, {"after": after})
    assert answer.codes == ["BAD_INPUT"]
    assert "after" in answer.errors[0]["message"]


def test_a_cursor_serves_its_own_query_alone(hub: RunningHub) -> None:
    own = cursor(hub)
    assert hub.ask("housing", PERSONS, {"first": 500, "after": own}).data
    others = (
        {"where": {"birthDate": {"gte": "1900-01-01"}}, "after": own},
        {"orderBy": [{"birthDate": "ASC"}], "after": own},
        {"after": cursor(hub, orderBy=[{"birthDate": "ASC"}])},
        {"orderBy": [{"birthDate": "DESC"}], "after": cursor(hub, orderBy=[{"birthDate": "ASC"}])},
        {"after": own[:-1]},
        {"after": own[::-1]},
        {"after": f"A{own[1:]}" if own[0] != "A" else f"B{own[1:]}"},
    )
    for variables in others:
        assert hub.ask("housing", PERSONS, variables).codes == ["BAD_INPUT"], variables
    households = "query ($after: String) { civilAffairs { households(after: $after) { nodes { district } } } }"
    assert hub.ask("housing", households, {"after": own}).codes == ["BAD_INPUT"]
    assert hub.ask("civil_affairs_own", PERSONS, {"after": own}).codes == ["BAD_INPUT"]


def test_a_cursor_tells_nothing_of_its_row(hub: RunningHub) -> None:
    from base64 import urlsafe_b64decode

    raw = urlsafe_b64decode(cursor(hub, orderBy=[{"birthDate": "ASC"}]) + "==")
    assert b"19" not in raw or b"-0" not in raw


@pytest.mark.parametrize(
    "variables",
    [
        {"where": {"birthDate": {"eq": "1990-02-30"}}},
        {"where": {"birthDate": {"eq": "today"}}},
        {"where": {"birthDate": {"eq": 5}}},
        {"where": {"district": {"eq": 520102}}},
        {"where": {"district": {"in": ["520102"] * 5000}}},
        {"where": {"nothing": {"eq": 1}}},
        {"where": []},
        {"orderBy": [{"birthDate": "UP"}]},
        {"orderBy": [{}]},
        {"orderBy": [{"birthDate": "ASC", "district": "ASC"}]},
        {"orderBy": [{"birthDate": "ASC"}, {"birthDate": "DESC"}]},
        {"where": {"district": {"startsWith": "a\u0000b"}}},
    ],
)
def test_variables_that_do_not_fit_are_refused(hub: RunningHub, variables: dict[str, Any]) -> None:
    answer = hub.ask("housing", PERSONS, variables)
    if not answer.errors:
        assert answer.data["civilAffairs"]["persons"]["nodes"] == []
        return
    assert answer.codes == ["BAD_INPUT"]
    assert answer.errors[0]["message"]


def test_a_source_that_cannot_be_reached_fails_alone(hub: RunningHub) -> None:
    published(hub, manifest("harbour_office", 3, "sqlite+aiosqlite:////nonexistent/harbour.db"))
    registered(hub, "pilot")
    granted(hub, grant_input("pilot", "harbour_office.permit"))
    document = """{ harbourOffice { permit(permitNo: "P-1") { plate }
        verifyPermit(subject: {permitNo: "P-1"}, claims: {plate: "x"}) { outcome claims { outcome } asOf } }
        cityData { division(code: "520102") { name } } }"""
    answer = hub.ask("pilot", document)
    assert answer.status == 200
    assert [(error["extensions"]["code"], error["path"]) for error in answer.errors] == [("SOURCE_UNAVAILABLE", ["harbourOffice", "permit"])]
    assert (answer.errors[0]["extensions"]["origin"], answer.errors[0]["extensions"]["retryable"]) == ("SOURCE", True)
    undecided = {"outcome": "INDETERMINATE", "claims": [{"outcome": "INDETERMINATE"}], "asOf": None}
    rest = {"cityData": {"division": {"name": "南明区"}}}
    assert answer.content["data"] == {"harbourOffice": {"permit": None, "verifyPermit": undecided}, **rest}
    states = {state["source"]: state["state"] for state in answer.content["extensions"]["sources"]}
    assert states["harbour_office.register"] != "OK"
    assert states["city_data.register"] == "OK"
    assert "/nonexistent" not in answer.response.text
    # A list is never null by the contract, so its department is.
    listed = hub.ask("pilot", '{ harbourOffice { permits { nodes { permitNo } } } cityData { division(code: "520102") { name } } }')
    assert [error["path"] for error in listed.errors] == [["harbourOffice", "permits"]]
    assert listed.content["data"] == {"harbourOffice": None, **rest}
