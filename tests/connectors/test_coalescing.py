"""Look-ups that share a statement are answered as each would be alone, and only those share one whose callers have the same rights."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from connectors.calling import CALLING, Calling
from connectors.coalesced import Batch, LookUp
from connectors.coalescing import MOST_KEYS, PATIENCE
from connectors.deadlines import ANSWER_SECONDS
from connectors.errors import CircuitOpen, SourceBusy, SourceFault, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.guard import GuardedSource
from connectors.selection import Binding, Column, Compare, Comparison, Every, Kind, Row, Selection, Value
from connectors.spi import Parameters
from tests.connectors.test_guard import Scripted, guarded

pytestmark = [pytest.mark.fast, pytest.mark.anyio]

KEY = Column("k", Kind.STRING)
ASKED = Selection(Binding("t"), (Column("n", Kind.STRING),))
BOUND = Selection(Binding("t"), (Column("n", Kind.STRING),), Compare("d", Kind.STRING, Comparison.EQ, "d"))


class Register(Scripted):
    """Every key has a row but those that begin with ``-``; what begins with ``!`` is refused. ``equal`` is how its column compares."""

    def __init__(self, equal: Callable[[str], str] = str) -> None:
        super().__init__()
        self.equal = equal
        self.stored: list[str] | None = None
        self.statements: list[list[Value]] = []
        self.bound: list[Parameters] = []
        self.copies = 1

    def looks_up(self, _selection: Selection) -> bool:
        return True

    async def look_up_all(self, selection: Selection, parameters: Parameters, _key: Column, values: Sequence[Value], *, alone: bool) -> Sequence[Row] | None:
        self.statements.append(list(values))
        self.bound.append(parameters)
        await self.fetch(selection, parameters)
        asked = [str(value) for value in values]
        if any(value.startswith("!") for value in asked):
            raise SourceRefused("city.register", "a value does not fit")
        stored = self.stored if self.stored is not None else [value for value in asked if not value.startswith("-")]
        found = {self.equal(value) for value in asked}
        rows: list[Row] = [(f"name {each}", each) for each in stored if self.equal(each) in found]
        rows *= self.copies
        return rows[:1] if alone else rows if len(rows) < 4 * len(asked) else None


def begin(source: GuardedSource, *keys: str, group: object = "rights", selection: Selection = ASKED, parameters: Parameters | None = None) -> list[Any]:
    """A look-up of each key, each in a task of its own."""
    return [asyncio.ensure_future(source.look_up(selection, parameters or {}, KEY, (key,), group)) for key in keys]


async def ended(calls: Sequence[Any]) -> list[Any]:
    """Answers and errors."""
    return await asyncio.gather(*calls, return_exceptions=True)


async def hold(inner: Register, source: GuardedSource) -> Any:
    """A look-up that is held at work."""
    inner.hold, inner.full = asyncio.Event(), asyncio.Event()
    first = begin(source, "first")[0]
    await inner.full.wait()
    return first


async def test_those_of_one_moment_share_a_statement_and_those_that_come_meanwhile_the_next() -> None:
    inner = Register()
    source = guarded(inner)
    first = await hold(inner, source)
    later = begin(source, "a", "b", "a", "-none")
    await asyncio.sleep(0)
    assert inner.statements == [["first"]]
    assert inner.hold is not None
    inner.hold.set()
    assert await ended([first, *later]) == [("name first",), ("name a",), ("name b",), ("name a",), None]
    assert inner.statements[:2] == [["first"], ["a", "b", "-none"]]
    together = await ended(begin(source, "c", "d"))
    assert together == [("name c",), ("name d",)]
    assert inner.statements[-1] == ["c", "d"]
    assert source._coalescing is not None
    assert source._coalescing.lanes == {}, "nothing is kept of those who are gone"


async def test_a_lone_look_up_is_one_statement_of_its_spellings() -> None:
    inner = Register()
    inner.stored = ["b"]
    assert await guarded(inner).look_up(ASKED, {}, KEY, ("a", "b", "c"), "rights") == ("name b",)
    assert inner.statements == [["a", "b", "c"]]


@pytest.mark.parametrize(
    "other",
    [
        {"group": "other rights"},
        {"selection": BOUND, "parameters": {"d": "1"}},
        {"selection": BOUND, "parameters": {"d": 1}},
        {"selection": BOUND, "parameters": {"d": 1.0}},
        {"selection": BOUND, "parameters": {"d": True}},
        {"selection": BOUND, "parameters": {"d": [1]}},
        {"selection": BOUND, "parameters": {"d": [True]}},
        {"selection": Selection(Binding("t"), (Column("n", Kind.INTEGER),))},
        {"selection": Selection(Binding("u"), ASKED.outputs)},
        {"selection": Selection(Binding("t"), ASKED.outputs, Every(()))},
    ],
)
async def test_what_differs_in_rights_or_question_shares_nothing(other: dict[str, Any]) -> None:
    every: list[dict[str, Any]] = [{}, {"selection": BOUND, "parameters": {"d": None}}, other]
    inner = Register()
    source = guarded(inner)
    calls = [call for each in every for call in begin(source, "a", "b", **each)]
    assert await ended(calls) == [("name a",), ("name b",)] * 3
    assert inner.statements == [["a", "b"]] * 3
    assert [list(map(type, bound.values())) for bound in inner.bound] == [[type(value) for value in each.get("parameters", {}).values()] for each in every]


async def test_a_key_that_is_refused_fails_alone() -> None:
    inner = Register()
    outcomes = await ended(begin(guarded(inner), "a", "!", "b", "-"))
    assert [outcome for outcome in outcomes if not isinstance(outcome, SourceFault)] == [("name a",), ("name b",), None]
    assert isinstance(outcomes[1], SourceRefused)
    assert inner.statements == [["a", "!", "b", "-"], ["a"], ["!"], ["b"], ["-"]]


async def test_a_column_that_takes_several_texts_for_one_answers_as_to_each_alone() -> None:
    for keys in (("a", "A", "b"), ("B", "c"), ("A", "a"), ("c", "d")):
        alone, together = Register(str.lower), Register(str.lower)
        alone.stored = together.stored = ["A", "b"]
        one, shared = guarded(alone), guarded(together)
        assert await ended(begin(shared, *keys)) == [await one.look_up(ASKED, {}, KEY, (key,), "rights") for key in keys]


async def test_missing_keys_cost_one_statement_more_at_most() -> None:
    inner = Register()
    keys = [f"-{n}" if n % 3 else f"{n}" for n in range(100)]
    assert [outcome is None for outcome in await ended(begin(guarded(inner), *keys))] == [key.startswith("-") for key in keys]
    assert [len(statement) for statement in inner.statements] == [100, 66]
    inner.statements.clear()
    assert await ended(begin(guarded(inner), "-1", "-2")) == [None, None]
    assert len(inner.statements) == 1, "where there is no row at all, nothing is left to doubt"


async def test_keys_of_far_too_many_rows_are_asked_one_by_one() -> None:
    inner = Register()
    inner.copies = 4
    assert await ended(begin(guarded(inner), "a", "b")) == [("name a",), ("name b",)]
    assert inner.statements == [["a", "b"], ["a"], ["b"]]


async def test_statements_have_so_many_keys_and_no_more() -> None:
    inner = Register()
    keys = [f"{n}" for n in range(2 * MOST_KEYS + 5)]
    assert await ended(begin(guarded(inner), *keys)) == [(f"name {key}",) for key in keys]
    assert [len(statement) for statement in inner.statements] == [MOST_KEYS, MOST_KEYS, 5]


async def test_a_cancelled_caller_leaves_the_others_and_the_last_takes_the_statement_along() -> None:
    inner = Register()
    source = guarded(inner)
    first = await hold(inner, source)
    gathered = begin(source, "a", "b")
    await asyncio.sleep(0)
    gathered[0].cancel()
    first.cancel()
    await ended([first, gathered[0]])
    assert inner.hold is not None
    inner.hold.set()
    assert await gathered[1] == ("name b",)
    assert (inner.cancelled, inner.statements) == (1, [["first"], ["b"]])
    inner.hold, inner.full = asyncio.Event(), asyncio.Event()
    several = begin(source, "c", "d")
    await inner.full.wait()
    several[0].cancel()
    await asyncio.sleep(0)
    assert inner.running == 1, "somebody still waits"
    several[1].cancel()
    await ended(several)
    assert (inner.running, inner.cancelled) == (0, 2)
    assert source.turns.running == 0
    assert source.telemetry.outcomes == {"cancelled": 2, "ok": 1}


async def test_a_slow_statement_does_not_hold_the_next_ones_up() -> None:
    inner = Register()
    source = guarded(inner)
    first = await hold(inner, source)
    inner.full, inner.enough = asyncio.Event(), 2
    other = begin(source, "other")
    await asyncio.wait_for(inner.full.wait(), 100 * PATIENCE)
    assert inner.statements == [["first"], ["other"]]
    assert inner.hold is not None
    inner.hold.set()
    assert await ended([first, *other]) == [("name first",), ("name other",)]


def within(seconds: float, source: GuardedSource, key: str) -> Any:
    """A look-up whose caller's deadline leaves so many seconds."""

    async def called() -> Row | None:
        CALLING.set(Calling("call", deadline=asyncio.get_running_loop().time() + seconds + ANSWER_SECONDS, caller="app"))
        return await source.look_up(ASKED, {}, KEY, (key,), "rights")

    return asyncio.ensure_future(called())


