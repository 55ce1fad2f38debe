"""Who sees which figures on the governance endpoint; what a refused call leaves; each reading is an entry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from hub.ledger.entry import Access, EntryDraft
from hub.ledger.reading import CallFilter, calls
from hub.store.turns import writing
from hub.usage import tables
from hub.usage.roller import Roller
from tests.feedback.world import CLOSED, OPEN, World, world_in
from tests.usage.build import RULES

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
ASK = """query ($by: UsageBy!, $department: String) { usage(from: "2026-01-01", to: "2035-12-31", by: $by, department: $department) {
    through openDays lines { code calls counted refused rows p50Ms } } }"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for all tests of the file."""
    return "asyncio"


@pytest.fixture(scope="module")
async def world(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A hub in which two applications have called."""
    async with world_in(tmp_path_factory.mktemp("usage")) as made:
        for name, department, resource in (("tenants", "housing_bureau", CLOSED), ("meters", "water_supply", OPEN), ("meters", "water_supply", OPEN)):
            app = made.core.registry.by_name(name)
            assert app is not None
            part = Access(resource, "civil_affairs", "db", rows=2)
            draft = EntryDraft(kind="call", call="call-1", outcome="OK", operation="query", application=app.client_id, department=department, accesses=(part,))
            await made.core.ledger.append(draft)
        made.core.log.publisher.publish_all()
        Roller(made.core.engine, made.core.ledger, RULES, "test", lease=timedelta(0)).run()
        yield made


async def lines(world: World, who: str, by: str, department: str | None = None) -> Any:
    answer = await world.ask(who, ASK, by=by, department=department)
    if "errors" in answer:
        return answer["errors"][0]["extensions"]["code"]
    return {line["code"]: line["calls"] for line in answer["data"]["usage"]["lines"] if line["code"]}


async def test_the_authority_and_the_auditor_see_everything(world: World) -> None:
    for who in ("authority", "auditor"):
        assert await lines(world, who, "RESOURCE") == {OPEN: 2, CLOSED: 1}
        assert await lines(world, who, "CONSUMER") == {"housing_bureau": 1, "water_supply": 2}
        assert await lines(world, who, "RESOURCE", "housing_bureau") == {CLOSED: 1}


async def test_a_steward_sees_what_the_own_department_provided_or_consumed(world: World) -> None:
    assert await lines(world, "provider", "RESOURCE") == {OPEN: 2, CLOSED: 1}
    assert await lines(world, "consumer", "RESOURCE") == {CLOSED: 1}
    assert await lines(world, "consumer", "PROVIDER") == {"civil_affairs": 1}
    assert await lines(world, "stranger", "RESOURCE", "water_supply") == {OPEN: 2}
    assert await lines(world, "consumer", "RESOURCE", "water_supply") == "FORBIDDEN"


async def test_an_owner_sees_the_own_applications_alone(world: World) -> None:
    assert await lines(world, "owner", "RESOURCE") == {CLOSED: 1}
    assert await lines(world, "owner", "RESOURCE", "water_supply") == {}


async def test_what_a_share_cap_leaves_tells_consumers_nothing_of_others_calls(world: World) -> None:
    """A cap is reckoned from the calls of all others: to whom they do not belong, the figures are told without it."""
    every = ("owner", "consumer", "provider", "authority")

    async def counted(who: str, by: str) -> int:
        return sum(int(line["counted"]) for line in (await world.ask(who, ASK, by=by, department=None))["data"]["usage"]["lines"])

    before = {who: await counted(who, "RESOURCE") for who in every}
    # The hub writes meanwhile: a transaction that has only read until then could not go on to write.
    with writing(world.core.engine) as connection:
        mine = select(tables.line.c.id).where(tables.line.c.resource == CLOSED)
        day, number = connection.execute(select(tables.day.c.day, tables.day.c.line).where(tables.day.c.line.in_(mine))).one()
        connection.execute(insert(tables.discount).values(day=day, line=number, rule="SHARE_CAP", calls=1))
        connection.execute(update(tables.day).where(tables.day.c.line == number).values(counted=tables.day.c.counted - 1))
    for by in ("RESOURCE", "DAY", "MONTH", "TOTAL"):
        assert {who: await counted(who, by) - before[who] for who in every} == {"owner": 0, "consumer": 0, "provider": -1, "authority": -1}


async def test_other_roles_see_none(world: World) -> None:
    assert await lines(world, "operator", "RESOURCE") == "FORBIDDEN"
    assert await lines(world, "editor", "RESOURCE") == "FORBIDDEN"


async def test_each_reading_is_an_entry(world: World) -> None:
    await lines(world, "auditor", "DAY")
    with world.core.engine.connect() as connection:
        (last,) = calls(connection, CallFilter(kinds=("call",)), 1)
    assert (last.content.operation, last.content.outcome, (last.content.details or {})["actor"]) == ("governance.query", "OK", "auditor")


async def test_a_period_in_the_wrong_order_is_refused(world: World) -> None:
    answer = await world.ask("auditor", '{ usage(from: "2026-02-01", to: "2026-01-01") { through } }')
    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"


async def test_everybody_who_administers_reads_the_rules(world: World) -> None:
    for who in ("auditor", "editor", "owner", "operator"):
        answer = await world.ask(who, "{ usageRules { version id kind minutes percent floor text textEn sha256 } }")
        assert [rule["id"] for rule in answer["data"]["usageRules"]] == [rule.id for rule in RULES.versions[0].rules]
    assert answer["data"]["usageRules"][2]["minutes"] == 10


async def test_log_10_the_entry_of_a_refused_call_names_the_resource_and_no_more(world: World) -> None:
    """The document reads open data whose purpose the caller does not have: it is refused when it is planned, and its provider sees the attempt."""
    document = "{ civilAffairs { offices(first: 1) { nodes { number } } } }"
    answer = await world.ask("tenants", document)
    code = answer["errors"][0]["extensions"]["code"]
    with world.core.engine.connect() as connection:
        (last,) = calls(connection, CallFilter(kinds=("deny",)), 1)
        (seen,) = calls(connection, CallFilter(kinds=("deny",), provider="civil_affairs"), 1)
    assert seen == last
    (access,) = last.content.accesses
    assert (last.content.code, last.content.outcome, last.content.operation) == (code, "REFUSED", "query")
    assert (access.resource, access.provider, access.items, access.rows, access.subjects) == (OPEN, "civil_affairs", (), 0, ())
