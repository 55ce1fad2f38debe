"""Measures beside calls (ASM-14): punctual answers, unused grants and resources, what is registered; each with figures that were worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from hub.clock import Hand, clock
from hub.core import Core
from hub.ledger.entry import Access, EntryDraft
from hub.store.engine import reading
from hub.usage.build import Known, build_report
from hub.usage.report import Punctuality, UnusedGrant, UsageReport
from hub.usage.roller import Roller
from tests.catalog.homes import SECURITY, new_core, publish
from tests.catalog.small import SMALL
from tests.feedback.ways import do, reported
from tests.sharing.sides import CHECKER, CONSUMER, DECIDER, GIVER, HEAD, PROVIDER, RESOURCE, consumer, filed, granted
from tests.usage.build import RULES, beijing

pytestmark = pytest.mark.slow


@pytest.fixture
def hand() -> Iterator[Hand]:
    """A clock that stands on a Thursday."""
    with clock.at(beijing("2026-03-05T10:00:00")) as made:
        yield made


@pytest.fixture
def core(tmp_path: Path, hand: Hand) -> Iterator[Core]:
    """A hub with one resource, published that day."""
    with new_core(tmp_path) as made:
        publish(made, SMALL)
        yield made


def report(core: Core, since: date, until: date, department: str | None = None) -> UsageReport:
    core.log.publisher.publish_all()
    Roller(core.engine, core.ledger, RULES, "test").run()
    with reading(core.engine) as connection:
        return build_report(connection, since, until, Known(core.catalog.load(connection), RULES, core.book), department=department)


def use(core: Core, **changed: object) -> None:
    """A served call of the application on the resource."""
    app = consumer(core)
    access = Access(RESOURCE, PROVIDER, f"{PROVIDER}.db", rows=1)
    core.ledger.append_sync(
        EntryDraft(kind="call", call="call-1", outcome="OK", operation="query", application=app.application, department=CONSUMER, accesses=(access,))
    )


def test_asm_14_answers_to_requests_are_on_time_late_overdue_or_open(core: Core, hand: Hand) -> None:
    """Endorsed on Thursday 5 March, conditional data: ten working days, to Thursday 19 March (N809 第二十一条)."""
    act = core.requests.act
    numbers = [filed(core) for _ in range(1)]
    act(HEAD, "endorse", numbers[0])
    act(CHECKER, "complete", numbers[0])
    assert report(core, date(2026, 3, 1), date(2026, 3, 31)).requests == (Punctuality(PROVIDER, 0, 0, 0, 1),)
    hand.set(beijing("2026-03-19T23:59:59"))
    assert report(core, date(2026, 3, 1), date(2026, 3, 31)).requests == (Punctuality(PROVIDER, 0, 0, 0, 1),), "its last day"
    hand.set(beijing("2026-03-20T00:00:01"))
    overdue = report(core, date(2026, 3, 1), date(2026, 3, 31)).requests
    assert overdue == (Punctuality(PROVIDER, 0, 0, 1, 0),)
    assert overdue[0].rate == 0
    act(GIVER, "agree", numbers[0])
    assert report(core, date(2026, 3, 1), date(2026, 3, 31)).requests == (Punctuality(PROVIDER, 0, 1, 0, 0),)
    assert report(core, date(2026, 3, 6), date(2026, 3, 31)).requests == (), "it reached the provider on the fifth"
    assert report(core, date(2026, 3, 1), date(2026, 3, 31), CONSUMER).requests == ()


def test_asm_14_an_allowed_extension_moves_the_last_day(core: Core, hand: Hand) -> None:
    act = core.requests.act
    number = filed(core)
    act(HEAD, "endorse", number)
    act(CHECKER, "complete", number)
    act(GIVER, "requestExtension", number, opinion="涉及三个科室", days=2)
    act(DECIDER, "allowExtension", number, days=2)
    hand.set(beijing("2026-03-23T17:00:00"))
    act(GIVER, "agree", number)
    act(DECIDER, "approve", number)
    assert report(core, date(2026, 3, 1), date(2026, 3, 31)).requests == (Punctuality(PROVIDER, 1, 0, 0, 0),), "twelve working days end on Monday 23 March"


def test_asm_14_an_opinion_that_begins_with_a_number_is_no_number_of_days(core: Core, hand: Hand) -> None:
    """Allowed without a number of days: the ten of the rules, whatever the opinion says."""
    act = core.requests.act
    number = filed(core)
    act(HEAD, "endorse", number)
    act(CHECKER, "complete", number)
    act(GIVER, "requestExtension", number, opinion="+1 个科室也涉及")
    case = act(DECIDER, "allowExtension", number, opinion="+1 同意")
    assert [step.opinion for step in case.history][-1] == "+10 +1 同意"
    hand.set(beijing("2026-03-24T17:00:00"))
    act(GIVER, "agree", number)
    assert report(core, date(2026, 3, 1), date(2026, 3, 31)).requests == (Punctuality(PROVIDER, 1, 0, 0, 0),)


def test_asm_14_a_withdrawn_request_is_nobodys_lateness(core: Core, hand: Hand) -> None:
    number = filed(core)
    core.requests.act(HEAD, "endorse", number)
    core.requests.act(CHECKER, "complete", number)
    core.requests.act(HEAD, "withdraw", number)
    hand.set(beijing("2026-06-01T10:00:00"))
    assert report(core, date(2026, 3, 1), date(2026, 3, 31)).requests == ()


def test_asm_14_the_rate_is_of_what_was_due() -> None:
    assert Punctuality("x", on_time=6, late=1, overdue=1, open=5).rate == 0.75
    assert Punctuality("x", 0, 0, 0, 5).rate is None


def test_asm_14_grants_and_resources_are_unused_until_a_call_is_served(core: Core, hand: Hand) -> None:
    granted(core)
    app = consumer(core).application
    assert report(core, date(2026, 3, 1), date(2026, 6, 2)).unused_grants == (), "89 days after it began"
    (idle,) = report(core, date(2026, 3, 1), date(2026, 6, 3)).unused_grants
    assert app is not None
    expected = UnusedGrant(idle.grant, app, CONSUMER, RESOURCE, PROVIDER, None, date(2026, 3, 5), 90)
    assert idle == expected
    hand.set(beijing("2026-03-10T10:00:00"))
    use(core)
    made = report(core, date(2026, 3, 1), date(2026, 6, 7))
    assert made.unused_grants == ()
    assert made.unused_resources == ()
    assert [(each.department, each.resources, each.used) for each in made.registered] == [(PROVIDER, 1, 1)]
    (idle,) = report(core, date(2026, 3, 1), date(2026, 6, 8)).unused_grants
    assert (idle.last_used, idle.unused_since, idle.days) == (date(2026, 3, 10), date(2026, 3, 10), 90)
    later = report(core, date(2026, 4, 1), date(2026, 4, 30))
    assert [(each.resource, each.last_used) for each in later.unused_resources] == [(RESOURCE, date(2026, 3, 10))]
    assert [(each.resources, each.used) for each in later.registered] == [(1, 0)]


def test_asm_14_a_suspended_grant_is_not_unused_but_barred(core: Core, hand: Hand) -> None:
    """It could not be used; from its resumption on it can, and is unused when the days have gone again."""
    granted(core)
    (grant,) = core.sharing.grants()
    hand.set(beijing("2026-03-15T10:00:00"))
    core.sharing.change_grant(SECURITY, grant.id, "SUSPENDED")
    assert report(core, date(2026, 3, 1), date(2026, 6, 20)).unused_grants == ()
    hand.set(beijing("2026-07-01T10:00:00"))
    core.sharing.change_grant(SECURITY, grant.id, "ACTIVE")
    for until in (date(2026, 6, 30), date(2026, 9, 28)):
        assert report(core, date(2026, 6, 1), until).unused_grants == (), "suspended, and 89 days after it was resumed"
    (idle,) = report(core, date(2026, 6, 1), date(2026, 9, 29)).unused_grants
    assert (idle.unused_since, idle.days) == (date(2026, 7, 1), 90)


def test_names_stand_with_the_codes(core: Core) -> None:
    granted(core)
    use(core)
    made = report(core, date(2026, 3, 1), date(2026, 3, 31))
    assert [(line.code, line.department) for line in made.resources] == [(RESOURCE, PROVIDER)]
    assert all(line.name for line in (*made.resources, *made.providers, *made.consumers, *made.applications))
    assert [line.name for line in made.applications] == ["tenants"]


def test_asm_14_answers_to_reported_errors_are_those_that_the_feedback_counts(core: Core, hand: Hand) -> None:
    """Reported on Thursday 5 March, five working days or ten: answered on Friday, in time."""
    number = reported(core)
    (waiting,) = report(core, date(2026, 3, 1), date(2026, 3, 31)).feedback or ()
    assert (waiting.department, waiting.open, waiting.answered, waiting.rate) == (PROVIDER, 1, 0, None)
    hand.set(beijing("2026-03-06T10:00:00"))
    do(core, number, "accept", "explain")
    assert report(core, date(2026, 3, 1), date(2026, 3, 31)).feedback == (Punctuality(PROVIDER, 1, 0, 0, 0),)
    assert report(core, date(2026, 3, 6), date(2026, 3, 31)).feedback == ()
