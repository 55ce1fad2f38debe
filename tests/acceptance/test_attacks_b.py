"""Attack cases B1 to B9 and B11: what was not given is not there, whichever way one asks. (B10, the administrators' roles, is in tests/people.)"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from schema.naming import camel, pascal
from tests.acceptance.test_unseen import introspected, same_as_misspelt, sdl, without
from tests.acceptance.transport import LIST, grant_input, granted, registered
from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

PERSONS = "{ civilAffairs { persons(first: 2) { nodes { name } pageInfo { endCursor } } } }"
START = "mutation ($d: String!, $k: String!) { startExchange(input: {document: $d, format: JSONL, idempotencyKey: $k}) { exchange { id } } }"


def published_codes(hub: RunningHub) -> list[str]:
    """Every resource of the catalog that departments may ask for."""
    return [node["code"] for node in hub.ask("bank", "{ catalog(first: 100) { nodes { code } } }").data["catalog"]["nodes"]]


def misspelt(name: str) -> str:
    """A name of the same length that nothing has."""
    return f"{name[:-2]}{name[-1]}{name[-2]}" if name[-1] != name[-2] else f"{name[:-1]}q"


def usable(hub: RunningHub, caller: str) -> set[str]:
    """The resources of which the caller may use something."""
    nodes = hub.ask(caller, "{ catalog(first: 100) { nodes { code access { operations } } } }").data["catalog"]["nodes"]
    return {node["code"] for node in nodes if node["access"]["operations"]}


def test_b1_every_resource_that_was_never_granted_reads_as_one_that_does_not_exist(hub: RunningHub) -> None:
    never = sorted(set(published_codes(hub)) - usable(hub, "bank"))
    assert len(never) >= 4
    names, schema = introspected(hub, "bank"), sdl(hub, "bank")
    for code in never:
        department, short = code.split(".")
        kind = pascal(department) + pascal(short)
        same_as_misspelt(hub, "bank", f"query ($w: NAMEWhere) {{ {camel(department)} {{ __typename }} }}", kind, misspelt(kind))
        same_as_misspelt(hub, "bank", f'{{ {camel(department)} {{ NAME(id: "1") {{ __typename }} }} }}', camel(short), misspelt(camel(short)))
        assert not [name for name in names if name.startswith(kind)]
        assert kind not in schema


REQUEST: dict[str, Any] = {
    "resource": "civil_affairs.person",
    "operations": ["VERIFY"],
    "items": [{"code": "name", "access": "CLEAR"}],
    "purpose": "account-opening",
    "scenario": "对公账户开户",
    "legalBasis": "人民币银行结算账户管理办法",
}


SECRET, NOBODYS = "civil_affairs.adoption", "civil_affairs.adoptino"
WAYS = {
    "by name": ('{ civilAffairs { NAME(registrationNo: "1") { registrationNo } } }', "adoption"),
    "list": ("{ civilAffairs { NAME { nodes { registrationNo } totalCount } } }", "adoptions"),
    "node(id)": ('{ node(id: "NAME:1") { __typename } }', "adoption"),
    "inline fragment": ("{ civilAffairs { ... on NAME { registrationNo } } }", "CivilAffairsAdoption"),
    "fragment": ("fragment F on NAME { registrationNo } { civilAffairs { ...F } }", "CivilAffairsAdoption"),
    "type": ("query ($x: NAME) { civilAffairs { __typename } }", "CivilAffairsAdoptionWhere"),
    "nested edge": ("{ civilAffairs { persons(first: 1) { nodes { NAME { registrationNo } } } } }", "adoption"),
    "verification": ('{ civilAffairs { NAME(subject: {registrationNo: "1"}, claims: {}) { outcome } } }', "verifyAdoption"),
    "verifications": ("{ civilAffairs { NAME(requests: []) { outcome } } }", "verifyAdoptions"),
    "aggregate": ("{ civilAffairs { NAME { count } } }", "adoptionsAggregate"),
}


@pytest.mark.parametrize(("document", "name"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("caller", ["housing", "civil_affairs_own"])
def test_b2_no_way_leads_to_what_is_not_shared(hub: RunningHub, caller: str, document: str, name: str) -> None:
    same_as_misspelt(hub, caller, document, name, misspelt(name))


def test_b2_what_is_not_shared_is_in_no_batch_dry_run_scope_or_document_of_the_hub(hub: RunningHub) -> None:
    texts = []
    for name in ("adoptions", "adoptinos"):
        answer = hub.ask("civil_affairs_own", START, {"d": f"{{ civilAffairs {{ {name} {{ nodes {{ registrationNo }} }} }} }}", "k": f"b2-{name}"})
        texts.append(without(answer, name))
    assert texts[0] == texts[1]
    for code in (SECRET, NOBODYS):
        assert hub.grant_token("civil_affairs_own", f"query:{code}").json()["error"] == "invalid_scope"
    for path in ("/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource", "/oauth/jwks", "/ledger/checkpoint"):
        assert "adoption" not in hub.http("GET", path).text
    assert SECRET not in hub.ask("civil_affairs_own", "{ me { scopes grants { resource } } }").response.text


@pytest.fixture(scope="module")
def others(hub: RunningHub) -> dict[str, str]:
    """Ids of what belongs to ``housing``: an exchange that has ended, an entry of the ledger."""
    answer = hub.ask("housing", START, {"d": "{ civilAffairs { persons { nodes { name } } } }", "k": "b3"})
    identity, entry = answer.data["startExchange"]["exchange"]["id"], str(answer.receipt["entry"])
    deadline = time.monotonic() + 30
    while hub.ask("housing", "query ($id: ID!) { exchange(id: $id) { state } }", {"id": identity}).data["exchange"]["state"] != "SUCCEEDED":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return {"exchange": identity, "entry": entry}


def test_b3_what_belongs_to_another_department_is_not_found(hub: RunningHub, others: dict[str, str]) -> None:
    made_up = others["exchange"][:-16] + secrets.token_hex(8)
    for document in ("query ($id: ID!) { exchange(id: $id) { state } }", "mutation ($id: ID!) { cancelExchange(id: $id) { exchange { state } } }"):
        found = [hub.ask("bank", document, {"id": each}) for each in (others["exchange"], made_up)]
        assert without(found[0], others["exchange"]) == without(found[1], made_up)
    for place in ("manifest.json", "events", "files/civilAffairs.persons.jsonl"):
        sent = [hub.http("GET", f"/exchanges/{each}/{place}", headers=hub.headers("bank")) for each in (others["exchange"], made_up)]
        assert sent[0].status_code == sent[1].status_code == 404
        assert without_ids(sent[0].text) == without_ids(sent[1].text)
    deadline = time.monotonic() + 10
    while hub.http("GET", f"/ledger/proof/{others['entry']}", headers=hub.headers("housing")).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    sent = [hub.http("GET", f"/ledger/proof/{each}", headers=hub.headers("bank")) for each in (others["entry"], "99999999")]
    assert [each.status_code for each in sent] == [404, 404]
    assert without_ids(sent[0].text) == without_ids(sent[1].text)
    assert others["exchange"] not in hub.ask("bank", "{ exchanges(first: 50) { nodes { id } } calls(first: 50) { nodes { entry } } }").response.text


def without_ids(content: str) -> str:
    """An error's text without the ids of the call and of what was asked for."""
    found = json.loads(content)
    return json.dumps([{**error, "extensions": {**error.get("extensions", {}), "call": ""}} for error in found["errors"]])


