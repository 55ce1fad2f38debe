"""The daily figures: equal to the log's own counts, whoever rolled them, however often, in whatever steps."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Delete, Update, delete, event, select, update

from hub.clock import real_now
from hub.ledger.canonical import record
from hub.usage import tables
from hub.usage.figures import Figures
from hub.usage.log import ANCHOR, entries_of_day
from hub.usage.roll import Entry, digest, roll
from hub.usage.roller import LEASE
from tests.usage.build import RULES, World, access, call, refusal, some_days

pytestmark = pytest.mark.slow
FIRST = date(2026, 3, 1)


def states(world: World) -> dict[str, tuple[bool, int]]:
    with world.engine.connect() as connection:
        return {row.day: (row.closed, row.revision) for row in connection.execute(select(tables.state))}


@pytest.mark.parametrize("seed", range(4))
def test_rows_are_the_same_in_whatever_steps_and_by_whichever_node_they_were_rolled(world: World, seed: int) -> None:
    chance, left = random.Random(seed), some_days(seed, 4, 40)
    nodes = [world.roller(name, lease=timedelta(0), step=chance.randrange(1, 60)) for name in ("a", "b")]
    while left:
        size = chance.randrange(1, 50)
        world.append(*left[:size])
        left = left[size:]
        node = chance.choice(nodes)
        if chance.random() < 0.2:
            node._forget()
        node.run()
    for node in (*nodes, *nodes):
        node.run()
    made = roll(world.entries(), RULES)
    assert len(made) >= 4
    assert {day: world.rows(day) for day in made} == made
    found = world.checks(FIRST - timedelta(days=3), FIRST + timedelta(days=9))
    assert set(found) == set(made)
    assert {check.state for check in found.values()} <= {"OK", "OPEN"}
    assert found[FIRST].state == "OK"


def test_a_day_is_closed_by_an_entry_that_states_its_digest(world: World) -> None:
    world.append(call("2026-03-01T10:00:00"), call("2026-03-02T00:09:59"))
    first = world.roller()
    assert first.run() == 0
    assert states(world) == {"2026-03-01": (False, 0), "2026-03-02": (False, 0)}
    world.append(call("2026-03-02T00:10:00"))
    assert first.run() == 1
    assert states(world)["2026-03-01"] == (True, 1)
    anchor = world.entries()[-1]
    assert (anchor["kind"], anchor["operation"], anchor["outcome"]) == ("admin", ANCHOR, "OK")
    rows = roll(world.entries(), RULES)[FIRST]
    assert anchor["details"]["sha256"] == digest(FIRST, RULES.on(FIRST), rows)
    assert (anchor["details"]["rows"], anchor["details"]["day"], anchor["details"]["through"]) == (1, "2026-03-01", 3)
    assert first.run() == 0, "closed once"


def test_beijing_days_begin_at_four_in_the_afternoon_utc(world: World) -> None:
    world.append(call("2026-03-01T23:59:59"), call("2026-03-02T00:00:00"))
    assert [entry["at"][:16] for entry in world.entries()] == ["2026-03-01T15:59", "2026-03-01T16:00"]
    assert list(roll(world.entries(), RULES)) == [date(2026, 3, 1), date(2026, 3, 2)]


def test_what_comes_late_is_counted_to_its_own_day_and_closes_it_anew(world: World) -> None:
    """The clock was set back for a while."""
    world.append(call("2026-03-01T10:00:00"), call("2026-03-03T10:00:00"))
    node = world.roller()
    assert node.run() == 1
    world.append(call("2026-03-01T11:00:00"))
    assert node.run() == 0, "as long as the clock stays there, the day is open"
    assert states(world)["2026-03-01"] == (False, 1)
    world.append(call("2026-03-03T11:00:00"))
    assert node.run() == 1
    assert states(world)["2026-03-01"] == (True, 2)
    assert [check.state for check in world.checks(FIRST, date(2026, 3, 3)).values()] == ["OK", "OPEN"]
    assert sum(row.figures.calls for row in world.rows(FIRST)) == 2


def test_nothing_unpublished_is_counted(world: World) -> None:
    world.service.ledger.append_sync(call("2026-03-01T10:00:00"))
    world.roller().run()
    assert states(world) == {}


def test_another_node_waits_until_the_first_is_not_heard_of_any_more(world: World) -> None:
    world.append(call("2026-03-01T10:00:00"))
    world.roller("a").run()
    world.append(call("2026-03-01T11:00:00"))
    assert world.roller("b").run() == 0
    assert sum(row.figures.calls for row in world.rows(FIRST)) == 1
    world.roller("b", lease=timedelta(0)).run()
    assert sum(row.figures.calls for row in world.rows(FIRST)) == 2


def test_who_reads_a_day_for_longer_than_the_lease_is_not_overtaken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else two nodes would take over from each other, each before the other's end, and never count anything new."""
    world.append(*(call(f"2026-03-01T10:00:{second:02}") for second in range(20)))
    world.roller("first").run()
    world.append(call("2026-03-01T11:00:00"))
    moment = real_now() + 2 * LEASE
    monkeypatch.setattr("hub.usage.roller.real_now", lambda: moment)
    slow, other = world.roller("slow"), world.roller("other")
    monkeypatch.setattr(other, "_resume", lambda _: pytest.fail("overtaken"))
    read = entries_of_day

    def slowly(*asked: Any) -> Iterator[Entry]:
        nonlocal moment
        for entry in read(*asked):
            moment += 0.3 * LEASE
            other.run()
            yield entry

    monkeypatch.setattr("hub.usage.roller.entries_of_day", slowly)
    slow.run()
    assert sum(row.figures.calls for row in world.rows(FIRST)) == 21


