"""A dry run says what the run does: random documents are run both ways, and no source is touched by the dry one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any, cast

import pytest
from hypothesis import event, note

from auth.rights import Operation
from connectors.aggregating import aggregated
from connectors.aggregation import Aggregation
from connectors.selection import Binding, Column, Row, Selection, Value
from connectors.spi import Parameters, Source
from hub.api.execute import planned
from schema.answer import FieldError
from schema.budget import cost_of
from schema.cursors import KEY_BYTES, Cursors
from schema.documents import Document
from schema.dry_run import DryRun, dry_run
from schema.faults import Code
from schema.plan import ListPlan, Plan
from schema.run import Run
from schema.view import View
from tests.schema.city import city, grant, rights
from tests.schema.dice import SEED, examples
from tests.schema.running import CALLER, Hub
from tests.schema.test_reference import check_all
from tests.schema.worlds import World

BY_ASKING = {Code.BAD_INPUT, Code.FORBIDDEN, Code.QUERY_BUDGET}
"""Faults that come of what was asked, whatever the sources hold."""


class Counting:
    """A source, and how often it was asked for how many keys."""

    def __init__(self, inner: Source) -> None:
        self.inner = inner
        self.statements = self.keys = 0
        self.capabilities = inner.capabilities

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        self.statements += 1
        return await self.inner.fetch(selection, parameters)

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        self.statements += 1
        self.keys += len(values)
        return await self.inner.fetch_by_keys(selection, parameters, key, values)

    async def count(self, selection: Selection, parameters: Parameters) -> int:
        self.statements += 1
        return await self.inner.count(selection, parameters)

    async def aggregate(self, asked: Aggregation, parameters: Parameters) -> Sequence[Row]:
        self.statements += 1
        return await aggregated(self.inner, asked, parameters)

    def as_of(self, binding: Binding) -> datetime | None:
        return self.inner.as_of(binding)


def untouched(code: str) -> Source:
    raise AssertionError(f"the dry run asked for the source {code}")


def compiled(hub: Hub, view: View, document: Document, variables: Mapping[str, Any]) -> tuple[Plan, Run]:
    """The plan, and a run that has no sources."""
    plan, coerced = planned(hub.plans, view, document, document.operation(None), variables)
    return plan, Run(untouched, Cursors(bytes(range(KEY_BYTES))), CALLER, coerced)


def by_asking(errors: Sequence[FieldError]) -> list[tuple[str, str]]:
    return sorted((str(error.path), error.fault.code.value) for error in errors if error.fault.code in BY_ASKING)


async def runs_as_told(_world: World, hub: Hub, view: View, document: Document, variables: dict[str, Any]) -> None:
    """The property: what the run takes is what the dry run told, or less of it."""
    note(f"HYPOTHESIS_SEED={SEED}\n{document.text}\n{variables}")
    plan, run = compiled(hub, view, document, variables)
    dry = await dry_run(plan, run)
    counting = {code: Counting(hub.source(code)) for code in hub.snapshot.sources}
    watched = Hub(hub.snapshot, hub.documents, hub.plans, hub.cursors, cast(dict[str, Source], counting))
    answer = await watched.planned(view, document, variables)
    told = {(access.face.resource.code, access.operation): access for access in dry.accesses}
    assert set(answer.accesses) <= set(told)
    for key, access in answer.accesses.items():
        assert set(access.uses) <= set(told[key].uses)
        assert access.rows <= told[key].rows
    assert dict(answer.masking) == dict(dry.masking) == {each.path: each.mask for each in dry.shown if each.mask}
    assert by_asking(answer.errors) == by_asking(dry.faults)
    assert {error.fault.code for error in dry.faults} <= BY_ASKING
    costs = {cost.source: cost for cost in dry.sources}
    for code, source in counting.items():
        assert source.statements <= (costs[code].statements if code in costs else 0)
        assert source.keys <= (costs[code].keys if code in costs else 0)
    assert set(told) <= set(plan.faces)
    for each in dry.shown:
        if not dry.faults:
            assert any(use.code == each.item for use in told[each.resource, Operation.QUERY].uses)
    alike = {key: set(access.uses) for key, access in answer.accesses.items()} == {key: set(access.uses) for key, access in told.items()}
    event("alike" if alike else "less")


@pytest.mark.fast
@examples(5)
def test_a_run_takes_what_the_dry_run_told_quickly(random: Random) -> None:
    asyncio.run(check_all(random, runs_as_told, canaries=False))


@pytest.mark.slow
@examples(25, after=5)
def test_a_run_takes_what_the_dry_run_told(random: Random) -> None:
    asyncio.run(check_all(random, runs_as_told, canaries=False))


DOCUMENTS = [
    "{ civilAffairs { persons(first: 3) { nodes { name phone household { address } } totalCount } } }",
    '{ civilAffairs { person(idNumber: "11010519491231002X") { phone household { address } } } }',
    '{ civilAffairs { persons(first: 3, where: {district: {eq: "520102"}}, orderBy: [{birthDate: DESC}]) { edges { node { gender } } } } }',
    '{ civilAffairs { verifyPerson(subject: {idNumber: "11010519491231002X"}, claims: {name: "张三"}) { outcome } } }',
    "{ civilAffairs { persons { totalCount } households(first: 2) { nodes { address } } } }",
    "query($first: Int = 2) { a: civilAffairs { persons(first: $first) { nodes { name } } } b: civilAffairs { households(first: 1) { nodes { address } } } }",
]


async def dry(text: str, **terms: Any) -> tuple[DryRun, Plan, Hub]:
    hub, _ = city()
    view = hub.view(rights(grant(**terms)))
    plan, run = compiled(hub, view, hub.documents.check(text, view), {})
    return await dry_run(plan, run), plan, hub


@pytest.mark.fast
@pytest.mark.anyio
@pytest.mark.parametrize("text", DOCUMENTS)
async def test_where_every_row_is_there_both_are_alike(text: str) -> None:
    """Resources, items, masks, and the statements that the source was asked."""
    told, _, hub = await dry(text)
    _, source = city()
    hub.opened["civil_affairs.db"] = source
    answer = await hub.ask(rights(grant()), text)
    assert not answer.errors
    assert {(a.face.resource.code, a.operation): set(a.uses) for a in told.accesses} == {key: set(a.uses) for key, a in answer.accesses.items()}
    assert dict(told.masking) == dict(answer.masking)
    assert sum(cost.statements for cost in told.sources) == len(source.asked)
    assert Counter(asked.method for asked in source.asked)["fetch_by_keys"] == sum(1 for cost in told.sources if cost.keys)


@pytest.mark.fast
@pytest.mark.anyio
async def test_the_most_there_could_be_is_counted() -> None:
    """A page of 50 with a link: 50 rows, 50 keys, 100 rows of the allowance, three statements with the count."""
    told, plan, _ = await dry("{ civilAffairs { persons(first: 50) { nodes { name phone household { address } } totalCount } } }")
    (cost,) = told.sources
    assert (cost.statements, cost.keys, cost.pages) == (3, 50, [50])
    assert {access.face.resource.code: access.rows for access in told.accesses} == {"civil_affairs.person": 50, "civil_affairs.household": 50}
    assert (told.spent.rows, told.spent.cells, told.spent.values, told.spent.verifications) == (100, 150, 0, 0)
    assert [(each.path, each.item, each.mask) for each in told.shown] == [
        ("civilAffairs.persons.nodes.name", "name", None),
        ("civilAffairs.persons.nodes.phone", "phone", "KEEP_FIRST_3_LAST_4"),
        ("civilAffairs.persons.nodes.household.address", "address", None),
    ]
    cost_told = cost_of(plan.document.node, plan.operation)
    assert (cost_told.depth, cost_told.fields, cost_told.roots, cost_told.seconds) == (5, 8, 1, 1)
    assert isinstance(plan.departments["civilAffairs"].fields["persons"], ListPlan)


@pytest.mark.fast
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{ civilAffairs { persons(first: 5000) { nodes { name } } } }", Code.BAD_INPUT),
        ("{ civilAffairs { persons(orderBy: [{name: ASC}, {name: DESC}]) { nodes { name } } } }", Code.BAD_INPUT),
        ('{ civilAffairs { persons(after: "AAAA") { nodes { name } } } }', Code.BAD_INPUT),
        ("{ civilAffairs { " + " ".join(f"p{i}: persons(first: 1000) {{ nodes {{ name }} }}" for i in range(21)) + " } }", Code.QUERY_BUDGET),
    ],
)
async def test_what_the_run_would_refuse_is_refused(text: str, code: Code) -> None:
    told, _, hub = await dry(text)
    assert [error.fault.code for error in told.faults] == [code]
    if code is Code.BAD_INPUT:
        answer = await hub.ask(rights(grant()), text)
        assert [error.fault.code for error in answer.errors] == [code]


@pytest.mark.fast
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("grouped", "shown"), [("", []), ("groupBy: []", []), ("groupBy: [gender]", ["gender"]), ("groupBy: [gender, district]", ["gender", "district"])]
)
async def test_a_key_is_shown_only_where_groups_are_made_by_it(grouped: str, shown: list[str]) -> None:
    arguments = f"({grouped})" if grouped else ""
    told, _, _ = await dry(f"{{ civilAffairs {{ personsAggregate{arguments} {{ groups {{ key {{ gender district }} count }} }} }} }}")
    assert told.faults == ()
    assert [each.item for each in told.shown] == shown
