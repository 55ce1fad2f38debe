"""From a person or a record to every call, exchange and download that carried it (OPN-13, LOG-02, LOG-06)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.ledger.entry import Access, EntryDraft
from hub.tracing.index import Indexer
from tests.tracing.world import ALICE, BOB, COUNT, PEOPLE, TRACE, World, world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

LOOK_UP = "query ($n: String!) { civilAffairs { person(idNumber: $n) { name } } }"
VERIFY = """query ($s: CivilAffairsPersonSubject!, $c: CivilAffairsPersonClaims!) { civilAffairs { verifyPerson(subject: $s, claims: $c) { outcome } } }"""
CLEAR = "{ civilAffairs { persons(first: 1) { nodes { idNumber } } } }"
NAMES = "{ civilAffairs { persons(first: 1) { nodes { name } } } }"
FILTERED = "query ($n: String!) { civilAffairs { persons(where: {idNumber: {eq: $n}}) { nodes { name } } } }"
COUNTED = "query ($n: String!) { civilAffairs { personsAggregate(where: {idNumber: {in: [$n]}}) { count } } }"
LINKED = '{ civilAffairs { permit(permitNo: "P-0") { holder { name } } } }'
MASKED = "{ civilAffairs { pupils(first: 1) { nodes { idNumber school } } } }"
WHOLE = "{ civilAffairs { persons { nodes { name idNumber } } } }"
PERMITS = "{ civilAffairs { permits { nodes { permitNo holder { name } } } } }"
PUPILS = "{ civilAffairs { pupils { nodes { idNumber } } } }"
RECORD = "query ($r: String!, $k: String!) { traceRecord(resource: $r, key: $k) { calls { call operation exchange { id } } } }"
GRANT = """query ($i: ID!) { traceGrant(id: $i) { grant request resource state steps { step } disposal { state }
  calls { call kind exchange { id downloads { operator } } } } }"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[World]:
    async with world_in(tmp_path_factory.mktemp("traced")) as made:
        yield made


async def call(world: World, text: str, /, name: str = "housing", **variables: Any) -> str:
    """Asks; the number of the call's entry."""
    found = await world.post(name, text, variables)
    assert "errors" not in found, found
    return str(found["extensions"]["receipt"]["call"])


async def test_a_person_is_traced_to_every_kind_of_call(world: World) -> None:
    asked = [await call(world, text, n=ALICE) for text in (LOOK_UP, FILTERED, COUNTED)]
    asked += [await call(world, text) for text in (CLEAR, LINKED)]
    asked.append(await call(world, VERIFY, s={"idNumber": ALICE.lower()}, c={"name": "somebody"}))
    for text, key in ((WHOLE, "whole"), (PERMITS, "permits")):
        _, url = await world.exchanged("housing", text, key)
        assert (await world.download("housing", url)).status_code == 200
    others = [await call(world, LOOK_UP, n=BOB), await call(world, NAMES, name="statistics")]
    found = await world.trace(ALICE)
    calls = [each["call"] for each in found["calls"]]
    assert {each["call"] for each in found["calls"] if each["kind"] == "call"} == set(asked)
    assert not set(calls) & set(others)
    exchanges = [each["exchange"] for each in found["calls"] if each["kind"] == "exchange"]
    assert [(each["state"], each["files"], [d["operator"] for d in each["downloads"]]) for each in exchanges] == [
        ("SUCCEEDED", [{"name": "data.jsonl", "rows": COUNT}], ["housing-clerk"])
    ] * 2
    entries = [int(each["entry"]) for each in found["calls"]]
    assert entries == sorted(entries, reverse=True)
    assert {each["application"] for each in found["calls"]} == {app.client_id for app in [world.core.registry.by_name("housing")] if app}
    looked = next(each for each in found["calls"] if each["call"] == asked[0])
    assert (looked["operator"], looked["purpose"]) == ("housing-clerk", "rent")
    assert {"code": "name", "shown": "clear", "mask": None} in looked["accesses"][0]["items"]
    await every_answer_is_the_same_whatever_is_indexed(world, found)


