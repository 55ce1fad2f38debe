"""The governance endpoint: who may act, what a grant may say; what is withdrawn ends with the next call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.transport import (
    CREATE_APPLICATION,
    CREATE_GRANT,
    IMPORT,
    LIST,
    PERMITS,
    PUBLISH,
    REVIEW,
    exchanged,
    grant_input,
    granted,
    manifest,
    registered,
)
from tests.cli.children import run_command
from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]


def test_importers_do_not_review_and_only_administrators_act(hub: RunningHub, tmp_path: Path) -> None:
    text = manifest("harbour", 2, f"sqlite+aiosqlite:///{tmp_path}/none.db")
    for other in ("security_admin", "audit_admin"):
        assert [p["code"] for p in hub.govern(other, IMPORT, {"text": text}).data["importManifest"]["problems"]] == ["FORBIDDEN"]
    imported = hub.govern("system_admin", IMPORT, {"text": text}).data["importManifest"]["manifest"]
    assert imported["state"] == "IMPORTED"
    identity = {"id": imported["id"]}
    review = {**identity, "ok": True}
    assert hub.govern("security_admin", PUBLISH, identity).data["publishCatalog"]["problems"] == [{"code": "CONFLICT"}]
    assert hub.govern("system_admin", REVIEW, review).data["reviewCatalog"] == {"manifest": None, "problems": [{"code": "FOUR_EYES"}]}
    for other in ("steward", "audit_admin"):
        assert hub.govern(other, REVIEW, review).data["reviewCatalog"]["problems"] == [{"code": "FORBIDDEN"}]
    for name, code in (("housing", "FORBIDDEN"), ("bank", "FORBIDDEN"), (None, "UNAUTHENTICATED")):
        assert hub.ask(name, REVIEW, review, path="/governance/graphql").codes == [code]
    assert hub.govern("security_admin", REVIEW, {**identity, "ok": False}).data["reviewCatalog"]["manifest"] == {"state": "REJECTED"}
    assert hub.govern("security_admin", PUBLISH, identity).data["publishCatalog"]["problems"] == [{"code": "CONFLICT"}]
    assert "harbour.permit" not in hub.ask("bank", "{ catalog(first: 100) { nodes { code } } }").response.text


@pytest.mark.parametrize("variables", [{"first": "x"}, {"first": 1.5}, {}])
def test_variables_of_another_type_are_no_field_of_the_answer(hub: RunningHub, variables: dict[str, Any]) -> None:
    """A fault of the request, not of a field (GraphQL §6.1, GraphQL over HTTP §6.4.2): without ``data`` and ``path``, as at the data endpoint."""
    document = "query ($first: Int!) { me { application } accessRequests(first: $first) { id } }"
    body = json.dumps({"query": document, "variables": variables}).encode()
    answers = [
        hub.http("POST", path, body, {**hub.headers(name), "Accept": "application/graphql-response+json"})
        for name, path in (("housing", "/graphql"), ("security_admin", "/governance/graphql"))
    ]
    for answer in answers:
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["extensions"]["code"], "data" in answer.json(), "path" in error) == (400, "BAD_INPUT", False, False)
        assert "$first" in error["message"]
        assert error["extensions"]["hint"]


def test_a_steward_of_all_departments_cannot_grant_nor_register(hub: RunningHub) -> None:
    given = grant_input("housing", "market_regulation.licence", items=[{"code": "licence_no", "value": "CLEAR"}])
    for actor in ("steward", "system_admin", "audit_admin"):
        assert [p["code"] for p in hub.govern(actor, CREATE_GRANT, {"input": given}).data["createGrant"]["problems"]] == ["FORBIDDEN"]
    application = {"name": "own_idea", "department": "housing", "purposes": given["purposes"], "roles": []}
    for actor in ("steward", "audit_admin", "security_admin"):
        made = hub.govern(actor, CREATE_APPLICATION, {"input": application}).data["createApplication"]
        assert [p["code"] for p in made["problems"]] == ["FORBIDDEN"]


def test_the_three_administrators_are_three(hub: RunningHub) -> None:
    given = {
        "name": "all_powers",
        "department": "city_data",
        "purposes": [{"code": "x", "scenario": "s", "basis": "b"}],
        "roles": ["governance:system", "governance:security"],
    }
    made = hub.govern("system_admin", CREATE_APPLICATION, {"input": given}).data["createApplication"]
    assert made["application"] is None
    assert {p["code"] for p in made["problems"]} == {"FORBIDDEN", "ROLES_EXCLUSIVE"}
    for role in ("governance:system", "governance:security", "governance:audit"):
        made = hub.govern("system_admin", CREATE_APPLICATION, {"input": {**given, "roles": [role]}}).data["createApplication"]
        assert [p["code"] for p in made["problems"]] == ["FORBIDDEN"]


def test_a_revoked_grant_ends_with_the_next_call(hub: RunningHub, carrier: str) -> None:
    registered(hub, "passing")
    identity = granted(hub, grant_input("passing", "transport.permit"))
    assert hub.ask("passing", LIST).data["transport"]["permits"]["totalCount"] == len(PERMITS)
    suspend = "mutation ($id: ID!) { suspendGrant(input: {id: $id}) { grant { state } problems { code } } }"
    assert hub.govern("security_admin", suspend, {"id": identity}).data["suspendGrant"]["grant"] == {"state": "SUSPENDED"}
    assert set(hub.ask("passing", LIST).codes) == {"INVALID_DOCUMENT"}
    resume = suspend.replace("suspendGrant", "resumeGrant")
    assert hub.govern("security_admin", resume, {"id": identity}).data["resumeGrant"]["grant"] == {"state": "ACTIVE"}
    assert hub.ask("passing", LIST).data["transport"]["permits"]["totalCount"] == len(PERMITS)
    revoke = suspend.replace("suspendGrant", "revokeGrant")
    assert hub.govern("security_admin", revoke, {"id": identity}).data["revokeGrant"]["grant"] == {"state": "REVOKED"}
    assert set(hub.ask("passing", LIST).codes) == {"INVALID_DOCUMENT"}
    assert hub.govern("security_admin", resume, {"id": identity}).data["resumeGrant"]["problems"] == [{"code": "CONFLICT"}]


def test_downloads_end_with_the_grant(hub: RunningHub, carrier: str) -> None:
    registered(hub, "downloading")
    identity = granted(hub, grant_input("downloading", "transport.permit"))
    assert exchanged(hub, "downloading", "CSV")
    url = hub.ask("downloading", "{ exchanges(first: 1) { nodes { files { url } } } }").data["exchanges"]["nodes"][0]["files"][0]["url"]
    hub.govern("security_admin", "mutation ($id: ID!) { revokeGrant(input: {id: $id}) { problems { code } } }", {"id": identity})
    assert hub.http("GET", url, headers=hub.headers("downloading")).status_code == 403


def test_a_disabled_applications_token_is_dead(hub: RunningHub) -> None:
    registered(hub, "short_lived")
    assert hub.ask("short_lived", "{ me { application } }").data == {"me": {"application": "short_lived"}}
    disable = 'mutation { disableApplication(input: {application: "short_lived"}) { problems { code } } }'
    assert hub.govern("system_admin", disable).data["disableApplication"]["problems"] == []
    answer = hub.ask("short_lived", "{ me { application } }")
    assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])
    assert hub.grant_token("short_lived").status_code == 401


def test_a_tokens_scopes_narrow_what_its_application_may(hub: RunningHub) -> None:
    persons = "{ civilAffairs { persons(first: 1) { nodes { name } } } }"
    verify = 'query ($i: String!) { civilAffairs { verifyPerson(subject: {idNumber: $i}, claims: {name: "x"}) { outcome } } }'
    subject = {"i": hub.inside[0]["id_number"]}
    only_verify = "verify:civil_affairs.person"
    assert hub.ask("housing", persons, scope=only_verify).codes == ["INVALID_DOCUMENT"]
    assert hub.ask("housing", verify, subject, scope=only_verify).data["civilAffairs"]["verifyPerson"] == {"outcome": "MISMATCH"}
    assert hub.ask("housing", verify, subject, scope="query:civil_affairs.person").codes == ["INVALID_DOCUMENT"]
    assert hub.ask("housing", persons, scope="query:civil_affairs.person").data
    only_exchange = hub.ask("housing", persons, scope="exchange:civil_affairs.person")
    assert set(only_exchange.codes) <= {"FORBIDDEN", "INVALID_DOCUMENT"} != set()
    assert hub.ask("housing", "{ me { scopes } }", scope=only_verify).data == {"me": {"scopes": [only_verify]}}
    assert hub.grant_token("bank", "query:civil_affairs.person").json()["error"] == "invalid_scope"
    assert hub.grant_token("housing", f"{only_verify} query:nowhere.nothing").json()["error"] == "invalid_scope"
    assert hub.grant_token("steward", "governance:security").json()["error"] == "invalid_scope"


FAULTY_GRANTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown item": ({"items": [{"code": "plaet", "value": "CLEAR"}]}, "items[0].code", "BAD_INPUT"),
    "item twice": ({"items": [{"code": "plate", "value": "CLEAR"}, {"code": "plate", "value": "MASKED"}]}, "items[1].code", "BAD_INPUT"),
    "neither value nor key": ({"items": [{"code": "plate"}]}, "items[0]", "BAD_INPUT"),
    "unknown mask": ({"items": [{"code": "plate", "value": "MASKED", "mask": "ROT13"}]}, "items[0].mask", "BAD_INPUT"),
    "no mask in the catalog": ({"items": [{"code": "axles", "value": "MASKED"}]}, "items[0].mask", "BAD_INPUT"),
    "rows: unknown item": ({"rows": {"distrikt": {"eq": "520102"}}}, "rows", "BAD_INPUT"),
    "rows: unknown comparison": ({"rows": {"district": {"like": "52%"}}}, "rows", "BAD_INPUT"),
    "rows: wrong type": ({"rows": {"active": {"eq": "yes"}}}, "rows", "BAD_INPUT"),
    "rows: empty": ({"rows": {}}, "rows", "BAD_INPUT"),
    "rows: a text": ({"rows": "district = 520102"}, "rows", "BAD_INPUT"),
    "no operation": ({"operations": []}, "operations", "BAD_INPUT"),
    "no purpose": ({"purposes": []}, "purposes", "BAD_INPUT"),
    "purpose ill-formed": ({"purposes": [{"code": "a b", "scenario": "s", "basis": "b"}]}, "purposes[0].code", "BAD_INPUT"),
    "purpose without basis": ({"purposes": [{"code": "a", "scenario": "s", "basis": " "}]}, "purposes[0].basis", "BAD_INPUT"),
    "page too large": ({"maxPage": 1_000_000}, "maxPage", "BAD_INPUT"),
    "page of nothing": ({"maxPage": 0}, "maxPage", "BAD_INPUT"),
    "quota of nothing": ({"quota": {"per": "DAY"}}, "quota", "BAD_INPUT"),
    "document that is no hash": ({"documents": ["{ a }"]}, "documents[0]", "BAD_INPUT"),
    "no approver": ({"approver": " "}, "approver", "BAD_INPUT"),
    "ends before it begins": ({"validFrom": "2026-02-01T00:00:00Z", "validTo": "2026-01-01T00:00:00Z"}, "validTo", "BAD_INPUT"),
    "unknown resource": ({"resource": "transport.permits"}, "resource", "NOT_FOUND"),
    "unknown application": ({"application": "nobody"}, "application", "NOT_FOUND"),
    "not shared": ({"resource": "civil_affairs.adoption", "items": []}, "resource", "NOT_SHARED"),
}


@pytest.mark.parametrize(("fault", "path", "code"), FAULTY_GRANTS.values(), ids=FAULTY_GRANTS)
def test_a_faulty_grant_is_refused_with_place_and_code(hub: RunningHub, carrier: str, fault: dict[str, Any], path: str, code: str) -> None:
    name = f"faulty_{len(hub.applications)}"
    registered(hub, name)
    made = hub.govern("security_admin", CREATE_GRANT, {"input": grant_input(name, "transport.permit") | fault}).data["createGrant"]
    assert made["grant"] is None
    assert [(p["path"], p["code"]) for p in made["problems"]] == [(path, code)]
    assert hub.ask(name, "{ me { grants { id } } }").data == {"me": {"grants": []}}


def test_one_live_grant_per_application_and_resource(hub: RunningHub, carrier: str) -> None:
    made = hub.govern("security_admin", CREATE_GRANT, {"input": grant_input(carrier, "transport.permit")}).data["createGrant"]
    assert [p["code"] for p in made["problems"]] == ["CONFLICT"]


def test_masks_rows_pages_and_quota_of_a_grant_hold_at_once(hub: RunningHub, carrier: str) -> None:
    registered(hub, "narrow")
    items = [{"code": "plate", "value": "MASKED"}, {"code": "permit_no", "value": "MASKED", "mask": "KEEP_FIRST_1_LAST_1", "key": True}]
    granted(
        hub,
        grant_input(
            "narrow", "transport.permit", items=items, rows={"district": {"eq": "520102"}}, maxPage=2, quota={"per": "DAY", "calls": 3}, operations=["QUERY"]
        ),
    )
    document = "query ($n: Int = 2) { transport { permits(first: $n) { nodes { permitNo plate } } } }"
    first = hub.ask("narrow", document)
    assert first.data["transport"]["permits"]["nodes"] == [{"permitNo": "P*1", "plate": "黔******1"}, {"permitNo": "P*4", "plate": "黔********行"}]
    assert hub.ask("narrow", document, {"n": 3}).codes == ["BAD_INPUT"]
    assert hub.ask("narrow", 'mutation { startExchange(input: {document: "{ transport { permits { nodes { plate } } } }", format: CSV, idempotencyKey: "n"})'
                   " { exchange { id } } }").codes[0] in ("INVALID_DOCUMENT", "FORBIDDEN")  # fmt: skip
    answers = [hub.ask("narrow", document) for _ in range(4)]
    assert answers[-1].codes == ["QUOTA_EXCEEDED"]
    assert answers[-1].status == 429
    assert "retry-after" in answers[-1].response.headers


def test_a_manifest_with_classified_data_is_refused(hub: RunningHub) -> None:
    from hub.demo.catalog import CLASSIFIED

    text = CLASSIFIED.read_text(encoding="utf-8")
    made = hub.govern("steward", IMPORT, {"text": text}).data["importManifest"]
    assert made["manifest"] is None
    assert [p["code"] for p in made["problems"]] == ["CLASSIFIED"]
    assert made["problems"][0]["line"] == text.splitlines().index('level = "CLASSIFIED"') + 1
    assert hub.govern("steward", "{ departments { code } }").response.text.count("emergency_management") == 0


def test_a_source_registered_apart_is_changed_and_removed(hub: RunningHub) -> None:
    register = "mutation($input: RegisterSourceInput!) { done: registerSource(input: $input) { source { code kind } problems { code } } }"
    remove = "mutation($input: RemoveSourceInput!) { done: removeSource(input: $input) { source { code } problems { code path } } }"
    place = {"department": "housing", "code": "annex"}
    given = {**place, "kind": "rest", "url": "http://127.0.0.1:1"}
    made = {"source": {"code": "housing.annex", "kind": "rest"}, "problems": []}
    assert hub.govern("system_admin", register, {"input": given}).data["done"] == made
    assert hub.govern("system_admin", register, {"input": given}).data["done"]["problems"] == [{"code": "CONFLICT"}]
    wrong = {**given, "replace": True, "exchangeMasks": "nobody", "exchangeSessions": 17}
    problems = hub.govern("system_admin", register.replace("problems { code }", "problems { code path }"), {"input": wrong}).data["done"]["problems"]
    assert {problem["path"] for problem in problems} == {"exchange_masks", "exchange_sessions"}
    batch = {"exchangeMasks": "source", "exchangeSessions": 4}
    assert hub.govern("system_admin", register, {"input": {**given, "replace": True, **batch}}).data["done"] == made
    stored = next(each for each in json.loads(run_command(hub.home, "source", "list", "--json").stdout) if each["code"] == "housing.annex")
    assert (stored["exchange_masks"], stored["exchange_sessions"]) == ("source", 4)
    assert [p["code"] for p in hub.govern("security_admin", remove, {"input": place}).data["done"]["problems"]] == ["FORBIDDEN"]
    assert hub.govern("system_admin", remove, {"input": place}).data["done"] == {"source": {"code": "housing.annex"}, "problems": []}
    gone = {"source": None, "problems": [{"code": "NOT_FOUND", "path": "code"}]}
    assert hub.govern("system_admin", remove, {"input": place}).data["done"] == gone