def test_b4_a_link_from_a_granted_to_an_ungranted_resource_is_absent(hub: RunningHub) -> None:
    names = introspected(hub, "bank")
    assert "legalRep" not in names["MarketRegulationCompany"]
    assert "legalRep" not in names.get("MarketRegulationCompanyWhere", set())
    same_as_misspelt(hub, "bank", "{ marketRegulation { companies { nodes { NAME { name } } } } }", "legalRep", "legalRpe")
    assert "legalRep" in introspected(hub, "housing")["MarketRegulationCompany"]


def test_b5_purpose_and_term(hub: RunningHub, carrier: str) -> None:
    registered(hub, "out_of_term")
    moment = datetime.now(UTC)
    assert hub.ask(carrier, LIST, headers={"Huitong-Purpose": None}).codes == ["PURPOSE_REQUIRED"]
    assert hub.ask(carrier, LIST, headers={"Huitong-Purpose": "account-opening"}).codes == ["PURPOSE_NOT_GRANTED"]
    later = granted(hub, grant_input("out_of_term", "transport.permit", validFrom=(moment + timedelta(hours=1)).isoformat()))
    assert set(hub.ask("out_of_term", LIST).codes) == {"INVALID_DOCUMENT"}
    hub.govern("security_admin", "mutation ($id: ID!) { revokeGrant(input: {id: $id}) { problems { code } } }", {"id": later})
    ends = moment + timedelta(seconds=4)
    granted(hub, grant_input("out_of_term", "transport.permit", validTo=ends.isoformat()))
    assert hub.ask("out_of_term", LIST).data
    while datetime.now(UTC) <= ends:
        time.sleep(0.1)
    assert set(hub.ask("out_of_term", LIST).codes) == {"INVALID_DOCUMENT"}