async def every_answer_is_the_same_whatever_is_indexed(world: World, found: Any) -> None:
    """Complete up to the moment of asking: not indexed at all, partly, wholly."""
    world.core.log.publisher.publish_all()
    indexer = Indexer(world.core.engine)
    indexer.catch_up()
    again = await world.trace(ALICE)
    assert [each["entry"] for each in again["calls"]] == [each["entry"] for each in found["calls"]]
    indexer.rebuild()
    assert await world.trace(ALICE) == again
    pages, after = [], None
    while True:
        page = await world.trace(ALICE, n=3, a=after)
        pages += page["calls"]
        if not page["hasNextPage"]:
            break
        after = page["calls"][-1]["entry"]
    assert pages == again["calls"]
    within = await world.trace(ALICE, r="civil_affairs.permit")
    assert {access["resource"] for each in within["calls"] for access in each["accesses"]} == {"civil_affairs.permit"}


async def test_what_carried_a_masked_number_alone_is_found_by_asking_the_source(world: World) -> None:
    masked = await call(world, MASKED)
    number, _ = await world.exchanged("housing", PUPILS, "pupils")
    unseen = await world.trace(ALICE, r="civil_affairs.pupil")
    assert unseen["calls"] == []
    assert unseen["asked"] == []
    found = await world.trace(ALICE, r="civil_affairs.pupil", s=True)
    assert (found["asked"], found["unanswered"]) == (["civil_affairs.pupil"], [])
    assert {each["call"] for each in found["calls"] if each["kind"] == "call"} == {masked}
    assert [each["exchange"]["id"] for each in found["calls"] if each["exchange"]] == [number]
    assert (await world.trace(PEOPLE[3][0], r="civil_affairs.pupil", s=True))["calls"][0]["exchange"]["id"] == number
    record = (await world.govern("auditor", RECORD, r="civil_affairs.pupil", k="101"))["traceRecord"]["calls"]
    assert {each["call"] for each in record} == {each["call"] for each in found["calls"]}
    assert (await world.govern("auditor", RECORD, r="civil_affairs.pupil", k="999"))["traceRecord"]["calls"] == []


async def test_the_question_is_an_entry_without_its_value(world: World) -> None:
    before = len(world.entries())
    await world.trace(ALICE.lower())
    await world.govern("auditor", RECORD, r="civil_affairs.person", k="1")
    acts = [each.content for each in world.entries()[before:] if each.content.kind == "admin" and "subject" in (each.content.details or {})]
    hashes = [(each.details or {})["subject"] for each in acts]
    subjects = world.core.subjects
    assert hashes == [subjects.name("id_number", ALICE), subjects.name("civil_affairs.person#", "1")]
    assert [each.operation for each in acts] == ["traceSubject", "traceRecord"]
    assert not [each.seq for each in world.entries() for number, _ in PEOPLE if number.encode() in each.canonical]


async def test_a_number_in_the_wrong_place_is_not_entered(world: World) -> None:
    for text, given in (
        (TRACE, {"k": ALICE, "v": "x"}),
        (TRACE, {"k": "id_number", "v": BOB, "r": ALICE}),
        (RECORD, {"r": ALICE, "k": "1"}),
        (GRANT, {"i": ALICE}),
    ):
        answer = await world.post("auditor", text, given, "/governance/graphql")
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"], "and a misspelled resource is no answer"
    assert [(each.content.details or {})["target"] for each in world.entries() if each.content.operation in ("traceSubject", "traceRecord", "traceGrant")][
        -4:
    ] == ["?", "id_number", "?", "?"]
    assert not [each.seq for each in world.entries() if ALICE.encode() in each.canonical or BOB.encode() in each.canonical]


