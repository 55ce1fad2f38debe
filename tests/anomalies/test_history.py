"""The watch of a ledger: nothing is said of ordinary days; nights, jumps, probing and busy operators are told once (LOG-07)."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from anyio import to_thread
from sqlalchemy import event

from hub.anomalies.alerts import Alerts
from hub.anomalies.counting import Entry, hour_text
from hub.anomalies.history import LEASE, Historian
from hub.anomalies.service import Verdict
from hub.anomalies.watch import Watch
from hub.clock import real_now
from hub.ledger.entry import EntryDraft
from hub.ledger.reading import CallFilter, calls
from tests.anomalies.build import FIRST, RULES, Office, World, city, world_in
from tests.catalog.homes import SECURITY
from tests.usage.build import access, beijing, call, refusal

pytestmark = pytest.mark.slow
COUNTER = Office("housing-app", 10, ["civil.person", "civil.household", "housing.estate"])
OFFICES = (
    COUNTER,
    Office("tax-app", 20, ["civil.person", "tax.payment", "market.company"], operators=8),
    Office("water-app", 6, ["housing.estate", "civil.person"], operators=2, misses=0.2),
    Office("school-app", 8, ["civil.household", "civil.person"], nightly=9000),
)
LAST = date(2026, 3, 23)
"""The Monday on which something unusual happens, after three ordinary weeks."""


def many(count: int, at: str, resource: str = "civil.person", **changed: object) -> list[EntryDraft]:
    """Calls of one application in the minutes from a moment on, each about somebody else."""
    begins = datetime.fromisoformat(f"{LAST.isoformat()}T{at}")
    moments = [(begins + timedelta(seconds=n * 1800 // count)).isoformat() for n in range(count)]
    return [call(moment, "housing-app", access(resource, 1, [10**7 + n]), **changed) for n, moment in enumerate(moments)]


class Noted(Historian):
    """Stops at its first step until it is told to go on, and tells when its thread is free."""

    def __init__(self, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self.stepped, self.told, self.left, self.counted = Event(), Event(), Event(), 0

    def run(self, *asked: Any) -> int:
        try:
            return super().run(*asked)
        finally:
            self.left.set()

    def _step_on(self) -> int:
        self.stepped.set()
        self.told.wait(60)
        stepped = super()._step_on()
        self.counted += stepped
        return stepped


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a counter that has worked for three weeks."""
    home = tmp_path_factory.mktemp("worked")
    with world_in(home) as world:
        small = Office("housing-app", 5, COUNTER.resources)
        world.ledger.append(*(draft for day in city(5, FIRST, 21, [small]) for draft in day))
        assert world.happen() == []
    return home


@pytest.fixture
def ordinary(worked: Path, tmp_path: Path) -> Iterator[World]:
    """That counter, on the morning after."""
    shutil.copytree(worked, tmp_path / "home")
    with world_in(tmp_path / "home") as world:
        world.ledger.hand.set(beijing(f"{LAST.isoformat()}T00:00:00"))
        yield world


def test_log_07_thirty_ordinary_days_of_four_applications_raise_no_alert(tmp_path: Path) -> None:
    """Some 6,000 calls with seeded noise, among them busy days, misses, refusals, late hours and a nightly batch."""
    with world_in(tmp_path) as world:
        found, entries = [], 0
        for day in city(7, FIRST, 30, OFFICES):
            found = world.happen(*day)
            entries += len(day)
        assert entries > 5_000
        assert [(each.rule, each.application, each.resource, each.window, each.observed, each.expected) for each in found] == []


def test_a_jump_in_volume_is_told_once_and_grows(ordinary: World) -> None:
    (told,) = ordinary.happen(*many(350, "10:00:00"))
    assert (told.rule, told.resource, told.measure, told.observed, told.expected) == ("VOLUME_CALLS", "civil.person", "calls", 350, 300)
    assert (told.state, told.window, told.department, told.throttled) == ("OPEN", f"{LAST}T10", "housing", False)
    assert told.first_entry is not None
    assert told.last_entry is not None
    (again,) = (each for each in ordinary.happen(*many(100, "10:30:00")) if each.rule == "VOLUME_CALLS")
    assert (again.id, again.observed, again.last_entry) == (told.id, 450, told.last_entry + 100 + 1)
    with ordinary.ledger.engine.connect() as connection:
        entries = calls(connection, CallFilter(operation="anomaly.open", alerts=True), 10)
    assert [(entry.content.details or {})["target"] for entry in entries] == [told.id]
    assert (entries[0].content.details or {})["hour"] == f"{LAST}T10"


