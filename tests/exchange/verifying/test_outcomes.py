"""What a batch tells of each row is what a call with its values would have told; it is entered and counted as calls are."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from hub.verification.tables import verified_claim, verified_subject
from tests.exchange.verifying.world import NAMES, Batches, person, resident, table
from tests.verification.world import KNOWN, NAME

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("in_process")]


async def test_each_hundred_rows_have_an_entry_of_their_own(batches: Batches) -> None:
    """LOG-01: purpose, operator, approver, items, medium, and whom it concerns; the file names the entry of each row."""
    world = batches.world
    app = world.application("entered")
    before = len(world.entries())
    rows = [(person(n)[1], person(n)[2]) for n in range(10, 260)]
    job = await batches.job(app, await batches.upload(app, table(rows, "id", "name")), NAMES)
    found = await batches.rows(app, job)
    entries = [each.content for each in world.entries(before - 1)]
    calls = [draft for draft in entries if (draft.kind, draft.operation, draft.medium) == ("call", "verify", "FILE")]
    numbers = {str(each.seq) for each in world.entries(before - 1) if each.content in calls}
    assert {row["entry"] for row in found} == numbers
    assert [len(draft.accesses[0].subjects) for draft in calls] == [100, 100, 50]
    assert {(draft.purpose, draft.operator, draft.approver, draft.accesses[0].rows) for draft in calls} == {("rent", "tester", "王", 0)}
    assert [[(item.code, item.shown) for item in draft.accesses[0].items] for draft in calls] == [[("id_number", "key"), ("name", "match")]] * 3
    assert len({draft.trace for draft in calls}) == 1
    (ended,) = [draft for draft in entries if draft.kind == "exchange" and (draft.details or {}).get("step") == "SUCCEEDED"]
    assert (ended.details or {})["verified"] == 250
    assert {draft.operation for draft in entries if draft.kind == "download"} == {"exchange"}


async def test_the_counts_are_those_of_calls(batches: Batches) -> None:
    world = batches.world
    rows = [(person(n)[1], person(n)[2]) for n in range(300, 330)]
    for app in ("counted", "counted_singly"):
        world.application(app)
    job = await batches.job("counted", await batches.upload("counted", table(rows, "id", "name")), NAMES)
    await batches.rows("counted", job)
    for identity, name in rows:
        assert (await world.ask("counted_singly", NAMES, {"id": identity, "name": name})).code == "OK"
    with world.core.engine.connect() as connection:
        for counts in (verified_claim, verified_subject):
            by_whom = select(func.count()).select_from(counts)
            assert [connection.execute(by_whom.where(counts.c.consumer == app)).scalar_one() for app in ("counted", "counted_singly")] == [30, 30]


async def test_claims_are_told_one_by_one_only_where_the_grant_says_so(batches: Batches) -> None:
    app = batches.world.application("whole", per_claim=False, discloses_existence=True)
    rows = [(KNOWN, NAME, "1949-12-31"), (KNOWN, NAME, "1950-01-01"), (resident(20_000), NAME, "1949-12-31")]
    found = await batches.rows(app, await batches.job(app, await batches.upload(app, table(rows, "id", "name", "born"))))
    assert [(row["outcome"], row["claims.name"], row["claims.birthDate"]) for row in found] == [("MATCH", "", ""), ("MISMATCH", "", ""), ("NOT_FOUND", "", "")]


async def test_whoever_does_not_exist_is_a_mismatch_where_existence_is_not_disclosed(batches: Batches) -> None:
    app = batches.world.application("unseeing")
    rows = [(KNOWN, "李"), (resident(20_000), "李")]
    found = await batches.rows(app, await batches.job(app, await batches.upload(app, table(rows, "id", "name")), NAMES))
    assert [(row["outcome"], row["code"]) for row in found] == [("MISMATCH", "")] * 2


async def test_as_of_stands_in_the_file_where_the_document_asks_for_it(batches: Batches) -> None:
    app = batches.world.application("dated")
    document = NAMES.replace("{ outcome }", "{ outcome asOf }")
    (row,) = await batches.rows(app, await batches.job(app, await batches.upload(app, table([(KNOWN, NAME)], "id", "name")), document))
    assert row["asOf"].endswith("+00:00")