async def test_nobody_waits_beyond_his_own_time() -> None:
    inner = Register()
    source = guarded(inner, pool=1, timeout_ms=60_000)
    inner.hold = asyncio.Event()
    patient, hasty = within(30, source, "patient"), within(0.02, source, "hasty")
    assert isinstance((await ended([hasty]))[0], SourceBusy)
    assert (inner.running, inner.cancelled) == (1, 0), "the statement goes on for the other"
    gathering = within(0.02, source, "gathering")
    assert isinstance((await ended([gathering]))[0], SourceBusy)
    inner.hold.set()
    assert await patient == ("name patient",)
    assert inner.statements == [["patient", "hasty"]]


async def test_a_source_that_hangs_ends_its_look_ups_in_time_and_is_left_alone() -> None:
    inner = Register()
    inner.hold = asyncio.Event()
    source = guarded(inner, pool=2, timeout_ms=40)
    for _ in range(50):
        # Each time two time out, unless this process was too busy to judge the source.
        if source.circuit == "open":
            break
        outcomes = await ended([call for n in range(3) for call in begin(source, f"a{n}", f"b{n}", group=n)])
        assert all(isinstance(outcome, SourceUnavailable) for outcome in outcomes)
    assert source.circuit == "open"
    with pytest.raises(CircuitOpen):
        await begin(source, "x")[0]
    assert inner.running == 0
    assert source._coalescing is not None
    assert source._coalescing.lanes == {}


