"""A batch has the budgets of calls, shares them with calls, and waits for the next day where a call would be told to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest

from hub.clock import clock
from hub.verification.budgets import Budgets
from tests.exchange.verifying.world import NAMES, Batches, person, table
from tests.verification.world import KNOWN, NAME

pytestmark = [pytest.mark.slow, pytest.mark.anyio, pytest.mark.usefixtures("in_process")]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that wait look often."""
    monkeypatch.setattr("hub.exchange.verifying.looks.LOOK_SECONDS", 0.02)


@contextmanager
def limited(batches: Batches, **limits: int) -> Iterator[None]:
    """Within it, other limits hold."""
    budgets: Budgets = batches.world.hub._verifying.runs._asking._budgets
    with patch.object(budgets, "limits", replace(budgets.limits, **limits)):
        yield


def persons(count: int, first: int = 500) -> bytes:
    return table([(person(n)[1], person(n)[2]) for n in range(first, first + count)], "id", "name")


def denied(batches: Batches, after: int) -> list[Any]:
    return [entry.content for entry in batches.world.entries(after) if entry.content.kind == "deny"]


async def test_a_subject_that_is_guessed_at_is_refused_row_by_row_as_by_calls(batches: Batches) -> None:
    world = batches.world
    apps = [world.application("guessing"), world.application("guessing_singly")]
    names = [f"某{chr(0x4E00 + n)}" for n in range(14)]
    # The same claim again is free, whenever it comes.
    rows = [
        (KNOWN, NAME),
        (person(600)[1], person(600)[2]),
        *((KNOWN, name) for name in names),
        (KNOWN, NAME),
        (person(601)[1], person(601)[2]),
        (KNOWN, names[0]),
    ]
    after = world.entries()[-1].seq
    found = await batches.rows(apps[0], await batches.job(apps[0], await batches.upload(apps[0], table(rows, "id", "name")), NAMES))
    told = [row["code"] or row["outcome"] for row in found]
    singles = [await world.ask(apps[1], NAMES, {"id": identity, "name": name}) for identity, name in rows]
    assert told == [each.found["outcome"] if each.code == "OK" else each.code for each in singles]
    assert told.count("VERIFICATION_BUDGET") == 5
    refusals = [draft for draft in denied(batches, after) if draft.application and "exchange" in (draft.details or {})]
    assert [(draft.code, draft.details["alert"], draft.details["budget"]) for draft in refusals] == [("VERIFICATION_BUDGET", True, "claims_day")] * 5
    entries = {entry.seq: entry.content.kind for entry in world.entries(after)}
    assert {entries[int(row["entry"])] for row in found if row["code"]} == {"deny"}


async def test_the_day_is_over_for_a_batch_and_for_calls_alike_and_goes_on_tomorrow(batches: Batches) -> None:
    world = batches.world
    app, beside = world.application("patient"), world.application("beside_patient", "patient")
    with clock.at(datetime(2027, 3, 1, 4, tzinfo=UTC)) as hand, limited(batches, subjects=30):
        job = await batches.job(app, await batches.upload(app, persons(50)), NAMES)
        waiting = await batches.until(app, job, "PAUSED", "FAILED")
        assert (waiting["state"], waiting["progress"]["rowsDone"]) == ("PAUSED", "30" if isinstance(waiting["progress"]["rowsDone"], str) else 30)
        assert waiting["reason"].startswith("VERIFICATION_BUDGET")
        assert waiting["files"] == []
        hand.set(datetime(2027, 3, 1, 16, 0, 1, tzinfo=UTC))
        found = await batches.rows(app, job)
    assert [row["outcome"] for row in found] == ["MATCH"] * 50
    assert beside


async def test_what_calls_used_up_a_batch_lacks(batches: Batches) -> None:
    world = batches.world
    app, caller = world.application("sharing"), world.application("beside_sharing", "sharing")
    for n in range(10):
        assert (await world.ask(caller, NAMES, {"id": KNOWN, "name": f"某{chr(0x4E00 + n)}"})).code == "OK"
    (row,) = await batches.rows(app, await batches.job(app, await batches.upload(app, table([(KNOWN, NAME)], "id", "name")), NAMES))
    assert (row["outcome"], row["code"]) == ("REFUSED", "VERIFICATION_BUDGET")


async def test_what_a_batch_used_up_calls_lack(batches: Batches) -> None:
    world = batches.world
    app, caller = world.application("greedy"), world.application("beside_greedy", "greedy")
    rows = [(KNOWN, f"某{chr(0x4E00 + n)}") for n in range(10)]
    await batches.rows(app, await batches.job(app, await batches.upload(app, table(rows, "id", "name")), NAMES))
    assert (await world.ask(caller, NAMES, {"id": KNOWN, "name": NAME})).code == "VERIFICATION_BUDGET"


async def test_too_many_without_a_match_stop_a_batch_for_the_day(batches: Batches) -> None:
    world = batches.world
    app = world.application("fishing")
    rows = [(person(n)[1], "某某") for n in range(700, 730)]
    with limited(batches, ratio_from=10, ratio_percent=50), patch("hub.exchange.verifying.turns.MOST", 5):
        job = await batches.job(app, await batches.upload(app, table(rows, "id", "name")), NAMES)
        waiting = await batches.until(app, job, "PAUSED", "FAILED", "SUCCEEDED")
        assert (waiting["state"], int(waiting["progress"]["rowsDone"])) == ("PAUSED", 10)
    answer = await world.ask(app, "mutation ($id: ID!) { cancelExchange(id: $id) { exchange { state } } }", {"id": job})
    assert answer.json["data"]["cancelExchange"]["exchange"]["state"] == "CANCELLED"


async def test_a_grants_quota_counts_each_hundred_as_a_call_and_holds_the_batch(batches: Batches) -> None:
    world = batches.world
    app = world.application("bounded", quota={"calls": 2, "per": "DAY"})
    with clock.at(datetime(2027, 4, 1, 4, tzinfo=UTC)) as hand:
        upload = await batches.upload(app, persons(250))
        job = await batches.job(app, upload, NAMES)
        waiting = await batches.until(app, job, "PAUSED", "FAILED", "SUCCEEDED")
        assert (waiting["state"], int(waiting["progress"]["rowsDone"]), waiting["reason"].split()[0]) == ("PAUSED", 200, "QUOTA_EXCEEDED")
        assert await batches.job(app, upload, NAMES) == job, "whoever lost the answer to the start has it told again"
        hand.forward(days=1)
        assert len(await batches.rows(app, job)) == 250


async def test_a_row_that_was_redone_costs_nothing_again(batches: Batches) -> None:
    world = batches.world
    app = world.application("again")
    with limited(batches, subjects=40):
        for _ in range(2):
            job = await batches.job(app, await batches.upload(app, persons(40, 800)), NAMES)
            assert {row["outcome"] for row in await batches.rows(app, job)} == {"MATCH"}
