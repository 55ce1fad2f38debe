"""The ledger of a day's use: LOG-01's seven fields in every entry, refusals among them, nothing personal anywhere in it or in the log."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, select

from hub.ledger import tables
from hub.ledger.entry import Entry
from hub.ledger.reading import CallFilter, calls
from tests.hub.running import RunningHub, started, stop

pytestmark = pytest.mark.slow

PERSON = "query ($id: String!) { civilAffairs { person(idNumber: $id) { idNumber name phone address household { address } } } }"
VERIFY = """query ($id: String!, $name: String!, $born: Date) { civilAffairs {
    verifyPerson(subject: {idNumber: $id}, claims: {name: $name, birthDate: $born}) { outcome claims { item outcome } } } }"""
LISTED = "query ($w: CivilAffairsPersonWhere) { civilAffairs { persons(where: $w, first: 20) { nodes { name phone } } } }"
START = """mutation ($k: String!) { startExchange(input: {document: "{ civilAffairs { persons { nodes { name birthDate phone } } } }",
    format: CSV, idempotencyKey: $k}) { exchange { id } } }"""
CALLS = """query ($after: String) { calls(first: 100, after: $after) {
    nodes { id entry at application operation resources items purpose operator approver medium rows outcome code } pageInfo { hasNextPage endCursor } } }"""
SEVEN = ("purpose", "operator", "approver", "items", "at", "operation", "medium")


def use(hub: RunningHub) -> list[dict[str, Any]]:
    """Every sample person looked up, verified, misspelt, and asked for wrongly; an exchange with its download. The caller's log afterwards."""
    for person in hub.samples["persons"]:
        number, name = person["id_number"], person["name"]
        for application in ("housing", "civil_affairs_own"):
            hub.ask(application, PERSON, {"id": number})
            hub.ask(application, VERIFY, {"id": number, "name": name, "born": person["birth_date"]})
        hub.ask("housing", PERSON.replace("$id) {", f'"{number}") {{'))
        hub.ask("housing", PERSON, {"id": f"{number[:-1]}{'0' if number[-1] != '0' else '1'}"})
        hub.ask("housing", LISTED, {"w": {"gender": {"eq": name}}})
        hub.ask("housing", LISTED, {"w": {"nmae": {"eq": name}, number: name}})
        hub.ask("housing", f'{{ civilAffairs {{ person(idNumber: "{number}") {{ {name} }} }} }}')
        hub.ask("bank", PERSON, {"id": number})
        hub.ask("housing", PERSON, {"id": number}, headers={"Huitong-Purpose": None})
        hub.ask("housing", "query ($c: String!) { catalog(search: $c) { totalCount } }", {"c": name})
        hub.http("GET", f"/graphql?query={number}")
        hub.http("GET", f"/nothing/{number}")
        hub.http("POST", "/graphql", f'{{"query": "{number} {name}'.encode(), hub.headers("housing"))
    hub.ask("housing", LISTED, {"w": {"birthDate": {"gte": "1990-01-01"}}})
    hub.ask("housing", "{ humanResources { socialInsurances(first: 100) { nodes { state person { name } employer { name } } } } }")
    identity = hub.ask("housing", START, {"k": "log"}).data["startExchange"]["exchange"]["id"]
    watched = "query ($id: ID!) { exchange(id: $id) { state files { url } } }"
    deadline = time.monotonic() + 120
    while (exchange := hub.ask("housing", watched, {"id": identity}).data["exchange"])["state"] in (
        "QUEUED",
        "RUNNING",
        "PAUSED",
    ) and time.monotonic() < deadline:
        time.sleep(0.05)
    # As a person would download it: with the token alone.
    assert hub.http("GET", exchange["files"][0]["url"], headers={"Authorization": f"Bearer {hub.token('housing')}"}).status_code == 200
    return own_calls(hub)


def own_calls(hub: RunningHub) -> list[dict[str, Any]]:
    """All of ``housing``'s calls, page by page."""
    found: list[dict[str, Any]] = []
    after, more = None, True
    while more:
        page = hub.ask("housing", CALLS, {"after": after}).data["calls"]
        found += page["nodes"]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert len({call["id"] for call in found}) == len(found) > 100
    return found


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningHub, list[dict[str, Any]]]]:
    """A hub that was used and stopped, with what ``housing`` read of its own calls."""
    with started(tmp_path_factory.mktemp("log") / "home") as hub:
        told = use(hub)
        stop(hub)
        yield hub, told


@pytest.fixture(scope="module")
def engine(day: tuple[RunningHub, Any]) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///file:{day[0].home}/control.db?mode=ro&uri=true")
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def entries(day: tuple[RunningHub, Any], engine: Engine) -> list[Entry]:
    """``housing``'s entries as the ledger holds them."""
    application = day[0].applications["housing"]["client_id"]
    with engine.connect() as connection:
        return calls(connection, CallFilter(application=application), 1000)


