"""Whatever a source does, the rest of the answer stands, the trouble is told, nothing is left over, and it heals by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connectors.guard import GuardedSource
from tests.faults.trouble import FAULTY, HEALTHY, KINDS, NAMES, POOL, Trouble, eventually, proxied, tasks, threads, trouble
from tests.servers.faults import Mode

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

EXPECTED = {
    Mode.DEAD: {"FAILED"},
    Mode.HANG: {"TIMEOUT"},
    Mode.SLOW: {"TIMEOUT"},
    Mode.RESET: {"FAILED"},
    Mode.GARBAGE: {"FAILED", "TIMEOUT"},
    Mode.HALF: {"FAILED"},
}
"""What the source's state may be called; random bytes may also read like the beginning of a long answer."""
CODES = {"FAILED": {"SOURCE_UNAVAILABLE"}, "TIMEOUT": {"TIMEOUT"}, "OPEN_CIRCUIT": {"SOURCE_UNAVAILABLE"}}
CALLS = 24


async def both_answer(made: Trouble) -> bool:
    """The document is answered whole."""
    data, codes, states = await made.ask()
    return data == {"civilAffairs": {"persons": NAMES}, "housing": {"tenants": NAMES}} and not codes and states[FAULTY]["state"] == "OK"


async def in_trouble(made: Trouble, expected: set[str]) -> None:
    """Calls at once: each has the healthy part, and the faulty part's state."""
    told = set()
    for data, codes, states in await asyncio.gather(*(made.ask() for _ in range(CALLS))):
        assert data == {"civilAffairs": {"persons": NAMES}, "housing": None}
        state = states[FAULTY]
        assert (states[HEALTHY]["state"], state["asOf"]) == ("OK", None)
        assert states[HEALTHY]["asOf"]
        assert set(codes) == CODES[state["state"]]
        told.add(state["state"])
    assert told & expected
    assert told <= expected | {"OPEN_CIRCUIT", "FAILED"}, "FAILED also where the queue was full"


def quiet(source: GuardedSource) -> bool:
    """Nothing of a call is left at the source."""
    return source.turns.running == source.turns.waiting == 0


@pytest.mark.parametrize("mode", EXPECTED, ids=lambda mode: mode.value)
@pytest.mark.parametrize("kind", KINDS)
async def test_the_healthy_part_is_answered_and_the_faulty_heals(kind: str, mode: Mode, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with proxied(kind, request) as (server, proxy):
        async with trouble(server, proxy, tmp_path) as made:
            assert await both_answer(made)
            await asyncio.gather(*(made.ask() for _ in range(POOL)))
            before = tasks(), threads()
            proxy.switch(mode)
            await in_trouble(made, EXPECTED[mode])
            await in_trouble(made, EXPECTED[mode] | {"OPEN_CIRCUIT"})
            proxy.switch(Mode.PASS)
            await eventually(lambda: both_answer(made), "the source is read again")
            await eventually(lambda: _as_before(made, before), f"{tasks()} tasks, {threads()} threads, before {before}")
            assert proxy.held <= POOL

        async def nothing_held() -> bool:
            return not proxy.held

        await eventually(nothing_held, "the hub's connections are closed")


async def _as_before(made: Trouble, before: tuple[int, int]) -> bool:
    return quiet(made.faulty) and tasks() <= before[0] and threads() <= before[1] + POOL


@pytest.mark.parametrize("kind", KINDS)
async def test_an_open_circuit_closes_without_a_callers_probe(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with proxied(kind, request) as (server, proxy):
        async with trouble(server, proxy, tmp_path) as made:
            assert await both_answer(made)
            proxy.switch(Mode.DEAD)
            for _ in range(3):
                await asyncio.gather(*(made.ask() for _ in range(POOL)))
            source = made.faulty
            assert source.circuit == "open"
            asked, accepted = sum(source.telemetry.outcomes.values()), proxy.accepted
            _, _, states = await made.ask()
            assert states[FAULTY] == {"source": FAULTY, "state": "OPEN_CIRCUIT", "asOf": None}
            assert proxy.accepted == accepted, "an open circuit is told without asking"
            proxy.switch(Mode.PASS)

            async def closed() -> bool:
                return source.circuit == "closed"

            await eventually(closed, "the hub's own check closed it")
            assert sum(source.telemetry.outcomes.values()) == asked + 1, "no caller was needed"
            assert await both_answer(made)
