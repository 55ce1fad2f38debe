"""A source's trouble stays its own: limits, deadlines, circuit breaker, and the registry that puts them there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

import pytest

from connectors.breaker import FAILURES_TO_OPEN, OPEN_SECONDS, Breaker
from connectors.errors import CircuitOpen, ConfigFault, SourceBusy, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.guard import GuardedSource
from connectors.registry import kinds, open_source
from connectors.secrets import read_secret
from connectors.selection import Binding, Column, Kind, Row, Selection, Value
from connectors.spi import ColumnDescription, ObjectDescription, Parameters, Source, SourceCheck, SourceConfig
from connectors.sql.source import CAPABILITIES

pytestmark = [pytest.mark.fast, pytest.mark.anyio]

ALL = Selection(Binding("t"), ())


class Scripted:
    """A source that does what it is told, and counts."""

    capabilities = CAPABILITIES

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.hold: asyncio.Event | None = None
        self.full, self.enough = asyncio.Event(), 1
        self.calls = self.running = self.most = self.cancelled = 0

    async def fetch(self, _selection: Selection, _parameters: Parameters) -> Sequence[Row]:
        self.calls += 1
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running >= self.enough:
            self.full.set()
        try:
            if self.hold is not None:
                await self.hold.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if self.fault is not None:
            raise self.fault
        return [(1,)]

    async def fetch_by_keys(self, selection: Selection, parameters: Parameters, _key: Column, _values: Sequence[Value]) -> Mapping[Value, Sequence[Row]]:
        return {1: await self.fetch(selection, parameters)}

    async def count(self, selection: Selection, parameters: Parameters) -> int:
        return len(await self.fetch(selection, parameters))

    async def describe(self, _binding: Binding) -> Sequence[ColumnDescription]:
        return []

    async def objects(self) -> Sequence[ObjectDescription]:
        return []

    def as_of(self, _binding: Binding) -> datetime | None:
        return None

    async def check(self) -> SourceCheck:
        return SourceCheck(ok=True)

    async def close(self) -> None:
        self.calls = -1


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def guarded(inner: Scripted, clock: Clock | None = None, **settings: int) -> GuardedSource:
    return GuardedSource(SourceConfig("city.register", "sql", "", **settings), inner, clock or Clock())  # type: ignore[arg-type]


async def test_at_most_pool_calls_run_at_once() -> None:
    inner = Scripted()
    inner.hold = asyncio.Event()
    inner.enough = 3
    source = guarded(inner, pool=3)
    calls = [asyncio.ensure_future(source.fetch(ALL, {})) for _ in range(10)]
    await inner.full.wait()
    inner.hold.set()
    assert await asyncio.gather(*calls) == [[(1,)]] * 10
    assert (inner.most, inner.calls) == (3, 10)


async def test_the_deadline_stops_the_work_and_a_call_that_gets_no_turn_is_not_made() -> None:
    inner = Scripted()
    inner.hold = asyncio.Event()
    source = guarded(inner, pool=1, timeout_ms=50)
    outcomes = await asyncio.gather(*(source.fetch(ALL, {}) for _ in range(4)), return_exceptions=True)
    assert isinstance(outcomes[0], SourceTimeout)
    assert all(isinstance(outcome, SourceUnavailable) for outcome in outcomes)
    assert inner.calls == inner.cancelled < 4


async def fail(source: GuardedSource, times: int, fault: type[Exception]) -> None:
    for _ in range(times):
        with pytest.raises(fault):
            await source.fetch(ALL, {})


@pytest.mark.parametrize("fault", [SourceUnavailable, SourceTimeout])
async def test_the_circuit_opens_after_failures_in_a_row_and_closes_by_a_probe(fault: type[SourceUnavailable]) -> None:
    inner, clock = Scripted(), Clock()
    inner.fault = fault("city.register", "down")
    source = guarded(inner, clock)
    await fail(source, FAILURES_TO_OPEN, fault)
    await fail(source, 3, CircuitOpen)
    assert inner.calls == FAILURES_TO_OPEN
    clock.now += OPEN_SECONDS
    await fail(source, 1, fault)
    await fail(source, 1, CircuitOpen)
    clock.now += OPEN_SECONDS
    inner.fault = None
    assert await source.count(ALL, {}) == 1
    assert await source.fetch_by_keys(ALL, {}, Column("k", Kind.INTEGER), [1]) == {1: [(1,)]}
    assert inner.calls == FAILURES_TO_OPEN + 3


async def opened_and_tried(inner: Scripted, clock: Clock, **settings: int) -> tuple[GuardedSource, asyncio.Future[Sequence[Row]]]:
    """A source whose circuit has opened, and the call that tries it, held at work."""
    inner.fault = SourceUnavailable("city.register", "down")
    source = guarded(inner, clock, **settings)
    await fail(source, FAILURES_TO_OPEN, SourceUnavailable)
    clock.now += OPEN_SECONDS
    inner.hold, inner.full = asyncio.Event(), asyncio.Event()
    probe = asyncio.ensure_future(source.fetch(ALL, {}))
    await inner.full.wait()
    return source, probe


async def test_others_wait_for_the_probe_and_a_cancelled_one_makes_room() -> None:
    inner = Scripted()
    source, probe = await opened_and_tried(inner, Clock())
    other = asyncio.ensure_future(source.fetch(ALL, {}))
    await asyncio.sleep(0)
    assert inner.calls == FAILURES_TO_OPEN + 1
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    inner.fault = None
    assert inner.hold is not None
    inner.hold.set()
    assert await other == [(1,)]


@pytest.mark.parametrize("recovered", [True, False])
async def test_callers_during_the_probe_get_its_result(recovered: bool) -> None:
    inner = Scripted()
    source, probe = await opened_and_tried(inner, Clock(), pool=3)
    others = [asyncio.ensure_future(source.fetch(ALL, {})) for _ in range(10)]
    await asyncio.sleep(0)
    assert inner.running == 1
    inner.fault = None if recovered else inner.fault
    assert inner.hold is not None
    inner.hold.set()
    outcomes = await asyncio.gather(probe, *others, return_exceptions=True)
    if recovered:
        assert outcomes == [[(1,)]] * 11
    else:
        assert {type(outcome) for outcome in outcomes[1:]} == {CircuitOpen}
        assert inner.calls == FAILURES_TO_OPEN + 1


async def test_callers_wait_for_the_probe_no_longer_than_a_call_may_take() -> None:
    inner, clock = Scripted(), Clock()
    inner.fault = SourceUnavailable("city.register", "down")
    breaker = Breaker("city.register", clock, 0.02)
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(SourceUnavailable):
            async with breaker.watch():
                raise inner.fault
    clock.now += OPEN_SECONDS
    async with breaker.watch():
        with pytest.raises(CircuitOpen):
            async with breaker.watch():
                pytest.fail("a second probe was let through")


async def test_waiting_for_a_place_is_no_failure_of_the_source() -> None:
    inner = Scripted()
    inner.hold = asyncio.Event()
    source = guarded(inner, pool=1, timeout_ms=50)
    long = asyncio.ensure_future(source.fetch(ALL, {}))
    outcomes = await asyncio.gather(*(source.fetch(ALL, {}) for _ in range(4 * FAILURES_TO_OPEN)), return_exceptions=True)
    assert any(isinstance(outcome, SourceBusy) for outcome in outcomes)
    await asyncio.wait([long])
    inner.hold.set()
    assert await source.fetch(ALL, {}) == [(1,)]


async def test_busy_connections_are_no_failure_of_the_source() -> None:
    inner = Scripted()
    source = guarded(inner)
    inner.fault = SourceBusy("city.register", "all its connections are busy")
    await fail(source, 2 * FAILURES_TO_OPEN, SourceBusy)
    inner.fault = None
    assert await source.fetch(ALL, {}) == [(1,)]


async def test_a_hub_that_stood_still_blames_no_source() -> None:
    inner = Scripted()
    inner.hold = asyncio.Event()
    source = guarded(inner, pool=2 * FAILURES_TO_OPEN, timeout_ms=40)
    calls = [asyncio.ensure_future(source.fetch(ALL, {})) for _ in range(2 * FAILURES_TO_OPEN)]
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(time.sleep, 0.2)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {SourceBusy}
    inner.hold.set()
    assert await source.fetch(ALL, {}) == [(1,)]


async def test_a_refusal_is_no_failure_of_the_source() -> None:
    inner = Scripted()
    source = guarded(inner)
    for _ in range(3):
        inner.fault = SourceUnavailable("city.register", "down")
        await fail(source, FAILURES_TO_OPEN - 1, SourceUnavailable)
        inner.fault = SourceRefused("city.register", "no")
        await fail(source, 1, SourceRefused)
    assert inner.calls == 3 * FAILURES_TO_OPEN


async def test_a_check_asks_even_behind_an_open_circuit() -> None:
    inner = Scripted()
    inner.fault = SourceUnavailable("city.register", "down")
    source = guarded(inner)
    await fail(source, FAILURES_TO_OPEN, SourceUnavailable)
    assert (await source.check()).ok


async def test_every_opened_source_is_guarded() -> None:
    for config in (SourceConfig("a.b", "sql", "sqlite:///missing.db"), SourceConfig("a.b", "rest", "http://127.0.0.1:9")):
        source = open_source(config)
        assert isinstance(source, GuardedSource)
        assert isinstance(source, Source)
        assert not (await source.check()).ok
        await source.close()
    assert {"rest", "sql"} <= set(kinds())


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (SourceConfig("a.b", "fax", "fax://1"), "no connector for kind 'fax'"),
        (SourceConfig("a.b", "sql", "sqlite:///a.db", pool=0), "must be at least 1"),
        (SourceConfig("a.b", "rest", "ftp://host"), "no address of a service"),
        (SourceConfig("a.b", "rest", "http://host:port"), "no address of a service"),
        (SourceConfig("a.b", "rest", "http://host/?q=1"), "no address of a service"),
        (SourceConfig("a.b", "rest", "http://user:word@host"), "holds credentials"),
        (SourceConfig("a.b", "rest", "http://host", options={"auth": "magic"}), "options.auth"),
        (SourceConfig("a.b", "rest", "http://host", options={"auth": "bearer"}), "needs a `secret`"),
    ],
)
async def test_a_wrong_configuration_is_told_with_its_remedy(config: SourceConfig, message: str) -> None:
    with pytest.raises(ConfigFault, match=message) as caught:
        open_source(config)
    assert caught.value.hint


async def test_secrets_come_from_the_environment_or_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITONG_TEST_SECRET", "open sesame")
    assert read_secret("a.b", "env:HUITONG_TEST_SECRET") == "open sesame"
    assert read_secret("a.b", None) is None


def test_a_secret_file_loses_its_last_newline_only(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("secret") / "secret"
    path.write_bytes(b" open sesame \r\n")
    assert read_secret("a.b", f"file:{path}") == " open sesame "
    path.write_bytes(b"\n")
    with pytest.raises(ConfigFault, match="is empty"):
        read_secret("a.b", f"file:{path}")
