"""How many of the random documents run on the plan executor, and what is left to graphql-core's."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import note

from hub.api.data_schema import make_data_schema
from schema.aggregate_plan import AggregatePlan
from schema.documents import Documents
from schema.faces import Faces
from schema.introspection import ROOTS
from schema.plan import ListPlan, OnePlan, Plans, VerifyPlan
from schema.view import View
from tests.schema.dice import SEED, Dice, examples
from tests.schema.running import BASE as PLAIN
from tests.schema.running import WIDE
from tests.schema.worlds import make_rights, make_world
from tests.schema.writing import Writer

pytestmark = pytest.mark.slow
BASE = make_data_schema()._schema
COUNTED: Counter[str] = Counter()
BY_PLAN = {"OnePlan", "ListPlan", "VerifyPlan", "AggregatePlan"}


@examples(20)
def drawn(random: Random) -> None:
    """The documents of the property tests. One counts as run by plan where graphql-core executes nothing of it: every field of a department has a plan,
    introspection beside it has its own writer, and the root's name needs none."""
    dice = Dice(random)
    world = make_world(dice)
    for _ in range(3):
        view = View(PLAIN, Faces(world.snapshot, make_rights(dice, world)))
        writer = Writer(dice, world, view, whole=True)
        text = writer.document()
        if text is None:
            continue
        note(f"HYPOTHESIS_SEED={SEED}\n{text}")
        document, plans = Documents(WIDE).check(text, view), Plans()
        operation = document.operation(writer.operation)
        plan = plans.plan(view, document, operation, dict.fromkeys(plans.flags(document, operation), True))
        roots = [root for department in plan.departments.values() for root in department.fields.values() if root is not None]
        assert all(isinstance(root, OnePlan | ListPlan | VerifyPlan | AggregatePlan) for root in roots)
        left = {nodes[0].name.value for nodes in plan.others.values()}
        COUNTED["documents"] += 1
        COUNTED["by plan"] += not left - ROOTS - {"__typename"}
        COUNTED["with introspection beside"] += bool(left & ROOTS)
        COUNTED.update({type(root).__name__ for root in roots})


def test_random_documents_run_on_the_plan_executor() -> None:
    """At least 95 of 100; each kind of field is among them."""
    COUNTED.clear()
    drawn()
    share = COUNTED["by plan"] / COUNTED["documents"]
    print(f"by plan: {share:.1%} of {COUNTED['documents']} documents; {dict(COUNTED)}")
    assert share >= 0.95
    assert COUNTED["with introspection beside"]
    assert all(COUNTED[kind] for kind in BY_PLAN)


def test_what_is_left_to_graphql_core_reads_no_department() -> None:
    """Root fields that were known at coding time, which read the hub's own tables; and mutations."""
    query, mutation = BASE.query_type, BASE.mutation_type
    assert query is not None
    assert mutation is not None
    assert {"catalog", "resource", "me", "calls", "exchange", "exchanges", "dryRun"} <= set(query.fields)
    assert "startExchange" in mutation.fields
    random = Random(SEED)
    world = make_world(Dice(random))
    view = View(BASE, Faces(world.snapshot, make_rights(Dice(random), world)))
    whole = view.full.query_type
    assert whole is not None
    assert set(whole.fields) == set(query.fields) | set(view.faces.departments)
