"""Quotas are counted in the transaction of the call's own entry: what is refused is not counted, and calls at once do not slip through."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from auth.rights import Decision, Operation, Quota
from hub.clock import clock
from hub.core import Core, open_core
from hub.ledger.append import Ledger
from hub.ledger.tables import entry
from hub.settings import Settings
from hub.sharing.quota import check_quota, limited, period_end, period_of, usage
from hub.sharing.tables import grant_usage
from schema.faults import Code, Fault
from tests.catalog.homes import rows
from tests.ledger.build import make_draft
from tests.servers.postgres import Postgres
from tests.store.databases import make_database


def decision(quota: Quota | None, grant: str | None = "g", rate: Quota | None = None) -> Decision:
    return Decision("a.b", frozenset(Operation), {}, None, (), 10, True, True, grant, "x", (), quota, frozenset(), rate)


def used(core: Core) -> list[tuple[int, int]]:
    with core.engine.connect() as connection:
        return [(row.calls, row.rows) for row in connection.execute(select(grant_usage))]


@pytest.mark.fast
@pytest.mark.parametrize(
    ("per", "moment", "period"),
    [
        ("DAY", datetime(2026, 2, 28, 15, 59, tzinfo=UTC), "2026-02-28"),
        ("DAY", datetime(2026, 2, 28, 16, 0, tzinfo=UTC), "2026-03-01"),
        ("MONTH", datetime(2026, 12, 31, 16, 0, tzinfo=UTC), "2027-01"),
        ("HOUR", datetime(2026, 1, 1, 0, 59, tzinfo=UTC), "2026-01-01T08"),
        ("MINUTE", datetime(2026, 1, 1, 0, 59, 59, tzinfo=UTC), "2026-01-01T08:59"),
        ("SECOND", datetime(2026, 1, 1, 0, 59, 59, 999999, tzinfo=UTC), "2026-01-01T08:59:59"),
    ],
)
def test_periods_are_chinas(per: str, moment: datetime, period: str) -> None:
    assert period_of(Quota(1, None, per), moment) == period


@pytest.mark.fast
def test_only_grants_with_a_quota_are_counted() -> None:
    assert limited([decision(None), decision(Quota(1, None, "DAY"), None), decision(Quota(1, None, "DAY"))]) == [decision(Quota(1, None, "DAY"))]


@pytest.mark.fast
def test_calls_and_rows_are_counted_with_their_entry(core: Core) -> None:
    of = [decision(Quota(2, 100, "MONTH"))]
    before = rows(core, entry)
    for taken in (30, 40):
        check_quota(core.engine, of)
        core.ledger.append_sync(make_draft(f"call-{taken}"), usage(of, {"a.b": taken, "a.c": 9}))
    assert used(core) == [(2, 70)]
    assert rows(core, entry) == before + 2
    with pytest.raises(Fault) as fault:
        check_quota(core.engine, of)
    assert fault.value.code is Code.QUOTA_EXCEEDED


@pytest.mark.fast
def test_a_call_that_takes_too_much_is_neither_counted_nor_entered(core: Core) -> None:
    of = [decision(Quota(None, 10, "MONTH"))]
    before = rows(core, entry)
    with pytest.raises(Fault):
        core.ledger.append_sync(make_draft(), usage(of, {"a.b": 11}))
    assert used(core) == []
    assert rows(core, entry) == before
    core.ledger.append_sync(make_draft(), usage(of, {"a.b": 10}))
    assert used(core) == [(1, 10)]


@pytest.mark.fast
@pytest.mark.anyio
async def test_calls_at_once_do_not_slip_through(core: Core) -> None:
    of = [decision(Quota(5, None, "MONTH"))]
    await core.ledger.start()

    async def call(number: int) -> str:
        try:
            await core.ledger.append_with(make_draft(f"call-{number}"), usage(of, {"a.b": 1}))
        except Fault as fault:
            return fault.code.value
        return "OK"

    before = rows(core, entry)
    done = await asyncio.gather(*(call(number) for number in range(20)))
    await core.ledger.close()
    assert (done.count("OK"), done.count("QUOTA_EXCEEDED")) == (5, 15)
    assert used(core) == [(5, 5)]
    assert rows(core, entry) == before + 5


@pytest.mark.fast
@pytest.mark.parametrize(
    ("per", "end"),
    [
        ("SECOND", datetime(2026, 12, 31, 15, 59, 58, tzinfo=UTC)),
        ("MINUTE", datetime(2026, 12, 31, 16, 0, tzinfo=UTC)),
        ("HOUR", datetime(2026, 12, 31, 16, 0, tzinfo=UTC)),
        ("DAY", datetime(2026, 12, 31, 16, 0, tzinfo=UTC)),
        ("MONTH", datetime(2026, 12, 31, 16, 0, tzinfo=UTC)),
    ],
)
def test_a_period_ends_when_the_next_begins(per: str, end: datetime) -> None:
    moment = datetime(2026, 12, 31, 15, 59, 57, 250000, tzinfo=UTC)
    assert period_end(Quota(1, None, per), moment) == end
    assert period_of(Quota(1, None, per), end - timedelta(microseconds=1)) == period_of(Quota(1, None, per), moment)
    assert period_of(Quota(1, None, per), end) != period_of(Quota(1, None, per), moment)


@pytest.mark.fast
def test_a_rate_is_refused_with_the_seconds_to_wait(core: Core) -> None:
    of = [decision(Quota(3, None, "DAY"), rate=Quota(2, 100, "MINUTE"))]
    with clock.at(datetime(2026, 2, 13, 1, 0, 42, 300000, tzinfo=UTC)) as hand:
        for number in range(2):
            core.ledger.append_sync(make_draft(f"call-{number}"), usage(of, {"a.b": 10}))
        with pytest.raises(Fault) as fault:
            check_quota(core.engine, of)
        assert (fault.value.code, fault.value.retry_after, fault.value.retryable) == (Code.RATE_LIMITED, 18, True)
        hand.forward(seconds=18)
        check_quota(core.engine, of)
        with pytest.raises(Fault) as fault:
            core.ledger.append_sync(make_draft(), usage(of, {"a.b": 101}))
        assert (fault.value.retry_after, fault.value.retryable) == (None, False), "one call takes more than any minute gives"
        core.ledger.append_sync(make_draft("third"), usage(of, {"a.b": 10}))
        with pytest.raises(Fault) as fault:
            core.ledger.append_sync(make_draft("fourth"), usage(of, {}))
        assert (fault.value.code, fault.value.retry_after) == (Code.QUOTA_EXCEEDED, 14 * 3600 + 59 * 60)


@pytest.mark.fast
def test_a_clock_that_is_set_back_gives_nothing_twice(core: Core) -> None:
    of = [decision(None, rate=Quota(1, None, "MINUTE"))]
    with clock.at(datetime(2026, 2, 13, 1, 0, 59, 999000, tzinfo=UTC)) as hand:
        core.ledger.append_sync(make_draft("call-1"), usage(of, {}))
        hand.forward(milliseconds=1)
        core.ledger.append_sync(make_draft("call-2"), usage(of, {}))
        hand.forward(milliseconds=-1)
        with pytest.raises(Fault) as fault:
            core.ledger.append_sync(make_draft("call-3"), usage(of, {}))
    assert (fault.value.code, fault.value.retry_after) == (Code.RATE_LIMITED, 1)


@pytest.mark.fast
def test_a_batch_counts_its_rows_against_the_quota_alone(core: Core) -> None:
    of = [decision(Quota(None, 500, "DAY"), rate=Quota(2, 10, "MINUTE"))]
    with clock.at(datetime(2026, 2, 13, 1, tzinfo=UTC)):
        core.ledger.append_sync(make_draft(), usage(of, {"a.b": 400}, paced=False))
        assert sorted(used(core)) == [(1, 0), (1, 400)]
        with pytest.raises(Fault) as fault:
            core.ledger.append_sync(make_draft(), usage(of, {"a.b": 101}, paced=False))
        assert fault.value.code is Code.QUOTA_EXCEEDED


@pytest.mark.fast
def test_periods_that_are_over_are_forgotten(core: Core) -> None:
    of = [decision(Quota(5, None, "MONTH"), rate=Quota(5, None, "SECOND"))]
    with clock.at(datetime(2026, 2, 13, 1, tzinfo=UTC)) as hand:
        core.ledger.append_sync(make_draft(), usage(of, {}))
        core.sweep.run()
        assert len(used(core)) == 2
        hand.forward(days=2)
        core.sweep.run()
        assert used(core) == [(1, 0)], "the month goes on"


def calls_of_two(first: Core, second: Core) -> int:
    """How many of twenty calls get through, made at once by two hubs on one database whose grant gives nine a minute."""
    of = [decision(Quota(20, None, "MONTH"), rate=Quota(9, None, "MINUTE"))]

    def calls(ledger: Ledger) -> int:
        done = 0
        for number in range(10):
            with suppress(Fault):
                ledger.append_sync(make_draft(f"call-{number}"), usage(of, {"a.b": 1}))
                done += 1
        return done

    with clock.at(datetime(2026, 2, 13, 1, tzinfo=UTC)), ThreadPoolExecutor(2) as pool:
        return sum(pool.map(calls, (first.ledger, second.ledger)))


@pytest.mark.fast
def test_two_processes_share_what_they_count(core: Core) -> None:
    other = open_core(core.settings)
    assert calls_of_two(core, other) == 9
    other.close()
    assert sorted(used(core)) == [(9, 9), (9, 9)]


@pytest.mark.slow
def test_two_hubs_on_postgresql_share_what_they_count(core: Core, postgres: Postgres) -> None:
    settings = Settings(home=core.settings.home, database=make_database(postgres, "quota"))
    first, second = open_core(settings), open_core(settings)
    assert calls_of_two(first, second) == 9
    assert sorted(used(first)) == [(9, 9), (9, 9)]
    first.close()
    second.close()
