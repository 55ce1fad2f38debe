"""What a request's way leaves behind: columns that the database guards, entries of the ledger, due days that follow the calendar, a grant as agreed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from hub.clock import clock
from hub.core import Core, open_core
from hub.ledger.tables import entry
from hub.settings import Settings
from hub.sharing.agreement import agreed_terms, hash_of
from hub.sharing.calendar_service import CalendarService, NewDay
from hub.sharing.cases import Wanted
from hub.sharing.disposals import DisposalGiven, DisposalsWanted
from hub.sharing.grant_acts import GrantGiven
from hub.sharing.tables import access_request, grant
from tests.catalog.homes import CONSOLE, SECURITY, new_core, publish, refused
from tests.catalog.small import SMALL, changed
from tests.servers.postgres import Postgres
from tests.sharing.sides import (
    AUDITOR,
    CHECKER,
    DECIDER,
    GIVER,
    HEAD,
    PURPOSES,
    RESOURCE,
    SIGNER,
    STRANGER,
    asked,
    consumer,
    filed,
    granted,
)
from tests.sharing.terms import terms
from tests.store.databases import make_database

ENDS = datetime(2026, 6, 30, tzinfo=UTC).isoformat()
START = datetime(2026, 2, 9, 2, tzinfo=UTC)


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with new_core(tmp_path) as made, clock.at(START):
        publish(made, SMALL)
        consumer(made)
        yield made


def entries(core: Core) -> list[dict[str, Any]]:
    """Administrative acts as the ledger has them."""
    with core.engine.connect() as connection:
        found = [json.loads(bytes(row.canonical)) for row in connection.execute(select(entry).order_by(entry.c.seq))]
    return [each for each in found if each["kind"] == "admin"]


APPROVALS = ("endorsed_by", "checked_by", "opinion_by", "decided_by", "agreement_hash", "consumer_signed_by", "provider_signed_by")
APART = (
    ("endorsed_by", "filed_by"),
    ("opinion_by", "filed_by"),
    ("opinion_by", "endorsed_by"),
    ("decided_by", "filed_by"),
    ("decided_by", "opinion_by"),
    ("decided_by", "endorsed_by"),
    ("provider_signed_by", "consumer_signed_by"),
)


@pytest.mark.slow
def test_the_database_itself_refuses_a_skipped_approval_and_two_steps_of_one_person(core: Core) -> None:
    number = granted(core)
    wrong = [(column, None) for column in APPROVALS] + [(column, access_request.c[other]) for column, other in APART]
    for column, value in wrong:
        with pytest.raises(IntegrityError, match="CHECK"), core.engine.begin() as connection:
            connection.execute(update(access_request).where(access_request.c.id == number).values({column: value}))


@pytest.mark.slow
def test_the_grant_has_exactly_the_terms_of_the_agreement(core: Core) -> None:
    given = {"rows": {"birth_date": {"lt": "2000-01-01"}}, "quota": {"calls": 5, "rows": None, "per": "DAY"}, "valid_to": ENDS, "max_page": 7}
    number = granted(core, **given)
    case = core.requests.reader.get(number)
    assert case is not None
    assert case.agreement is not None
    assert hash_of(case.agreement) == case.agreement_hash
    assert case.agreement_hash in str(case.agreement_hash)
    agreed = agreed_terms(case.agreement)
    assert case.grant is not None
    held = core.sharing.grant(case.grant)
    assert (held.terms, held.valid_from, held.valid_to) == (agreed.grant, START, datetime(2026, 6, 30, tzinfo=UTC))
    assert held.terms["purposes"] == PURPOSES
    core.registry.refresh()
    app = consumer(core).application
    assert app is not None
    rights = core.registry.rights(app, frozenset({f"query:{RESOURCE}", f"verify:{RESOURCE}"}))
    assert rights.scopes == {f"query:{RESOURCE}"}, "the scopes follow"
    assert rights.grants[RESOURCE].rows == '{"birth_date":{"lt":"2000-01-01"}}'


@pytest.mark.slow
def test_a_text_that_is_longer_by_a_letter_is_another_agreement(core: Core) -> None:
    first, second = filed(core), None
    for actor, act in ((HEAD, "endorse"), (CHECKER, "complete"), (GIVER, "agree"), (DECIDER, "approve")):
        second = core.requests.act(actor, act, first)
    assert second is not None
    assert second.agreement is not None
    problem = refused(core.requests.act, SIGNER, "signForProvider", first, hash=hash_of(second.agreement + "x"))[0]
    assert problem.path == "hash"


@pytest.mark.slow
def test_every_act_has_its_entry_the_refused_ones_too(core: Core) -> None:
    number = filed(core)
    refused(core.requests.act, STRANGER, "endorse", number)
    refused(core.requests.act, AUDITOR, "endorse", number)
    refused(core.requests.act, GIVER, "agree", number)
    core.requests.act(HEAD, "endorse", number)
    refused(core.requests.act, replace(DECIDER, name="head"), "complete", number)
    found = [(each["operation"], each["outcome"], each["code"], each["details"]["actor"]) for each in entries(core)][-6:]
    assert found == [
        ("requestAccess", "OK", None, "tenants"),
        ("endorseRequest", "REFUSED", "NOT_FOUND", "stranger"),
        ("endorseRequest", "REFUSED", "FORBIDDEN", "auditor"),
        ("giveOpinion", "REFUSED", "CONFLICT", "giver"),
        ("endorseRequest", "OK", None, "head"),
        ("checkRequest", "REFUSED", "FOUR_EYES", "head"),
    ]
    assert [each["details"]["request"] for each in entries(core) if each["outcome"] == "OK" and "request" in each["details"]] == [number, number]


@pytest.mark.slow
def test_a_changed_calendar_moves_open_cases(core: Core) -> None:
    """12 January 2099 and ten working days lie in a year without a calendar: provisional until its notice is entered."""
    with clock.at(datetime(2099, 1, 12, 2, tzinfo=UTC)):
        number = filed(core)
        core.requests.act(HEAD, "endorse", number)
        before = core.requests.reader.get(number)
        assert before is not None
        assert (before.due_on, "暂按" in before.rule) == (date(2099, 1, 26), True)
        days = [NewDay(date(2099, month, day), False, "放假", "国办") for month, day in ((1, 1), (1, 13), (1, 14), (10, 1))]
        CalendarService(core.engine, core.acts).set_days(SECURITY, days)
        after = core.requests.reader.get(number)
        assert after is not None
        assert (after.due_on, "暂按" in after.rule) == (date(2099, 1, 28), False)
        assert core.sweep.run() == 1, "the copy in the row is written anew"
        with core.engine.connect() as connection:
            row = connection.execute(select(access_request).where(access_request.c.id == number)).one()
        assert (row.due_on, row.rule) == ("2099-01-28", after.rule)
        assert core.sweep.run() == 0


@pytest.mark.slow
def test_a_breach_is_recorded_once_with_whoever_had_the_case(core: Core) -> None:
    number = filed(core)
    core.requests.act(HEAD, "endorse", number)
    core.requests.act(CHECKER, "notice", number, missing=("依据",))
    with clock.at(START + timedelta(days=40)):
        assert core.sweep.run() == 1
        assert core.sweep.run() == 0
        found = core.requests.reader.find(Wanted(overdue=True))
        assert [(case.id, case.overdue, case.late) for case in found] == [(number, True, "consumer")]
        assert [step.step for step in found[0].history] == ["file", "endorse", "notice", "breach"]
        core.requests.act(consumer(core), "supplement", number, opinion="补充")
        core.requests.act(CHECKER, "complete", number)
        assert core.sweep.run() == 0, "once for each term"
        assert core.requests.reader.find(Wanted(overdue=False, state="ASSESSING")) == []
    assert [each["operation"] for each in entries(core)].count("recordBreach") == 1


@pytest.mark.slow
def test_an_act_that_comes_too_late_records_the_breach_of_whoever_was_to_act(core: Core) -> None:
    number = filed(core)
    core.requests.act(HEAD, "endorse", number)
    core.requests.act(CHECKER, "complete", number)
    with clock.at(START + timedelta(days=40)):
        case = core.requests.act(GIVER, "agree", number)
    assert (case.late, [step.step for step in case.history][-2:]) == ("provider", ["breach", "agree"])


@pytest.mark.slow
def test_proof_that_is_filed_too_late_records_the_breach_before_any_sweep(core: Core) -> None:
    case = core.requests.reader.get(granted(core, disposal_days=3))
    assert case is not None
    assert case.grant is not None
    core.sharing.act_on_grant(DECIDER, "revoke", case.grant)
    with clock.at(START + timedelta(days=40)):
        found = core.disposals.act(HEAD, "fileDisposal", case.grant, DisposalGiven(statement="已删除", certificate_hash="a" * 64))
        assert (found.late, [step.step for step in found.history][-2:]) == ("consumer", ["breach", "fileDisposal"])
        assert core.sweep.run() == 0


@pytest.mark.slow
def test_a_reason_that_no_entry_could_hold_is_refused_as_any_that_is_none(core: Core) -> None:
    case = core.requests.reader.get(granted(core))
    assert case is not None
    assert case.grant is not None
    assert refused(core.sharing.act_on_grant, CHECKER, "suspend", case.grant, GrantGiven("超范围", "X" * 20_000))[0].path == "reason"
    number = filed(core, extends=case.grant)
    for actor, act in ((HEAD, "endorse"), (CHECKER, "complete")):
        core.requests.act(actor, act, number)
    assert refused(core.requests.act, GIVER, "disagree", number, reason="X" * 20_000, opinion="过宽")[0].path == "reason"


@pytest.mark.slow
def test_a_reason_goes_with_what_it_was_given_for(core: Core) -> None:
    case = core.requests.reader.get(granted(core))
    assert case is not None
    assert case.grant is not None
    act = core.sharing.act_on_grant
    assert act(CHECKER, "suspend", case.grant, GrantGiven("超范围", "SCOPE_EXCEEDED")).reason == "SCOPE_EXCEEDED"
    assert act(CHECKER, "resume", case.grant).reason is None
    assert act(GIVER, "fileTermination", case.grant, GrantGiven("停用", "NEGOTIATED")).reason == "NEGOTIATED"
    assert act(DECIDER, "rejectTermination", case.grant, GrantGiven("仍需使用")).reason is None
    assert act(DECIDER, "revoke", case.grant).reason is None


@pytest.mark.slow
@pytest.mark.parametrize("end", ["revoke", "terminate", "unrectified", "expire"])
def test_every_end_of_a_grant_makes_a_disposal_due(core: Core, end: str) -> None:
    number = granted(core, valid_to=ENDS, disposal_days=3)
    case = core.requests.reader.get(number)
    assert case is not None
    assert case.grant is not None
    act, held = core.sharing.act_on_grant, case.grant
    if end == "terminate":
        assert refused(act, DECIDER, "terminate", held)[0].code == "CONFLICT", "nobody has filed it"
        act(GIVER, "fileTermination", held, GrantGiven("停用", "NEGOTIATED"))
        assert refused(act, replace(DECIDER, name="giver"), "terminate", held)[0].code == "FOUR_EYES"
        act(DECIDER, "terminate", held)
    elif end == "unrectified":
        act(CHECKER, "suspend", held, GrantGiven("超范围", "SCOPE_EXCEEDED", date(2026, 2, 12)))
        assert refused(act, DECIDER, "terminateUnrectified", held, GrantGiven("未整改"))[0].code == "CONFLICT"
    elif end == "revoke":
        act(DECIDER, "revoke", held)
    with clock.at(datetime(2026, 7, 1, tzinfo=UTC) if end == "expire" else datetime(2026, 2, 13, 2, tzinfo=UTC)):
        if end == "unrectified":
            assert act(DECIDER, "terminateUnrectified", held, GrantGiven("未整改")).reason == "NOT_RECTIFIED"
        core.sweep.run()
        [found] = core.disposals.find(DisposalsWanted())
        # 2026-02-09 + 3: the 12th; 2026-02-13 + 3: 14 (worked), 24, 25; the term ends on 30 June, 8 o'clock in China: 3 July
        due = {"revoke": date(2026, 2, 12), "terminate": date(2026, 2, 12), "unrectified": date(2026, 2, 25), "expire": date(2026, 7, 3)}[end]
        assert (found.due_on, found.state, "约定3个工作日" in found.rule) == (due, "DUE", True)
        proof = DisposalGiven(statement="已删除", certificate_hash="a" * 64)
        assert (
            refused(core.disposals.act, consumer(core), "fileDisposal", held, DisposalGiven(statement="x", certificate_hash="1"))[0].path == "certificateHash"
        )
        core.disposals.act(consumer(core), "fileDisposal", held, proof)
        assert core.disposals.act(GIVER, "returnDisposal", held, DisposalGiven("证明不清")).state == "DUE"
        core.disposals.act(HEAD, "fileDisposal", held, proof)
        assert refused(core.disposals.act, replace(GIVER, name="head"), "confirmDisposal", held)[0].code == "FOUR_EYES"
        assert core.disposals.act(GIVER, "confirmDisposal", held).state == "CONFIRMED"


@pytest.mark.slow
def test_a_grant_is_prolonged_by_a_request_of_its_own(core: Core) -> None:
    first = core.requests.reader.get(granted(core, valid_to=ENDS, disposal_days=7, rows={"birth_date": {"lt": "2000-01-01"}}))
    assert first is not None
    assert first.grant is not None
    assert refused(filed, core)[0].hint == f"extends: {first.grant}"
    assert refused(core.requests.extend, STRANGER, first.grant, ENDS)[0].code == "NOT_FOUND"
    later = datetime(2027, 6, 30, tzinfo=UTC)
    number = core.requests.extend(replace(HEAD, name="clerk"), first.grant, later.isoformat()).id
    act = core.requests.act
    assert refused(act, replace(HEAD, name="clerk"), "endorse", number)[0].code == "FOUR_EYES"
    act(HEAD, "endorse", number)
    act(CHECKER, "complete", number)
    act(GIVER, "agree", number)
    named = act(DECIDER, "approve", number).agreement_hash
    before = core.sharing.grant(first.grant)
    assert before.valid_to == datetime(2026, 6, 30, tzinfo=UTC), "not before both have signed"
    act(SIGNER, "signForProvider", number, hash=named)
    act(HEAD, "signForConsumer", number, hash=named)
    [held] = core.sharing.grants()
    assert (held.id, held.valid_to, held.request) == (first.grant, later, number)
    assert held.terms == before.terms
    prolonged = core.requests.reader.get(number)
    assert prolonged is not None
    assert prolonged.terms["disposal_days"] == 7


@pytest.mark.slow
def test_hints_name_nothing_that_is_not_shared(core: Core) -> None:
    """CLS-04, CLS-07: an item that is not shared reads as one that does not exist."""
    hidden = SMALL.replace('code = "birth_date"', 'code = "birth_date"\nsharing_class = "NOT_SHARED"', 1)
    publish(core, hidden)
    wrong = [asked(items=[{"code": code, "access": "CLEAR"}], rows={code: {"eq": "2000-01-01"}}) for code in ("birth_date", "no_such_item")]
    resource, tenant = core.catalog.current().resources[RESOURCE], consumer(core)
    told = [[(p.code, p.path, p.message, p.hint) for p in refused(core.requests.request_access, tenant, resource, given)] for given in wrong]
    assert str(told[0]).replace("birth_date", "no_such_item") == str(told[1])
    assert "birth_date" not in str(told[1])


@pytest.mark.slow
def test_unconditional_access_is_a_request_too(core: Core) -> None:
    [case] = core.requests.reader.find(Wanted())
    assert (case.origin, case.state, case.resource, case.due_on) == ("REGISTERED", "GRANTED", "unconditional", date(2026, 2, 10))
    assert "第二十一条" in case.rule
    assert [(step.actor, step.step) for step in case.history] == [("console", "register")]
    assert refused(core.requests.act, HEAD, "withdraw", case.id)[0].code == "NOT_FOUND"


@pytest.mark.slow
def test_a_decision_on_paper_is_recorded_with_another_approver(core: Core) -> None:
    for approver in ("security_admin", " security_admin "):
        assert refused(core.sharing.create_grant, SECURITY, terms(application="tenants", approver=approver))[0].code == "FOUR_EYES"
    assert refused(core.sharing.create_grant, replace(CONSOLE, name="cli:wang"), terms(application="tenants", approver="wang"))[0].code == "FOUR_EYES"
    held = core.sharing.create_grant(SECURITY, terms(application="tenants", agreement_hash="b" * 64))
    case = core.requests.reader.get(str(held.request))
    assert case is not None
    assert (case.origin, case.by["decided_by"], case.agreement_hash, case.grant) == ("RECORDED", "王局长", "b" * 64, held.id)
    assert [step.actor for step in case.history] == ["security_admin"]
    assert refused(filed, core)[0].code == "CONFLICT"


@pytest.mark.slow
def test_what_the_provider_is_against_needs_a_dispute(core: Core) -> None:
    number, act = filed(core), core.requests.act
    act(HEAD, "endorse", number)
    act(CHECKER, "complete", number)
    assert refused(act, GIVER, "disagree", number, reason="NOT_COMPLETED", opinion="x")[0].path == "reason", "missing papers are no reason"
    assert refused(act, GIVER, "disagree", number, reason="OTHER")[0].path == "reason"
    act(GIVER, "disagree", number, reason="SCOPE_TOO_WIDE", opinion="过宽")
    assert refused(act, DECIDER, "approve", number)[0].code == "CONFLICT"
    assert refused(act, DECIDER, "refuse", number, reason="SCOPE_TOO_WIDE")[0].path == "reason", "APP-05"
    assert act(DECIDER, "refuse", number, reason="SCOPE_TOO_WIDE", opinion="过宽").reason == "SCOPE_TOO_WIDE"
    act(consumer(core), "dispute", number, opinion="不服")
    case = act(GIVER, "settle", number, opinion="缩小范围后同意")
    assert (case.state, case.due_on, case.by["decided_by"], case.reason) == ("DECIDING", date(2026, 2, 28), None, None)
    assert act(DECIDER, "approve", number).state == "APPROVED"


@pytest.mark.slow
def test_one_grant_at_a_time(core: Core) -> None:
    """A grant that comes while a request is under way stands in the way of its signature."""
    number, act = filed(core), core.requests.act
    for actor, name in ((HEAD, "endorse"), (CHECKER, "complete"), (GIVER, "agree")):
        act(actor, name, number)
    named = act(DECIDER, "approve", number).agreement_hash
    act(SIGNER, "signForProvider", number, hash=named)
    core.sharing.create_grant(SECURITY, terms(application="tenants"))
    assert refused(act, HEAD, "signForConsumer", number, hash=named)[0].code == "CONFLICT"
    with core.engine.connect() as connection:
        assert connection.execute(select(grant)).all()[0].request != number


@pytest.mark.slow
def test_unconditional_resources_are_asked_for_whole(core: Core) -> None:
    publish(core, changed('sharing_class = "CONDITIONAL"', 'sharing_class = "UNCONDITIONAL"'))
    case = core.requests.reader.get(filed(core))
    assert case is not None
    assert (case.due_on, case.terms["grant"]["operations"]) == (date(2026, 2, 10), ["QUERY", "VERIFY"])


@pytest.mark.slow
def test_a_whole_way_on_postgresql(core: Core, tmp_path: Path, postgres: Postgres) -> None:
    settings = Settings(home=core.settings.home, database=make_database(postgres, "sharing"))
    other = open_core(settings)
    publish(other, SMALL)
    number = granted(other, valid_to=ENDS)
    held = other.sharing.grants()[0]
    assert held.request == number
    for column in ("endorsed_by", "opinion_by", "provider_signed_by"):
        with pytest.raises(IntegrityError), other.engine.begin() as connection:
            connection.execute(update(access_request).where(access_request.c.id == number).values({column: None}))
    with clock.at(datetime(2026, 8, 30, tzinfo=UTC)):
        assert other.sweep.run() == 2, "expired, and not disposed of in time"
        assert [case.late for case in other.disposals.find(DisposalsWanted(overdue=True))] == ["consumer"]
        assert other.sweep.run() == 0
    assert other.requests.reader.find(Wanted(overdue=True)) == []
    other.close()
