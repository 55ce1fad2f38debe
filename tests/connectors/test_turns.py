"""Turns at a source: fair between callers, bounded, and gone from a source that hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from connectors.turns import NoTurn, Turns

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


class Line:
    """Calls that hold their turns until they are let go, in the order in which they began."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.order: list[str] = []
        self.held: list[asyncio.Event] = []

    async def call(self, caller: str, seconds: float = 30.0) -> None:
        """One call."""
        async with self.turns.turn(caller, asyncio.get_running_loop().time() + seconds):
            self.order.append(caller)
            self.held.append(event := asyncio.Event())
            await event.wait()

    def begin(self, *callers: str) -> list[asyncio.Task[None]]:
        """Calls of these callers, in this order."""
        return [asyncio.create_task(self.call(caller)) for caller in callers]

    async def finish(self, calls: list[asyncio.Task[None]]) -> list[BaseException | None]:
        """Lets one call go after the other until all have ended."""
        while not all(call.done() for call in calls):
            while self.held:
                self.held.pop(0).set()
            await asyncio.sleep(0)
        return await asyncio.gather(*calls, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Lets the loop run until the condition holds."""
    for _ in range(20_000):
        if condition():
            return
        await asyncio.sleep(0.001)
    pytest.fail("it never came to hold")


async def test_callers_are_served_by_turns_whoever_came_first() -> None:
    line = Line(Turns(1, 256, 30))
    calls = line.begin("a", *"aaaa", "b", "b", "c")
    await line.finish(calls)
    assert line.order == ["a", "a", "b", "c", "a", "b", "a", "a"]
    assert (line.turns.running, line.turns.waiting) == (0, 0)


async def test_one_more_than_may_wait_is_refused_at_once() -> None:
    line = Line(Turns(2, 3, 30))
    calls = line.begin(*"aaaaa")
    await asyncio.sleep(0)
    assert (line.turns.running, line.turns.waiting) == (2, 3)
    with pytest.raises(NoTurn) as refused:
        await line.call("a")
    assert refused.value.full
    assert await line.finish(calls) == [None] * 5


async def test_a_full_queue_of_one_caller_has_a_place_for_another() -> None:
    line = Line(Turns(1, 4, 30))
    calls = line.begin(*"aaaaa", *"bbb")
    outcomes = await line.finish(calls)
    assert [type(outcome) for outcome in outcomes] == [type(None)] * 3 + [NoTurn] * 2 + [type(None)] * 2 + [NoTurn]
    assert sorted(line.order) == list("aaabb")


async def test_who_gets_no_turn_in_time_is_told_so() -> None:
    line = Line(Turns(1, 256, 30))
    first = line.begin("a")
    await asyncio.sleep(0)
    with pytest.raises(NoTurn) as late:
        await line.call("b", 0.01)
    assert not late.value.full
    assert line.turns.waiting == 0
    await line.finish(first)


async def test_cancelled_calls_leave_no_trace() -> None:
    line = Line(Turns(1, 256, 30))
    calls = line.begin(*"abcabc")
    await asyncio.sleep(0)
    for call in calls[2:5]:
        call.cancel()
    await asyncio.gather(*calls[2:5], return_exceptions=True)
    assert line.turns.waiting == 2
    # The turn is given away and its taker cancelled in the same moment.
    line.held.pop(0).set()
    await asyncio.sleep(0)
    calls[1].cancel()
    outcomes = await line.finish(calls)
    assert outcomes[0] is None
    assert outcomes[5] is None
    assert (line.turns.running, line.turns.waiting) == (0, 0)


async def test_the_queue_of_a_source_that_hangs_melts_away_long_before_its_time() -> None:
    turns = Turns(2, 256, 2.0)
    line = Line(turns)
    calls = line.begin(*"a" * 102)
    await asyncio.sleep(0)
    assert turns.waiting + sum(call.done() for call in calls) == 100
    # Nobody has been refused by the end of a call's time: nothing but the melting can have taken them away.
    await until(lambda: turns.waiting < 40)
    assert turns.running == 2
    gone = [call for call in calls if call.done()]
    assert all(isinstance(call.exception(), NoTurn) for call in gone)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert (turns.running, turns.waiting) == (0, 0)


async def test_a_queue_that_moves_is_left_alone() -> None:
    line = Line(Turns(2, 256, 60))
    calls = line.begin(*"a" * 200)
    assert await line.finish(calls) == [None] * 200
    assert line.turns.room > 100
