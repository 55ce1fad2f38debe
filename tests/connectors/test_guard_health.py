"""The caller's deadline, retries, failures by their share, and the hub's own health checks."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from connectors.breaker import FAILURES_TO_OPEN, WINDOW_CALLS, WINDOW_SECONDS
from connectors.calling import CALLING, Calling
from connectors.deadlines import ANSWER_SECONDS
from connectors.errors import CircuitOpen, SourceBusy, SourceRefused, SourceTimeout, SourceUnavailable, SourceUnreachable
from connectors.guard import IDLE_SECONDS, RECHECK_SECONDS, GuardedSource
from connectors.spi import SourceCheck
from tests.connectors.test_guard import ALL, Clock, Scripted, fail, guarded

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


class Checked(Scripted):
    """Its health is told apart from its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.well = True
        self.checks = 0

    async def check(self) -> SourceCheck:
        """As told."""
        self.checks += 1
        return SourceCheck(self.well)


class Flaky(Scripted):
    """Cannot be connected to so many times."""

    def __init__(self, faults: int) -> None:
        super().__init__()
        self.faults = faults

    async def fetch(self, *arguments: object) -> list[tuple[int]]:
        """As told."""
        self.calls += 1
        if self.calls <= self.faults:
            raise SourceUnreachable("city.register", "no connection")
        return [(1,)]


async def within(seconds: float, source: GuardedSource) -> object:
    """A call whose caller's deadline leaves so many seconds to read."""
    token = CALLING.set(Calling("call", deadline=asyncio.get_running_loop().time() + seconds + ANSWER_SECONDS, caller="app"))
    try:
        return await source.fetch(ALL, {})
    finally:
        CALLING.reset(token)


async def test_a_call_ends_at_its_callers_deadline() -> None:
    inner = Scripted()
    inner.hold = asyncio.Event()
    source = guarded(inner, pool=1, timeout_ms=60_000)
    with pytest.raises(SourceBusy):
        await within(0.02, source)
    assert (inner.cancelled, source.circuit) == (1, "closed")
    waiting = asyncio.ensure_future(source.fetch(ALL, {}))
    await asyncio.sleep(0)
    with pytest.raises(SourceBusy):
        await within(0.02, source)
    assert inner.calls == 2, "a call that got no turn is not made"
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_a_deadline_that_left_the_source_its_share_is_the_sources_failure() -> None:
    inner = Scripted()
    inner.hold = asyncio.Event()
    source = guarded(inner, timeout_ms=100)
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(SourceTimeout):
            await within(0.05, source)
    with pytest.raises(CircuitOpen):
        await within(0.05, source)


async def test_a_read_without_a_connection_is_tried_once_more() -> None:
    inner = Flaky(1)
    source = guarded(inner)
    assert await source.fetch(ALL, {}) == [(1,)]
    assert (inner.calls, source.telemetry.retries) == (2, 1)


@pytest.mark.parametrize("fault", [SourceUnavailable, SourceTimeout, SourceBusy, SourceRefused])
async def test_what_may_have_been_asked_is_not_asked_again(fault: type[Exception]) -> None:
    inner = Scripted()
    inner.fault = fault("city.register", "no")
    source = guarded(inner)
    await fail(source, 1, fault)
    assert (inner.calls, source.telemetry.retries) == (1, 0)


async def test_no_time_no_retry() -> None:
    inner = Flaky(1)
    with pytest.raises(SourceUnreachable):
        await within(0.03, guarded(inner))
    assert inner.calls == 1


async def test_retries_are_a_share_of_what_succeeds() -> None:
    inner, clock = Flaky(10_000), Clock()
    source = guarded(inner, clock)
    for _ in range(100):
        clock.now += WINDOW_SECONDS
        with suppress(SourceUnavailable):
            await source.fetch(ALL, {})
    assert 0 < source.telemetry.retries < 10


