"""The service does what the data say: in every kind of situation every act by everybody, and random lives against a plain model written by hand."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import insert, select

from hub.acts import Actor
from hub.catalog.problems import Refused
from hub.core import Core
from hub.sharing.agreement import hash_of
from hub.sharing.guards import Given
from hub.sharing.machine import REQUEST
from hub.sharing.tables import access_request, grant, step
from hub.store.base import now
from tests.catalog.homes import new_core, publish
from tests.catalog.small import SMALL
from tests.sharing.sides import AUDITOR, CHECKER, CONSUMER, DECIDER, GIVER, HEAD, PROVIDER, SIGNER, STRANGER, Config, consumer, filed, reachable

pytestmark = pytest.mark.slow

ON = {"head": {"consumer"}, "giver": {"provider"}, "decider": {"authority"}, "auditor": set(), "stranger": set()}
"""The sides of the actors, by hand; the application is the applicant."""
AGREEMENT = "\n条款 Terms\n" + json.dumps({"grant": {}, "valid_from": None, "valid_to": None, "disposal_days": 1})
GIVEN: dict[str, dict[str, Any]] = {
    "notice": {"missing": ("依据",)},
    "disagree": {"reason": "NOT_NECESSARY"},
    "refuse": {"reason": "NOT_NECESSARY"},
    "signForConsumer": {"hash": hash_of(AGREEMENT)},
    "signForProvider": {"hash": hash_of(AGREEMENT)},
}


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    with new_core(tmp_path_factory.mktemp("acts")) as made:
        publish(made, SMALL)
        yield made


@pytest.fixture(scope="module")
def stored(core: Core) -> dict[str, Any]:
    """The row of a request, which is withdrawn so that there is room for others."""
    number = filed(core)
    with core.engine.connect() as connection:
        row = connection.execute(select(access_request).where(access_request.c.id == number)).one()
    core.requests.act(consumer(core), "withdraw", number)
    return dict(row._mapping)


def situations() -> list[Config]:
    """One configuration of each kind: the same state with the same acts open is the same kind."""
    kinds: dict[tuple[str, frozenset[int]], Config] = {}
    for (state, filled), ways in sorted(reachable(REQUEST, ("FILED", frozenset({"filed_by"}))).items(), key=lambda each: sorted(each[0][1])):
        kinds.setdefault((state, frozenset(id(transition) for transition, _ in ways)), (state, filled))
    return list(kinds.values())


@pytest.mark.parametrize("config", situations(), ids=lambda config: f"{config[0]}-{len(config[1])}")
def test_every_act_by_everybody(core: Core, stored: dict[str, Any], config: Config) -> None:
    """Allowed exactly as the data say, and what is refused changes nothing."""
    tenant = consumer(core)
    actors = [tenant, HEAD, GIVER, DECIDER, AUDITOR, STRANGER]
    state, filled = config
    columns = dict.fromkeys(filled, "somebody")
    made = {**stored, **{name: f"by {name}" for name in filled}, "id": "case", "state": state, "agreement": AGREEMENT, "agreement_hash": hash_of(AGREEMENT)}
    made |= {"grant": "g" if state == "GRANTED" else None}
    with core.engine.connect() as connection, connection.begin() as whole:
        connection.execute(insert(access_request).values(**made))
        for actor in actors:
            on = ON.get(actor.name, {"applicant"})
            for act in REQUEST.acts()[1:]:
                possible = [each for each in REQUEST.of(act) if on & set(each.who) and each.is_open(state, columns)]
                savepoint = connection.begin_nested()
                try:
                    given = Given(opinion="意见", **GIVEN.get(act, {}))
                    core.requests._do(connection, actor, act, "case", given)
                    found = connection.execute(select(access_request).where(access_request.c.id == "case")).one()
                    assert len(possible) == 1, (actor.name, act)
                    assert found.state == possible[0].leads_to(state)
                    assert all(found._mapping[name] == actor.name for name in possible[0].records)
                except Refused:
                    assert not possible, (actor.name, act)
                    found = connection.execute(select(access_request).where(access_request.c.id == "case")).one()
                    assert dict(found._mapping) == made
                finally:
                    savepoint.rollback()
        whole.rollback()


PEOPLE = {"app": {"applicant"}, HEAD: {"consumer"}, GIVER: {"provider"}, SIGNER: {"provider"}, CHECKER: {"authority"}, DECIDER: {"authority"}}
NEXT: dict[str, dict[str, tuple[str, str]]] = {
    "FILED": {"endorse": ("consumer", "CHECKING"), "decline": ("consumer", "WITHDRAWN"), "withdraw": ("applicant consumer", "WITHDRAWN")},
    "CHECKING": {"notice": ("authority", "INCOMPLETE"), "complete": ("authority", "ASSESSING"), "withdraw": ("applicant consumer", "WITHDRAWN")},
    "INCOMPLETE": {"supplement": ("applicant consumer", "CHECKING"), "withdraw": ("applicant consumer", "WITHDRAWN")},
    "ASSESSING": {"agree": ("provider", "DECIDING"), "disagree": ("provider", "DECIDING"), "withdraw": ("applicant consumer", "WITHDRAWN")},
    "DECIDING": {"approve": ("authority", "APPROVED"), "refuse": ("authority", "REFUSED"), "withdraw": ("applicant consumer", "WITHDRAWN")},
    "APPROVED": {
        "signForConsumer": ("applicant consumer", "APPROVED"),
        "signForProvider": ("provider", "APPROVED"),
        "abandon": ("applicant consumer", "WITHDRAWN"),
    },
    "REFUSED": {"dispute": ("applicant consumer", "NEGOTIATING")},
    "NEGOTIATING": {
        "settle": ("provider", "DECIDING"),
        "escalate": ("applicant consumer provider", "MEDIATING"),
        "concede": ("applicant consumer", "UPHELD"),
    },
    "MEDIATING": {"mediate": ("authority", "DECIDING"), "refer": ("authority", "RULING"), "concede": ("applicant consumer", "UPHELD")},
    "RULING": {"overrule": ("authority", "DECIDING"), "uphold": ("authority", "UPHELD"), "concede": ("applicant consumer", "UPHELD")},
    "GRANTED": {},
    "WITHDRAWN": {},
    "UPHELD": {},
}
"""The workflow once more, by hand: state, act, whose it is, what follows."""
ACTS = sorted({act for acts in NEXT.values() for act in acts})


class Lives(RuleBasedStateMachine):
    """Random acts by random people on one request at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = ExitStack()

    @initialize()
    def file(self) -> None:
        folder = self.closing.enter_context(tempfile.TemporaryDirectory())
        self.core = self.closing.enter_context(new_core(Path(folder)))
        publish(self.core, SMALL)
        self.tenant = consumer(self.core)
        self.number = filed(self.core)
        self.state, self.noticed, self.agreed, self.overruled = "FILED", False, False, False
        self.did: dict[str, str] = {"filed": "tenants"}
        self.signed: set[str] = set()

    def teardown(self) -> None:
        self.closing.close()

    @rule(act=st.sampled_from(ACTS), who=st.sampled_from(list(PEOPLE)))
    def act(self, act: str, who: Any) -> None:
        actor: Actor = self.tenant if who == "app" else who
        case = self.core.requests.reader.get(self.number)
        assert case is not None
        given = {**GIVEN.get(act, {}), "opinion": "意见"}
        if act.startswith("sign"):
            given["hash"] = case.agreement_hash
        expected = self.expected(act, actor.name, PEOPLE[who])
        try:
            done = self.core.requests.act(actor, act, self.number, **given)
        except Refused:
            assert expected is None, (self.state, act, actor.name)
            return
        assert expected == done.state, (self.state, act, actor.name)
        self.remember(act, actor.name, expected)

    @rule()
    def onwards(self) -> None:
        """The way to a grant, so that random lives come far."""
        steps: dict[str, list[tuple[str, Any]]] = {
            "FILED": [("endorse", HEAD)],
            "CHECKING": [("complete", CHECKER)],
            "INCOMPLETE": [("supplement", "app")],
            "ASSESSING": [("agree", GIVER)],
            "DECIDING": [("approve", DECIDER)],
            "APPROVED": [("signForProvider", SIGNER), ("signForConsumer", "app")],
            "REFUSED": [("dispute", "app")],
        }
        for act, who in steps.get(self.state, []):
            self.act(act, who)

    def expected(self, act: str, name: str, on: set[str]) -> str | None:
        """The state after the act by the plain model; ``None`` where it has to be refused."""
        if act not in NEXT[self.state]:
            return None
        who, then = NEXT[self.state][act]
        did = {self.did.get(each) for each in {
            "endorse": ("filed",), "decline": ("filed",), "notice": ("filed", "endorsed"), "complete": ("filed", "endorsed"),
            "agree": ("filed", "endorsed", "checked"), "disagree": ("filed", "endorsed", "checked"), "approve": ("filed", "endorsed", "opinion"),
            "refuse": ("filed", "endorsed", "opinion"), "signForConsumer": ("decided", "opinion", "provider"),
            "signForProvider": ("filed", "endorsed", "decided", "consumer"), "settle": ("filed", "endorsed"), "mediate": ("filed", "endorsed"),
            "refer": ("filed", "endorsed"), "overrule": ("filed", "endorsed"), "uphold": ("filed", "endorsed"),
        }.get(act, ())}  # fmt: skip
        wrong = not on & set(who.split()) or name in did
        wrong |= (act == "notice" and self.noticed) or (act == "approve" and not (self.agreed or self.overruled)) or (act == "refuse" and self.overruled)
        wrong |= act in self.signed
        if wrong:
            return None
        return "GRANTED" if act.startswith("sign") and self.signed else then

    def remember(self, act: str, name: str, then: str) -> None:
        columns = {"endorse": "endorsed", "complete": "checked", "agree": "opinion", "disagree": "opinion", "approve": "decided", "refuse": "decided"}
        columns |= {"signForConsumer": "consumer", "signForProvider": "provider"}
        if act in columns:
            self.did[columns[act]] = name
        if act in ("settle", "mediate", "overrule"):
            self.overruled = True
            self.did.pop("decided", None)
        self.noticed |= act == "notice"
        self.agreed |= act == "agree"
        self.signed |= {act} if act.startswith("sign") else set()
        self.state = then

    @invariant()
    def a_grant_stands_for_every_approval(self) -> None:
        if not hasattr(self, "state"):
            return
        with self.core.engine.connect() as connection:
            rows = connection.execute(select(grant)).all()
            steps = list(connection.execute(select(step.c.step).where(step.c.subject == self.number)).scalars())
        assert len(rows) == (self.state == "GRANTED")
        if rows:
            assert rows[0].request == self.number
            assert {"file", "endorse", "complete", "approve", "signForConsumer", "signForProvider"} <= set(steps)
            assert len({self.did[each] for each in ("filed", "endorsed", "opinion", "decided")}) == 4


def test_random_lives_are_those_of_a_plain_model() -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(Lives, settings=settings(max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=checks, derandomize=True))


def test_both_departments_are_the_requests(core: Core) -> None:
    number = filed(core)
    case = core.requests.reader.get(number)
    assert case is not None
    assert (case.consumer, case.provider, case.party) == (CONSUMER, PROVIDER, "consumer")
    assert case.created_at is not None
    assert case.created_at <= now()
