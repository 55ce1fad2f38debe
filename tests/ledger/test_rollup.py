"""Refusals before authentication: counted exactly, written in few entries."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hub.ledger.entry import EntryDraft
from hub.ledger.errors import LedgerUnavailable
from hub.ledger.reading import CallFilter, calls
from hub.ledger.rollup import CODES, OTHERS, Rollup
from hub.ledger.service import LedgerService
from tests.ledger.build import check

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


def totals(service: LedgerService) -> dict[str | None, Any]:
    with service.engine.connect() as connection:
        return {found.content.address: found.content.details for found in calls(connection, CallFilter(kinds=("rollup",)), 1000)}


async def test_one_entry_per_address_with_counts_by_code(service: LedgerService) -> None:
    await service.ledger.start()
    for number in range(500):
        service.rollup.refused("192.0.2.1", "UNAUTHENTICATED" if number % 5 else "BAD_REQUEST")
    service.rollup.refused("2001:db8::1", "UNAUTHENTICATED")
    assert await service.rollup.flush() == 2
    assert await service.rollup.flush() == 0
    await service.ledger.close()
    found = totals(service)
    assert found["192.0.2.1"]["codes"] == {"BAD_REQUEST": 100, "UNAUTHENTICATED": 400}
    assert found["192.0.2.1"]["total"] == 500
    assert found["2001:db8::1"]["total"] == 1
    assert check(service).entries == 2


async def test_addresses_and_codes_are_bounded_and_nothing_is_uncounted(service: LedgerService) -> None:
    await service.ledger.start()
    for number in range(1000):
        service.rollup.refused(f"192.0.2.{number}", f"CODE{number}\n")
    for number in range(100):
        service.rollup.refused("192.0.2.0", f"CODE{number}\n")
    assert await service.rollup.flush() == 65
    await service.ledger.close()
    found = totals(service)
    assert sum(details["total"] for details in found.values()) == 1100
    assert found[OTHERS]["total"] == 1000 - 64
    assert len(found["192.0.2.0"]["codes"]) == CODES + 1


async def test_what_the_ledger_did_not_take_stays_counted() -> None:
    taken: list[EntryDraft] = []
    failing = [True]

    async def append(draft: EntryDraft) -> None:
        if failing[0]:
            raise LedgerUnavailable("full")
        taken.append(draft)

    rollup = Rollup(append, addresses=2)
    for address in ("a", "b", "c"):
        rollup.refused(address, "UNAUTHENTICATED")
    assert await rollup.flush() == 0
    rollup.refused("a", "UNAUTHENTICATED")
    rollup.refused("d", "BAD_REQUEST")
    failing[0] = False
    assert await rollup.flush() == 3
    counts = {draft.address: draft.details["total"] for draft in taken if draft.details is not None}
    assert counts == {"a": 2, "b": 1, OTHERS: 2}


async def test_it_writes_by_itself_and_once_more_when_it_is_stopped() -> None:
    taken: list[EntryDraft] = []
    written = asyncio.Event()

    async def append(draft: EntryDraft) -> None:
        taken.append(draft)
        written.set()

    rollup = Rollup(append, interval=0.001)
    task = asyncio.create_task(rollup.run())
    rollup.refused("a", "UNAUTHENTICATED")
    await written.wait()
    rollup.refused("b", "UNAUTHENTICATED")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [draft.address for draft in taken] == ["a", "b"]
