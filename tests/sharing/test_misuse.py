"""The workflow against those who would misuse it: other spellings of a name, forged texts, ended grants, a catalog that changed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from hub.acts import Actor
from hub.clock import clock
from hub.core import Core
from hub.feedback.given import Report
from hub.sharing.agreement import Side, agreed_terms, agreement_text
from hub.sharing.cases import Wanted
from hub.sharing.disposals import DisposalGiven
from hub.sharing.grant_acts import GrantGiven
from hub.sharing.tables import access_request, grant
from hub.withdrawal.service import WithdrawalService
from tests.catalog.homes import CONSOLE, SECURITY, new_core, publish, refused
from tests.catalog.small import SMALL, changed
from tests.sharing.sides import CHECKER, DECIDER, GIVER, HEAD, PROVIDER, RESOURCE, SIGNER, asked, consumer, filed, granted
from tests.sharing.terms import terms

pytestmark = pytest.mark.slow
START = datetime(2026, 2, 9, 2, tzinfo=UTC)
ENDS = datetime(2026, 6, 30, tzinfo=UTC).isoformat()
TURNED = "条例\u202e条十第"


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with new_core(tmp_path) as made, clock.at(START):
        publish(made, SMALL)
        consumer(made)
        yield made


def led(core: Core, number: str, to: str) -> str:
    """Leads a request to a state on the way to its grant; the agreement's hash where there is one."""
    case = None
    for actor, act, state in (
        (HEAD, "endorse", "CHECKING"),
        (CHECKER, "complete", "ASSESSING"),
        (GIVER, "agree", "DECIDING"),
        (DECIDER, "approve", "APPROVED"),
    ):
        case = core.requests.act(actor, act, number)
        if state == to:
            break
    assert case is not None
    return case.agreement_hash or ""


@pytest.mark.parametrize("name", ["cli:cli:head", "HEAD", " head ", "ｈｅａｄ", "he\u200bad", "cli: Head"])
def test_another_spelling_of_a_name_is_the_same_name(core: Core, name: str) -> None:
    number = filed(core)
    core.requests.act(HEAD, "endorse", number)
    assert refused(core.requests.act, replace(CHECKER, name=name), "complete", number)[0].code == "FOUR_EYES"


@pytest.mark.parametrize("approver", ["Security_Admin", "ｓecurity_admin", "cli:security_admin", "cli: Security_admin"])
def test_an_approver_is_not_who_records_under_another_spelling(core: Core, approver: str) -> None:
    assert refused(core.sharing.create_grant, SECURITY, terms(application="tenants", approver=approver))[0].code == "FOUR_EYES"


def test_nobody_asks_for_what_is_withdrawn(core: Core) -> None:
    """Neither a first request nor one that prolongs a grant; what came back may be asked for."""
    withdrawals = WithdrawalService(core.engine, core.acts, core.catalog.current)
    withdrawals.withdraw(SECURITY, RESOURCE, "疑似泄露")
    (problem,) = refused(filed, core)
    assert (problem.code, problem.path) == ("CONFLICT", "resource")
    withdrawals.restore(DECIDER, RESOURCE, "已重新脱敏")
    granted(core)
    (held,) = core.sharing.grants()
    withdrawals.withdraw(SECURITY, RESOURCE, "再次泄露")
    assert refused(core.requests.extend, HEAD, held.id, ENDS)[0].code == "CONFLICT"
    withdrawals.restore(DECIDER, RESOURCE, "已重新脱敏")
    assert core.requests.extend(HEAD, held.id, ENDS).extends == held.id


