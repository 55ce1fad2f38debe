"""By when who must act, under which rule set, and what is recorded when nobody did. Days are reckoned by hand."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.clock import Hand
from hub.core import Core
from hub.feedback.cases import FeedbackWanted
from hub.feedback.figures import Punctuality, punctuality
from hub.feedback.given import Given
from hub.feedback.tables import feedback_pace
from hub.ledger.tables import entry
from hub.sharing.calendar_service import CalendarService, NewDay
from tests.catalog.homes import SECURITY, new_core, publish, refused, rows
from tests.catalog.small import SMALL
from tests.feedback.ways import LATER, START, case_of, do, public, report, reported, row
from tests.sharing.sides import CHECKER, DECIDER, GIVER, consumer

pytestmark = pytest.mark.slow
N809, GUIYANG = "政务数据共享条例（国务院令第809号）第二十六条", "贵阳市政府数据资源管理办法第十六条"


def at(month: int, day: int, hour: int = 10) -> datetime:
    """A moment of 2026 in China."""
    return datetime(2026, month, day, hour - 8 if hour >= 8 else 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sets", "filed", "due", "rule"),
    [
        # 10, 11, 12, 13, 14 (a working Saturday), then the Spring Festival, 24, 25, 26, 27, 28 (a working Saturday).
        (["n809"], at(2, 9), date(2026, 2, 28), N809),
        (["guiyang"], at(2, 9), date(2026, 2, 14), GUIYANG),
        # Filed within the festival: 24, 25, 26, 27, 28.
        (["guiyang"], at(2, 18), date(2026, 2, 28), GUIYANG),
        # The regulation of the state stands above the city's.
        (["guiyang", "n809"], at(2, 9), date(2026, 2, 28), N809),
        # A plain fortnight, Monday to Friday: 2 to 6 and 9 to 13 March.
        (["n809"], at(2, 28), date(2026, 3, 13), N809),
    ],
)
def test_days_of_the_answer(tmp_path: Path, hand: Hand, sets: list[str], filed: datetime, due: date, rule: str) -> None:
    """COR-01: five working days in Guiyang, ten by the regulation, correction included."""
    hand.set(filed)
    with new_core(tmp_path, rule_sets=sets) as core:
        publish(core, SMALL)
        case = report(core).case
        assert (case.due_on, case.rule) == (due, rule)
        hand.set(datetime(due.year, due.month, due.day, 15, 59, tzinfo=UTC))
        assert (core.sweep.run(), core.feedback.reader.find(FeedbackWanted(overdue=True))) == (0, []), "the last minute of the last day"
        hand.forward(minutes=1)
        assert core.sweep.run() == 1
        assert [one.late for one in core.feedback.reader.find(FeedbackWanted(overdue=True))] == ["provider"]


@pytest.mark.parametrize(
    ("sets", "due", "counted"),
    [(["guiyang"], date(2026, 2, 14), True), (["n809", "guiyang"], date(2026, 2, 14), True), (["n809"], date(2026, 2, 9), False)],
)
def test_days_of_a_complaint(tmp_path: Path, hand: Hand, sets: list[str], due: date, counted: bool) -> None:
    """COR-05: five working days; the regulation alone counts none."""
    with new_core(tmp_path, rule_sets=sets) as core:
        publish(core, SMALL)
        case = report(core, kind="COMPLAINT").case
        assert (case.state, case.party, case.due_on) == ("LODGED", "authority", due)
        assert ("第三十一条" if counted else "第三十七条（未定日数）") in case.rule
        hand.set(at(3, 30))
        assert core.sweep.run() == counted
        assert case_of(core, case.id).late == ("authority" if counted else None)


def test_who_decided_a_case_does_not_judge_the_complaint_about_it(core: Core, hand: Hand) -> None:
    number = reported(core)
    hand.set(LATER)
    do(core, number, "accept", "explain", "object", "uphold")
    complaint = report(core, kind="COMPLAINT", about=number).case.id
    assert refused(core.feedback.act, GIVER, "redress", complaint, Given(opinion="x"))[0].code == "FORBIDDEN"
    assert refused(core.feedback.act, DECIDER, "dismiss", complaint, Given(opinion="x"))[0].code == "FOUR_EYES"
    assert refused(core.feedback.act, CHECKER, "redress", complaint)[0].path == "opinion"
    case = core.feedback.act(CHECKER, "redress", complaint, Given(opinion="已责令整改"))
    assert (case.state, case.outcome, case.party) == ("REDRESSED", "REDRESSED", None)
    seen = core.feedback.reader.find(FeedbackWanted(seen_by_department="civil_affairs", seen_applications=()))
    assert [one.id for one in seen] == [number], "what is complained of, the provider does not read"


def test_a_term_that_ran_out_is_told_to_the_authority_once(core: Core, hand: Hand) -> None:
    number = reported(core)
    do(core, number, "accept")
    assert refused(core.feedback.act, DECIDER, "urge", number, Given(opinion="x"))[0].code == "CONFLICT", "nothing is late yet"
    hand.set(at(3, 2))
    assert [core.sweep.run() for _ in range(2)] == [1, 0]
    case = do(core, number, "urge", "urge", "order")
    assert [step.step for step in case.history] == ["report", "accept", "overdue", "urge", "urge", "order"]
    assert (case.history[2].actor, case.history[2].opinion) == ("平台 hub", f"provider: 2026-02-28 {N809}")
    assert (case.state, case.late, case.due_on) == ("ORDERED", None, date(2026, 3, 16)), "the term of the order is a new one"
    hand.set(at(3, 17))
    assert core.sweep.run() == 1
    assert row(core, number).late == "provider"


def test_an_act_after_the_term_records_first_that_it_is_late(core: Core, hand: Hand) -> None:
    """Nobody is in time because no sweep came before."""
    number = reported(core)
    hand.set(at(3, 2))
    case = do(core, number, "accept")
    assert [step.step for step in case.history] == ["report", "overdue", "accept"]
    assert (case.late, case.overdue) == ("provider", True)


def test_an_answer_that_nobody_objects_to_closes(core: Core, hand: Hand) -> None:
    number = reported(core)
    hand.set(LATER)
    case = do(core, number, "accept", "reject")
    assert case.closes_on == date(2026, 3, 2), "ten working days: 11 to 14 and 24 to 28 February, 2 March"
    hand.set(at(3, 2))
    assert core.sweep.run() == 0
    hand.set(at(3, 3))
    assert refused(core.feedback.act, consumer(core), "object", number, Given(opinion="x"))[0].code == "CONFLICT"
    case = case_of(core, number)
    assert (case.state, case.history[-1].step, case.overdue) == ("CLOSED", "lapse", False)
    assert core.sweep.run() == 0


def test_due_days_follow_the_calendar(core: Core, hand: Hand) -> None:
    number = reported(core)
    CalendarService(core.engine, core.acts).set_days(SECURITY, [NewDay(date(2026, 2, 28), False, "调整", "通知")])
    assert case_of(core, number).due_on == date(2026, 3, 2)
    assert (core.sweep.run(), row(core, number).due_on) == (1, "2026-03-02")
    hand.set(at(3, 1))
    assert core.sweep.run() == 0


def test_the_ledger_has_digests_and_none_of_the_texts(core: Core, hand: Hand) -> None:
    number, filed = reported(core), public(core, text="路灯的位置有误")
    hand.set(LATER)
    do(core, number, "accept", "explain", "object", "uphold")
    hand.set(at(3, 2))
    core.sweep.run()
    with core.engine.connect() as connection:
        found = [bytes(one).decode() for one in connection.execute(select(entry.c.canonical)).scalars()]
    for secret in ("出生日期", "张三", "的意见", "路灯", filed.code or "?", "192.0.2.1"):
        assert not [one for one in found if secret in one], secret
    ours = [each for each in map(json.loads, found) if (each["details"] or {}).get("feedback") == number]
    assert [each["operation"] for each in ours] == ["reportError", "acceptFeedback", "explainFeedback", "objectFeedback", "upholdFeedback"]
    assert all(len(each["details"]["digest"]) == 64 for each in ours)
    assert [len(each["details"].get("description", "")) for each in ours] == [64, 0, 0, 0, 0]


def test_counts_of_the_public_are_forgotten(core: Core, hand: Hand) -> None:
    public(core)
    assert rows(core, feedback_pace) == 2, "of the network and of all"
    for left in (2, 0):
        hand.forward(days=1)
        core.sweep.run()
        assert rows(core, feedback_pace) == left


def test_punctuality_by_department(core: Core, hand: Hand) -> None:
    """ASM-14. Seven reports on 9 February, due on the 28th."""
    numbers = [reported(core, item=None, text=f"第{n}件") for n in range(7)]
    report(core, kind="COMPLAINT")
    core.feedback.act(consumer(core), "withdraw", numbers[0])
    core.feedback.act(GIVER, "transfer", numbers[1], Given(opinion="x", to="water_supply"))
    hand.set(at(2, 11))
    do(core, numbers[2], "accept", "correct")  # two working days
    hand.set(at(2, 24))
    do(core, numbers[3], "accept", "explain", "object", "uphold")  # six: 10 to 14, 24
    hand.set(at(2, 28, 23))
    do(core, numbers[4], "accept", "reject")  # ten, on the last day
    hand.set(at(3, 2))
    do(core, numbers[5], "accept", "explain")  # eleven
    with core.engine.connect() as connection:
        found = punctuality(connection, START, at(2, 10))
        assert found == [
            Punctuality("civil_affairs", 6, 3, 1, 1, 1, 1, 2, 1, 1, 7.25),
            Punctuality("water_supply", 1, 0, 0, 1, 1, 0, 0, 0, 0, None),
        ]
        assert punctuality(connection, at(2, 10), at(3, 1)) == []
