"""撤回: one act stops everything, tells who has data, and is taken back by another person after an assessment (OPN-13)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import delete, insert, update

from connectors.sql.sqlite import SqliteConnection
from hub.acts import Actor
from hub.catalog.scopes import SECURITY, STEWARD
from hub.exchange.executors.inline import InlineExecutor
from hub.exchange.executors.spi import Progress
from hub.exchange.tables import exchange_file
from hub.exchange.work.task import ChunkReceipt, ChunkTask
from hub.ledger import tables
from hub.ledger.entry import Entry, EntryDraft
from hub.store.base import now
from hub.withdrawal.service import WithdrawalService
from tests.catalog.homes import publish, refused
from tests.sharing.sides import DECIDER
from tests.tracing.world import ALICE, BASE, COUNT, World, manifest, world_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

PERSON = "civil_affairs.person"
WITHDRAW = "mutation ($r: String!, $w: String!) { withdrawResource(input: {resource: $r, reason: $w}) { withdrawal { id state } problems { code path } } }"
RESTORE = (
    "mutation ($r: String!, $a: String!) { restoreResource(input: {resource: $r, assessment: $a}) { withdrawal { state restoredBy } problems { code path } } }"
)
RECORDS = """{ withdrawals(state: WITHDRAWN) { resource state reason withdrawnBy assessment recipients { name department calls rows downloads purposes
  grants { id state } exchanges { id state files { name } downloads { operator } } } } }"""
EXPLAIN = """{ explain(application: "housing", resource: "civil_affairs.person") { because { reason } allowed } }"""
LOOK_UP = "query ($n: String!) { civilAffairs { person(idNumber: $n) { name } } }"
LIST = "{ civilAffairs { persons(first: 1) { nodes { name idNumber } } } }"
AGGREGATE = "{ civilAffairs { personsAggregate { count } } }"
VERIFY = '{ civilAffairs { verifyPerson(subject: {idNumber: "' + ALICE + '"}, claims: {name: "x"}) { outcome } } }'
LINKED = "{ civilAffairs { permits(first: 1) { nodes { permitNo holder { name } } } } }"
UNLINKED = "{ civilAffairs { permits(first: 1) { nodes { permitNo } } } }"
WHOLE = "{ civilAffairs { persons { nodes { name idNumber } } } }"
OF_PERMITS = "{ civilAffairs { permits { nodes { permitNo holder { name } } } } }"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def one(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[World]:
    async with world_in(tmp_path_factory.mktemp("withdrawn")) as made:
        yield made


@pytest.fixture
async def world(one: World) -> AsyncIterator[World]:
    """The one hub; what a test leaves withdrawn is given back."""
    yield one
    service = WithdrawalService(one.core.engine, one.core.acts, one.core.catalog.current)
    for each in service.find("WITHDRAWN"):
        service.restore(DECIDER, each.resource, "after the test")
    await one.hub.live.refresh()


async def withdraw(world: World, name: str = "guard", resource: str = PERSON) -> Any:
    return (await world.govern(name, WITHDRAW, r=resource, w="疑似泄露"))["withdrawResource"]


async def restore(world: World, name: str = "keeper", assessment: str = "已重新脱敏") -> Any:
    return (await world.govern(name, RESTORE, r=PERSON, a=assessment))["restoreResource"]


def problems(answer: Any) -> list[str]:
    return [problem["code"] for problem in answer["problems"]]


async def refusals(world: World, *texts: str, name: str = "housing") -> set[str]:
    """What every one of the documents is refused with."""
    return {code for text in texts for code in await world.codes(name, text, **({"n": ALICE} if "$n" in text else {}))}


async def test_everything_stops_at_once_and_comes_back_after_an_assessment(world: World) -> None:
    number, url = await world.exchanged("housing", WHOLE, "stops")
    _, linked = await world.exchanged("housing", OF_PERMITS, "permits")
    every = (LOOK_UP, LIST, AGGREGATE, VERIFY, LINKED)
    assert await refusals(world, *every) == set()
    assert problems(await withdraw(world)) == []
    assert await refusals(world, *every) == {"FORBIDDEN"}
    answer = await world.post("housing", LIST, {})
    assert answer["errors"][0]["message"] == f"资源已撤回：{PERSON}"
    assert await refusals(world, UNLINKED) == set()
    assert await world.codes(
        "housing", 'mutation ($d: String!) { startExchange(input: {document: $d, format: CSV, idempotencyKey: "n"}) { exchange { id } } }', d=WHOLE
    ) == ["FORBIDDEN"]
    for address in (url, linked, f"/exchanges/{number}/manifest.json"):
        refused = await world.download("housing", address)
        assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    told = (await world.govern("guard", EXPLAIN))["explain"]
    assert (told["because"]["reason"], told["allowed"]) == ("WITHDRAWN", False)
    publish(world.core, manifest(world.file, changed=" anew"))
    await world.hub.live.refresh()
    assert await refusals(world, *every) == {"FORBIDDEN"}
    assert problems(await restore(world)) == []
    assert await refusals(world, *every) == set()
    assert (await world.download("housing", url)).status_code == 200
    assert problems(await withdraw(world)) == []
    assert await refusals(world, *every) == {"FORBIDDEN"}


async def test_who_may_not_have_it_is_not_told_that_it_is_withdrawn(world: World) -> None:
    before = await refusals(world, LINKED, "{ civilAffairs { persons { nodes { idNumber } } } }", "{ nothing }", name="statistics")
    assert before == {"INVALID_DOCUMENT"}
    assert problems(await withdraw(world)) == []
    assert await refusals(world, LINKED, "{ civilAffairs { persons { nodes { idNumber } } } }", "{ nothing }", name="statistics") == before
    assert await refusals(world, "{ civilAffairs { persons { nodes { name } } } }", name="statistics") == {"FORBIDDEN"}


async def test_two_people_and_an_assessment(world: World) -> None:
    before = len(world.entries())
    assert problems(await restore(world)) == ["NOT_FOUND"]
    for name, resource, code in (("auditor", PERSON, "FORBIDDEN"), ("operator", PERSON, "FORBIDDEN"), ("guard", "civil_affairs.nothing", "NOT_FOUND")):
        assert problems(await withdraw(world, name, resource)) == [code]
    assert (await world.govern("steward", WITHDRAW, r=PERSON, w=" "))["withdrawResource"]["problems"] == [{"code": "BAD_INPUT", "path": "reason"}]
    assert problems(await withdraw(world, "steward")) == []
    assert problems(await withdraw(world)) == ["CONFLICT"]
    assert problems(await restore(world, "steward")) == ["FORBIDDEN"]
    assert problems(await restore(world, "guard", " ")) == ["BAD_INPUT"]
    assert problems(await restore(world, "guard")) == []
    assert problems(await withdraw(world, "guard")) == []
    assert problems(await restore(world, "guard")) == ["FOUR_EYES"]
    done = await restore(world, "keeper", "已评估")
    assert done["withdrawal"] == {"state": "RESTORED", "restoredBy": "keeper"}
    acts = [each.content for each in world.entries()[before:] if each.content.operation in ("withdrawResource", "restoreResource")]
    assert Counter((each.operation, each.outcome, each.code) for each in acts if each.code != "FORBIDDEN") == {
        ("restoreResource", "REFUSED", "NOT_FOUND"): 1,
        ("withdrawResource", "REFUSED", "NOT_FOUND"): 1,
        ("withdrawResource", "REFUSED", "BAD_INPUT"): 1,
        ("withdrawResource", "OK", None): 2,
        ("withdrawResource", "REFUSED", "CONFLICT"): 1,
        ("restoreResource", "REFUSED", "BAD_INPUT"): 1,
        ("restoreResource", "OK", None): 2,
        ("restoreResource", "REFUSED", "FOUR_EYES"): 1,
    }
    assert [(each.details or {})["assessment"] for each in acts if each.operation == "restoreResource" and each.outcome == "OK"] == ["已重新脱敏", "已评估"]


async def test_a_steward_withdraws_nothing_of_others(world: World) -> None:
    service = WithdrawalService(world.core.engine, world.core.acts, world.core.catalog.current)
    assert refused(service.withdraw, Actor("stranger", "water_supply", frozenset({STEWARD})), PERSON, "why")[0].code == "FORBIDDEN"
    assert service.find("WITHDRAWN") == []


def pausing(world: World, after: int, act: Callable[[], Any]) -> Any:
    """Within it, ``act`` is done while the source answers its ``after``-th statement on persons."""
    fetch, seen = SqliteConnection.fetch, 0

    async def paused(connection: SqliteConnection, text: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        nonlocal seen
        found = await fetch(connection, text, arguments)
        if "person" in text:
            seen += 1
            if seen == after:
                await act()
        return found

    return patch.object(SqliteConnection, "fetch", paused)


def while_written(number: int, act: Callable[[], Any]) -> Any:
    """Within it, ``act`` is done while a chunk of this number is written."""
    run = InlineExecutor.run

    async def acting(executor: InlineExecutor, task: ChunkTask, progress: Progress) -> ChunkReceipt:
        receipt = await run(executor, task, progress)
        if task.number == number:
            await act()
        return receipt

    return patch.object(InlineExecutor, "run", acting)


async def ends_of(world: World, exchange: str) -> list[EntryDraft]:
    """What the ledger tells of an exchange, once it tells something."""
    for _ in range(200):
        if ends := [each.content for each in world.entries() if (each.content.details or {}).get("exchange") == exchange]:
            return ends
        await asyncio.sleep(0.05)
    return []


async def test_an_exchange_stops_before_its_next_chunk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several chunks, one of them accepted, no file is offered nor left, and no entry names subjects that left nothing (G3)."""
    monkeypatch.setitem(world.core.settings.__dict__, "exchange_chunk_rows", 2)
    for document in (WHOLE, OF_PERMITS):
        with while_written(2, lambda: withdraw(world)):
            number = await world.start("housing", document, document[:60])
            ended = await world.ended("housing", number)
        assert (ended["state"], ended["files"]) == ("FAILED", [])
        assert ended["reason"].startswith(f"FORBIDDEN 资源已撤回 the resource is withdrawn: {PERSON}")
        # The state is told first; files and entry follow it.
        ends = await ends_of(world, number)
        assert not [path for path in (world.core.settings.exchanges / number).glob("*") if path.is_file()]
        assert [(each.outcome, each.code, each.accesses) for each in ends] == [("FAILED", "FORBIDDEN", ())]
        assert problems(await restore(world)) == []