async def test_each_caller_has_an_error_of_his_own() -> None:
    inner = Register()
    inner.fault = SourceTimeout("city.register", "no answer in time")
    source = guarded(inner)
    outcomes = await ended(begin(source, "a", "b", "c"))
    assert [(type(outcome), str(outcome), outcome.source) for outcome in outcomes] == [(SourceTimeout, str(inner.fault), "city.register")] * 3
    assert len({id(outcome) for outcome in outcomes}) == 3
    assert source.telemetry.outcomes == {"timeout": 1}
    assert len(inner.statements) == 1, "a source that does not answer is not asked again for each of them"


async def test_an_error_that_nobody_foresaw_reaches_everybody() -> None:
    inner = Register()
    inner.fault = TypeError("a mistake")
    assert [type(outcome) for outcome in await ended(begin(guarded(inner), "a", "b"))] == [TypeError] * 2


class Noting(Scripted):
    """It shares no statements, and notes what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Selection, Parameters]] = []

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        self.asked.append((selection, parameters))
        return await super().fetch(selection, parameters)


async def test_what_shares_no_statement_is_read_as_a_list_of_one() -> None:
    inner = Noting()
    source = guarded(inner)
    assert await source.look_up(BOUND, {"d": 1}, KEY, ("a",), "rights") == (1,)
    assert await source.look_up(BOUND, {"d": 1}, KEY, ("a", "b"), "rights") == (1,)
    (one, bound), (several, many) = inner.asked
    assert one.where == Every((Compare("k", Kind.STRING, Comparison.EQ, "#key"), BOUND.where))  # type: ignore[arg-type]
    assert several.where == Every((Compare("k", Kind.STRING, Comparison.IN, "#key"), BOUND.where))  # type: ignore[arg-type]
    assert [parameters["#key"] for parameters in (bound, many)] == ["a", ("a", "b")]
    assert one.limit is not None
    assert bound[one.limit] == 1


class Slow(Register):
    """It holds statements of a lone ``slow``, until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.go_on = asyncio.Event(), asyncio.Event()

    async def look_up_all(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value], *, alone: bool) -> Sequence[Row] | None:
        if list(values) == ["slow"]:
            self.held.set()
            self.hold = self.go_on
        try:
            return await super().look_up_all(selection, parameters, key, values, alone=alone)
        finally:
            self.hold = None


