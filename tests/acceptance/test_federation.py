"""A city's hub over a county's: one document over both tiers, use and trace carried through, no N+1, no circle (IOP-01, IOP-02, LOG-01)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.county import KIT_ROWS, PURPOSE, RESIDENT, RESIDENTS, camel, entries, federate, grant
from tests.acceptance.transport import START
from tests.hub.running import RunningHub, started, stop

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("federation")]

CLAIMS = """{ benefits { claims(first: 40) { nodes { claimNo amount resident { name phone household { address } } } } } }"""
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
REVOKE = "mutation ($id: ID!) { revokeGrant(input: {id: $id}) { problems { code } } }"


@dataclass
class Tiers:
    """A city's hub with its application ``desk``, and the county's, where the city is ``city``. ``held`` is the county's grant of residents."""

    city: RunningHub
    county: RunningHub
    held: str

    def asked(self, work: Callable[[], Any]) -> tuple[Any, list[dict[str, Any]]]:
        """What the work gives, and the entries it makes in the county's ledger for the city."""
        before = len(self.read())
        result = work()
        return result, self.read()[before:]

    def read(self) -> list[dict[str, Any]]:
        """The county's entries of what the city took; introspection and health checks take nothing."""
        return [entry for entry in entries(self.county, "city") if entry["accesses"]]


@pytest.fixture(scope="module")
def tiers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiers]:
    directory: Path = tmp_path_factory.mktemp("tiers")
    with started(directory / "county", persons=200) as county, started(directory / "city", persons=200) as city:
        made = Tiers(city, county, federate(county, city, directory))
        # Types are introspected once; the counts below are of calls that read.
        made.city.ask("desk", CLAIMS)
        yield made
        stop(city)
        stop(county)


def test_one_document_reads_both_tiers_with_one_call_per_level(tiers: Tiers) -> None:
    answer, read = tiers.asked(lambda: tiers.city.ask("desk", CLAIMS))
    nodes = answer.data["benefits"]["claims"]["nodes"]
    assert len(nodes) == 40
    for node in nodes:
        n = node["claimNo"]
        known = {"name": f"人·{n}", "phone": f"139****{n:04d}", "household": {"address": f"中山路{n // 3}号"}}
        assert node["resident"] == (known if n % 10 else None), n
    # 36 residents by a list of their numbers; 14 households, whose number may not be filtered by, by look-ups in one document.
    assert [[access["resource"] for access in entry["accesses"]] for entry in read] == [["nanming.resident"], ["nanming.household"]]
    assert {source["source"]: source["state"] for source in answer.content["extensions"]["sources"]} == {"benefits.register": "OK", "benefits.county": "OK"}


