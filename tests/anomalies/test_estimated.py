"""Subjects of an hour: as a set counts them up to thousands, near to it beyond, and never more of them held."""

from __future__ import annotations

import math
import random

import pytest

from hub.anomalies.counting import ApplicationHour
from hub.anomalies.estimated import MOST, Estimated, marks_of

pytestmark = pytest.mark.fast
ENTRY = {
    "department": "d",
    "application": "a",
    "kind": "call",
    "operation": "query",
    "operator": "o",
    "outcome": "OK",
    "code": None,
}


def some(begin: int, end: int) -> list[int]:
    """Marks as texts have them, of as many subjects; drawn, so that no run differs from another."""
    return [random.Random(f"subject {number}").getrandbits(64) - 2**63 for number in range(begin, end)]


def held(estimated: Estimated) -> int:
    """How many it holds."""
    return len(estimated._held)


def test_up_to_the_limit_it_is_a_set() -> None:
    estimated, marks = Estimated(), some(0, MOST)
    for begin in range(0, MOST, 100):
        estimated.add(marks[begin : begin + 200])
    assert len(estimated) == MOST


@pytest.mark.parametrize("times", [1.01, 3, 20])
def test_beyond_it_is_near_and_holds_no_more(times: float) -> None:
    marks = some(0, int(times * MOST))
    estimated = Estimated()
    for begin in range(0, len(marks), 500):
        estimated.add(marks[begin : begin + 500])
        assert held(estimated) <= MOST
    # Of as many as are held at least, four standard errors.
    assert len(estimated) == pytest.approx(len(marks), rel=4 * math.sqrt(2 / MOST))
    before = len(estimated)
    estimated.add(marks[::7])
    assert len(estimated) == before


def test_what_is_told_depends_on_who_was_added_and_not_on_the_order() -> None:
    marks = some(0, 3 * MOST)
    found = set()
    for number in range(3):
        random.Random(number).shuffle(marks)
        estimated = Estimated()
        for begin in range(0, len(marks), 1000 + number):
            estimated.add(marks[begin : begin + 1000 + number])
        found.add(len(estimated))
    assert len(found) == 1


def test_one_that_is_told_of_several_counts_their_union() -> None:
    """An application's hour gives to the whole what its resources had use for."""
    hour = ApplicationHour()
    names = [f"{random.Random(number).getrandbits(128):032x}" for number in range(3 * MOST)]
    seen: dict[str, set[str]] = {"one": set(), "two": set()}
    draw = random.Random(5)
    for seq in range(900):
        resource = draw.choice(["one", "one", "two"])
        subjects = draw.sample(names, 100)
        seen[resource].update(subjects)
        hour.add(seq, {**ENTRY, "accesses": [{"resource": resource, "rows": 100, "subjects": subjects}]})
    both = hour.whole.subjects
    assert len(both) == pytest.approx(len(seen["one"] | seen["two"]), rel=0.05)
    alone = Estimated()
    alone.add(marks_of(sorted(seen["one"] | seen["two"])))
    assert len(both) == len(alone)
    for resource, names_seen in seen.items():
        assert len(hour.resources[resource].subjects) == pytest.approx(len(names_seen), rel=0.05)


def test_a_copy_goes_on_by_itself() -> None:
    first = Estimated()
    first.add(some(0, 2 * MOST))
    second = first.copy()
    second.add(some(2 * MOST, 9 * MOST))
    before = len(first)
    assert len(second) > 3 * before
    first.add(some(0, MOST))
    assert len(first) == before
