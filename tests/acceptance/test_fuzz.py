"""Random and mutated requests: never 500, never a row outside the grant, and the hub goes on serving."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

VALID = b'{"query": "{ civilAffairs { persons(first: 1) { nodes { name } } } }", "variables": {}}'
MUTATED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def post(hub: RunningHub, body: bytes, name: str | None = "housing", **headers: Any) -> httpx2.Response:
    made = hub.headers(name) | headers
    return hub.http("POST", "/graphql", body, {key: value for key, value in made.items() if value is not None})


@pytest.fixture(autouse=True)
def still_serving(hub: RunningHub) -> Any:
    yield
    assert hub.process.poll() is None
    assert hub.http("GET", "/health/ready").status_code == 200


@MUTATED
@given(body=st.binary(max_size=400))
def test_random_bytes(hub: RunningHub, body: bytes) -> None:
    for path in ("/graphql", "/governance/graphql", "/oauth/token"):
        answer = hub.http("POST", path, body, hub.headers("steward"))
        assert 400 <= answer.status_code < 500


@MUTATED
@given(data=st.data())
def test_mutated_requests(hub: RunningHub, data: st.DataObject) -> None:
    body = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(len(body), start + 8)))
        body[start:end] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"{", b"}", b"(first: 2)", b'\\"', b"null", b"[", b"...", b"@skip(if: true)", b"$x"])
        )
    answer = post(hub, bytes(body))
    assert answer.status_code < 500
    assert "INTERNAL" not in answer.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["520102", "1990-01-01", "ASC", "district", "birthDate"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["and", "or", "not", "district", "birthDate", "gender", "eq", "ne", "in", "notIn", "startsWith", "isNull", "gt"]), inner
        )
    ),
    max_leaves=12,
)


@MUTATED
@given(where=JSON, by=JSON, first=JSON, after=JSON)
def test_any_variables(hub: RunningHub, where: Any, by: Any, first: Any, after: Any) -> None:
    document = """query ($where: CivilAffairsPersonWhere, $by: [CivilAffairsPersonOrder!], $first: Int, $after: String) {
        civilAffairs { persons(where: $where, orderBy: $by, first: $first, after: $after) { totalCount nodes { district } } } }"""
    body = json.dumps({"query": document, "variables": {"where": where, "by": by, "first": first, "after": after}})
    answer = post(hub, body.encode("utf-8", "surrogatepass"))
    assert answer.status_code < 500
    assert "INTERNAL" not in answer.text
    found = ((answer.json().get("data") or {}).get("civilAffairs") or {}).get("persons")
    assert not found or {node["district"] for node in found["nodes"]} <= {"520102"}


@MUTATED
@given(
    header=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60),
    name=st.sampled_from(["Authorization", "Accept", "Accept-Language", "Huitong-Case", "Range"]),
)
def test_any_headers(hub: RunningHub, header: str, name: str) -> None:
    assert post(hub, VALID, **{name: header}).status_code < 500