def test_who_was_overtaken_writes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between what a node counts and what it writes, another node takes the position over and writes first."""
    world.append(*some_days(1, 2, 20))
    slow, fast = world.roller("slow"), world.roller("fast", lease=timedelta(0))
    counted = slow._count

    def overtaken(some: Iterable[Entry]) -> set[date]:
        found = counted(some)
        fast.run()
        return found

    monkeypatch.setattr(slow, "_count", overtaken)
    slow.run()
    made = roll(world.entries(), RULES)
    assert {day: world.rows(day) for day in made} == made


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (update(tables.day).values(counted=tables.day.c.counted + 1), "counted 2 ≠ 1"),
        (update(tables.day).values(rows=99), "rows 99 ≠ 1"),
        (delete(tables.day), "missing in the database"),
        (update(tables.state).values(sha256="0" * 64), "the digest in the state"),
        (delete(tables.state), "the day's state is missing"),
        (update(tables.code).values(calls=7), "codes"),
        (delete(tables.discount), "discounts"),
    ],
)
def test_whoever_alters_a_figure_is_found(world: World, statement: Update | Delete, told: str) -> None:
    own = call("2026-03-01T10:00:00", "civil-app")
    world.append(call("2026-03-01T10:00:00"), own, refusal("2026-03-01T10:00:01"), call("2026-03-02T10:00:00"))
    node = world.roller()
    node.run()
    with world.engine.begin() as connection:
        connection.execute(statement)
    check = world.checks(FIRST, FIRST)[FIRST]
    assert check.state == "DIFFERS"
    assert any(told in each for each in check.differences)
    assert world.roller("auditor").roll_anew(FIRST)
    assert world.checks(FIRST, FIRST)[FIRST].state == "OK"


def test_rows_and_state_altered_together_contradict_the_log(world: World) -> None:
    world.append(call("2026-03-01T10:00:00"), call("2026-03-02T10:00:00"))
    world.roller().run()
    with world.engine.begin() as connection:
        for table in (tables.day, tables.state):
            connection.execute(delete(table).where(table.c.day == "2026-03-01"))
    check = world.checks(FIRST, FIRST)[FIRST]
    assert check.state == "DIFFERS"
    assert check.anchor is not None


def test_figures_of_a_single_call() -> None:
    made = roll([record(call("2026-03-01T10:00:00", "tax-app", access(rows=2, subjects=(1, 2)), access("housing.estate", 1, (3,)), bytes=101), "log")], RULES)
    first, second = (row.figures for row in made[FIRST])
    assert first == Figures(entries=1, calls=1, ok=1, counted=1, rows=2, bytes=68, subjects=2, timed=1, ms=12, ms_max=12, le_25=1)
    assert second == Figures(entries=0, calls=1, ok=1, counted=1, rows=1, bytes=33, subjects=1, timed=1, ms=12, ms_max=12, le_25=1)


def test_the_roller_needs_no_more_statements_for_more_calls(world: World) -> None:
    world.append(*[call(f"2026-03-01T10:{n // 60:02}:{n % 60:02}") for n in range(300)])
    seen: list[str] = []
    event.listen(world.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: seen.append(statement))
    world.roller().run()
    assert world.rows(FIRST)[0].figures.calls == 300
    assert len(seen) < 40


def test_a_long_log_is_rolled_a_few_steps_at_a_time(world: World) -> None:
    world.append(*some_days(9, 2, 25))
    node = world.roller(step=10)
    runs: list[int] = []
    while not runs or node.behind:
        node.run(2)
        runs.append(sum(row.figures.entries for day in (0, 1) for row in world.rows(FIRST + timedelta(days=day))))
    assert len(runs) == 3
    assert sorted(runs) == runs
    assert runs[-1] >= 48
