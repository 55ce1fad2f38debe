"""E5 through the hub: what a department's aggregates have asked is kept for a day, encrypted, across applications, restarts and calls at once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from stdnum.cn import uscc

from hub.app import Hub, create_app
from hub.clock import clock
from hub.core import Core
from hub.demo.rows import canary
from hub.ledger.reading import CallFilter, calls
from hub.sharing.cohort_tables import asked_aggregate
from hub.sharing.cohorts import Cohorts, Overtaken, forget_questions
from schema.questions import MOST_QUESTIONS, Question
from tests.catalog.homes import CONSOLE, SECURITY, new_core, publish
from tests.hub.canaries import alive

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
BASE = "http://127.0.0.1:8000"
PURPOSE = {"code": "plan", "scenario": "规划", "basis": "条例第十条"}
LEVY = "civil_affairs.levy"
MANIFEST = """
[department]
code = "civil_affairs"
name = "市民政局"
uscc = "115201000093900013"

[[sources]]
code = "db"
kind = "sql"
url = "sqlite+aiosqlite:///{directory}/levies.db"

[[resources]]
code = "levy"
plural = "levies"
name = "征缴"
description = "征缴"
classification = "307026"
level = "INTERNAL"
sharing_class = "CONDITIONAL"
legal_basis = ["某法第一条"]
open_class = "CLOSED"
update_cycle = "daily"
operations = ["QUERY", "EXCHANGE"]
service_methods = ["INTERFACE"]
source = "db"
object = "levy"
identifiers = []
stable_key = "pk"

[[resources.items]]
code = "payer"
name = "缴款人"
type = "string"
column = "payer"
filterable = true