async def test_a_caller_whose_own_time_ends_while_keys_are_asked_one_by_one_fails_alone() -> None:
    inner = Slow()
    source = guarded(inner, pool=1, timeout_ms=60_000)
    refused, hasty, patient = within(30, source, "!"), within(0.2, source, "slow"), within(30, source, "patient")
    assert isinstance((await ended([refused]))[0], SourceRefused)
    assert isinstance((await ended([hasty]))[0], SourceBusy)
    assert inner.held.is_set()
    assert await patient == ("name patient",)


async def test_the_last_caller_takes_the_statement_along_where_another_was_refused() -> None:
    inner = Slow()
    source = guarded(inner)
    refused, last = begin(source, "!", "slow")
    assert isinstance((await ended([refused]))[0], SourceRefused)
    await inner.held.wait()
    last.cancel()
    await ended([last])
    await asyncio.sleep(0)
    assert (inner.running, inner.cancelled, source.turns.running) == (0, 1, 0)


class Gathering(Register):
    """It holds every statement of one key until three are at work at once."""

    async def look_up_all(self, selection: Selection, parameters: Parameters, key: Column, values: Sequence[Value], *, alone: bool) -> Sequence[Row] | None:
        self.hold, self.enough = self.full if alone else None, 3
        return await super().look_up_all(selection, parameters, key, values, alone=alone)


async def test_keys_that_are_asked_one_by_one_wait_for_as_few_as_the_source_has_turns_for() -> None:
    inner = Gathering()
    source = guarded(inner, pool=3)
    calls = begin(source, "a", "!", "b", "c", "-", "d", "e")
    outcomes = await asyncio.wait_for(ended(calls), 60)
    assert isinstance(outcomes.pop(1), SourceRefused)
    assert outcomes == [("name a",), ("name b",), ("name c",), None, ("name d",), ("name e",)]
    assert inner.most == 3


class Lists(Register):
    """It notes in which order lists and look-ups are asked."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []

    async def fetch(self, selection: Selection, parameters: Parameters) -> Sequence[Row]:
        self.order.append("list" if selection is not ASKED else "look-ups")
        return await super().fetch(selection, parameters)


async def test_who_has_many_calls_waiting_keeps_nobody_waiting_who_looks_up_with_him() -> None:
    def by(caller: str, work: Awaitable[Any]) -> Any:
        async def called() -> Any:
            CALLING.set(Calling("call", caller=caller))
            return await work

        return asyncio.ensure_future(called())

    inner = Lists()
    inner.hold, inner.full = asyncio.Event(), asyncio.Event()
    source = guarded(inner, pool=1, timeout_ms=60_000)
    lists = [by("busy", source.fetch(BOUND, {"d": n})) for n in range(5)]
    await inner.full.wait()
    together = [by(caller, source.look_up(ASKED, {}, KEY, (caller,), "rights")) for caller in ("busy", "other")]
    for _ in range(10):
        await asyncio.sleep(0)
    assert source.turns.waiting == 5
    inner.hold.set()
    assert await ended([*lists, *together]) == [*[[(1,)]] * 5, ("name busy",), ("name other",)]
    assert inner.order == ["list", "list", "look-ups", *["list"] * 3]


async def test_nothing_is_left_of_look_ups_that_only_a_search_for_garbage_finds() -> None:
    """What they asked and were told would stay in memory for as long, and 64 calls in work would have the collector search all the time."""
    inner = Register()
    source = guarded(inner)
    gc.collect()
    gc.disable()
    try:
        for keys in (("a",), ("b", "c", "-d"), ("g", "g")):
            await ended(begin(source, *keys))
        held = await hold(inner, source)
        given_up = begin(source, "h", "i")
        await asyncio.sleep(0)
        for each in given_up:
            each.cancel()
        inner.hold.set()
        await ended([held, *given_up])
        del held, given_up, each
        await asyncio.sleep(0)
        assert [type(each).__name__ for each in gc.get_objects() if isinstance(each, LookUp | Batch)] == []
    finally:
        gc.enable()
