"""What one call may ask for: more is refused as a whole; counting is an access; a tighter grant ends downloads."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.acceptance.transport import FIELDS, START, grant_input, granted
from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

_MANY = "query ($r: [CivilAffairsPersonVerificationRequest!]!) {{ civilAffairs {{ {} }} }}"


def several(field: str, count: int) -> str:
    return " ".join(f"a{i}: {field}" for i in range(count))


@pytest.mark.parametrize(
    "document",
    [
        f"{{ civilAffairs {{ {several('persons(first: 1000) { nodes { name } }', 30)} }} }}",
        f"{{ cityData {{ divisions(first: 1000) {{ nodes {{ {several('fullName', 500)} }} }} }} }}",
        f"{{ civilAffairs {{ {several('persons { totalCount }', 60)} }} }}",
        f"{{ {several('__schema { queryType { name } }', 3)} }}",
        f"{{ cityData {{ {'divisions { nodes { code } } ' * 11} }} }}",
    ],
)
def test_more_than_one_call_may_ask_for(hub: RunningHub, document: str) -> None:
    answer = hub.ask("housing", document)
    assert (answer.status, answer.codes) == (400, ["QUERY_BUDGET"])
    assert "data" not in answer.content


def test_d1_guesses_about_one_person_end_after_ten(hub: RunningHub) -> None:
    known = [each["id_number"] for each in hub.samples["persons"]]
    number, name = next(row for row in hub.rows("civil_affairs", "SELECT id_number, name FROM person WHERE district = '520102'") if row[0] not in known)
    person = {"id_number": number, "name": name}
    wrong = [{"subject": {"idNumber": person["id_number"]}, "claims": {"name": f"张{chr(0x4E00 + n)}"}} for n in range(100)]
    document = _MANY.format("verifyPersons(requests: $r) { outcome claims { item outcome } asOf }")
    first = hub.ask("housing", document, {"r": wrong[:9]})
    right = hub.ask("housing", document, {"r": [{**wrong[0], "claims": {"name": person["name"]}}] * 9})
    assert {each["outcome"] for each in first.data["civilAffairs"]["verifyPersons"]} == {"MISMATCH"}
    assert {each["outcome"] for each in right.data["civilAffairs"]["verifyPersons"]} == {"MATCH"}
    lengths = {len(answer.response.content) - len(json.dumps(answer.receipt, separators=(",", ":"))) for answer in (first, right)}
    assert len(lengths) == 1
    for requests in (wrong, wrong[9:10]):
        refused = hub.ask("housing", document, {"r": requests})
        assert (refused.status, refused.codes, "data" in refused.content) == (429, ["VERIFICATION_BUDGET"], False)


def test_verifications_of_all_fields_count_together(hub: RunningHub) -> None:
    requests = [{"subject": {"idNumber": hub.inside[0]["id_number"]}, "claims": {"name": "无"}}] * 60
    for fields, status in ((1, 200), (2, 400)):
        document = _MANY.format(several("verifyPersons(requests: $r) { outcome }", fields))
        assert hub.ask("housing", document, {"r": requests}).status == status


def test_counting_is_entered_with_the_items_compared(hub: RunningHub) -> None:
    assert hub.ask("housing", '{ civilAffairs { persons(where: {birthDate: {lt: "1980-01-01"}}) { totalCount } } }').status == 200
    call = hub.ask("housing", "{ calls(first: 1) { nodes { resources items approver } } }").data["calls"]["nodes"][0]
    assert call["resources"] == ["civil_affairs.person"]
    assert "civil_affairs.person.birth_date" in call["items"]
    assert call["approver"]


def test_a_tighter_grant_ends_downloads(hub: RunningHub, carrier: str) -> None:
    document = f"{{ transport {{ permits {{ nodes {{ {FIELDS} }} }} }} }}"
    identity = hub.ask(carrier, START, {"document": document, "format": "JSONL", "key": "tighter"}).data["startExchange"]["exchange"]["id"]
    state: dict[str, Any] = {"state": "QUEUED"}
    for _ in range(1200):
        state = hub.ask(carrier, "query ($id: ID!) { exchange(id: $id) { state files { url } } }", {"id": identity}).data["exchange"]
        if state["state"] not in ("QUEUED", "RUNNING", "PAUSED"):
            break
        time.sleep(0.05)
    url = state["files"][0]["url"]
    assert hub.http("GET", url, headers=hub.headers(carrier)).status_code == 200
    held = hub.ask(carrier, "{ me { grants { id } } }").data["me"]["grants"][0]["id"]
    hub.govern("security_admin", "mutation ($id: ID!) { revokeGrant(input: {id: $id}) { problems { code } } }", {"id": held})
    tighter = grant_input(carrier, "transport.permit")
    granted(hub, tighter | {"rows": {"district": {"eq": "520103"}}})
    refused = hub.http("GET", url, headers=hub.headers(carrier))
    assert refused.status_code == 403
    assert json.loads(refused.content)["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    held = hub.ask(carrier, "{ me { grants { id } } }").data["me"]["grants"][0]["id"]
    hub.govern("security_admin", "mutation ($id: ID!) { revokeGrant(input: {id: $id}) { problems { code } } }", {"id": held})
    granted(hub, grant_input(carrier, "transport.permit"))
