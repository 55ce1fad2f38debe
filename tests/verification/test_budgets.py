"""Claims, subjects and misses are counted in the transaction of the call's own entry, whichever process counts, and nothing but time gives them back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.clock import clock
from hub.core import Core, open_core
from hub.ledger.tables import entry
from hub.settings import Settings
from hub.verification.budgets import Budgets, Guesses
from hub.verification.limits import Limits, OverBudget
from hub.verification.tables import verification_tally, verified_claim, verified_subject
from schema.answer import Answer
from schema.faults import Code
from schema.guesses import Guess
from tests.catalog.homes import new_core, rows
from tests.ledger.build import make_draft
from tests.servers.postgres import Postgres
from tests.store.databases import make_database

START = datetime(2026, 2, 13, 1, tzinfo=UTC)
LIMITS = Limits(claims_day=3, claims_month=7, subjects=200, ratio_from=10, ratio_percent=50, misses=5)


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """A hub without a catalog."""
    with new_core(tmp_path) as made:
        yield made


@dataclass
class Caller:
    """One department's calls at one hub."""

    core: Core
    consumer: str = "housing"
    limits: Limits = LIMITS

    @property
    def budgets(self) -> Budgets:
        """As after a restart: nothing is remembered."""
        return Budgets(self.core.engine, self.core.subjects, self.limits)

    def made(self, *guessed: Guess) -> Guesses:
        """The guesses of one call."""
        return Guesses(self.consumer, self.limits, self.budgets._hashed(self.consumer, guessed))

    def claim(self, *claims: str, subject: str = "s", item: str = "name", cleared: bool = False) -> None:
        """One call that claims these values, after the early look."""
        guessed = [Guess("a.b", "id_number", subject, item, claim) for claim in claims]
        answer = Answer(cleared={("a.b", "id_number", subject)} if cleared else set())
        made = self.made(*guessed)
        made.check(self.core.engine)
        self.core.ledger.append_sync(make_draft(), partial(made.count, answer=answer))

    def refused(self, *claims: str, subject: str = "s", item: str = "name") -> OverBudget:
        """The same, refused at the early look and by the count itself."""
        made = self.made(*(Guess("a.b", "id_number", subject, item, claim) for claim in claims))
        before = rows(self.core, entry), rows(self.core, verified_claim)
        with pytest.raises(OverBudget):
            made.check(self.core.engine)
        with pytest.raises(OverBudget) as fault:
            self.core.ledger.append_sync(make_draft(), partial(made.count, answer=Answer()))
        assert (rows(self.core, entry), rows(self.core, verified_claim)) == before
        return fault.value


@pytest.fixture
def caller(core: Core) -> Iterator[Caller]:
    """A department, at a moment that stands."""
    with clock.at(START):
        yield Caller(core)


@pytest.mark.slow
def test_distinct_claims_of_a_day_are_bounded(caller: Caller) -> None:
    caller.claim("甲", "乙")
    caller.claim("丙")
    caller.claim("甲", "乙", "丙")
    fault = caller.refused("丁")
    assert (fault.code, fault.retry_after, fault.retryable) == (Code.VERIFICATION_BUDGET, 15 * 3600, False)
    assert fault.details == {"alert": True, "budget": "claims_day", "resource": "a.b", "subject": caller.core.subjects.name("id_number", "s")}
    caller.claim("丙")
    caller.claim("丁", subject="other")
    caller.claim("丁", item="birth_date")
    Caller(caller.core, "water").claim("丁")


@pytest.mark.slow
def test_one_call_with_more_claims_than_any_day_gives_is_never_answered(caller: Caller) -> None:
    fault = caller.refused("甲", "乙", "丙", "丁")
    assert (fault.retry_after, fault.retryable) == (None, False)


@pytest.mark.slow
def test_thirty_days_have_a_bound_of_their_own(core: Core) -> None:
    caller = Caller(core)
    with clock.at(START) as hand:
        for day in range(3):
            caller.claim(*(f"{day}-{number}" for number in range(2 if day else 3)))
            hand.forward(days=1)
        fault = caller.refused("more")
        assert (fault.details["budget"], fault.retry_after) == ("claims_30_days", int(timedelta(days=26, hours=15).total_seconds()))
        caller.claim("0-0", "1-0", "2-0")
        hand.set(START + timedelta(days=30))
        caller.claim("a", "b", "c")
        assert caller.refused("0-0").details["budget"] == "claims_day", "what left the window is a claim again"


@pytest.mark.slow
def test_d8_a_restart_and_a_clock_that_is_set_back_give_no_further_guess(core: Core) -> None:
    caller = Caller(core)
    with clock.at(START) as hand:
        caller.claim("甲", "乙", "丙")
        again = open_core(core.settings)
        Caller(again).refused("丁")
        again.close()
        for days in (-1, -40, 41):
            hand.forward(days=days)
            caller.refused("丁")
        hand.forward(days=1)
        caller.claim("丁")
        hand.forward(days=-1)
        caller.claim("戊", "己")
        caller.refused("庚")