def test_b6_an_operation_does_not_carry_another(hub: RunningHub) -> None:
    verify = 'query { civilAffairs { verifyPerson(subject: {idNumber: "11010519491231002X"}, claims: {name: "x"}) { outcome } } }'
    start = {"d": PERSONS, "k": "b6"}
    assert hub.ask("housing", PERSONS, scope="verify:civil_affairs.person").codes == ["INVALID_DOCUMENT"]
    assert hub.ask("housing", verify, scope="query:civil_affairs.person").codes == ["INVALID_DOCUMENT"]
    assert hub.ask("housing", START, start, scope="query:civil_affairs.person").codes == ["FORBIDDEN"]
    assert set(hub.ask("housing", START, start, scope="verify:civil_affairs.person").codes) <= {"FORBIDDEN", "INVALID_DOCUMENT"}
    assert hub.ask("housing", verify, scope="verify:civil_affairs.person").data


def test_b7_a_row_condition_is_always_among_the_conditions(hub: RunningHub) -> None:
    """The tricks by filter are in test_rows.py; here, aliases of one list and what a link leads to."""
    everyone = '{or: [{district: {ne: "520102"}}, {district: {isNull: true}}, {not: {district: {eq: "x"}}}, {district: {eq: "520102"}}]}'
    document = f"""{{ civilAffairs {{ a: persons(where: {everyone}, first: 1000) {{ totalCount nodes {{ district }} }}
        b: persons(where: {{not: {everyone}}}, first: 1000) {{ totalCount nodes {{ district }} }} }} }}"""
    found = hub.ask("housing", document).data["civilAffairs"]
    inside = hub.rows("civil_affairs", "SELECT count(*) FROM person WHERE district = '520102'")[0][0]
    assert (found["a"]["totalCount"], found["b"]["totalCount"]) == (inside, 0)
    assert {node["district"] for node in found["a"]["nodes"]} == {"520102"}


FORGED: dict[str, str] = {
    "approve a request of one's own": 'mutation { requestAccess(input: {resource: "civil_affairs.person", operations: [QUERY], items: [], '
    'purpose: "p", scenario: "s", legalBasis: "b", state: "APPROVED"}) { accessRequest { id } } }',
    "name the approver": 'mutation { requestAccess(input: {resource: "civil_affairs.person", operations: [QUERY], items: [], '
    'purpose: "p", scenario: "s", legalBasis: "b", decidedBy: "me"}) { accessRequest { id } } }',
    "set the class": 'mutation { reportError(input: {resource: "market_regulation.company", description: "x", sharingClass: "UNCONDITIONAL"}) '
    "{ feedback { id } } }",
    "grant oneself": 'mutation { createGrant(input: {application: "bank", resource: "civil_affairs.person"}) { grant { id } } }',
}


