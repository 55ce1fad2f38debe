"""What stands by while calls run: headers read once, ends of time, callers who leave, random numbers. None lets a call meet another's."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hub.api import gone
from hub.api.bodies import Bodies, BodyFault
from hub.api.deadline import Within
from hub.api.envelope import Envelope, Envelopes
from hub.api.gone import Gone
from hub.randomness import random_hex
from schema.faults import Fault

pytestmark = [pytest.mark.fast, pytest.mark.anyio]

PLAIN = [(b"host", b"hub"), (b"content-type", b"application/json"), (b"huitong-purpose", b"rent"), (b"huitong-operator", b"a")]


def kept(envelopes: Envelopes) -> str:
    """All that is kept of headers."""
    return repr([(key, value.headers.raw, vars(value)) for part in (envelopes._known._younger, envelopes._known._older) for key, value in part.items()])


def test_only_equal_headers_are_one_envelope() -> None:
    envelopes = Envelopes()
    first, *_ = envelopes.read([*PLAIN, (b"authorization", b"Bearer one"), (b"content-length", b"1")])
    again, own, _ = envelopes.read([(b"authorization", b"Bearer two"), *PLAIN, (b"content-length", b"22"), (b"traceparent", b"x")])
    assert again is first
    assert own == {b"authorization": b"Bearer two", b"content-length": b"22", b"traceparent": b"x"}
    others = [
        PLAIN[:-1],
        [*PLAIN, PLAIN[-1]],
        [*PLAIN[:-1], (b"huitong-operator", b"b")],
        [*PLAIN[:-1], (b"huitong-operator", b"A")],
        [*PLAIN[:-1], (b"huitong-case", b"a")],
        [*PLAIN, (b"huitong-via", b"0123456789abcdef")],
        [(b"host", b"hub\ncontent-type"), *PLAIN[2:]],
    ]
    made = [envelopes.read(raw)[0] for raw in others]
    assert len({id(each) for each in (first, *made)}) == len(others) + 1
    assert [each is found for each, found in zip((envelopes.read(raw)[0] for raw in others), made, strict=True)] == [True] * len(others)


def test_a_header_of_use_that_stands_twice_is_refused_every_time() -> None:
    envelopes = Envelopes()
    for _ in range(3):
        envelope, *_ = envelopes.read([*PLAIN, PLAIN[-1]])
        with pytest.raises(Fault):
            _ = envelope.use
    assert envelopes.read(PLAIN)[0].use.operator == "a"


def test_what_stands_twice_and_varies_is_told_to_be_neither() -> None:
    for count in (2, 3):
        _, own, _ = Envelopes().read([*PLAIN, *[(b"authorization", b"Bearer one")] * count])
        assert own == {b"authorization": None}


def test_secrets_are_not_kept_and_what_is_kept_is_bounded() -> None:
    envelopes = Envelopes()
    secret = [(b"authorization", b"Bearer SECRET"), (b"dpop", b"SECRET"), (b"cookie", b"SECRET")]
    for number in range(3000):
        envelopes.read([*PLAIN, *secret, (b"x-number", b"%d" % number)])
    found = kept(envelopes)
    assert "SECRET" not in found
    assert len(envelopes._known._younger) + len(envelopes._known._older) <= 1024
    assert isinstance(envelopes.read([*PLAIN, (b"x-long", b"L" * 4000)])[0], Envelope)
    assert "LLLL" not in kept(envelopes)


async def test_a_deadline_ends_its_block_alone() -> None:
    loop = asyncio.get_running_loop()
    for _ in range(3):
        with pytest.raises(TimeoutError), Within(loop.time() + 0.001):
            await asyncio.sleep(5)
        await asyncio.sleep(0)
    with Within(loop.time() + 0.001):
        pass
    await asyncio.sleep(0.005)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_the_inner_of_two_deadlines_does_not_end_the_outer_and_the_outer_ends_the_inner() -> None:
    loop = asyncio.get_running_loop()
    with Within(loop.time() + 5):
        with pytest.raises(TimeoutError), Within(loop.time() + 0.001):
            await asyncio.sleep(5)
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError), Within(loop.time() + 0.001):
        await inner(loop.time() + 5)


async def test_what_a_block_makes_of_its_end_is_what_it_tells() -> None:
    loop = asyncio.get_running_loop()

    async def mended(failing: bool) -> str:
        with Within(loop.time() + 0.001):
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                if failing:
                    raise ZeroDivisionError from None
        return "answered all the same"

    assert await mended(False) == "answered all the same"
    with pytest.raises(ZeroDivisionError):
        await mended(True)


async def inner(when: float) -> None:
    """Is ended by another deadline than its own."""
    with pytest.raises(asyncio.CancelledError), Within(when):
        await asyncio.sleep(5)
    raise asyncio.CancelledError


async def test_a_cancellation_is_not_taken_for_the_end_of_time() -> None:
    async def work() -> None:
        with Within(asyncio.get_running_loop().time() + 0.002):
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                # Its own time ends while it is being cancelled.
                await asyncio.sleep(0.01)
                raise

    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def settle(future: asyncio.Future[Any], result: Any) -> None:
    """Where somebody still waits."""
    if not future.done():
        future.set_result(result)


async def test_a_deadline_that_strikes_with_the_answer_gives_one_or_the_other() -> None:
    """Whichever comes first, nothing of the cancellation is left for what the task does next."""
    loop = asyncio.get_running_loop()
    for offset in range(-5, 6):
        answer = loop.create_future()
        when = loop.time() + 0.002
        loop.call_at(when + offset * 1e-6, settle, answer, "answer")
        try:
            with Within(when):
                assert await answer == "answer"
        except TimeoutError:
            answer.cancel()
        await asyncio.sleep(0)


def receiving(*messages: dict[str, Any], last: asyncio.Future[dict[str, Any]] | None = None) -> Callable[[], Awaitable[dict[str, Any]]]:
    """A connection that says these, and then what the future brings."""
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        return await (last if last is not None else asyncio.get_running_loop().create_future())

    return receive


async def test_who_leaves_ends_his_own_call_and_who_stays_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gone, "PATIENCE_SECONDS", 0.001)
    leaving: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    async def call(receive: Any, seconds: float) -> str:
        with Gone(receive):
            await asyncio.sleep(seconds)
        return "answered"

    tasks = [asyncio.ensure_future(call(receiving({"type": "http.request"}, last=leaving), 5)), asyncio.ensure_future(call(receiving(), 0.02))]
    await asyncio.sleep(0.005)
    leaving.set_result({"type": "http.disconnect"})
    first, second = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(first, asyncio.CancelledError)
    assert second == "answered"
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if "_look" in repr(task)], "nobody is watched any more"


async def test_who_leaves_after_his_answer_cancels_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gone, "PATIENCE_SECONDS", 0.0)
    loop = asyncio.get_running_loop()
    for turns in range(6):
        leaving: asyncio.Future[dict[str, Any]] = loop.create_future()
        with Gone(receiving(last=leaving)):
            for _ in range(turns):
                await asyncio.sleep(0)
        settle(leaving, {"type": "http.disconnect"})
        await asyncio.sleep(0)
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        ([{"type": "http.request", "body": b"x" * 60, "more_body": True}, {"type": "http.request", "body": b"x" * 60}], 413),
        ([{"type": "http.request", "body": b"x" * 60, "more_body": True}, {"type": "http.disconnect"}], 400),
    ],
)
async def test_a_body_that_is_not_read_holds_nothing(messages: list[dict[str, Any]], status: int) -> None:
    bodies = Bodies()
    with pytest.raises(BodyFault) as fault:
        async with bodies.reading(receiving(*messages), "", 100):
            raise AssertionError
    assert (fault.value.status, bodies.held) == (status, 0)


async def test_a_body_whose_caller_is_cancelled_or_fails_holds_nothing() -> None:
    bodies = Bodies()

    async def take(receive: Any) -> None:
        async with bodies.reading(receive, "", 100):
            await asyncio.sleep(5)

    halves = {"type": "http.request", "body": b"x" * 60, "more_body": True}
    tasks = [asyncio.ensure_future(take(receiving(halves))), asyncio.ensure_future(take(receiving({"type": "http.request", "body": b"x" * 60})))]
    await asyncio.sleep(0.001)
    assert bodies.held == 120
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert bodies.held == 0
    with pytest.raises(ZeroDivisionError):
        async with bodies.reading(receiving({"type": "http.request", "body": b"x"}), "", 100):
            raise ZeroDivisionError
    assert bodies.held == 0


def test_no_random_number_is_given_out_twice_whichever_thread_asks() -> None:
    found: list[list[str]] = [[] for _ in range(4)]

    def draw(mine: list[str]) -> None:
        mine.extend(random_hex() for _ in range(3000))

    threads = [threading.Thread(target=draw, args=(mine,)) for mine in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = [number for mine in found for number in mine]
    assert len(set(every)) == len(every) == 12_000
    assert all(len(number) == 16 for number in every)


def test_a_child_does_not_give_out_its_parents_numbers() -> None:
    random_hex()
    gc.collect()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, " ".join(random_hex() for _ in range(100)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as said:
        theirs = said.read().decode().split()
    os.waitpid(child, 0)
    assert len(theirs) == 100
    assert not set(theirs) & {random_hex() for _ in range(1000)}
