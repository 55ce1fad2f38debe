"""The edge: whatever bytes arrive, the hub answers in kind and in time, never with 500, and goes on serving."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from tests.hub.running import GRAPHQL_JSON, RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

VALID = b'{"query": "{ civilAffairs { persons(first: 1) { nodes { name } } } }", "variables": {}}'


def post(hub: RunningHub, body: bytes, name: str | None = "housing", **headers: Any) -> httpx2.Response:
    made = hub.headers(name) | headers
    return hub.http("POST", "/graphql", body, {key: value for key, value in made.items() if value is not None})


def codes(answer: httpx2.Response) -> set[str]:
    return {error["extensions"]["code"] for error in answer.json()["errors"]}


@pytest.fixture(autouse=True)
def still_serving(hub: RunningHub) -> Any:
    yield
    assert hub.process.poll() is None
    # Over a connection of its own: behind a body that nobody wanted the hub may close the one that brought it.
    assert httpx2.get(f"{hub.base}/health/ready", trust_env=False).status_code == 200


def doubling(depth: int) -> str:
    """Each fragment spreads the next one twice: 2^depth fields out of a few hundred bytes."""
    fragments = " ".join(f"fragment F{i} on CivilAffairs {{ ...F{i + 1} ...F{i + 1} }}" for i in range(depth))
    return f"{{ civilAffairs {{ ...F0 }} }} {fragments} fragment F{depth} on CivilAffairs {{ persons {{ nodes {{ name }} }} }}"


def alias_tree(depth: int) -> str:
    """Two aliases of the link at every level, through fragments."""
    parts = [
        f"fragment A{i} on CivilAffairsPerson {{ a: household {{ head {{ ...A{i + 1} }} }} b: household {{ head {{ ...A{i + 1} }} }} }}" for i in range(depth)
    ]
    return f"{{ civilAffairs {{ persons {{ nodes {{ ...A0 }} }} }} }} {' '.join(parts)} fragment A{depth} on CivilAffairsPerson {{ name }}"


COSTLY = {
    "fragments that double": doubling(45),
    "a tree of aliases": alias_tree(40),
    "5,000 aliases": "{ " + " ".join(f"a{i}: __typename" for i in range(5000)) + " }",
    "900 aliases": "{ " + " ".join(f"a{i}: __typename" for i in range(900)) + " }",
    "51 root fields": "{ " + " ".join(f"a{i}: me {{ application }}" for i in range(51)) + " }",
    "deep": "{ civilAffairs " + "{ a " * 300 + "}" * 300 + " }",
    "deep links": "{ civilAffairs { persons { nodes " + "{ household { head " * 8 + "{ name }" + " } }" * 8 + " } } }",
    "deep inline fragments": "{ " + "... on Query { " * 2000 + "__typename" + " }" * 2000 + " }",
    "deep lists": "{ civilAffairs { persons(where: " + "{and: [" * 600 + "]}" * 600 + ") { nodes { name } } } }",
    "11 operations": " ".join(f"query Q{i} {{ __typename }}" for i in range(11)),
    "300 directives": "{ __typename " + "@skip(if: false) " * 300 + "}",
    "20,000 tokens": "{ " + "__typename " * 20000 + "}",
    "a fragment that spreads itself": "{ ...A } fragment A on Query { ...A }",
    "fragments in a circle": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "comments": "# x\n" * 10000 + "{ __typename }",
    "introspection without end": "{ __schema { types " + "{ fields { type " * 12 + "{ name }" + " } }" * 12 + " } }",
    "a subscription": "subscription { persons { name } }",
    "deferred": "{ civilAffairs { ... @defer { persons { nodes { name } } } } }",
    "streamed": "{ civilAffairs { persons { nodes @stream { name } } } }",
    "nothing": " ",
    "NUL": "{ __typename \u0000 }",
    "a schema": "type Query { a: Int }",
}


@pytest.mark.parametrize("document", COSTLY.values(), ids=COSTLY)
def test_c1_to_c7_costly_and_odd_documents_are_refused(hub: RunningHub, document: str) -> None:
    answer = post(hub, json.dumps({"query": document}).encode())
    assert answer.status_code in (400, 413)
    assert codes(answer) <= {"QUERY_BUDGET", "INVALID_DOCUMENT", "BAD_REQUEST", "BAD_INPUT"}
    assert len(answer.content) < 20_000


@pytest.mark.parametrize("name", ["fragments that double", "a tree of aliases", "900 aliases", "deep links"])
def test_a_budget_is_told_with_its_bound(hub: RunningHub, name: str) -> None:
    answer = post(hub, json.dumps({"query": COSTLY[name]}).encode())
    assert codes(answer) == {"QUERY_BUDGET"}
    assert any(character.isdigit() for character in answer.json()["errors"][0]["message"])


BODIES = {
    "invalid UTF-8": b'{"query": "\xff\xfe{ __typename }"}',
    "NaN": b'{"query": "{ __typename }", "variables": {"x": NaN}}',
    "Infinity": b'{"query": "{ __typename }", "variables": {"x": -Infinity}}',
    "a lone surrogate": b'{"query": "{ resource(code: \\"\\ud800\\") { code } }"}',
    "a lone surrogate in variables": b'{"query": "query ($c: String!) { resource(code: $c) { code } }", "variables": {"c": "\\udc00"}}',
    "a lone surrogate in the document": rb'{"query": "{ resource(code: \"\\ud800\") { code } }"}',
    "an escape beyond Unicode": rb'{"query": "{ resource(code: \"\\u{110000}\") { code } }"}',
    "a BOM": b'\xef\xbb\xbf{"query": "{ __typename }"}',
    "a big integer": b'{"query": "query ($n: Int) { catalog(first: $n) { totalCount } }", "variables": {"n": ' + b"9" * 5000 + b"}}",
    "a bigger float": b'{"query": "query ($n: Int) { catalog(first: $n) { totalCount } }", "variables": {"n": 1e400}}',
    "a big integer in the document": b'{"query": "{ catalog(first: ' + b"9" * 5000 + b') { totalCount } }"}',
    "a batch": b'[{"query": "{ __typename }"}]',
    "an empty batch": b"[]",
    "100,000 arrays": b"[" * 100_000,
    "30,000 arrays in variables": b'{"query": "{ __typename }", "variables": {"x": ' + b"[" * 30_000 + b"]" * 30_000 + b"}}",
    "1,000 arrays in variables": b'{"query": "{ __typename }", "variables": {"x": ' + b"[" * 1000 + b"]" * 1000 + b"}}",
    "deep JSON for a JSON argument": b'{"query": "mutation ($v: JSON) { startExchange(input: {document: \\"{a}\\", variables: $v, format: CSV, idempotencyKey: \\"d\\"})'
    b' { exchange { id } } }", "variables": {"v": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}}",
    "a filter 900 deep": b'{"query": "query ($w: CivilAffairsPersonWhere) { civilAffairs { persons(where: $w) { nodes { name } } } }", "variables": {"w": '
    + b'{"not":' * 900 + b'{"district": {"eq": "1"}}' + b"}" * 900 + b"}}",
    "a filter of 3,000 parts": json.dumps(
        {
            "query": "query ($w: CivilAffairsPersonWhere) { civilAffairs { persons(where: $w) { nodes { name } } } }",
            "variables": {"w": {"or": [{"gender": {"eq": "a"}}] * 1800}},
        }
    ).encode(),
    "duplicate keys": b'{"query": "{ a }", "query": "{ __typename }"}',
    "unknown variables": b'{"query": "{ __typename }", "variables": {"' + b"x" * 30000 + b'": 1}}',
    "a long block string": json.dumps({"query": '{ resource(code: """' + "x" * 60000 + '""") { code } }'}).encode(),
    "constructor names": b'{"query": "query ($w: CivilAffairsPersonWhere) { civilAffairs { persons(where: $w) { nodes { name } } } }",'
    b' "variables": {"w": {"__proto__": {}, "__class__": {}}}}',
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_c8_odd_bodies_are_answered_below_500(hub: RunningHub, body: bytes) -> None:
    answer = post(hub, body)
    assert answer.status_code < 500, answer.text[:500]
    assert "INTERNAL" not in answer.text
    assert set(answer.json()) <= {"data", "errors", "extensions"}


@pytest.mark.parametrize("name", ["invalid UTF-8", "NaN", "Infinity", "a batch", "an empty batch", "100,000 arrays", "30,000 arrays in variables"])
def test_c8_what_is_no_strict_json_object_is_a_bad_request(hub: RunningHub, name: str) -> None:
    answer = post(hub, BODIES[name])
    assert answer.status_code in (400, 413)
    assert codes(answer) == {"BAD_REQUEST"}


def test_c9_a_body_beyond_the_limit(hub: RunningHub) -> None:
    answer = post(hub, VALID + b" " * 70_000)
    assert (answer.status_code, codes(answer)) == (413, {"BAD_REQUEST"})
    big = json.dumps({"query": "mutation ($t: String!) { importManifest(input: {text: $t}) { problems { code } } }", "variables": {"t": "#" * 2_000_000}})
    governed = hub.http("POST", "/governance/graphql", big.encode(), hub.headers("steward"))
    assert governed.status_code == 200
    huge = hub.http("POST", "/governance/graphql", b"x" * 9_000_000, hub.headers("steward"))
    assert huge.status_code == 413


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/graphql", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=gbk", "", None],
)
def test_c10_other_media_types_are_refused(hub: RunningHub, media: str | None) -> None:
    answer = post(hub, VALID, **{"Content-Type": media})
    assert (answer.status_code, codes(answer)) == (415, {"BAD_REQUEST"})


@pytest.mark.parametrize("media", ["application/json", "Application/JSON; Charset=UTF-8", 'application/json;charset="utf-8"'])
def test_json_in_utf8_is_accepted(hub: RunningHub, media: str) -> None:
    assert post(hub, VALID, **{"Content-Type": media}).status_code == 200


def test_c10_compressed_bodies_are_refused(hub: RunningHub) -> None:
    import gzip

    assert post(hub, gzip.compress(b" " * 10_000_000), **{"Content-Encoding": "gzip"}).status_code == 415


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"])
@pytest.mark.parametrize("path", ["/graphql", "/governance/graphql", "/graphql?query=%7B__typename%7D", "/graphql?query=mutation%7Bx%7D"])
def test_c10_get_queries_and_methods_other_than_post_are_refused(hub: RunningHub, method: str, path: str) -> None:
    answer = hub.http(method, path, headers={"Accept": "application/json"})
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", ["/graphql/schema.graphql", "/health/ready", "/ledger/checkpoint", "/ledger/proof/1", "/oauth/jwks"])
def test_reading_addresses_take_no_other_method(hub: RunningHub, method: str, path: str) -> None:
    assert hub.http(method, path).status_code in (404, 405)


@pytest.mark.parametrize(
    "path", ["/nothing", "/graphql/", "/x//graphql", "/graphql/..%2f", "/%00", "/exchanges/x/files/..%2f..%2fkeys", "/assets/../../keys", "/" + "a" * 9000]
)
def test_other_addresses_are_not_found(hub: RunningHub, path: str) -> None:
    assert hub.http("GET", path, headers=hub.headers("housing")).status_code in (400, 401, 404, 405, 414, 431)


def test_the_bare_address_leads_to_graphiql(hub: RunningHub) -> None:
    answer = hub.http("GET", "/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/graphql")


def test_c10_websockets_are_not_offered(hub: RunningHub) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    for protocol in ("graphql-ws", "graphql-transport-ws"):
        assert hub.http("GET", "/graphql", headers={**upgrade, "Sec-WebSocket-Protocol": protocol}).status_code in (400, 405, 426)


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, application/json;q=0.9", GRAPHQL_JSON),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        (None, "application/json"),
    ],
)
def test_media_types_and_statuses_of_graphql_over_http(hub: RunningHub, accept: str | None, media: str) -> None:
    modern = media == GRAPHQL_JSON
    cases = {
        VALID: 200,
        b'{"query": "{ nothing }"}': 400 if modern else 200,
        b'{"query": "{ unclosed"}': 400 if modern else 200,
        b'{"query": "{ civilAffairs { persons(first: 0) { nodes { name } } } }"}': 200,
        b"not JSON": 400,
    }
    for body, status in cases.items():
        answer = post(hub, body, Accept=accept or "")
        assert answer.headers["content-type"] == f"{media}; charset=utf-8"
        assert answer.status_code == status, (body, answer.text)
        assert "data" not in answer.json() or body in (VALID, next(key for key in cases if b"first: 0" in key))
