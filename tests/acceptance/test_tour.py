"""The tour with a publicly used client: token → look-up → list → verification → exchange → proof."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import time
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from gql import Client, GraphQLRequest, gql
from gql.client import SyncClientSession
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXTransport

from hub.ledger.keys import VerifierKey
from hub.ledger.proofs import InclusionProof, verify_proof
from hub.ledger.receipt import Receipt, verify_receipt
from schema.model import DEFAULT_COHORT
from tests.hub.running import DISTRICT, RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

PERSONS = """
query ($where: CivilAffairsPersonWhere, $orderBy: [CivilAffairsPersonOrder!], $first: Int, $after: String) {
  civilAffairs { persons(where: $where, orderBy: $orderBy, first: $first, after: $after) {
    totalCount nodes { idNumber name birthDate district phone } pageInfo { hasNextPage endCursor }
  } }
}"""
EXPORT = "{ civilAffairs { persons { nodes { idNumber name birthDate phone household { address } } } } }"
START = "mutation ($input: StartExchangeInput!) { startExchange(input: $input) { exchange { id state } } }"
EXCHANGE = """
query ($id: ID!) { exchange(id: $id) { state reason format createdAt finishedAt expiresAt progress { rowsDone rowsTotal bytes }
  files { name url rows bytes sha256 } manifestUrl } }"""


@pytest.fixture(scope="module")
def housing(hub: RunningHub) -> Iterator[SyncClientSession]:
    """``gql``'s client, which reads the schema and checks every document against it before it sends it."""
    transport = HTTPXTransport(f"{hub.base}/graphql", headers=hub.headers("housing"), trust_env=False)
    client = Client(transport=transport, fetch_schema_from_transport=True)
    with client as session:
        yield session