@pytest.mark.parametrize(
    ("drafts", "rule"),
    [
        (lambda: [call(f"{LAST}T10:00:00", "housing-app", access("civil.person", 6000, []))], "VOLUME_ROWS"),
        (lambda: [call(f"{LAST}T10:00:00", "housing-app", access("civil.person", 0, [n])) for n in range(120)], "VOLUME_MISSES"),
        (lambda: many(25, "02:00:00"), "NIGHT"),
        (lambda: [call(f"{LAST}T10:00:00", "housing-app", access(f"new.r{n}")) for n in range(6)], "NEW_RESOURCES"),
        (lambda: [refusal(f"{LAST}T10:00:00", "housing-app", ("FORBIDDEN", "BAD_INPUT", "NOT_FOUND")[n % 3]) for n in range(45)], "PROBING"),
    ],
)
def test_what_is_unusual_is_told_by_its_rule(ordinary: World, drafts: object, rule: str) -> None:
    assert callable(drafts)
    assert [each.rule for each in ordinary.happen(*drafts())] == [rule]


def test_one_operator_who_asks_far_more_than_the_others(ordinary: World) -> None:
    others = [call(f"{LAST}T10:00:00", "housing-app", access(), operator=f"clerk-{n % 3}") for n in range(15)]
    found = ordinary.happen(*others, *many(210, "10:00:00", operator="mole"))
    assert [(each.rule, each.operator, each.observed, each.expected) for each in found] == [("OPERATOR", "mole", 210, 200)]


def test_refusals_by_limits_are_no_probing(ordinary: World) -> None:
    codes = ("RATE_LIMITED", "QUOTA_EXCEEDED", "VERIFICATION_BUDGET")
    assert ordinary.happen(*(refusal(f"{LAST}T10:00:00", "housing-app", codes[n % 3]) for n in range(300))) == []


def test_an_application_without_history_is_held_to_its_floors(tmp_path: Path) -> None:
    with world_in(tmp_path) as world:
        assert world.happen(*many(290, "02:00:00")) == []
        assert [each.rule for each in world.happen(*many(20, "02:30:00"))] == ["NIGHT"]
        assert len(world.happen(*many(350, "10:00:00"))) == 1


def test_what_an_alert_tells_of_is_no_measure_unless_it_was_false(ordinary: World) -> None:
    """A jump every day would become usual, if alerts did not leave their hours out."""
    for day in range(7):
        begins = datetime.combine(LAST + timedelta(days=day), datetime.min.time())
        moment = (begins + timedelta(hours=10)).isoformat()
        found = [each for each in ordinary.happen(*(call(moment, "housing-app", access("civil.person", 1, [n])) for n in range(350))) if each.resource]
        assert len(found) == 1
    assert (found[0].began, found[0].window) == (f"{LAST}T10", "2026-03-29T10")
    ordinary.service.judge(SECURITY, found[0].id, Verdict.FALSE_ALARM, "每日批量核对")
    assert len([each for each in ordinary.happen(*(call("2026-03-30T10:00:00", "housing-app") for _ in range(350))) if each.resource]) == 1


def test_a_log_that_was_there_before_is_history_and_no_news(ordinary: World) -> None:
    ordinary.ledger.append(*many(400, "10:00:00"))
    ordinary.ledger.hand.forward(days=3)
    assert ordinary.happen() == []


