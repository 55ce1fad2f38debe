"""Whoever acts under two names — for an application, at the command line, as an account — is one in every rule of four eyes."""

from __future__ import annotations

from typing import Any

import pytest

from auth.decide import Rights
from auth.rights import Use
from hub.acts import Actor
from hub.api.context import Caller
from hub.catalog.problems import Refused
from hub.core import Core
from hub.people.tables import person
from hub.sharing.machine import REQUEST, choose, sides
from hub.sharing.registry import Application
from hub.store.base import now
from tests.catalog.homes import refused
from tests.sharing.terms import terms

pytestmark = pytest.mark.fast
ROLES = frozenset({"governance:owner", "governance:steward", "governance:security"})
ZHANG = Application("person_zhang", "zhang.wei", "housing", "", ROLES, (), True, (), person=True)
RENTS = Application("app_rents", "rents", "housing", "", frozenset(), (), True, (), owner="person_zhang")


def _actor(account: Application) -> Actor:
    return Caller(account, Rights(account.client_id, "housing", account.scopes()), Use(), ZHANG).actor()


@pytest.mark.parametrize(
    ("act", "state", "step"),
    [
        ("endorse", "FILED", "filed_by"),
        ("complete", "CHECKING", "endorsed_by"),
        ("agree", "ASSESSING", "filed_by"),
        ("approve", "DECIDING", "filed_by"),
        ("approve", "DECIDING", "opinion_by"),
        ("signForProvider", "APPROVED", "consumer_signed_by"),
    ],
)
def test_what_a_person_did_for_an_application_the_person_did(act: str, state: str, step: str) -> None:
    acting, own = _actor(RENTS), _actor(ZHANG)
    assert (acting.application, own.application) == ("app_rents", "person_zhang")
    done: dict[str, Any] = {"filed_by": "li.na", "endorsed_by": "wu.min", "opinion_by": "xu.fang", "agreed_by": "xu.fang", "decided_by": "du"}
    case = {"state": state, "application": "app_rents", "consumer": "housing", "provider": "housing", **done, step: acting.name}
    for again in (own, Actor("cli:zhang.wei", None, ROLES)):
        on = sides(again, case, RENTS.owner) | {"consumer", "provider", "authority"}
        with pytest.raises(Refused) as refusal:
            choose(REQUEST, act, case, again, on)
        assert [problem.code for problem in refusal.value.problems] == ["FOUR_EYES"]


@pytest.mark.parametrize("approver", ["du.ming", "DU.Ming", "ｄｕ.ming", " 杜 明 ", "cli:du.ming"])
def test_who_records_a_decision_on_paper_is_not_its_approver_however_the_name_is_written(core: Core, approver: str) -> None:
    account = {"id": "person_du", "name": "du.ming", "display_name": "杜明", "department": "civil_affairs", "state": "ACTIVE"}
    with core.engine.begin() as connection:
        connection.execute(person.insert().values(**account, created_by="a", approved_by="b", created_at=now()))
    du = Actor("du.ming", "civil_affairs", frozenset({"governance:security"}), application="person_du")
    assert [problem.code for problem in refused(core.sharing.create_grant, du, terms(approver=approver))] == ["FOUR_EYES"]
    assert core.sharing.create_grant(du, terms()).approver == "王局长"


def test_a_person_who_acts_for_no_application_requests_nothing(core: Core) -> None:
    """It is refused as such, and not as a fault of the hub."""
    resource = core.catalog.current().resources["civil_affairs.person"]
    (problem,) = refused(core.requests.request_access, _actor(ZHANG), resource, {"description": "出生日期有误"})
    assert problem.code == "FORBIDDEN"