async def test_what_a_trace_may_have_missed_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """OPN-13: the sources that were not asked, and those that have more rows of the person than are looked for."""
    unasked = (
        'query ($v: String!, $r: String, $s: Boolean!) { traceSubject(kind: "id_number", value: $v, resource: $r, askSources: $s) { unasked unanswered } }'
    )
    assert set((await world.govern("auditor", unasked, v=BOB, s=False))["traceSubject"]["unasked"]) >= {"civil_affairs.person", "civil_affairs.pupil"}
    within = {"r": "civil_affairs.pupil"}
    assert (await world.govern("auditor", unasked, v=BOB, s=False, **within))["traceSubject"] == {"unasked": ["civil_affairs.pupil"], "unanswered": []}
    assert (await world.govern("auditor", unasked, v=BOB, s=True, **within))["traceSubject"] == {"unasked": [], "unanswered": []}
    monkeypatch.setattr("hub.tracing.resolving.MOST_ROWS", 0)
    assert (await world.govern("auditor", unasked, v=BOB, s=True, **within))["traceSubject"] == {"unasked": [], "unanswered": ["civil_affairs.pupil"]}


async def test_an_exchange_that_names_nobody_is_told_of(world: World) -> None:
    """OPN-13: an entry from before sets of subjects may have carried anybody."""
    asked = 'query ($v: String!, $r: String) { traceSubject(kind: "id_number", value: $v, resource: $r) { unnamed } }'
    assert (await world.govern("auditor", asked, v=BOB))["traceSubject"]["unnamed"] == []
    old = EntryDraft(
        kind="exchange", call="old", outcome="OK", operation="exchange", medium="FILE", version=1, accesses=(Access("civil_affairs.person", "c", "db", rows=7),)
    )
    number = str((await world.core.ledger.append(old)).entry)
    for resource, told in ((None, [number]), ("civil_affairs.person", [number]), ("civil_affairs.pupil", [])):
        assert (await world.govern("auditor", asked, v=BOB, r=resource))["traceSubject"]["unnamed"] == told


async def test_nobody_but_the_audit_administrator_asks(world: World) -> None:
    for name in ("guard", "operator", "steward"):
        before = len(world.entries())
        answer = await world.post(name, TRACE, {"k": "id_number", "v": ALICE}, "/governance/graphql")
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
        assert any((each.content.details or {}).get("alert") for each in world.entries()[before:])
    for kind, value, code in (("shoe_size", "44", "NOT_FOUND"), ("id_number", ALICE[:-1], "BAD_INPUT"), ("id_number", "", "BAD_INPUT")):
        answer = await world.post("auditor", TRACE, {"k": kind, "v": value}, "/governance/graphql")
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
        assert ALICE[:-1] not in str(answer)


async def test_a_grant_has_a_life_from_its_request_to_its_copies(world: World) -> None:
    """LOG-02."""
    asked = await call(world, NAMES, name="statistics")
    number, url = await world.exchanged("statistics", NAMES.replace("(first: 1)", ""), "names")
    await world.download("statistics", url)
    grant = world.grants["statistics", "person"]
    life = (await world.govern("auditor", GRANT, i=grant))["traceGrant"]
    assert (life["grant"], life["resource"], life["state"], life["disposal"]) == (grant, "civil_affairs.person", "ACTIVE", None)
    assert life == (await world.govern("auditor", GRANT, i=life["request"]))["traceGrant"]
    assert "grant" in [step["step"] for step in life["steps"]]
    assert {each["call"] for each in life["calls"]} >= {asked}
    assert {each["kind"] for each in life["calls"]} == {"call", "exchange", "download"}
    assert all(each["exchange"]["downloads"] == [{"operator": "statistics-clerk"}] for each in life["calls"] if each["exchange"])
    assert number in {each["exchange"]["id"] for each in life["calls"] if each["exchange"]}
    missing = await world.post("auditor", GRANT, {"i": "grant_none"}, "/governance/graphql")
    assert missing["errors"][0]["extensions"]["code"] == "NOT_FOUND"