def test_the_seven_fields_are_there_for_whoever_reads_its_own_calls(day: tuple[RunningHub, list[dict[str, Any]]]) -> None:
    used = [call for call in day[1] if call["outcome"] in ("OK", "PARTIAL") and call["resources"]]
    assert {call["operation"] for call in used} == {"QUERY", "VERIFY", "EXCHANGE"}
    assert {call["medium"] for call in used} == {"INTERFACE", "FILE"}
    assert [(call["id"], call["medium"], name) for call in used for name in SEVEN if not call[name]] == []


def test_the_seven_fields_are_in_the_entries(entries: list[Entry]) -> None:
    kinds = {"query": "call", "verify": "call", "exchange": "exchange", "download": "download"}
    taken = [entry for entry in entries if entry.content.accesses and entry.content.kind != "deny"]
    refused = [access for entry in entries if entry.content.kind == "deny" for access in entry.content.accesses]
    assert [access for access in refused if access.items or access.rows or access.subjects] == []
    assert {entry.content.kind for entry in taken} == set(kinds.values())
    for entry in taken:
        content = entry.content
        fields = (content.purpose, content.operator, content.approver, content.at, content.operation, content.medium)
        assert None not in fields, (content.kind, entry.seq, fields)
        if content.outcome == "OK":
            assert all(access.items for access in content.accesses), (content.kind, entry.seq)


def test_entries_tell_what_was_taken(day: tuple[RunningHub, list[dict[str, Any]]], entries: list[Entry]) -> None:
    exchange = next(call for call in day[1] if call["operation"] == "EXCHANGE" and call["rows"])
    count = day[0].rows("civil_affairs", "SELECT count(*) FROM person WHERE district = '520102'")[0][0]
    assert exchange["rows"] == count
    looked_up = [
        entry for entry in entries if entry.content.accesses and {item.shown for a in entry.content.accesses for item in a.items} >= {"masked", "clear"}
    ]
    assert looked_up
    shown = {(item.code, item.shown, item.mask) for access in looked_up[-1].content.accesses for item in access.items}
    assert ("phone", "masked", "KEEP_FIRST_3_LAST_4@1") in shown
    assert ("name", "clear", None) in shown
    verified = next(entry for entry in entries if entry.content.operation == "verify" and entry.content.accesses)
    assert {item.shown for item in verified.content.accesses[0].items} == {"key", "match"}
    assert verified.content.accesses[0].subjects


def test_refusals_are_entries(day: tuple[RunningHub, list[dict[str, Any]]]) -> None:
    refused = {call["code"] for call in day[1] if call["outcome"] in ("REFUSED", "PARTIAL")}
    assert {"INVALID_DOCUMENT", "BAD_INPUT", "PURPOSE_REQUIRED", "BAD_REQUEST"} <= refused


def test_both_readings_agree(day: tuple[RunningHub, list[dict[str, Any]]], entries: list[Entry]) -> None:
    held = {str(entry.seq): entry for entry in entries}
    for call in day[1]:
        content = held[call["entry"]].content
        assert (content.call, content.purpose, content.operator, content.approver) == (call["id"], call["purpose"], call["operator"], call["approver"])


def personal(hub: RunningHub) -> set[str]:
    """Values that must be nowhere: of every sample person, all that identifies."""
    found = set()
    for person in hub.samples["persons"]:
        row = hub.rows("civil_affairs", "SELECT id_number, name, phone, address FROM person WHERE id_number = ?", [person["id_number"]])[0]
        found |= {value for value in row if value}
    return found


def test_nothing_personal_is_in_the_ledger(day: tuple[RunningHub, Any], engine: Engine) -> None:
    values = personal(day[0])
    with engine.connect() as connection:
        whole = b"\n".join(connection.execute(select(tables.entry.c.canonical).order_by(tables.entry.c.seq)).scalars()).decode()
    assert len(whole) > 100_000
    assert {value for value in values if value in whole} == set()
    escaped = {value.encode("unicode_escape").decode() for value in values if not value.isascii()}
    assert {value for value in escaped if value in whole} == set()


def test_nothing_personal_is_in_the_log_or_the_control_database(day: tuple[RunningHub, Any]) -> None:
    hub = day[0]
    values = {value.encode() for value in personal(hub)}
    files = [hub.log, *hub.home.glob("control.db*")]
    assert len(files) > 1
    for file in files:
        content = file.read_bytes()
        assert {value for value in values if value in content} == set(), file.name


def test_the_stopped_ledger_is_sound(day: tuple[RunningHub, Any]) -> None:
    done = verified(day[0].home)
    assert done.returncode == 0, done.stdout + done.stderr


def verified(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hub", "--home", str(home), "ledger", "verify", *arguments]
    return subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False, timeout=120)