def test_filter_order_count_and_pages_are_the_county_s(tiers: Tiers) -> None:
    document = """query ($after: String) { benefits { residents(where: {district: {eq: "520103"}, residentNo: {lt: 50}}, orderBy: [{name: DESC}], first: 5,
        after: $after) { totalCount nodes { residentNo } pageInfo { hasNextPage endCursor } } } }"""
    seen: list[int] = []
    after, more, rows = None, True, 0
    while more:
        answer, read = tiers.asked(lambda after=after: tiers.city.ask("desk", document, {"after": after}))  # type: ignore[misc]
        page = answer.data["benefits"]["residents"]
        assert page["totalCount"] == 17
        seen += [node["residentNo"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        rows += sum(entry["rows"] for entry in read)
    assert seen == sorted((n for n in range(50) if n % 3 == 0), key=lambda n: f"人·{n}", reverse=True)
    # Every page is five rows and one that tells of more; by text the county's cursors lead on, by number its comparisons.
    assert rows == 6 + 6 + 6 + 2
    by_number = document.replace("{name: DESC}", "{residentNo: DESC}")
    first = tiers.city.ask("desk", by_number).data["benefits"]["residents"]["pageInfo"]["endCursor"]
    _, read = tiers.asked(lambda: tiers.city.ask("desk", by_number, {"after": first}))
    assert sum(entry["rows"] for entry in read) == 6


def test_purpose_operator_case_and_trace_are_carried_through(tiers: Tiers) -> None:
    headers = {"Huitong-Case": "2026%2F17", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    answer, read = tiers.asked(lambda: tiers.city.ask("desk", CLAIMS, headers=headers))
    own = entries(tiers.city, "desk")[-1]
    assert own["call"] == answer.receipt["call"]
    use = (PURPOSE, tiers.city.applications["desk"]["operator"], "2026/17", TRACE)
    assert [(e["purpose"], e["operator"], e["case"], e["trace"]) for e in (own, *read)] == [use] * 3
    assert own["details"]["remote"] == [{"source": "benefits.county", "call": e["call"], "entry": str(e["seq"])} for e in read]


def test_a_call_without_a_trace_begins_one(tiers: Tiers) -> None:
    _, read = tiers.asked(lambda: tiers.city.ask("desk", CLAIMS))
    traces = {entry["trace"] for entry in (entries(tiers.city, "desk")[-1], *read)}
    assert len(traces) == 1
    assert len(traces.pop()) == 32


def test_a_look_up_and_a_verification_through_the_county(tiers: Tiers) -> None:
    document = """{ benefits { resident(idNumber: "ID0007") { name }
        yes: verifyResident(subject: {idNumber: "ID0007"}, claims: {name: "人·7"}) { outcome }
        no: verifyResident(subject: {idNumber: "ID0007"}, claims: {name: "人·8"}) { outcome } } }"""
    found = tiers.city.ask("desk", document).data["benefits"]
    assert found == {"resident": {"name": "人·7"}, "yes": {"outcome": "MATCH"}, "no": {"outcome": "MISMATCH"}}


def test_every_kind_of_value_passes_two_hubs(tiers: Tiers) -> None:
    names = " ".join(KIT_ROWS[0])
    nodes = tiers.city.ask("desk", f"{{ benefits {{ persons(orderBy: [{{recordNo: ASC}}]) {{ nodes {{ {names} }} }} }} }}").data["benefits"]["persons"]["nodes"]
    assert nodes == KIT_ROWS


def test_a_batch_exchange_reads_the_county_for_the_job(tiers: Tiers) -> None:
    document = "{ benefits { residents { nodes { residentNo name phone } } } }"
    job = tiers.city.ask("desk", START, {"document": document, "format": "CSV", "key": "tiers"}).data["startExchange"]["exchange"]["id"]
    asking = "query ($id: ID!) { exchange(id: $id) { state reason files { rows } } }"
    made = wait(lambda: tiers.city.ask("desk", asking, {"id": job}).data["exchange"], lambda exchange: exchange["state"] not in ("QUEUED", "RUNNING", "PAUSED"))
    assert made == {"state": "SUCCEEDED", "reason": None, "files": [{"rows": RESIDENTS}]}
    end = next(entry for entry in entries(tiers.city, "desk")[::-1] if (entry["details"] or {}).get("step") == "SUCCEEDED")
    read = tiers.read()[-1]
    assert [each["call"] for each in end["details"]["remote"]][-1] == read["call"]
    assert (read["purpose"], read["operator"], read["trace"]) == (PURPOSE, tiers.city.applications["desk"]["operator"], end["trace"])


def test_hubs_that_are_each_other_s_source_do_not_call_in_a_circle(tiers: Tiers) -> None:
    calls = {name: len(entries(hub, name)) for name, hub in (("city", tiers.county), ("county", tiers.city))}
    answer = tiers.city.ask("desk", "{ benefits { echos { nodes { address } } } }")
    assert answer.codes == ["SOURCE_UNAVAILABLE"]
    back = entries(tiers.city, "county")[calls["county"] :]
    assert {entry["code"] for entry in back if entry["kind"] == "deny"} == {"LOOP"}
    assert len([entry for entry in back if entry["kind"] == "deny"]) == 1
    assert len(entries(tiers.county, "city")) - calls["city"] <= 10


def test_a_grant_taken_away_in_the_county_costs_that_field_alone(tiers: Tiers) -> None:
    assert tiers.county.govern("security_admin", REVOKE, {"id": tiers.held}).data["revokeGrant"]["problems"] == []
    document = "{ benefits { claims(first: 2) { nodes { claimNo resident { name } } } households(first: 1) { nodes { address } } } }"
    answer = wait(lambda: tiers.city.ask("desk", document), lambda answer: bool(answer.errors))
    assert answer.content["data"]["benefits"] == {
        "claims": {"nodes": [{"claimNo": n, "resident": None} for n in (1, 2)]},
        "households": {"nodes": [{"address": "中山路0号"}]},
    }
    assert set(answer.codes) <= {"SOURCE_UNAVAILABLE", "SOURCE_REFUSED"}
    assert {tuple(error["path"][:3]) for error in answer.errors} == {("benefits", "claims", "nodes")}
    assert all(error["path"][-1] == "resident" for error in answer.errors)
    assert "nanming" not in answer.response.text
    grant(tiers.county, "city", "nanming.resident", RESIDENT, ("id_number", "household_no"), masked="phone")
    wait(lambda: tiers.city.ask("desk", document), lambda answer: not answer.errors)


def test_both_ledgers_agree_call_by_call(tiers: Tiers) -> None:
    """What one hub's ledger says it was told, the other's says it told: each call once, with the same trace, purpose and operator (LOG-01, LOG-02)."""
    asked = {remote["call"]: (entry, remote) for entry in entries(tiers.city, "desk") for remote in (entry["details"] or {}).get("remote", ())}
    told = {entry["call"]: entry for entry in tiers.read() if entry["outcome"] in ("OK", "PARTIAL")}
    assert told
    # What the county told too late for the city to hear it lies with a call that the city entered as not whole.
    missed = {entry["trace"] for entry in entries(tiers.city, "desk") if entry["outcome"] != "OK"}
    assert {told[call]["trace"] for call in told.keys() - asked.keys()} <= missed
    for call in told.keys() & asked.keys():
        entry, (own, remote) = told[call], asked[call]
        assert remote["entry"] == str(entry["seq"])
        assert [own[name] for name in ("trace", "purpose", "operator", "case")] == [entry[name] for name in ("trace", "purpose", "operator", "case")]
    counted = [remote["call"] for entry in entries(tiers.city, "desk") for remote in (entry["details"] or {}).get("remote", ())]
    assert len(counted) == len(set(counted)) >= 10


def wait(ask: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
    """The first answer that will do."""
    deadline = time.monotonic() + 120
    while not done(found := ask()):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def test_names_are_the_other_hub_s() -> None:
    assert camel("id_number") == "idNumber"