@pytest.mark.slow
def test_the_tables_hold_hashes_alone_and_no_two_that_could_be_compared(caller: Caller) -> None:
    caller.claim("string:张三", subject="11010519491231002X")
    caller.claim("string:张三", subject="520102199001011237")
    caller.claim("string:张三", subject="520102199001011237", item="alias")
    Caller(caller.core, "water").claim("string:张三", subject="11010519491231002X")
    with caller.core.engine.connect() as connection:
        kept = connection.execute(select(verified_claim.c.subject, verified_claim.c.claim)).all()
    assert len({row.claim for row in kept}) == 4
    assert {row.subject for row in kept} == {caller.core.subjects.name("id_number", number) for number in ("11010519491231002X", "520102199001011237")}
    assert all(len(value) == 32 and set(value) <= set("0123456789abcdef") for row in kept for value in row)


@pytest.mark.slow
def test_d2_distinct_subjects_of_a_day_are_bounded(core: Core) -> None:
    caller = Caller(core, limits=Limits(subjects=20))
    with clock.at(START) as hand:
        for number in range(20):
            caller.claim("甲", subject=f"s{number}", cleared=True)
        fault = caller.refused("甲", subject="further")
        assert (fault.details, fault.retry_after) == ({"alert": True, "budget": "subjects_day", "resource": "a.b"}, 15 * 3600)
        caller.claim("乙", subject="s3")
        hand.forward(days=1)
        caller.claim("甲", subject="further")


@pytest.mark.slow
@pytest.mark.parametrize(("unmatched", "goes_on"), [(10, True), (11, False)])
def test_d2_whoever_seldom_finds_a_match_ends_for_the_day(core: Core, unmatched: int, goes_on: bool) -> None:
    caller = Caller(core, limits=Limits(ratio_from=20))
    with clock.at(START) as hand:
        for number in range(20):
            caller.claim("甲", subject=f"s{number}", cleared=number >= unmatched)
        if goes_on:
            caller.claim("甲", subject="further")
            return
        assert caller.refused("甲", subject="further").details["budget"] == "mismatches_day"
        assert caller.refused("甲", subject="s19").details["budget"] == "mismatches_day"
        hand.forward(days=1)
        caller.claim("甲", subject="further")


@pytest.mark.slow
def test_d9_whether_a_call_is_refused_does_not_follow_from_its_own_outcome(core: Core) -> None:
    """The call that tips the ratio is answered, matched or not; the next is refused either way."""
    for cleared in (True, False):
        caller = Caller(core, f"department-{cleared}", Limits(ratio_from=3))
        with clock.at(START):
            for number, matched in enumerate((True, False, cleared)):
                caller.claim("甲", subject=f"s{number}", cleared=matched)


@pytest.mark.slow
def test_misses_are_counted_and_hits_write_nothing(core: Core) -> None:
    lookups = Caller(core).budgets.lookups
    with clock.at(START):
        for _ in range(5):
            core.ledger.append_sync(make_draft(), partial(lookups.count, consumer="housing", misses={"a.b": 1}))
        with pytest.raises(OverBudget) as fault:
            core.ledger.append_sync(make_draft(), partial(lookups.count, consumer="housing", misses={"a.b": 1}))
        assert fault.value.details["budget"] == "misses_day"
        with core.engine.connect() as connection:
            assert connection.execute(select(verification_tally.c.misses)).scalars().all() == [5]


def calls_of_two(first: Core, second: Core) -> int:
    """How many of forty distinct claims get through, made at once by two hubs on one database."""

    def claims(core: Core, name: str) -> int:
        done = 0
        for number in range(20):
            with suppress(OverBudget):
                Caller(core).claim(f"{name}-{number}")
                done += 1
        return done

    with clock.at(START), ThreadPoolExecutor(2) as pool:
        return sum(pool.map(claims, (first, second), ("a", "b")))


@pytest.mark.slow
def test_d8_two_processes_share_what_they_count(core: Core) -> None:
    other = open_core(core.settings)
    assert calls_of_two(core, other) == 3
    other.close()
    assert rows(core, verified_claim) == 3


@pytest.mark.slow
def test_d8_two_hubs_on_postgresql_share_what_they_count(core: Core, postgres: Postgres) -> None:
    settings = Settings(home=core.settings.home, database=make_database(postgres, "verification"))
    first, second = open_core(settings), open_core(settings)
    assert calls_of_two(first, second) == 3
    assert (rows(first, verified_claim), rows(first, verified_subject)) == (3, 1)
    with clock.at(START) as hand:
        hand.forward(days=40)
        Caller(first).claim("a-0", "b-0", "c-0")
        first.sweep.run()
        assert (rows(first, verified_claim), rows(first, verified_subject), rows(first, verification_tally)) == (3, 1, 1)
    first.close()
    second.close()


@pytest.mark.slow
def test_what_counts_no_more_is_forgotten_a_part_at_a_time(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = Caller(core)
    with clock.at(START) as hand:
        for number in range(5):
            caller.claim("甲", subject=f"s{number}")
        hand.forward(days=2)
        monkeypatch.setattr("hub.verification.store.SWEPT", 3)
        core.sweep.run()
        assert (rows(core, verified_claim), rows(core, verified_subject), rows(core, verification_tally)) == (5, 2, 0)
        hand.forward(days=30)
        core.sweep.run()
        core.sweep.run()
        assert (rows(core, verified_claim), rows(core, verified_subject)) == (0, 0)