[[resources.items]]
code = "amount"
name = "金额"
type = "decimal"
column = "amount"
filterable = true
"""


@dataclass
class World:
    core: Core
    hub: Hub = field(init=False)
    http: httpx2.AsyncClient = field(init=False)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def application(self, name: str, department: str, rows: str | None = None) -> str:
        if department not in self.core.catalog.current().departments:
            body = f"1152010000939{len(self.core.catalog.current().departments):04}"
            self.core.catalog.create_department(CONSOLE, code=department, name=department, name_en="", uscc=body + uscc.calc_check_digit(body), tier="city")
        self.core.sharing.create_application(CONSOLE, name, department, [PURPOSE], [])
        items = [{"code": code, "value": "CLEAR"} for code in ("payer", "amount")]
        terms = {"application": name, "resource": LEVY, "operations": ["QUERY"], "items": items, "rows": rows, "purposes": [PURPOSE]}
        flags: dict[str, Any] = {"per_claim": False, "discloses_existence": False, "max_page": 100, "quota": None, "documents": [], "approver": "王"}
        self.core.sharing.create_grant(SECURITY, {**terms, **flags})
        self.core.registry.refresh()
        return name

    async def ask(self, name: str, fields: str) -> httpx2.Response:
        app = self.core.registry.by_name(name)
        assert app is not None
        token = self.hub._tokens.issue(app.client_id, app.scopes()).token
        headers = {"huitong-purpose": "plan", "huitong-operator": "tester", "authorization": f"Bearer {token}"}
        return await self.http.post(
            "/graphql", json={"query": f"{{ civilAffairs {{ {fields} }} }}"}, headers={**headers, "accept": "application/graphql-response+json"}
        )

    async def count(self, name: str, where: str) -> int | None:
        answer = await self.ask(name, f"a: leviesAggregate(where: {where}) {{ count }}")
        assert "errors" not in answer.json(), answer.text
        found: int | None = answer.json()["data"]["civilAffairs"]["a"]["count"]
        return found

    async def start(self) -> None:
        """Starts the hub; again, where it runs."""
        await self.stack.aclose()
        self.hub = create_app(self.core)
        self.http = await self.stack.enter_async_context(alive(self.hub, BASE, self.core.settings.home))

    def kept(self, department: str) -> list[Any]:
        with self.core.engine.connect() as connection:
            return list(connection.execute(select(asked_aggregate).where(asked_aggregate.c.consumer == department)))


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[World]:
    """Each test asks for a department of its own."""
    directory = tmp_path_factory.mktemp("cohorts")
    with closing(sqlite3.connect(directory / "levies.db")) as connection, connection:
        connection.execute("CREATE TABLE levy (pk INTEGER PRIMARY KEY, payer TEXT, amount TEXT, note TEXT)")
        connection.executemany("INSERT INTO levy VALUES (?, ?, ?, ?)", [(i, f"payer {i}", f"{i}.50", canary(LEVY)) for i in range(40)])
    with new_core(directory) as core:
        publish(core, MANIFEST.format(directory=directory))
        made = World(core)
        await made.start()
        yield made
        await made.stack.aclose()


LESS, ONE_LESS = '{amount: {lt: "20"}}', '{amount: {lt: "20"}, not: {payer: {eq: "payer 7"}}}'


async def test_e5_two_applications_of_a_department_are_one_asker_and_a_restart_forgets_nothing(world: World) -> None:
    first, second, other = world.application("first", "housing"), world.application("second", "housing"), world.application("other", "roads")
    assert await world.count(first, LESS) == 20
    assert await world.count(second, ONE_LESS) is None
    assert await world.count(other, ONE_LESS) == 19, "another department was told nothing"
    assert await world.count(first, LESS) == 20, "the same question again"
    await world.start()
    assert await world.count(second, ONE_LESS) is None


async def test_e5_what_is_kept_holds_no_value_that_can_be_read_and_is_forgotten_after_a_day(world: World) -> None:
    app = world.application("kept", "water")
    await world.count(app, LESS)
    await world.count(app, ONE_LESS)
    kept = world.kept("water")
    assert len(kept) == 2
    assert not any("payer" in value for row in kept for value in map(str, row))
    with clock.at(datetime.now(UTC) + timedelta(hours=25)):
        forget_questions(world.core.engine)
    assert world.kept("water") == []


async def test_e5_so_many_questions_in_a_day_then_429_with_retry_after(world: World) -> None:
    app = world.application("curious", "heating")
    for i in range(MOST_QUESTIONS):
        await world.count(app, f'{{payer: {{eq: "payer {i}"}}}}')
    refused = await world.ask(app, 'leviesAggregate(where: {payer: {eq: "new"}}) { count }')
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
    assert 86_000 < int(refused.headers["retry-after"]) <= 86_400
    assert len(world.kept("heating")) == MOST_QUESTIONS


async def test_e5_questions_at_once_are_judged_by_each_other(world: World) -> None:
    """Ten at a time, each pair one row apart: one of them is told."""
    app = world.application("parallel", "parks")
    for round_ in range(2):
        wheres = [f'{{amount: {{lt: "20"}}, not: {{payer: {{eq: "payer {i}"}}}}}}' for i in range(5 * round_, 5 * round_ + 5)]
        answers = await asyncio.gather(*(world.ask(app, f"a: leviesAggregate(where: {where}) {{ count }}") for where in wheres))
        told = [answer.json()["data"]["civilAffairs"]["a"]["count"] for answer in answers if answer.status_code == 200]
        assert sum(count is not None for count in told) == (1 if round_ == 0 else 0), told
        assert all(answer.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED" for answer in answers if answer.status_code != 200)


async def test_an_entry_and_what_it_was_judged_by_are_one(world: World) -> None:
    """Two processes: what the other has kept since it was read undoes the entry."""
    world.application("overtaken", "ports")
    mine, theirs = (Cohorts(world.core.engine, world.core.subjects, world.core.cursor_key).of_call(world.core.registry.by_name("overtaken")) for _ in range(2))
    for each, text in ((mine, "one"), (theirs, "two")):
        async with each.questions.about(LEVY) as asked:
            asked.note(Question("r", text, answered=True))
    with world.core.engine.begin() as connection:
        theirs.works()[0](connection)
    with pytest.raises(Overtaken), world.core.engine.begin() as connection:
        mine.works()[0](connection)


async def test_the_entry_names_items_and_no_row(world: World) -> None:
    app = world.application("entered", "taxes")
    answer = await world.ask(app, f"leviesAggregate(where: {LESS}) {{ sum {{ amount }} }}")
    assert answer.json()["data"]["civilAffairs"]["leviesAggregate"]["sum"]["amount"] == "200"
    with world.core.engine.connect() as connection:
        content = calls(connection, CallFilter(kinds=("call",)), 1)[0].content
    (access,) = content.accesses
    assert (content.rows, access.rows, access.subjects) == (0, 0, ())
    assert {(item.code, item.shown) for item in access.items} == {("amount", "aggregate"), ("amount", "match")}
