"""H6, H8, H9: a ledger that cannot be written releases nothing, no answer leaves before its entry, and a clock that is set back orders nothing anew."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from hub.clock import clock
from hub.ledger.entry import EntryDraft
from hub.ledger.errors import LedgerUnavailable
from hub.ledger.reading import CallFilter, calls
from hub.ledger.service import LedgerService
from hub.settings import Settings
from hub.space import MIB, Level, Space
from tests.hardening.test_locked import locked, wait_for
from tests.ledger.build import check, make_draft, open_service
from tests.ledger.faults.kernel import Call, refuse
from tests.soak.hubs import soak
from tests.verification.world import KNOWN, NAME, Asked, World, world_in

fast, slow, anyio = pytest.mark.fast, pytest.mark.slow, pytest.mark.anyio
PERSON = f'{{ civilAffairs {{ person(idNumber: "{KNOWN}") {{ name }} }} }}'
START = (
    """mutation { startExchange(input: {document: "{ civilAffairs { persons { nodes { name } } } }", format: CSV, idempotencyKey: "k"}) { exchange { id } } }"""
)
PATIENCE_MS = 60
CALL_SECONDS = 2.0
MORE_THAN_ANY = 100_000_000
"""MiB: no disk has as much left."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", autouse=True)
def _impatient() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hub.ledger.append.PATIENCE_MS", PATIENCE_MS)
        patch.setattr("hub.ledger.append.IMPATIENCE_MS", PATIENCE_MS)
        patch.setattr("hub.ledger.append.PROBE_SECONDS", 0.02)
        yield


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[World]:
    async with world_in(tmp_path_factory.mktemp("durable"), request_seconds=CALL_SECONDS) as made:
        made.application("reader")
        yield made
        # A snapshot in the making holds more than what is kept of it.
        await asyncio.to_thread(wait_for, lambda: not any(made.core.settings.home.glob("snapshots/*/*/work/*")))


async def writer_anew(world: World) -> None:
    """Gives the ledger another writer's thread."""
    await world.core.ledger.close()
    await world.core.ledger.start()


@contextmanager
def bounds(world: World, *levels: tuple[int, Level]) -> Iterator[Space]:
    """Within it these are the bounds of free space, in MiB."""
    space = world.core.space
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(space, "_bounds", levels)
        space.look()
        yield space
    space.look()


async def person(world: World) -> Asked:
    return await world.ask("reader", PERSON)


def has_data(answer: Asked) -> bool:
    return NAME.encode() in answer.body


async def readiness(world: World) -> tuple[int, dict[str, Any]]:
    answer = await world.http.get("/health/ready")
    return answer.status_code, answer.json()


def control(world: World) -> Path:
    return world.core.settings.home / "control.db"


def refused(answer: Asked) -> bool:
    """Fail closed: 503, to be tried again, without a trace of the data."""
    return (answer.status, answer.code, bool(answer.headers["retry-after"])) == (503, "LEDGER_UNAVAILABLE", True) and not has_data(answer)


async def recovered(world: World) -> None:
    await asyncio.to_thread(wait_for, lambda: not world.hub.unready())
    assert has_data(await person(world))


@fast
@anyio
async def test_h6_a_blocked_writer_releases_no_data_says_so_and_recovers_by_itself(world: World) -> None:
    assert has_data(await person(world))
    last = world.entries()[-1].seq
    with locked(control(world)):
        assert refused(await person(world))
        assert await readiness(world) == (503, {"ready": False, "reasons": ["ledger_not_written"]})
    await recovered(world)
    assert await readiness(world) == (200, {"ready": True, "reasons": []})
    served = [one.content for one in world.entries(last) if one.content.kind == "call"]
    assert [one.outcome for one in served] == ["OK"], "the refused call has no entry of data that it did not get"


@fast
@anyio
async def test_h6_a_full_queue_refuses_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.core.ledger, "_queue_limit", 2)
    await person(world)
    with locked(control(world)):
        calls = [asyncio.create_task(person(world)) for _ in range(12)]
        # Two may wait, behind those that the writer has in hand.
        while sum(call.done() for call in calls) < 12 - 2 * 2:
            assert world.core.ledger.waiting <= 2
            await asyncio.sleep(0.001)
        assert not all(call.done() for call in calls), "whoever found the queue full was not refused at once"
        for call in calls:
            assert refused(await call)
    await recovered(world)


@slow
@anyio
async def test_h6_a_call_that_waited_longer_than_it_may_gets_no_data_and_the_ledger_says_what_became_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await person(world)
    last = world.entries()[-1].seq
    monkeypatch.setattr("hub.ledger.append.PATIENCE_MS", 20_000)
    with locked(control(world)):
        waiting = asyncio.create_task(person(world))
        await asyncio.sleep(CALL_SECONDS + 0.2)
        assert not waiting.done()
    answer = await waiting
    assert (answer.status, answer.code) == (503, "TIMEOUT")
    assert not has_data(answer)
    both = [one.content for one in world.entries(last) if one.content.application]
    assert [(one.kind, one.outcome, one.code) for one in both] == [("call", "OK", None), ("deny", "FAILED", "TIMEOUT")]
    assert len({one.call for one in both}) == 1


def _fail(_connection: Connection, error: int, calls: tuple[Call, ...]) -> None:
    refuse(error, *calls)