def ask(client: SyncClientSession, document: str, **variables: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    request: GraphQLRequest = gql(document)
    request.variable_values = variables
    result = client.execute(request, get_execution_result=True)
    assert not result.errors
    return result.data or {}, result.extensions or {}


def test_look_up_by_identifier_shows_what_the_grant_shows(hub: RunningHub, housing: SyncClientSession) -> None:
    document = """query ($id: String!) { civilAffairs { person(idNumber: $id) {
        idNumber name gender birthDate phone address district household { householdNo address district } } } }"""
    for sample in hub.inside:
        columns = "phone, address, gender, household_no"
        phone, address, gender, household_no = hub.rows("civil_affairs", f"SELECT {columns} FROM person WHERE id_number = ?", [sample["id_number"]])[0]
        data, extensions = ask(housing, document, id=sample["id_number"])
        person, number = data["civilAffairs"]["person"], sample["id_number"]
        shown = address[: address.index("区") + 1] + "****"
        assert person["idNumber"] == f"{number[0]}{'*' * 16}{number[-1]}"
        assert person["phone"] == f"{phone[:3]}****{phone[-4:]}"
        assert person["address"] == shown
        assert (person["name"], person["birthDate"], person["district"], person["gender"]) == (sample["name"], sample["birth_date"], DISTRICT, gender)
        assert person["household"]["householdNo"] == household_no
        path = "civilAffairs.person"
        assert set(extensions["masking"]) == {f"{path}.idNumber", f"{path}.phone", f"{path}.address", f"{path}.household.address"}
        assert extensions["sources"] == [{"source": "civil_affairs.register", "state": "OK", "asOf": extensions["sources"][0]["asOf"]}]


@pytest.mark.parametrize("first", [1, 7, 50, 1000])
def test_a_list_with_filter_and_order_comes_whole_by_its_cursors(hub: RunningHub, housing: SyncClientSession, first: int) -> None:
    where = {"or": [{"birthDate": {"gte": "1990-01-01", "lt": "1992-01-01"}}, {"birthDate": {"eq": "1971-10-05"}}]}
    expected = hub.rows(
        "civil_affairs",
        "SELECT name, birth_date FROM person WHERE district = ? AND (birth_date >= '1990-01-01' AND birth_date < '1992-01-01' OR birth_date = '1971-10-05')"
        " ORDER BY birth_date DESC, person_id",
        [DISTRICT],
    )
    assert len(expected) > 7
    seen: list[tuple[str, str]] = []
    cursors: list[str] = []
    more = True
    while more:
        data, _ = ask(housing, PERSONS, where=where, orderBy=[{"birthDate": "DESC"}], first=first, after=cursors[-1] if cursors else None)
        page = data["civilAffairs"]["persons"]
        assert page["totalCount"] == (len(expected) if len(expected) >= DEFAULT_COHORT else None)
        seen += [(node["name"], node["birthDate"]) for node in page["nodes"]]
        more = page["pageInfo"]["hasNextPage"]
        cursors.append(page["pageInfo"]["endCursor"])
        assert len(page["nodes"]) == first or not more
    assert seen == expected
    assert len(set(cursors)) == len(cursors)


def test_rows_without_an_order_come_in_one_order_and_once(hub: RunningHub, housing: SyncClientSession) -> None:
    seen: list[str] = []
    after = None
    while True:
        page = ask(housing, PERSONS, first=97, after=after)[0]["civilAffairs"]["persons"]
        seen += [node["name"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert seen == [name for (name,) in hub.rows("civil_affairs", "SELECT name FROM person WHERE district = ? ORDER BY person_id", [DISTRICT])]


def test_verification_single(hub: RunningHub, housing: SyncClientSession) -> None:
    document = """query ($id: String!, $claims: CivilAffairsPersonClaims!) { civilAffairs {
        verifyPerson(subject: {idNumber: $id}, claims: $claims) { outcome claims { item outcome } asOf } } }"""
    person = hub.inside[0]
    truth = {"name": person["name"], "birthDate": person["birth_date"]}
    found, _ = ask(housing, document, id=person["id_number"], claims=truth)
    assert found["civilAffairs"]["verifyPerson"]["outcome"] == "MATCH"
    assert found["civilAffairs"]["verifyPerson"]["asOf"]
    found, _ = ask(housing, document, id=person["id_number"], claims={**truth, "birthDate": "1900-01-01"})
    assert found["civilAffairs"]["verifyPerson"]["outcome"] == "MISMATCH"
    assert found["civilAffairs"]["verifyPerson"]["claims"] == [{"item": "name", "outcome": "MATCH"}, {"item": "birthDate", "outcome": "MISMATCH"}]


def test_verification_in_lists_answers_in_their_order(hub: RunningHub, housing: SyncClientSession) -> None:
    document = """query ($requests: [CivilAffairsPersonVerificationRequest!]!) { civilAffairs { verifyPersons(requests: $requests) { outcome } } }"""
    requests = [{"subject": {"idNumber": each["id_number"]}, "claims": {"name": each["name"]}} for each in hub.samples["persons"]]
    requests += [{"subject": {"idNumber": hub.inside[0]["id_number"]}, "claims": {"name": "无此姓名"}}]
    found, _ = ask(housing, document, requests=requests)
    outcomes = [each["outcome"] for each in found["civilAffairs"]["verifyPersons"]]
    assert outcomes == ["MATCH" if each in hub.inside else "MISMATCH" for each in hub.samples["persons"]] + ["MISMATCH"]
    with pytest.raises(TransportQueryError, match="100"):
        ask(housing, document, requests=requests[:1] * 101)


def finished(client: SyncClientSession, key: str, format_: str, document: str = EXPORT) -> dict[str, Any]:
    started, _ = ask(client, START, input={"document": document, "format": format_, "idempotencyKey": key})
    identity = started["startExchange"]["exchange"]["id"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        exchange: dict[str, Any] = ask(client, EXCHANGE, id=identity)[0]["exchange"]
        if exchange["state"] not in ("QUEUED", "RUNNING", "PAUSED"):
            return {**exchange, "id": identity}
        time.sleep(0.05)
    raise AssertionError("the exchange did not end")


def download(hub: RunningHub, url: str, **headers: str) -> bytes:
    answer = hub.http("GET", url, headers={"Authorization": f"Bearer {hub.token('housing')}", **headers})
    assert answer.status_code in (200, 206), answer.text
    return answer.content


def key_of(hub: RunningHub) -> VerifierKey:
    return VerifierKey.parse(hub.http("GET", "/ledger/key").text)


def proven(hub: RunningHub, name: str, receipt: Receipt) -> bool:
    """Whether the receipt verifies by the public key alone, and the proof of its entry does so too."""
    key = key_of(hub)
    headers = {"Authorization": f"Bearer {hub.token(name)}"}
    deadline = time.monotonic() + 10
    while (answer := hub.http("GET", f"/ledger/proof/{receipt.entry}", headers=headers)).status_code == 404 and time.monotonic() < deadline:
        time.sleep(0.1)
    shown = answer.json()
    proof = InclusionProof(shown["index"], shown["size"], tuple(b64decode(step) for step in shown["path"]), shown["checkpoint"])
    return verify_receipt(receipt, key) and proof.index == receipt.entry and verify_proof(proof, receipt.leaf, [key])


def test_exchange_to_csv(hub: RunningHub, housing: SyncClientSession) -> None:
    exchange = finished(housing, "tour-csv", "CSV")
    (file,) = exchange["files"]
    content = download(hub, file["url"])
    assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert len(content) == file["bytes"]
    assert content.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert head == ["idNumber", "name", "birthDate", "phone", "household.address"]
    stored = hub.rows("civil_affairs", "SELECT id_number, name, birth_date, phone FROM person WHERE district = ? ORDER BY person_id", [DISTRICT])
    assert [(row[1], row[2]) for row in rows] == [(name, birth) for _, name, birth, _ in stored]
    assert [row[0] for row in rows] == [f"{number[0]}{'*' * 16}{number[-1]}" for number, *_ in stored]
    assert [row[3] for row in rows] == ["" if phone is None else f"{phone[:3]}****{phone[-4:]}" for *_, phone in stored]
    assert file["rows"] == exchange["progress"]["rowsDone"] == exchange["progress"]["rowsTotal"] == len(stored)
    assert download(hub, file["url"], Range="bytes=100-199") == content[100:200]


def test_exchange_to_json_lines(hub: RunningHub, housing: SyncClientSession) -> None:
    exchange = finished(housing, "tour-jsonl", "JSONL")
    lines = [json.loads(line) for line in download(hub, exchange["files"][0]["url"]).splitlines()]
    page, _ = ask(housing, "{ civilAffairs { persons(first: 1000) { nodes { idNumber name birthDate phone household { address } } } } }")
    assert lines == page["civilAffairs"]["persons"]["nodes"]


def test_the_manifest_is_signed_and_names_the_ledgers_entry(hub: RunningHub, housing: SyncClientSession) -> None:
    exchange = finished(housing, "tour-csv", "CSV")
    manifest = orjson.loads(download(hub, exchange["manifestUrl"]))
    assert {"exchange", "plan", "policy", "source_snapshot", "files", "ledger", "signature"} <= set(manifest)
    assert manifest["exchange"] == exchange["id"]
    assert manifest["files"] == [{key: file[key] for key in ("name", "rows", "bytes", "sha256")} for file in exchange["files"]]
    signature = manifest.pop("signature")
    signed = orjson.dumps(manifest, option=orjson.OPT_SORT_KEYS)
    key = key_of(hub)
    assert signature["key"] == key.key_id
    assert key.verify(b64decode(signature["value"]), signed)
    entry = manifest["ledger"]["entry"]
    calls = ask(housing, "{ calls(first: 200) { nodes { entry operation } } }")[0]["calls"]["nodes"]
    assert {"entry": entry, "operation": "EXCHANGE"} in calls


def test_an_idempotency_key_starts_one_exchange(housing: SyncClientSession) -> None:
    first, again = finished(housing, "tour-once", "CSV"), finished(housing, "tour-once", "CSV")
    assert first == again
    with pytest.raises(TransportQueryError) as refused:
        finished(housing, "tour-once", "JSONL")
    assert refused.value.errors
    assert refused.value.errors[0]["extensions"]["code"] == "CONFLICT"


def test_files_of_an_exchange_are_its_callers_alone(hub: RunningHub, housing: SyncClientSession) -> None:
    exchange = finished(housing, "tour-csv", "CSV")
    for url in (exchange["files"][0]["url"], exchange["manifestUrl"], f"/exchanges/{exchange['id']}/events"):
        assert hub.http("GET", url).status_code == 401
        assert hub.http("GET", url, headers={"Authorization": f"Bearer {hub.token('bank')}"}).status_code == 404
    assert hub.ask("bank", EXCHANGE, {"id": exchange["id"]}).data == {"exchange": None}


def test_receipt_and_proof_verify_with_the_public_key(hub: RunningHub, housing: SyncClientSession) -> None:
    receipts = [Receipt.from_json(ask(housing, "{ civilAffairs { persons(first: 1) { nodes { name } } } }")[1]["receipt"]) for _ in range(3)]
    assert all(proven(hub, "housing", receipt) for receipt in receipts)
    entry = receipts[-1].entry
    assert hub.http("GET", f"/ledger/proof/{entry}").status_code == 401
    assert hub.http("GET", f"/ledger/proof/{entry}", headers={"Authorization": f"Bearer {hub.token('bank')}"}).status_code == 404
    text = hub.http("GET", f"/ledger/proof/{entry}", headers={"Authorization": f"Bearer {hub.token('audit_admin')}", "Accept": "text/plain"}).text
    assert text.startswith("c2sp.org/tlog-proof@v1\n")