@pytest.mark.parametrize("document", FORGED.values(), ids=FORGED)
def test_b9_fields_that_are_not_the_callers_to_set_do_not_exist(hub: RunningHub, document: str) -> None:
    assert set(hub.ask("bank", document).codes) == {"INVALID_DOCUMENT"}


def test_b9_four_eyes_are_in_the_database(hub: RunningHub, tmp_path: Path) -> None:
    """On a copy of the running hub's control database: whoever writes past the services is refused all the same."""
    registered(hub, "four_eyes")
    filed = hub.ask("four_eyes", "mutation ($input: AccessRequestInput!) { requestAccess(input: $input) { accessRequest { id } } }", {"input": REQUEST})
    assert filed.data["requestAccess"]["accessRequest"]["id"]
    copy = tmp_path / "control.db"
    with closing(sqlite3.connect(f"file:{hub.home}/control.db?mode=ro", uri=True)) as live, closing(sqlite3.connect(copy)) as kept:
        live.backup(kept)
    engine = create_engine(f"sqlite:///{copy}")
    forbidden = {
        "review of one's own import": "UPDATE catalog_manifest SET reviewed_by = imported_by",
        "two administrators in one": "INSERT INTO account_role SELECT account, 'governance:security', 'x', given_at FROM account_role "
        "WHERE role = 'governance:system' LIMIT 1",
        "decision on one's own request": "UPDATE access_request SET decided_by = filed_by",
        "a grant without approvals": "UPDATE access_request SET \"grant\" = 'grant_x', origin = 'REQUESTED', opinion_by = NULL",
    }
    with engine.connect() as connection:
        for name, statement in forbidden.items():
            with pytest.raises(IntegrityError):
                connection.execute(text(statement))
            connection.rollback()
            assert name
    engine.dispose()


def test_b11_no_answer_may_be_kept_by_anything_between(hub: RunningHub) -> None:
    headers = {"If-None-Match": "*", "If-Modified-Since": "Sun, 22 Nov 2026 00:00:00 GMT"}
    for name in ("housing", "civil_affairs_own", "bank"):
        answer = hub.ask(name, "{ me { application } marketRegulation { companies(first: 1) { nodes { name } } } }", headers=headers)
        assert answer.data["me"] == {"application": name}
        assert answer.response.headers["cache-control"] == "no-store"
        assert "etag" not in answer.response.headers
    schemas = {name: hub.http("GET", "/graphql/schema.graphql", headers=hub.headers(name) | headers) for name in ("housing", "bank")}
    assert {answer.status_code for answer in schemas.values()} == {200}
    assert schemas["housing"].text != schemas["bank"].text


def test_a_revoked_grant_stops_the_next_page_of_a_running_list(hub: RunningHub, carrier: str) -> None:
    """APP-07: pages that were begun under a grant do not outlive it."""
    registered(hub, "paging")
    identity = granted(hub, grant_input("paging", "transport.permit"))
    document = "query ($after: String) { transport { permits(first: 1, after: $after) { nodes { permitNo } pageInfo { endCursor hasNextPage } } } }"
    first = hub.ask("paging", document).data["transport"]["permits"]
    assert first["pageInfo"]["hasNextPage"]
    second = hub.ask("paging", document, {"after": first["pageInfo"]["endCursor"]}).data["transport"]["permits"]
    assert second["nodes"] != first["nodes"]
    hub.govern("security_admin", "mutation ($id: ID!) { revokeGrant(input: {id: $id}) { problems { code } } }", {"id": identity})
    third = hub.ask("paging", document, {"after": second["pageInfo"]["endCursor"]})
    assert (third.status, set(third.codes)) == (400, {"INVALID_DOCUMENT"})