def test_log_07_a_node_that_takes_over_counts_what_the_other_would(tmp_path: Path) -> None:
    """Whole or in steps, by one node or by several in turn that each begin anew: the same hours."""
    drafts = [draft for day in city(9, FIRST, 2, [COUNTER, OFFICES[2]]) for draft in day]
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with world_in(tmp_path / "one") as one, world_in(tmp_path / "two") as two:
        one.happen(*drafts)
        chance = random.Random(3)
        nodes = [two.historian("a", step=7), two.historian("b", step=50)]
        while drafts:
            cut = chance.randrange(1, 60)
            two.ledger.append(*drafts[:cut])
            drafts = drafts[cut:]
            chance.choice([*nodes, two.historian("c", step=11)]).run()
        nodes[0].run()
        assert two.hours() == one.hours()


def test_who_counts_again_for_longer_than_the_lease_is_not_overtaken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else two nodes would take over from each other, each before the other's end, and never count anything new."""
    with world_in(tmp_path) as world:
        world.happen(*(call(f"{LAST}T09:{minute:02}:00") for minute in range(20)))
        world.ledger.append(call(f"{LAST}T09:30:00"))
        alerts, moment = Alerts(world.ledger.engine, world.ledger.service.ledger), real_now() + 2 * LEASE
        monkeypatch.setattr("hub.anomalies.history.real_now", lambda: moment)
        slow, other = (Historian(world.ledger.engine, RULES, node, alerts.report, step=5) for node in ("slow", "other"))
        count = slow._count

        def slowly(entries: Iterable[tuple[int, Entry]]) -> set[tuple[str, str]]:
            nonlocal moment
            found = count(entries)
            moment += 0.6 * LEASE
            assert other.run() == 0
            return found

        monkeypatch.setattr(slow, "_count", slowly)
        assert slow.run() == 1


@pytest.mark.anyio
async def test_an_end_need_not_wait_for_a_long_log(tmp_path: Path) -> None:
    """A thread goes on when its task is cancelled, and a process ends behind its threads."""
    with world_in(tmp_path) as world:
        world.ledger.append(*(call(f"{LAST}T09:{minute:02}:00") for minute in range(50)))
        watch = Watch(world.ledger.engine, world.ledger.service.ledger, tmp_path)
        watch.historian = Noted(world.ledger.engine, RULES, "node", lambda _: None, step=5)
        counting = asyncio.create_task(watch.count())
        await to_thread.run_sync(watch.historian.stepped.wait, 60)
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
        watch.historian.told.set()
        await to_thread.run_sync(watch.historian.left.wait, 60)
        assert 0 < watch.historian.counted < 50
        await watch.count()
        assert watch.historian.counted == 50


def test_a_log_that_stands_still_is_looked_at_and_no_more(ordinary: World) -> None:
    written: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        written.extend([statement] if statement.startswith(("INSERT", "UPDATE", "DELETE", "BEGIN IMMEDIATE")) else [])

    ordinary.happen(call(f"{LAST}T09:00:00"))
    event.listen(ordinary.ledger.engine, "before_cursor_execute", note)
    for node in ("node", "another"):
        assert ordinary.historian(node).run() == 0
    assert ordinary.happen() == []
    assert written == []


def test_who_goes_on_counting_writes_once(ordinary: World) -> None:
    begun: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        begun.extend([statement] if statement == "BEGIN IMMEDIATE" else [])

    historian = ordinary.historian("node")
    event.listen(ordinary.ledger.engine, "before_cursor_execute", note)
    counted = []
    for minute in range(3):
        ordinary.ledger.append(call(f"{LAST}T09:{minute:02}:00"))
        begun.clear()
        counted.append((historian.run(), len(begun)))
    assert counted[1:] == [(1, 1), (1, 1)]


def test_histories_are_kept_for_ninety_days(tmp_path: Path) -> None:
    with world_in(tmp_path) as world:
        for day in ("2026-03-02", "2026-03-06", "2026-06-01", "2026-06-02"):
            world.happen(call(f"{day}T09:00:00"), call(f"{day}T11:30:00"))
        assert {hour[:10] for _, _, hour in world.hours()} == {"2026-03-06", "2026-06-01", "2026-06-02"}


def test_the_hour_is_that_of_beijing() -> None:
    assert hour_text(beijing("2026-03-05T23:59:59")) == "2026-03-05T23"
