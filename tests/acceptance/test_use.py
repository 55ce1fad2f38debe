"""Every use of data that is not open declares its purpose and operator (LOG-01), and the purpose must be granted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

PERSONS = "{ civilAffairs { persons(first: 1) { nodes { name } } } }"
COMPANIES = "{ marketRegulation { companies(first: 1) { nodes { name } } } }"
START = (
    'mutation { startExchange(input: {document: "{ civilAffairs { persons { nodes { name } } } }", format: CSV, idempotencyKey: "use"}) { exchange { id } } }'
)


@pytest.mark.parametrize("document", [PERSONS, COMPANIES, START])
@pytest.mark.parametrize("missing", ["Huitong-Purpose", "Huitong-Operator"])
def test_both_headers_are_needed(hub: RunningHub, document: str, missing: str) -> None:
    answer = hub.ask("housing", document, headers={missing: None})
    assert answer.codes == ["PURPOSE_REQUIRED"]
    assert missing in answer.errors[0]["message"]
    assert "Huitong-Purpose" in answer.errors[0]["extensions"]["hint"]


@pytest.mark.parametrize("document", [PERSONS, COMPANIES, START])
def test_a_purpose_that_is_not_granted(hub: RunningHub, document: str) -> None:
    answer = hub.ask("housing", document, headers={"Huitong-Purpose": "account-opening"})
    assert answer.codes == ["PURPOSE_NOT_GRANTED"]
    assert "housing-eligibility" in answer.errors[0]["extensions"]["hint"]


ILL_FORMED: dict[str, dict[str, Any]] = {
    "a space": {"Huitong-Purpose": "housing eligibility"},
    "too long": {"Huitong-Purpose": "x" * 65},
    "another alphabet": {"Huitong-Purpose": "%E5%85%AC"},
    "a slash": {"Huitong-Purpose": "a/b"},
    "operator not UTF-8": {"Huitong-Operator": "%FF%FE"},
    "operator too long": {"Huitong-Operator": "x" * 257},
    "operator with a line break": {"Huitong-Operator": "a%0Ab"},
    "operator with an escape sequence": {"Huitong-Operator": "a%1B[31mb"},
    "case too long": {"Huitong-Case": "x" * 257},
    "case with NUL": {"Huitong-Case": "a%00b"},
}


@pytest.mark.parametrize("headers", ILL_FORMED.values(), ids=ILL_FORMED)
def test_ill_formed_headers(hub: RunningHub, headers: dict[str, Any]) -> None:
    answer = hub.ask("housing", PERSONS, headers=headers)
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
    assert next(iter(headers)) in answer.errors[0]["message"]


@pytest.mark.parametrize("name", ["Huitong-Purpose", "Huitong-Operator", "Huitong-Case", "Authorization"])
def test_a_header_that_stands_twice(hub: RunningHub, name: str) -> None:
    headers = hub.headers("housing") | {"Huitong-Case": "1"}
    pairs = [*headers.items(), (name, headers[name])]
    answer = hub.client.post("/graphql", content=b'{"query":"{ __typename }"}', headers=pairs)
    assert answer.status_code == (401 if name == "Authorization" else 400)


@pytest.mark.parametrize("headers", [{"Huitong-Purpose": ""}, {"Huitong-Operator": "%20"}, {"Huitong-Operator": ""}])
def test_an_empty_header_is_a_missing_one(hub: RunningHub, headers: dict[str, str]) -> None:
    assert hub.ask("housing", PERSONS, headers=headers).codes == ["PURPOSE_REQUIRED"]


def test_what_is_no_data_needs_no_use(hub: RunningHub) -> None:
    assert hub.ask("housing", "{ me { application } catalog(first: 1) { totalCount } __typename }", use=False).data["me"] == {"application": "housing"}


def test_operator_and_case_come_into_the_callers_log_as_they_were_meant(hub: RunningHub) -> None:
    hub.ask("housing", PERSONS, headers={"Huitong-Operator": "%E9%9F%A9%20%F0%A0%80%80", "Huitong-Case": "%E5%8D%97-2026"})
    call = hub.ask("housing", "{ calls(first: 1) { nodes { operator purpose } } }").data["calls"]["nodes"][0]
    assert call == {"operator": "韩 𠀀", "purpose": "housing-eligibility"}
