"""A list as PostgreSQL writes it, against the same list rendered in the hub: the same bytes, the same page, the same rows for ledger and cursors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest

from connectors.selection import Binding
from connectors.spi import SourceConfig
from schema.answer import Answer
from schema.lists import listing
from schema.model import Snapshot
from schema.plan import ListPlan
from schema.reader import Reader
from schema.rendered import source_text, text_page
from schema.subjects import Named, Naming
from schema.values import dumped
from tests.connectors.hostile import FRAGMENTS
from tests.schema.city import DEPARTMENTS, PERSON, grant, rights
from tests.schema.running import CALLER, Hub
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
_asyncpg: Any = asyncpg
NODES = "nodes { n: name __typename birthDate phone gender again: name district }"


async def test_a_list_with_masks_has_the_same_bytes(postgres: Postgres) -> None:
    table = f"person_{uuid4().hex}"
    connection = await _asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    try:
        await connection.execute(f"CREATE TABLE {table} (pk bigint, id text, nm text, g text, b date, ph text, d text, hh text)")
        values = [(number, "520102199001011237", text, None if number % 3 else "1", text, text[::-1]) for number, text in enumerate(FRAGMENTS)]
        await connection.executemany(f"INSERT INTO {table} VALUES ($1, $2, $3, $4, '1990-01-01', $5, $6, NULL)", values)
    finally:
        await connection.close()
    config = SourceConfig("civil_affairs.db", "sql", postgres.url(), rendering="source")
    resource = replace(PERSON, binding=Binding(table))
    hub = Hub(Snapshot(1, DEPARTMENTS, {config.code: config}, {resource.code: resource}))
    source = hub.source(config.code)
    view = hub.view(rights(grant()))
    try:
        for first in (1, len(FRAGMENTS) - 1, len(FRAGMENTS), 1000):
            text = f"{{ civilAffairs {{ persons(first: {first}) {{ {NODES} pageInfo {{ hasNextPage }} }} }} }}"
            found = (await hub.ask(rights(grant()), text)).data["civilAffairs"]["persons"]
            nodes = found["nodes"] if isinstance(found["nodes"], list) else orjson.loads(dumped(found["nodes"]))
            document = hub.documents.check(text, view)
            plan = hub.plans.plan(view, document, document.operation(None), {}).departments["civilAffairs"].fields["persons"]
            assert isinstance(plan, ListPlan)
            asked = source_text(plan, source.capabilities)
            assert asked is not None
            lean = asked.asked(listing(plan.face, plan.columns, plan.uses, {"first": first}, Reader(hub.source, Answer()), hub.cursors, CALLER))
            page = text_page(await source.fetch(lean.selection, {**lean.binds, "limit": first + 1}), first)
            assert page is not None
            shown = page.rows[:first]
            assert (page.nodes, len(page.rows) > first) == (dumped(nodes), found["pageInfo"]["hasNextPage"])
            assert [lean.place(row)[-1] for row in shown] == list(range(min(first, len(FRAGMENTS))))
            named = Named()
            Naming(resource, lean.selection.outputs).note(shown, named)
            assert list(named) == [("#", number) for number in range(len(shown))]
    finally:
        await source.close()
