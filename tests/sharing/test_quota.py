"""Quotas are counted in the transaction of the call's own entry: what is refused is not counted, and calls at once do not slip through."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from auth.rights import Decision, Operation, Quota
from hub.core import Core
from hub.ledger.tables import entry
from hub.sharing.quota import check_quota, limited, period_of, usage
from hub.sharing.tables import grant_usage
from schema.faults import Code, Fault
from tests.catalog.homes import rows
from tests.ledger.build import make_draft

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


def decision(quota: Quota | None, grant: str | None = "g") -> Decision:
    return Decision("a.b", frozenset(Operation), {}, None, (), 10, True, True, grant, "x", (), quota)


def used(core: Core) -> list[tuple[int, int]]:
    with core.engine.connect() as connection:
        return [(row.calls, row.rows) for row in connection.execute(select(grant_usage))]


@pytest.mark.parametrize(
    ("per", "moment", "period"),
    [
        ("DAY", datetime(2026, 2, 28, 15, 59, tzinfo=UTC), "2026-02-28"),
        ("DAY", datetime(2026, 2, 28, 16, 0, tzinfo=UTC), "2026-03-01"),
        ("MONTH", datetime(2026, 12, 31, 16, 0, tzinfo=UTC), "2027-01"),
        ("HOUR", datetime(2026, 1, 1, 0, 59, tzinfo=UTC), "2026-01-01T08"),
    ],
)
def test_periods_are_chinas(per: str, moment: datetime, period: str) -> None:
    assert period_of(Quota(1, None, per), moment) == period


def test_only_grants_with_a_quota_are_counted() -> None:
    assert limited([decision(None), decision(Quota(1, None, "DAY"), None), decision(Quota(1, None, "DAY"))]) == [decision(Quota(1, None, "DAY"))]


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


def test_a_call_that_takes_too_much_is_neither_counted_nor_entered(core: Core) -> None:
    of = [decision(Quota(None, 10, "MONTH"))]
    before = rows(core, entry)
    with pytest.raises(Fault):
        core.ledger.append_sync(make_draft(), usage(of, {"a.b": 11}))
    assert used(core) == []
    assert rows(core, entry) == before
    core.ledger.append_sync(make_draft(), usage(of, {"a.b": 10}))
    assert used(core) == [(1, 10)]


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