async def test_a_query_under_way_lets_nothing_out(world: World) -> None:
    with pausing(world, 1, lambda: withdraw(world)):
        answer = await world.post("housing", LIST, {})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert answer.get("data") is None
    last = [each.content for each in world.entries() if each.content.application == app(world, "housing")][-1]
    assert (last.kind, last.code, last.rows, [(access.rows, access.subjects) for access in last.accesses]) == ("deny", "FORBIDDEN", 0, [(0, ())])


def app(world: World, name: str) -> str:
    found = world.core.registry.by_name(name)
    assert found is not None
    return found.client_id


async def test_a_download_under_way_is_broken_off(world: World) -> None:
    number, url = await world.exchanged("housing", WHOLE, "broken")
    path = world.core.settings.exchanges / number / "data.jsonl"
    path.write_bytes(path.read_bytes() * 4000)
    with world.core.engine.begin() as connection:
        connection.execute(update(exchange_file).where(exchange_file.c.exchange == number).values(bytes=path.stat().st_size))
    pieces: list[bytes] = []

    async def send(message: Any) -> None:
        pieces.append(message.get("body", b""))
        if len(pieces) == 3:
            await withdraw(world)

    async def receive() -> Any:
        await asyncio.sleep(60)

    raw = [(name.encode(), value.encode()) for name, value in {**world.headers("housing"), "host": BASE.removeprefix("http://")}.items()]
    scope = {"type": "http", "method": "GET", "path": url, "raw_path": url.encode(), "query_string": b"", "headers": raw, "scheme": "http", "root_path": ""}
    await world.hub({**scope, "http_version": "1.1", "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 1), "asgi": {"spec_version": "2.4"}}, receive, send)
    sent = sum(map(len, pieces))
    assert 0 < sent < path.stat().st_size
    broken = [each.content for each in world.entries() if each.content.kind == "download"][-1]
    assert (broken.outcome, broken.code, broken.bytes) == ("FAILED", "FORBIDDEN", sent)
    assert broken.details == {"exchange": number, "file": "data.jsonl", "broken_off": True}


def counted(entries: Sequence[Entry], client_id: str) -> tuple[int, int, int]:
    """Calls, rows and downloads of an application, straight from the log."""
    mine = [each.content for each in entries if each.content.application == client_id and each.content.outcome in ("OK", "PARTIAL")]
    touching = [(each, access) for each in mine for access in each.accesses if access.resource == PERSON]
    rows = sum(access.rows for each, access in touching if each.kind in ("call", "exchange"))
    kinds = Counter(each.kind for each, _ in touching)
    return kinds["call"], rows, kinds["download"]


async def test_the_recipients_are_those_of_the_log_and_of_the_grants(world: World) -> None:
    for text in (LIST, LINKED, VERIFY, UNLINKED):
        await world.ask("housing", text)
    await world.ask("housing", LOOK_UP, n=ALICE)
    number, url = await world.exchanged("housing", WHOLE, "recipients")
    for _ in range(2):
        await world.download("housing", url)
    await withdraw(world)
    record = (await world.govern("auditor", RECORDS))["withdrawals"][0]
    assert (record["resource"], record["state"], record["withdrawnBy"]) == (PERSON, "WITHDRAWN", "guard")
    housing, statistics = record["recipients"]
    found = counted(world.entries(), app(world, "housing"))
    assert (housing["calls"], housing["rows"], housing["downloads"]) == found
    assert found[0] >= 4
    assert found[1] >= 3 + COUNT
    taken = {"id": number, "state": "SUCCEEDED", "files": [{"name": "data.jsonl"}], "downloads": [{"operator": "housing-clerk"}] * 2}
    assert taken in housing["exchanges"]
    assert (housing["name"], housing["purposes"], housing["grants"]) == ("housing", ["rent"], [{"id": world.grants["housing", "person"], "state": "ACTIVE"}])
    assert (statistics["name"], statistics["calls"], statistics["rows"]) == ("statistics", *counted(world.entries(), app(world, "statistics"))[:2])


async def test_one_person_under_two_names_is_one(world: World) -> None:
    """OPN-13: at the command line and at the endpoint, written in whichever way."""
    service = WithdrawalService(world.core.engine, world.core.acts, world.core.catalog.current)
    for name in ("cli:guard", "cli:Ｇuard", "CLI: guard"):
        service.withdraw(Actor(name, None, frozenset({SECURITY})), PERSON, "疑似泄露")
        assert problems(await restore(world, "guard")) == ["FOUR_EYES"]
        assert problems(await restore(world, "keeper")) == []
    assert problems(await withdraw(world, "guard")) == []
    for name in ("cli:guard", "cli:cli:guard", "guard\u200b"):
        assert refused(service.restore, Actor(name, None, frozenset({SECURITY})), PERSON, "checked")[0].code == "FOUR_EYES"


async def test_neither_rehearsal_nor_introspection_reaches_what_is_withdrawn(world: World) -> None:
    introspection = '{ __type(name: "CivilAffairsPerson") { fields { name } } }'
    assert (await world.ask("housing", introspection))["__type"] is not None
    assert problems(await withdraw(world)) == []
    answer = await world.post("housing", "query ($d: String!) { dryRun(document: $d) { wouldRun sources { statements } } }", {"d": LIST})
    assert not (answer.get("data") or {}).get("dryRun") or not answer["data"]["dryRun"]["wouldRun"], answer
    assert "SELECT" not in str(answer)
    assert (await world.ask("housing", introspection))["__type"] is None


async def test_withdrawals_are_paged_to_the_first(world: World) -> None:
    for _ in range(3):
        assert problems(await withdraw(world)) == []
        assert problems(await restore(world)) == []
    service = WithdrawalService(world.core.engine, world.core.acts, world.core.catalog.current)
    wanted, seen = [each.id for each in service.find()], list[str]()
    page = "query ($a: ID) { withdrawals(first: 2, after: $a) { id } }"
    while found := (await world.govern("auditor", page, a=seen[-1] if seen else None))["withdrawals"]:
        seen += [each["id"] for each in found]
    assert seen == wanted
    assert len(seen) >= 3


async def test_recipients_say_where_the_log_begins(world: World) -> None:
    """OPN-13: who took data by entries that were archived and removed is not listed, and that is said."""
    text = "{ withdrawals { archivedBefore } }"
    assert problems(await withdraw(world)) == []
    assert (await world.govern("auditor", text))["withdrawals"][0] == {"archivedBefore": None}
    removed = {"first": 0, "count": 3, "file": "segment", "bytes": 1, "sha256": "0" * 64, "archived_at": now(), "pruned_at": now()}
    with world.core.engine.begin() as connection:
        connection.execute(insert(tables.archive).values(**removed))
    try:
        assert (await world.govern("auditor", text))["withdrawals"][0] == {"archivedBefore": "3"}
    finally:
        with world.core.engine.begin() as connection:
            connection.execute(delete(tables.archive))