def test_nobody_gives_what_is_withdrawn(core: Core) -> None:
    """Neither by approval nor by the second signature nor on paper; what came back goes on where it stood."""
    withdrawals = WithdrawalService(core.engine, core.acts, core.catalog.current)
    act, number = core.requests.act, filed(core)
    led(core, number, "DECIDING")
    withdrawals.withdraw(SECURITY, RESOURCE, "疑似泄露")
    (problem,) = refused(act, DECIDER, "approve", number)
    assert (problem.code, problem.path, RESOURCE in problem.message) == ("CONFLICT", "resource", True)
    assert refused(core.sharing.create_grant, DECIDER, terms(application="tenants"))[0].code == "CONFLICT"
    withdrawals.restore(DECIDER, RESOURCE, "已重新脱敏")
    named = act(DECIDER, "approve", number).agreement_hash
    act(SIGNER, "signForProvider", number, hash=named)
    withdrawals.withdraw(SECURITY, RESOURCE, "再次泄露")
    assert refused(act, consumer(core), "signForConsumer", number, hash=named)[0].code == "CONFLICT"
    assert core.sharing.grants() == []
    withdrawals.restore(DECIDER, RESOURCE, "已重新脱敏")
    assert act(consumer(core), "signForConsumer", number, hash=named).state == "GRANTED"


def test_who_overrides_a_refusal_does_not_approve_it(core: Core) -> None:
    """What stands for the provider's agreement, and the decision, are two people's."""
    act, number = core.requests.act, filed(core)
    led(core, number, "ASSESSING")
    act(GIVER, "disagree", number, reason="SCOPE_TOO_WIDE", opinion="过宽")
    act(DECIDER, "refuse", number, reason="SCOPE_TOO_WIDE", opinion="过宽")
    act(HEAD, "dispute", number, opinion="不服")
    act(HEAD, "escalate", number, opinion="协商不成")
    both = replace(CHECKER, name="giver")
    for step in ("mediate", "refer"):
        assert refused(act, both, step, number, opinion="维持")[0].code == "FOUR_EYES", "nobody mediates over the own opinion"
    act(CHECKER, "mediate", number, opinion="应当共享")
    assert refused(act, CHECKER, "approve", number)[0].code == "FOUR_EYES"
    with pytest.raises(IntegrityError, match="CHECK"), core.engine.begin() as connection:
        connection.execute(update(access_request).where(access_request.c.id == number).values(decided_by=CHECKER.name))
    assert act(DECIDER, "approve", number).state == "APPROVED"


def test_a_department_may_ask_itself_but_not_by_one_person(core: Core) -> None:
    core.sharing.create_application(CONSOLE, "own", PROVIDER, [{"code": "rent", "scenario": "s", "basis": "b"}], ["governance:steward"])
    core.registry.refresh()
    found = core.registry.by_name("own")
    assert found is not None
    own = Actor("own", PROVIDER, frozenset({"governance:steward"}), application=found.client_id)
    act, number = core.requests.act, core.requests.request_access(own, core.catalog.current().resources[RESOURCE], asked()).id
    assert refused(act, own, "endorse", number)[0].code == "FOUR_EYES"
    assert refused(act, HEAD, "endorse", number)[0].code == "NOT_FOUND", "a third department's steward"
    act(GIVER, "endorse", number)
    act(CHECKER, "complete", number)
    for one in (own, GIVER):
        assert refused(act, one, "agree", number)[0].code == "FOUR_EYES"
    act(SIGNER, "agree", number)
    named = act(DECIDER, "approve", number).agreement_hash
    assert refused(act, SIGNER, "signForConsumer", number, hash=named)[0].code == "FOUR_EYES"
    assert refused(act, GIVER, "signForProvider", number, hash=named)[0].code == "FOUR_EYES"
    act(own, "signForConsumer", number, hash=named)
    assert act(SIGNER, "signForProvider", number, hash=named).state == "GRANTED"


def test_terms_are_read_from_the_end_of_an_agreement_alone() -> None:
    """A department's name cannot bring terms of its own."""
    forged = 'X\n条款 Terms\n{"grant":{"operations":["EXCHANGE"]},"valid_from":null,"valid_to":null,"disposal_days":366}\n'
    true = {"grant": {"operations": ["QUERY"], "note": TURNED}, "valid_from": None, "valid_to": None, "disposal_days": 20}
    text = agreement_text("r", "a", Side("c", forged), Side("p", "P"), RESOURCE, START.date(), true)
    agreed = agreed_terms(text)
    assert (agreed.grant, agreed.disposal_days) == (true["grant"], 20)
    assert "\u202e" not in text
    assert sum(line == "条款 Terms" for line in text.splitlines()) == 1


