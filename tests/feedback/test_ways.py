"""Every way of a case from its report to its end, and what is refused on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from hub.acts import Actor
from hub.clock import Hand
from hub.core import Core
from hub.feedback.cases import FeedbackWanted
from hub.feedback.given import Evidence, Given
from hub.feedback.proof import verify_histories
from tests.catalog.homes import refused
from tests.feedback.ways import LATER, START, call, change, do, evidence, public, report, reported, row
from tests.sharing.sides import AUDITOR, CHECKER, CLERK, DECIDER, GIVER, HEAD, SIGNER, STRANGER, consumer

pytestmark = pytest.mark.slow
WAYS: dict[tuple[str, ...], tuple[str, str | None]] = {
    ("accept",): ("VERIFYING", None),
    ("accept", "correct"): ("CORRECTED", "CORRECTED"),
    ("accept", "correct", "confirm"): ("CLOSED", "CORRECTED"),
    ("accept", "explain", "confirm"): ("CLOSED", "EXPLAINED"),
    ("accept", "reject", "confirm"): ("CLOSED", "REJECTED"),
    ("accept", "explain", "object", "uphold"): ("CLOSED", "EXPLAINED"),
    ("accept", "reject", "object", "order", "correct", "confirm"): ("CLOSED", "CORRECTED"),
    ("accept", "correct", "object", "order", "correct"): ("CORRECTED", "CORRECTED"),
    ("withdraw",): ("WITHDRAWN", None),
    ("accept", "withdraw"): ("WITHDRAWN", None),
}


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_ways(core: Core, hand: Hand, way: tuple[str, ...]) -> None:
    """COR-02, COR-03: every step is in the history, with actor, time and opinion, and proven by the ledger."""
    number = reported(core)
    hand.set(LATER)
    case = do(core, number, *way)
    assert (case.state, case.outcome) == WAYS[way]
    assert [step.step for step in case.history] == ["report", *way]
    assert all(step.opinion for step in case.history[1:])
    assert [step.at for step in case.history] == [START, *[LATER] * len(way)]
    with core.engine.connect() as connection:
        report_ = verify_histories(connection)
    assert (report_.ok, report_.steps) == (True, len(way) + 1)


@pytest.mark.parametrize(
    ("before", "act"),
    [
        ((), "correct"),
        ((), "confirm"),
        ((), "order"),
        ((), "urge"),
        (("accept",), "object"),
        (("accept", "explain"), "withdraw"),
        (("accept", "explain", "object"), "confirm"),
        (("accept", "explain", "object", "order"), "explain"),
        (("accept", "correct", "object", "order", "correct"), "object"),
        (("accept", "explain", "confirm"), "object"),
    ],
)
def test_what_is_not_possible_now(core: Core, hand: Hand, before: tuple[str, ...], act: str) -> None:
    """An objection is made once; what the authority ordered is corrected, not explained; a closed case stays closed."""
    number = reported(core)
    hand.set(LATER)
    if before:
        do(core, number, *before)
    actor = {"correct": GIVER, "explain": GIVER, "order": DECIDER, "urge": DECIDER}.get(act, HEAD)
    assert refused(core.feedback.act, actor, act, number, Given(opinion="x", evidence=Evidence(("birth_date",), LATER)))[0].code == "CONFLICT"


def test_whose_act_it_is(core: Core, hand: Hand) -> None:
    number = reported(core)
    tenants = consumer(core)
    for actor, code in ((tenants, "FORBIDDEN"), (AUDITOR, "FORBIDDEN"), (DECIDER, "FORBIDDEN"), (HEAD, "FORBIDDEN"), (STRANGER, "NOT_FOUND")):
        assert refused(core.feedback.act, actor, "accept", number)[0].code == code, actor.name
    other = replace(tenants, application="app_other", department="water_supply")
    assert refused(core.feedback.act, other, "withdraw", number)[0].code == "NOT_FOUND"
    for act in ("overdue", "lapse"):
        assert refused(core.feedback.act, DECIDER, act, number)[0].code == "FORBIDDEN", "only time brings it"
    assert refused(core.feedback.act, GIVER, "report", number)[0].code == "BAD_INPUT"
    assert refused(core.feedback.act, GIVER, "redress", number)[0].code == "CONFLICT"
    assert refused(core.feedback.act, GIVER, "accept", "feedback_x")[0].code == "NOT_FOUND"


def test_who_did_a_step_does_not_do_the_next(core: Core, hand: Hand) -> None:
    """A department that reports its own data: whoever reported does not answer, whoever answered does not confirm, object or co-verify."""
    both = Actor("both", "civil_affairs", frozenset({"governance:steward", "governance:security"}), application="person_both")
    number = report(core, both).case.id
    assert refused(core.feedback.act, both, "accept", number)[0].code == "FOUR_EYES"
    do(core, number, "accept")
    hand.set(LATER)
    core.feedback.act(SIGNER, "explain", number, Given(opinion="x"))
    for act in ("confirm", "object"):
        assert refused(core.feedback.act, SIGNER, act, number, Given(opinion="x"))[0].code == "FOUR_EYES"
    core.feedback.act(GIVER, "object", number, Given(opinion="x"))
    same = replace(DECIDER, name=SIGNER.name)
    assert refused(core.feedback.act, same, "order", number, Given(opinion="x"))[0].code == "FOUR_EYES"
    core.feedback.act(CHECKER, "order", number, Given(opinion="x"))


def test_no_correction_without_evidence(core: Core, hand: Hand) -> None:
    """COR-02."""
    number = reported(core)
    do(core, number, "accept")
    hand.set(LATER)
    for given, path in (
        (Given(), "items"),
        (Given(evidence=Evidence((), LATER)), "items"),
        (Given(evidence=Evidence(("nmae",), LATER)), "items"),
        (Given(evidence=Evidence(("birth_date",) * 51, LATER)), "items"),
        (Given(evidence=Evidence(("birth_date",))), "asOf"),
        (Given(evidence=Evidence(("birth_date",), START - timedelta(days=1))), "asOf"),
        (Given(evidence=Evidence(("birth_date",), LATER + timedelta(days=1))), "asOf"),
        (Given(evidence=Evidence(("birth_date",), None, 0)), "entry"),
        (Given(evidence=Evidence(("birth_date",), None, 10**9)), "entry"),
    ):
        assert refused(core.feedback.act, GIVER, "correct", number, given)[0].path == path
    assert row(core, number).state == "VERIFYING"


def test_an_entry_that_read_the_data_after_the_report_is_evidence(core: Core, hand: Hand) -> None:
    """COR-02."""
    before = call(core, "app")
    number = reported(core)
    do(core, number, "accept")
    assert refused(core.feedback.act, GIVER, "correct", number, evidence(as_of=None, entry=before))[0].path == "entry"
    hand.set(LATER)
    elsewhere, after = call(core, "app", "civil_affairs.household"), call(core, "app")
    for read_nothing in (elsewhere, call(core, "app", outcome="REFUSED"), call(core, "app", outcome="FAILED")):
        assert refused(core.feedback.act, GIVER, "correct", number, evidence(as_of=None, entry=read_nothing))[0].path == "entry"
    case = core.feedback.act(GIVER, "correct", number, evidence(as_of=None, entry=after))
    assert case.evidence == {"items": ["birth_date"], "asOf": None, "entry": after}
    assert case.history[-1].opinion == f"items: birth_date; entry: {after}"


def test_the_database_itself_closes_nothing_without_outcome_and_evidence(core: Core) -> None:
    """COR-02: whoever writes past the services is refused all the same."""
    number = reported(core)
    for values in (
        {"state": "CLOSED"},
        {"state": "CLOSED", "outcome": "EXPLAINED"},
        {"state": "CLOSED", "outcome": "CORRECTED", "answered_by": "giver"},
        {"answered_by": "tenants"},
        {"answered_by": "giver", "decided_by": "giver"},
    ):
        with pytest.raises(IntegrityError):
            change(core, number, **values)


def test_reports_that_are_not_taken_in(core: Core) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"text": " "}, "description"),
        ({"text": "x" * 4001}, "description"),
        ({"text": "a\u202eb"}, "description"),
        ({"item": "nmae"}, "item"),
        ({"kind": "OTHER"}, "kind"),
        ({"about": "feedback_x"}, "about"),
        ({"about": "feedback_x", "kind": "COMPLAINT"}, "id"),
        ({"subject_entry": "0"}, "subjectEntry"),
        ({"subject_entry": "-1"}, "subjectEntry"),
        ({"subject_entry": "9" * 30}, "subjectEntry"),
    ]
    for given, path in wrong:
        assert refused(report, core, **given)[0].path == path, given
    assert core.feedback.reader.find(FeedbackWanted()) == []


def test_a_record_is_known_by_the_entry_of_ones_own_call(core: Core) -> None:
    """Nothing that identifies anybody is sent."""
    tenants = consumer(core)
    own, others = call(core, tenants.application), call(core, "app_other")
    elsewhere, refusal = call(core, tenants.application, "civil_affairs.household"), call(core, tenants.application, outcome="REFUSED")
    for entry in (others, elsewhere, refusal):
        assert refused(report, core, subject_entry=str(entry))[0].code == "NOT_FOUND"
    assert report(core, subject_entry=str(own)).case.subject_entry == own
    assert refused(public, core, subject_entry=str(own))[0].code == "NOT_FOUND"


def test_the_same_report_is_one_case_until_it_is_answered(core: Core, hand: Hand) -> None:
    """A caller that got no answer sends its report again."""
    first = report(core, item="birth_date")
    entries = call(core, "app")
    again = report(core, item="birth_date")
    assert (again.case.id, call(core, "app")) == (first.case.id, entries + 1), "neither case nor entry"
    assert report(core).case.id != first.case.id
    assert report(core, CLERK, item="birth_date").case.id != first.case.id, "somebody else's"
    hand.set(LATER)
    do(core, first.case.id, "accept", "correct")
    assert report(core, item="birth_date").case.id != first.case.id


def test_an_account_does_not_file_without_end(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.feedback.service.MOST_OPEN", 2)
    for n in range(2):
        report(core, text=f"{n}")
    assert refused(report, core, text="2")[0].code == "CONFLICT"
    report(core, CLERK, text="2")


def test_a_person_reports_under_its_own_name(core: Core) -> None:
    """COR-04, real-name."""
    zhang = Actor("zhang.wei", "housing_bureau", frozenset(), application="person_zhang")
    case = report(core, zhang).case
    assert (case.reporter, case.consumer, case.client_id) == ("zhang.wei", "housing_bureau", "person_zhang")
    assert core.feedback.act(zhang, "withdraw", case.id).state == "WITHDRAWN"


def test_a_case_is_passed_on_once_and_in_time(core: Core, hand: Hand) -> None:
    number = reported(core)
    do(core, number, "accept")
    hand.forward(days=1)
    for to in ("civil_affairs", "nowhere", "", None):
        assert refused(core.feedback.act, GIVER, "transfer", number, Given(opinion="x", to=to))[0].path == "to"
    case = core.feedback.act(GIVER, "transfer", number, Given(opinion="该项由水务局登记", to="water_supply"))
    assert (case.state, case.provider, case.transferred_from, case.party) == ("SUBMITTED", "water_supply", "civil_affairs", "provider")
    assert case.history[-1].opinion == "→ water_supply. 该项由水务局登记"
    assert case.due_on == date(2026, 3, 2), "the receiver's ten days begin with its receipt"
    assert refused(core.feedback.act, GIVER, "accept", number)[0].code == "NOT_FOUND"
    core.feedback.act(STRANGER, "accept", number)
    assert refused(core.feedback.act, STRANGER, "transfer", number, Given(opinion="x", to="civil_affairs"))[0].code == "CONFLICT"


def test_a_case_is_not_passed_on_to_who_reported_it(core: Core, hand: Hand) -> None:
    """A department would answer itself."""
    number = reported(core)
    (problem,) = refused(core.feedback.act, GIVER, "transfer", number, Given(opinion="x", to="housing_bureau"))
    assert (problem.code, problem.path) == ("CONFLICT", "to")
    assert core.feedback.act(GIVER, "transfer", number, Given(opinion="x", to="water_supply")).provider == "water_supply"


def test_a_complaint_does_not_exist_for_the_provider(core: Core, hand: Hand) -> None:
    """It does not read complaints about itself; its acts tell no more than reading does."""
    number = reported(core, kind="COMPLAINT")
    told = [refused(core.feedback.act, GIVER, act, each, Given(opinion="x")) for each in (number, "feedback_x") for act in ("accept", "explain", "withdraw")]
    assert {problem.code for (problem,) in told} == {"NOT_FOUND"}
    assert refused(core.feedback.act, HEAD, "object", number, Given(opinion="x"))[0].code == "CONFLICT", "the reporter's side knows of it"


def test_what_is_late_is_not_passed_on(core: Core, hand: Hand) -> None:
    number = reported(core)
    hand.set(datetime(2026, 3, 1, 2, tzinfo=UTC))
    (problem,) = refused(core.feedback.act, GIVER, "transfer", number, Given(opinion="x", to="water_supply"))
    assert (problem.code, problem.path) == ("CONFLICT", "id")
    assert row(core, number).late == "provider"
