"""The list of a thousand persons in clear and half masked, asked for by turns; what the hub and the source spend on each."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from loadtests.hub import CLEAR, HALF
from loadtests.persons import ITEMS, ROWS
from loadtests.processes import cpu_of_all, spent
from loadtests.report import Figure, middle
from tests.scale.served import Served

ROUNDS = 30
CALLS = 4
"""Calls of each list in one round."""
_BLOCK = 5
"""Rounds of which a ratio is made to show how much it varies."""
_FIELDS = " ".join(first + "".join(part.title() for part in rest) for first, *rest in (code.split("_") for code in ITEMS))
DOCUMENT = f"{{ register {{ persons(first: {ROWS}) {{ nodes {{ {_FIELDS} }} }} }} }}"


@dataclass
class Spent:
    """Milliseconds of CPU per call, by rounds, and the answer's bytes."""

    hub: list[float] = field(default_factory=list)
    source: list[float] = field(default_factory=list)
    bytes: int = 0


Processes = Callable[[], Iterable[int]]


def measure(hub: Served, source: Processes, rounds: int = ROUNDS, calls: int = CALLS) -> dict[str, Spent]:
    """Both lists by turns, the first of each round being the other in every round, so that what drifts falls on both alike."""
    found = {CLEAR: Spent(), HALF: Spent()}
    for name in found:
        _check(hub, name)
        for _ in range(5):
            _, _, found[name].bytes = hub.raw(name, DOCUMENT)
    for number in range(rounds):
        for name in (CLEAR, HALF) if number % 2 else (HALF, CLEAR):
            before, there = cpu_of_all([hub.process.pid]), cpu_of_all(source())
            for _ in range(calls):
                hub.raw(name, DOCUMENT)
            found[name].hub.append(1000 * spent(before, cpu_of_all([hub.process.pid])) / calls)
            found[name].source.append(1000 * spent(there, cpu_of_all(source())) / calls)
    return found


def figures(found: dict[str, Spent], wanted: float | None, source: str) -> list[Figure]:
    """The ratio of the hub's CPU by rounds, what it is made of, and the source's own beside it."""
    clear, half = found[CLEAR], found[HALF]
    ratio, spread = _ratio(half.hub, clear.hub)
    made = [Figure("the hub's CPU, masked ÷ unmasked", ratio, "", wanted, spread)]
    for name, one in (("unmasked", clear), ("4 of 8 masked", half)):
        made += [_middle(f"the hub's CPU per call, {name}", one.hub), _middle(f"{source}'s CPU per call, {name}", one.source)]
    return [*made, Figure("bytes of the answer, unmasked", clear.bytes), Figure("bytes of the answer, 4 of 8 masked", half.bytes)]


def _ratio(masked: list[float], plain: list[float]) -> tuple[float, tuple[float, float]]:
    """Of the medians of all rounds; and the quartiles of the same of each block of rounds."""
    blocks = [statistics.median(masked[i : i + _BLOCK]) / statistics.median(plain[i : i + _BLOCK]) for i in range(0, len(masked), _BLOCK)]
    return statistics.median(masked) / statistics.median(plain), middle(blocks)[1]


def _middle(name: str, values: list[float]) -> Figure:
    median, spread = middle(values)
    return Figure(name, median, "ms", None, spread)


def _check(hub: Served, name: str) -> None:
    """The list is whole and masked as it should be: a figure of something else is worth nothing."""
    nodes = hub.ask(name, DOCUMENT)[1]["data"]["register"]["persons"]["nodes"]
    stars = sum("**" in str(value) for node in nodes for value in node.values())
    if len(nodes) != ROWS or stars != (4 * ROWS if name == HALF else 0):
        raise RuntimeError(f"{name}: {len(nodes)} rows, {stars} masked values")