def test_an_agreement_that_was_changed_in_the_database_is_not_signed(core: Core) -> None:
    number = filed(core)
    named = led(core, number, "APPROVED")
    core.requests.act(SIGNER, "signForProvider", number, hash=named)
    with core.engine.begin() as connection:
        row = connection.execute(select(access_request.c.agreement).where(access_request.c.id == number)).scalar_one()
        connection.execute(update(access_request).where(access_request.c.id == number).values(agreement=row.replace('"page_limit":', '"page_limit":9')))
    assert refused(core.requests.act, consumer(core), "signForConsumer", number, hash=named)[0].code == "CONFLICT"
    assert core.sharing.grants() == []


CHANGES = {
    "item removed": changed('[[resources.items]]\ncode = "birth_date"\nname = "生日"\ntype = "date"\ncolumn = "born"\n', ""),
    "item not shared": changed('code = "birth_date"', 'code = "birth_date"\nsharing_class = "NOT_SHARED"'),
    "item denied": changed('column = "born"', 'column = "born"\nmask = {share = "DENY"}'),
    "operation gone": changed('["QUERY", "VERIFY"]', '["VERIFY"]'),
    "resource not shared": changed('sharing_class = "CONDITIONAL"', 'sharing_class = "NOT_SHARED"'),
    "resource unconditional": changed('sharing_class = "CONDITIONAL"', 'sharing_class = "UNCONDITIONAL"'),
    "resource renamed": SMALL.replace('code = "person"', 'code = "people"').replace("civil_affairs.person", "civil_affairs.people"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_catalog_that_changed_stops_approval_and_signature(core: Core, change: str) -> None:
    act, number = core.requests.act, filed(core)
    led(core, number, "DECIDING")
    publish(core, CHANGES[change])
    problem = refused(act, DECIDER, "approve", number)[0]
    assert (problem.code, "目录" in problem.message) == ("CONFLICT", True)
    publish(core, SMALL)
    named = act(DECIDER, "approve", number).agreement_hash
    act(SIGNER, "signForProvider", number, hash=named)
    publish(core, CHANGES[change])
    assert refused(act, consumer(core), "signForConsumer", number, hash=named)[0].code == "CONFLICT"
    assert core.sharing.grants() == []
    assert act(consumer(core), "abandon", number).state == "WITHDRAWN"


def test_a_resource_that_is_not_shared_any_more_is_like_one_withdrawn(core: Core) -> None:
    number = filed(core)
    core.requests.act(HEAD, "endorse", number)
    core.requests.act(CHECKER, "notice", number, missing=("依据",))
    told = []
    for change in ("resource not shared", "resource renamed"):
        publish(core, CHANGES[change])
        told.append(refused(core.requests.act, consumer(core), "supplement", number, supplement={"scenario": "新"}))
    assert told[0] == told[1]
    publish(core, SMALL)
    core.requests.act(consumer(core), "withdraw", number)
    held = core.requests.reader.get(granted(core))
    assert held is not None
    told = []
    for change in ("resource not shared", "resource renamed"):
        publish(core, CHANGES[change])
        told.append(refused(core.requests.extend, HEAD, held.grant, ENDS))
    assert told[0] == told[1]


@pytest.mark.parametrize("end", ["revoke", "suspended and expired"])
def test_the_signature_on_a_prolongation_does_not_undo_an_end(core: Core, end: str) -> None:
    case = core.requests.reader.get(granted(core, valid_to=ENDS))
    assert case is not None
    assert case.grant is not None
    number = core.requests.extend(replace(HEAD, name="clerk"), case.grant, datetime(2027, 6, 30, tzinfo=UTC).isoformat()).id
    named = led(core, number, "APPROVED")
    core.requests.act(SIGNER, "signForProvider", number, hash=named)
    core.sharing.act_on_grant(DECIDER, "revoke" if end == "revoke" else "suspend", case.grant, GrantGiven("滥用", "SCOPE_EXCEEDED"))
    with clock.at(START if end == "revoke" else datetime(2026, 7, 1, tzinfo=UTC)):
        problem = refused(core.requests.act, consumer(core), "signForConsumer", number, hash=named)[0]
        core.sweep.run()
        assert problem.code == "CONFLICT"
        assert [held.state for held in core.sharing.grants()] == ["REVOKED" if end == "revoke" else "EXPIRED"]
        assert refused(core.requests.extend, HEAD, case.grant, datetime(2028, 1, 1, tzinfo=UTC).isoformat())[0].code == "NOT_FOUND"


def test_nobody_failed_to_rectify_by_a_day_that_was_never_set(core: Core) -> None:
    """N809-27: rectification has its time."""
    held = core.sharing.create_grant(SECURITY, terms(application="tenants")).id
    core.sharing.act_on_grant(DECIDER, "suspend", held, GrantGiven("滥用", "SCOPE_EXCEEDED"))
    assert refused(core.sharing.act_on_grant, DECIDER, "terminateUnrectified", held, GrantGiven("未整改"))[0].code == "CONFLICT"


def test_a_prolongation_has_no_beginning_of_its_own(core: Core) -> None:
    """Its terms would hold from the second signature on, whatever the agreement says."""
    case = core.requests.reader.get(granted(core))
    assert case is not None
    resource, later = core.catalog.current().resources[RESOURCE], datetime(2027, 1, 1, tzinfo=UTC).isoformat()
    given = asked(extends=case.grant, valid_from=later)
    assert refused(core.requests.request_access, consumer(core), resource, given)[0].path == "validFrom"


def test_a_prolongation_of_a_suspended_grant_leaves_it_suspended(core: Core) -> None:
    case = core.requests.reader.get(granted(core, valid_to=ENDS))
    assert case is not None
    assert case.grant is not None
    core.sharing.act_on_grant(DECIDER, "suspend", case.grant, GrantGiven("滥用", "SCOPE_EXCEEDED"))
    number = core.requests.extend(replace(HEAD, name="clerk"), case.grant, datetime(2027, 6, 30, tzinfo=UTC).isoformat()).id
    named = led(core, number, "APPROVED")
    core.requests.act(SIGNER, "signForProvider", number, hash=named)
    core.requests.act(consumer(core), "signForConsumer", number, hash=named)
    assert core.sharing.grant(case.grant).state == "SUSPENDED"


def test_a_supplement_is_what_the_agreement_says(core: Core) -> None:
    """Also where the request prolongs a grant, whose purposes it brings along; and it is no larger than a request may be."""
    case = core.requests.reader.get(granted(core, valid_to=ENDS))
    assert case is not None
    assert case.grant is not None
    act = core.requests.act
    number = core.requests.extend(replace(HEAD, name="clerk"), case.grant, datetime(2027, 6, 30, tzinfo=UTC).isoformat()).id
    act(HEAD, "endorse", number)
    act(CHECKER, "notice", number, missing=("依据",))
    large = {"documents": [f"{n:064x}" for n in range(1000)]}
    assert refused(act, HEAD, "supplement", number, supplement=large)[0].code == "BAD_INPUT"
    act(HEAD, "supplement", number, supplement={"legal_basis": "新法第一条"})
    for actor, step in ((CHECKER, "complete"), (GIVER, "agree"), (DECIDER, "approve")):
        case = act(actor, step, number)
    assert case.agreement is not None
    assert agreed_terms(case.agreement).grant["purposes"] == [{"code": "rent", "scenario": "公租房审核", "basis": "新法第一条"}]


@pytest.mark.parametrize("name", ["purpose", "scenario", "legal_basis"])
@pytest.mark.parametrize("wrong", [TURNED, "\x1b[2J", "\u2028"])
def test_texts_that_read_otherwise_than_they_are_are_refused(core: Core, name: str, wrong: str) -> None:
    found = refused(core.requests.request_access, consumer(core), core.catalog.current().resources[RESOURCE], asked(**{name: f"a{wrong}b"}))
    assert [problem.path for problem in found] == [name]


def test_opinions_that_read_otherwise_than_they_are_are_refused(core: Core) -> None:
    act, number = core.requests.act, filed(core)
    assert refused(act, HEAD, "decline", number, opinion=TURNED)[0].path == "opinion"
    act(HEAD, "endorse", number, opinion="同意\n第二行\t。")
    assert refused(act, CHECKER, "notice", number, missing=(TURNED,))[0].path == "missing"
    act(consumer(core), "withdraw", number)
    wrong = {"approver": TURNED, "purposes": [{"code": "p", "scenario": TURNED, "basis": "b"}]}
    for name, value in wrong.items():
        assert refused(core.sharing.create_grant, SECURITY, terms(application="tenants", **{name: value}))[0].path.startswith(name)
    held = core.sharing.create_grant(SECURITY, terms(application="tenants")).id
    core.sharing.act_on_grant(DECIDER, "revoke", held)
    given = DisposalGiven(statement=TURNED, certificate_hash="0" * 64)
    assert refused(core.disposals.act, HEAD, "fileDisposal", held, given)[0].path == "statement"
    tenant, resource = consumer(core), core.catalog.current().resources[RESOURCE]
    assert refused(core.feedback.report, tenant, resource, Report(TURNED))[0].path == "description"


def test_the_database_refuses_a_grant_that_no_approved_request_gives(core: Core) -> None:
    number, other = granted(core), None
    with core.engine.connect() as connection:
        made = dict(connection.execute(select(grant)).one()._mapping)
    core.sharing.act_on_grant(DECIDER, "revoke", made["id"])
    other = filed(core)
    for request in (None, "request_of_nobody", other, number):
        with pytest.raises(IntegrityError), core.engine.begin() as connection:
            connection.execute(insert(grant).values({**made, "id": "grant_forged", "request": request, "state": "ACTIVE"}))
    with pytest.raises(IntegrityError), core.engine.begin() as connection:
        connection.execute(update(grant).values(request=other))


def test_a_sweep_does_not_write_over_what_was_done_meanwhile(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading and writing of the sweep another process approves: the due day of the new term stays."""
    number = filed(core)
    led(core, number, "DECIDING")
    with core.engine.begin() as connection:
        connection.execute(update(access_request).where(access_request.c.id == number).values(due_on="2020-01-01"))
    read = core.sweep._moved_disposals

    def meanwhile(connection: Any, calendar: Any) -> Any:
        core.requests.act(DECIDER, "approve", number)
        return read(connection, calendar)

    monkeypatch.setattr(core.sweep, "_moved_disposals", meanwhile)
    core.sweep.run()
    with core.engine.connect() as connection:
        row = connection.execute(select(access_request).where(access_request.c.id == number)).one()
    case = core.requests.reader.get(number)
    assert case is not None
    assert (row.due_on, row.term) == (case.due_on.isoformat(), "provision")


def test_days_over_the_national_day_counted_by_hand(core: Core) -> None:
    """30 September 2026 and ten working days: 8, 9, 10 (Saturday, made up), 12, 13, 14, 15, 16, 19, 20 October; ten more end on 3 November."""
    with clock.at(datetime(2026, 9, 30, 2, tzinfo=UTC)):
        number = filed(core)
        core.requests.act(HEAD, "endorse", number)
        core.requests.act(CHECKER, "complete", number)
        case = core.requests.act(GIVER, "requestExtension", number, opinion="需核实")
        assert case.due_on.isoformat() == "2026-10-20"
        case = core.requests.act(DECIDER, "allowExtension", number, days=10)
        assert (case.due_on.isoformat(), case.extension) == ("2026-11-03", "ALLOWED")
    with clock.at(datetime(2026, 11, 3, 15, 59, tzinfo=UTC)) as hand:
        assert core.requests.reader.find(Wanted(overdue=True)) == []
        hand.forward(minutes=1)
        assert [found.late or found.party for found in core.requests.reader.find(Wanted(overdue=True))] == ["provider"]
