"""Alarms: each goes off once, not before its time, unless it was cancelled; many cost one timer, and nothing is held of those that are over."""

from __future__ import annotations

import asyncio
import gc
import weakref
from contextvars import ContextVar
from typing import Any

import pytest

from connectors import alarms
from connectors.deadlines import Deadline

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
LATER = alarms.SOON + 0.05


class Timers:
    """Counts the timers that are asked of a loop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.set = 0
        loop = asyncio.get_running_loop()
        asked = loop.call_at

        def counted(*given: Any, **named: Any) -> asyncio.TimerHandle:
            self.set += 1
            return asked(*given, **named)

        monkeypatch.setattr(loop, "call_at", counted)


def now() -> float:
    """The running loop's time."""
    return asyncio.get_running_loop().time()


async def over(due: float) -> None:
    """Returns when all alarms up to then have gone off."""
    done = asyncio.Event()
    alarms.at(due + 1 / alarms.PER_SECOND, done.set)
    await asyncio.wait_for(done.wait(), 30)


async def test_each_goes_off_once_in_its_order_and_not_before_its_time() -> None:
    found: list[tuple[str, float]] = []
    begin = now()
    for name, seconds in (("third", LATER + 0.2), ("first", 0.01), ("second", LATER)):
        alarms.at(begin + seconds, lambda name=name, due=begin + seconds: found.append((name, now() - due)))  # type: ignore[misc]
    await over(begin + LATER + 0.2)
    assert [name for name, _ in found] == ["first", "second", "third"]
    assert all(late > -0.005 for _, late in found)


async def test_the_cancelled_do_not_go_off() -> None:
    found: list[int] = []
    begin = now()
    held = [alarms.at(begin + LATER, lambda number=number: found.append(number)) for number in range(100)]  # type: ignore[misc]
    for number in range(0, 100, 2):
        held[number].cancel()
        held[number].cancel()
    await over(begin + LATER)
    assert found == list(range(1, 100, 2))
    held[1].cancel()


async def test_one_that_goes_off_may_cancel_another_of_its_moment_and_set_new_ones() -> None:
    found: list[str] = []
    due = now() + LATER
    held: list[alarms.Cancellable] = []

    def first() -> None:
        found.append("first")
        held[0].cancel()
        alarms.at(due + LATER, lambda: found.append("new"))

    alarms.at(due, first)
    held.append(alarms.at(due, lambda: found.append("cancelled")))
    await over(due + LATER)
    assert found == ["first", "new"]


async def test_one_that_fails_is_told_and_keeps_no_other_from_going_off() -> None:
    found: list[str] = []
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    due = now() + LATER
    alarms.at(due, lambda: 1 / 0)
    alarms.at(due, lambda: found.append("other"))
    await over(due)
    assert found == ["other"]
    assert [type(each["exception"]) for each in told] == [ZeroDivisionError]


async def test_thousands_that_are_needless_in_the_end_cost_few_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    timers = Timers(monkeypatch)
    for _ in range(5000):
        alarms.at(now() + 10, lambda: None).cancel()
    assert timers.set <= 3


async def test_an_earlier_one_does_not_wait_for_the_timer_of_a_later_one() -> None:
    late: list[float] = []
    alarms.at(now() + 3600, lambda: None)
    due = now() + LATER
    done = asyncio.Event()
    alarms.at(due, lambda: (late.append(now() - due), done.set()))
    await asyncio.wait_for(done.wait(), 30)
    assert late


async def test_nothing_is_held_of_what_was_cancelled_and_no_timer_runs_for_it() -> None:
    class Work:
        def end(self) -> None:
            """Never reached."""
            raise AssertionError

    work = Work()
    gone = weakref.ref(work)
    alarms.at(now() + LATER, work.end).cancel()
    del work
    gc.collect()
    assert gone() is None
    wheel = alarms._held.wheel
    assert wheel is not None
    assert wheel._places
    await over(now() + LATER + 0.2)
    assert not wheel._places
    assert wheel._timer is None


async def test_they_go_off_in_nobodys_context() -> None:
    name: ContextVar[str] = ContextVar("name", default="nobody")
    found: list[str] = []
    name.set("somebody")
    due = now() + LATER
    alarms.at(due, lambda: found.append(name.get()))
    alarms.at(now() + 0.01, lambda: found.append(name.get()))
    await over(due)
    assert found == ["nobody", "nobody"]


def test_each_loop_has_its_own() -> None:
    async def rung() -> list[str]:
        found: list[str] = []
        due = now() + LATER
        alarms.at(due, lambda: found.append("mine"))
        await over(due)
        return found

    assert [asyncio.run(rung()) for _ in range(2)] == [["mine"], ["mine"]]


async def test_a_deadline_that_was_stopped_in_the_moment_it_came_cancels_nobody() -> None:
    due = now() + LATER
    deadlines: list[Deadline] = []
    alarms.at(due, lambda: deadlines[0].stop())
    deadlines.append(Deadline(due))
    await over(due)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert deadlines[0].late is None