async def test_the_circuit_opens_when_half_of_the_calls_fail() -> None:
    inner, clock = Scripted(), Clock()
    source = guarded(inner, clock)
    asked = 0
    while source.circuit == "closed":
        inner.fault = SourceUnavailable("city.register", "down") if asked % 2 else None
        with suppress(SourceUnavailable):
            await source.fetch(ALL, {})
        asked += 1
        clock.now += WINDOW_SECONDS / WINDOW_CALLS / 2
    assert asked == WINDOW_CALLS
    assert source.telemetry.transitions == {"open": 1}


async def test_failures_long_ago_do_not_count() -> None:
    inner, clock = Scripted(), Clock()
    source = guarded(inner, clock)
    for asked in range(4 * WINDOW_CALLS):
        inner.fault = SourceUnavailable("city.register", "down") if asked % 2 else None
        with suppress(SourceUnavailable):
            await source.fetch(ALL, {})
        clock.now += WINDOW_SECONDS / (WINDOW_CALLS - 4)
    assert source.circuit == "closed"


async def test_the_hubs_own_check_closes_the_circuit_and_the_next_failure_opens_it_at_once() -> None:
    inner, clock = Checked(), Clock()
    inner.fault, inner.well = SourceUnavailable("city.register", "down"), False
    source = guarded(inner, clock)
    await fail(source, FAILURES_TO_OPEN, SourceUnavailable)
    assert not source.due()
    clock.now += RECHECK_SECONDS
    assert source.due()
    await source.look_after()
    assert (source.circuit, source.due()) == ("open", False)
    inner.well = True
    await source.look_after()
    assert (source.circuit, inner.calls) == ("closed", FAILURES_TO_OPEN)
    await fail(source, 1, SourceUnavailable)
    await fail(source, 1, CircuitOpen)
    assert source.telemetry.checks == {False: 1, True: 1}


async def test_an_idle_source_is_looked_after_and_a_failed_check_alone_shuts_nobody_out() -> None:
    inner, clock = Checked(), Clock()
    inner.well = False
    source = guarded(inner, clock)
    clock.now += IDLE_SECONDS - 1
    assert not source.due()
    clock.now += 1
    assert source.due()
    for _ in range(10):
        await source.look_after()
    assert await source.fetch(ALL, {}) == [(1,)]


@pytest.mark.parametrize("well", [True, False])
async def test_callers_that_go_away_unanswered_lead_to_a_check(well: bool) -> None:
    inner, clock = Checked(), Clock()
    inner.hold, inner.well = asyncio.Event(), well
    source = guarded(inner, clock, timeout_ms=40)
    call = asyncio.ensure_future(source.fetch(ALL, {}))
    await asyncio.sleep(0.02)
    call.cancel()
    await asyncio.wait([call])
    clock.now += RECHECK_SECONDS
    assert source.due()
    await source.look_after()
    assert source.circuit == ("closed" if well else "open")


async def test_calls_are_counted_by_what_became_of_them() -> None:
    inner = Scripted()
    source = guarded(inner, pool=1, queue=0)
    await source.fetch(ALL, {})
    for fault in (SourceUnavailable, SourceTimeout, SourceRefused):
        inner.fault = fault("city.register", "no")
        await fail(source, 1, fault)
    inner.fault, inner.hold, inner.full = None, asyncio.Event(), asyncio.Event()
    held = asyncio.ensure_future(source.fetch(ALL, {}))
    await inner.full.wait()
    assert source.turns.running == 1
    await fail(source, 1, SourceBusy)
    held.cancel()
    await asyncio.wait([held])
    assert source.telemetry.outcomes == {"ok": 1, "unavailable": 1, "timeout": 1, "refused": 1, "busy": 1, "cancelled": 1}
    assert sum(source.telemetry.seconds.counts) == 5
    assert source.telemetry.seconds.cumulated()[-1] == (float("inf"), 5)