@fast
@anyio
@pytest.mark.parametrize(("error", "calls"), [(errno.ENOSPC, ("pwrite64",)), (errno.EIO, ("fsync", "fdatasync"))], ids=["full", "fsync"])
async def test_h6_a_disk_that_is_full_or_cannot_sync_releases_no_data(world: World, error: int, calls: tuple[Call, ...]) -> None:
    """The kernel answers the writer's thread with the error, until that thread has ended."""
    await person(world)
    with pytest.raises(LedgerUnavailable):
        await world.core.ledger.append_with(EntryDraft(kind="admin", call="x", outcome="OK"), partial(_fail, error=error, calls=calls))
    assert refused(await person(world))
    assert await readiness(world) == (503, {"ready": False, "reasons": ["ledger_not_written"]})
    await writer_anew(world)
    await person(world)
    await recovered(world)
    assert check(world.core.log).findings == []


@fast
@anyio
async def test_h6_below_the_last_bound_only_acts_are_entered_and_no_data_leaves(world: World) -> None:
    await person(world)
    with bounds(world, (MORE_THAN_ANY, Level.FULL)) as space:
        assert refused(await person(world))
        assert await readiness(world) == (503, {"ready": False, "reasons": ["disk_low"]})
        assert space.exchanges_stopped
        assert (await world.core.ledger.append(EntryDraft(kind="admin", call="act", outcome="OK"))).call == "act"
        with pytest.raises(LedgerUnavailable, match="disk_stop_mib"):
            await world.core.ledger.append(make_draft("call"))
    await recovered(world)


@fast
@anyio
async def test_h6_where_room_runs_short_no_exchange_begins_and_queries_go_on(world: World) -> None:
    with bounds(world, (MORE_THAN_ANY, Level.SHORT)) as space:
        answer = await world.ask("reader", START)
        (fault,) = answer.json["errors"]
        assert fault["extensions"]["code"] == "RATE_LIMITED"
        assert fault["extensions"]["origin"] == "HUB"
        assert "no room" in fault["extensions"]["messageEn"]
        assert not space.exchanges_stopped
        assert has_data(await person(world))
        assert await readiness(world) == (200, {"ready": True, "reasons": []})
        assert world.hub.metrics.text("")[0].count(b"huitong_disk_free_bytes{place=") == 2


@fast
def test_h6_the_settings_are_the_bounds_from_the_least_on(tmp_path: Path) -> None:
    service, free = open_service(tmp_path), os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize // MIB
    (tmp_path / "exchange").mkdir()
    below, above = max(1, free // 2), MORE_THAN_ANY
    for given, expected in (
        ((below, below, below), Level.ENOUGH),
        ((below, below, above), Level.WARNED),
        ((below, above, above), Level.SHORT),
        ((above, above, above), Level.FULL),
        ((0, 0, 0), Level.ENOUGH),
    ):
        named = dict(zip(("disk_stop_mib", "disk_exchange_mib", "disk_warn_mib"), given, strict=True))
        space = Space(Settings(home=tmp_path, **named), service.ledger)
        space.look()
        assert space.levels == {"exchange": expected, "control": expected}
        assert (service.ledger.acts_only is not None) == space.full == (expected is Level.FULL)
    elsewhere = Space(Settings(home=tmp_path, database="postgresql://u@h/d", disk_stop_mib=above), service.ledger)
    elsewhere.look()
    assert not elsewhere.full, "a control database on another host is not on this disk"
    assert elsewhere.exchanges_stopped
    service.engine.dispose()


@fast
@anyio
async def test_h8_no_answer_leaves_before_its_entry_is_durable(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await person(world)
    last = world.entries()[-1].seq
    held, go = asyncio.Event(), asyncio.Event()
    append = world.core.ledger.append_filled

    async def late(*entry: Any) -> Any:
        receipt = await append(*entry)
        held.set()
        await go.wait()
        return receipt

    monkeypatch.setattr(world.core.ledger, "append_filled", late)
    asked = asyncio.create_task(person(world))
    await held.wait()
    assert [one.content.kind for one in world.entries(last)] == ["call"], "the entry stands while nothing of the answer has left"
    assert not asked.done()
    go.set()
    answer = await asked
    assert has_data(answer)
    assert answer.json["extensions"]["receipt"]["entry"] == str(last + 1)


@slow
def test_h8_a_hub_killed_under_load_owes_no_entry(tmp_path: Path) -> None:
    answered = soak(tmp_path, 3, seed=8)
    assert answered.wrong == []
    assert answered.bare == 0
    assert 3 <= len(answered.receipts) <= answered.stored


@fast
def test_h9_a_clock_set_back_changes_no_order_and_is_told(tmp_path: Path) -> None:
    service, noon = open_service(tmp_path), datetime(2026, 3, 2, 12, tzinfo=UTC)
    receipts = []
    for hours in (0, -3, -2, 1):
        with clock.at(noon + timedelta(hours=hours)):
            receipts.append(service.ledger.append_sync(make_draft(f"at {hours}")))
    assert [receipt.entry for receipt in receipts] == [0, 1, 2, 3]
    report = check(service, receipts=receipts)
    assert report.findings == []
    assert [warning.split(" before")[0] for warning in report.warnings] == ["entry 1 is dated 10800 s", "entry 2 is dated 7200 s"]
    assert _read(service, CallFilter()) == ["at 1", "at -2", "at -3", "at 0"], "order is that of the log"
    assert _read(service, CallFilter(since=noon - timedelta(hours=2))) == ["at 1", "at -2", "at 0"], "periods go by what an entry is dated"
    assert _read(service, CallFilter(until=noon)) == ["at -2", "at -3"]
    service.engine.dispose()


def _read(service: LedgerService, which: CallFilter) -> list[str]:
    with service.engine.connect() as connection:
        return [one.content.call for one in calls(connection, which, 10)]
