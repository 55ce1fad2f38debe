"""Documents that cost more than their size tells: long claims, objects in variables, usages in several operations. Each is within the stated budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from schema.documents import MAX_CHARACTERS, MAX_TOKENS, Documents, DocumentsTogether
from schema.faults import Code, Fault
from tests.schema.worst import MOST_CALLS, Calls, fits, work

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

KNOWN = {"idNumber": "11010519491231002X"}
_LONG = "张" * 4096
_CLAIMS = {"name": _LONG, "district": _LONG}
_MANY = " ".join(["{subject: $s, claims: $c}"] * 100)
_HEAD = "query ($s: CivilAffairsPersonSubject!, $c: CivilAffairsPersonClaims!)"
_USED = " ".join(["$a"] * 1400)
_WHERE = "query ($w: CivilAffairsPersonWhere) { civilAffairs { persons(where: $w) { totalCount } } }"
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "long claims": (f"{_HEAD} {{ civilAffairs {{ verifyPersons(requests: [{_MANY}]) {{ outcome }} }} }}", {"s": KNOWN, "c": _CLAIMS}),
    "long claims by aliases": (
        f"{_HEAD} {{ civilAffairs {{ {' '.join(f'v{i}: verifyPerson(subject: $s, claims: $c) {{ outcome }}' for i in range(38))} }} }}",
        {"s": KNOWN, "c": _CLAIMS},
    ),
    "claims by a hundred names": (
        "query ($r: [CivilAffairsPersonVerificationRequest!]!) { civilAffairs { verifyPersons(requests: $r) { "
        + " ".join(f"c{i}: claims {{ item outcome }}" for i in range(190))
        + " } } }",
        {"r": [{"subject": KNOWN, "claims": {"name": "x", "district": "1", "gender": "1", "birthDate": "1990-01-01"}}] * 100},
    ),
    "long keys": (
        f"query ($k: String!) {{ civilAffairs {{ {' '.join(f'p{i}: person(idNumber: $k) {{ name }}' for i in range(38))} }} }}",
        {"k": _LONG},
    ),
    "empty objects": (_WHERE, {"w": {"or": [{}] * 16_000}}),
    "nested objects": (_WHERE, {"w": {"or": [{"not": {"not": {}}}] * 2_500}}),
    "usages of a variable in ten operations": (
        " ".join(f"query Q{i}($a: String!) {{ ...F }}" for i in range(10))
        + f" fragment F on Query {{ civilAffairs {{ persons(where: {{district: {{in: [{_USED}]}}}}) {{ totalCount }} }} }}",
        {"a": "1"},
    ),
}


@pytest.mark.parametrize(("text", "variables"), CASES.values(), ids=CASES)
async def test_c4_what_variables_make_of_a_document_is_within_the_budget(text: str, variables: Mapping[str, Any]) -> None:
    assert fits(text, variables)
    calls, _ = await work(text, variables)
    assert calls <= MOST_CALLS


async def test_c4_objects_in_variables_are_counted_before_they_are_read() -> None:
    for parts, code in ((60, "OK"), (2_100, "QUERY_BUDGET")):
        calls, became = await work(_WHERE, {"w": {"or": [{"district": {"eq": "1"}}] * parts}})
        assert (became, calls < 100_000) == (code, True)


def test_c4_documents_of_dry_runs_have_the_tokens_of_one_together() -> None:
    documents, text = DocumentsTogether(), "{ " + " ".join(f"a{i % 10}: __typename" for i in range(90)) + " }"
    each = documents.parse("{ __typename }").token_count
    assert each == 3
    for _ in range(MAX_TOKENS // 3 - 1):
        documents.parse("{ __typename }")
    with pytest.raises(Fault) as refused:
        documents.parse(text)
    assert refused.value.code is Code.QUERY_BUDGET


@pytest.mark.parametrize("unit", ["\\u4e00", "\\n", "\n a", "# x\n", "\n,", "\ufeff"])
def test_c12_no_text_of_a_document_costs_more_than_the_budget(unit: str) -> None:
    """The governance endpoint takes bodies of 8 MiB for manifests, in variables."""
    marks = '"""' if "\n" in unit else '"'
    for most, refused in ((MAX_CHARACTERS, False), (8 * 1024 * 1024, True)):
        text = "{ a(b: " + marks + unit * ((most - 100) // len(unit)) + marks + ") }"
        with Calls() as counted:
            try:
                Documents().parse(text)
                code = "OK"
            except Fault as fault:
                code = fault.code.value
        assert counted.count <= MOST_CALLS
        assert (code == "QUERY_BUDGET") is refused
