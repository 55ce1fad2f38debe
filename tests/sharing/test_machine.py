"""The state machines as data, searched to the end: no way around an approval, no dead end, nothing that stands there for nothing."""

from __future__ import annotations

from itertools import chain

import pytest

from hub.catalog.problems import Refused
from hub.feedback.tables import feedback_case
from hub.sharing import guards
from hub.sharing.machine import ACTS, COMPLAINT, DISPOSAL, FEEDBACK, GRANT, PARTIES, REQUEST, STAY, Machine, choose
from hub.sharing.rules import RuleBook
from hub.sharing.tables import access_request, disposal, grant
from schema.model import Snapshot
from tests.sharing.sides import CHECKER, after, reachable

pytestmark = pytest.mark.fast

FIRST = {
    "request": ("FILED", frozenset({"filed_by"})),
    "grant": ("ACTIVE", frozenset()),
    "disposal": ("DUE", frozenset()),
    "feedback": ("SUBMITTED", frozenset({"filed_by"})),
    "complaint": ("LODGED", frozenset({"filed_by"})),
}
MACHINES = {
    "request": (REQUEST, access_request),
    "grant": (GRANT, grant),
    "disposal": (DISPOSAL, disposal),
    "feedback": (FEEDBACK, feedback_case),
    "complaint": (COMPLAINT, feedback_case),
}
APPROVALS = {"endorsed_by", "checked_by", "opinion_by", "decided_by", "consumer_signed_by", "provider_signed_by"}


def without(machine: Machine, acts: set[str]) -> Machine:
    return machine.model_copy(update={"transitions": tuple(each for each in machine.transitions if each.act not in acts)})


def test_every_way_to_a_grant_takes_every_approval() -> None:
    granted = [filled for state, filled in reachable(REQUEST, FIRST["request"]) if state == "GRANTED"]
    assert granted
    for filled in granted:
        assert filled >= APPROVALS
        assert filled & {"agreed_by", "overruled_by"}


@pytest.mark.parametrize(
    "acts", [{"endorse"}, {"complete"}, {"agree", "disagree"}, {"approve"}, {"signForConsumer"}, {"signForProvider"}], ids=lambda acts: "-".join(sorted(acts))
)
def test_without_one_approval_there_is_no_grant(acts: set[str]) -> None:
    assert "GRANTED" not in {state for state, _ in reachable(without(REQUEST, acts), FIRST["request"])}


def test_a_provider_that_objects_is_overruled_by_a_dispute_or_not_at_all() -> None:
    levels = {"settle", "mediate", "overrule"}
    ways = reachable(without(REQUEST, {"agree"} | levels), FIRST["request"])
    assert "GRANTED" not in {state for state, _ in ways}
    for level in levels:
        assert "GRANTED" in {state for state, _ in reachable(without(REQUEST, {"agree"} | levels - {level}), FIRST["request"])}, level


@pytest.mark.parametrize("name", MACHINES)
def test_no_dead_end_but_the_final_states(name: str) -> None:
    machine, _ = MACHINES[name]
    found = reachable(machine, FIRST[name])
    for (state, filled), ways in found.items():
        assert bool(ways) is (state not in machine.final), (state, filled)
    leads_out = {config for config in found if config[0] in machine.final}
    while more := {config for config, ways in found.items() if config not in leads_out and any(each in leads_out for _, each in ways)}:
        leads_out |= more
    assert leads_out == set(found), "from everywhere an end can be reached"


@pytest.mark.parametrize("name", MACHINES)
def test_nothing_stands_there_for_nothing(name: str) -> None:
    machine, table = MACHINES[name]
    found = reachable(machine, FIRST[name])
    assert {state for state, _ in found} == set(machine.states)
    used = {id(transition) for ways in found.values() for transition, _ in ways}
    assert [each.act for each in machine.transitions if id(each) not in used and each.sources] == []
    for each in machine.transitions:
        columns = chain(each.needs, each.needs_any, each.lacks, each.records, each.clears, each.not_by)
        assert set(columns) <= {column.name for column in table.c} | {"filed_by"}, each.act
        assert set(each.who) | set(each.tells) <= set(PARTIES)
        assert each.to == STAY or each.to in machine.states
    assert all(machine.states[state].party is None for state in machine.final)


@pytest.mark.parametrize("name", ["request", "feedback", "complaint"])
def test_whoever_a_state_waits_for_can_do_something_in_it(name: str) -> None:
    machine, _ = MACHINES[name]
    for (state, filled), ways in reachable(machine, FIRST[name]).items():
        party = machine.party(state, dict.fromkeys(filled, "somebody"))
        assert party is None or any(party in transition.who for transition, _ in ways), (state, filled)


def test_every_act_is_one_transition_at_a_time() -> None:
    """Two transitions of one act are never open together."""
    for machine, first in ((machine, FIRST[name]) for name, (machine, _) in MACHINES.items()):
        for config, ways in reachable(machine, first).items():
            acts = [transition.act for transition, _ in ways]
            assert len(acts) == len(set(acts)), config


def test_every_act_has_a_name() -> None:
    assert set(ACTS) == {act for machine, _ in MACHINES.values() for act in machine.acts()}


def test_guards_terms_and_reasons_exist() -> None:
    names = {each.guard for each in REQUEST.transitions if each.guard}
    book = RuleBook.open(["n809"])
    assert names == set(guards.Guards(book, lambda _: Snapshot(0))._checks)
    assert {each.starts for each in (*REQUEST.transitions, *GRANT.transitions) if each.starts} == {"answer", "provision", "disposal"}


def test_one_notice_and_no_refusal_for_missing_papers() -> None:
    """N809-21."""
    found = reachable(REQUEST, FIRST["request"])
    for (state, filled), ways in found.items():
        acts = {transition.act for transition, _ in ways}
        assert not (state in ("CHECKING", "INCOMPLETE") and "refuse" in acts)
        assert not ("noticed_by" in filled and "notice" in acts)


def test_the_next_column_is_filled_by_the_act_alone() -> None:
    """``choose`` allows in every configuration what the data say, for whoever is on the right side and did nothing before."""
    for machine, first in ((machine, FIRST[name]) for name, (machine, _) in MACHINES.items()):
        for (state, filled), ways in reachable(machine, first).items():
            case = {"state": state, "application": "app", **dict.fromkeys(filled, "somebody")}
            for act in machine.acts():
                open_now = [each for each, _ in ways if each.act == act]
                for party in PARTIES:
                    allowed = [each for each in open_now if party in each.who]
                    if allowed:
                        chosen = choose(machine, act, case, CHECKER, {party})
                        assert [chosen] == allowed
                        assert after(chosen, (state, filled)) in [config for _, config in ways]
                        continue
                    with pytest.raises(Refused) as refused:
                        choose(machine, act, case, CHECKER, {party})
                    mine = any(party in each.who for each in machine.of(act))
                    assert refused.value.problems[0].code == ("CONFLICT" if mine else "FORBIDDEN")
