"""Sequences of identifiers, told without keeping one."""

from __future__ import annotations

import pickle
import random
from datetime import date, timedelta

import pytest
from stdnum.cn import ric

from hub.anomalies.sketch import MOST_IDENTIFIERS, MOST_SKETCHES, Sketch, Sketches
from hub.anomalies.structure import structure

pytestmark = pytest.mark.fast
HOUR = "2026-03-05T10"


def number(serial: int, area: str = "520102", born: str = "19900101") -> str:
    body = f"{area}{born}{serial:03}"
    return body + ric.calc_check_digit(body + "0")


def near(values: list[str]) -> int:
    return Sketches().note("app", [("civil.person", value) for value in values], HOUR)


def people(count: int, seed: int = 1) -> list[str]:
    """Residents of ten districts, as counters meet them."""
    chance = random.Random(seed)
    born = [(date(1940, 1, 1) + timedelta(days=chance.randrange(30_000))).strftime("%Y%m%d") for _ in range(count)]
    return [number(chance.randrange(1, 400), f"5201{chance.randrange(2, 12):02}", each) for each in born]


@pytest.mark.parametrize(
    "walk",
    [
        [number(n) for n in range(100)],
        [number(n) for n in range(99, -1, -1)],
        [number(n) for n in range(1, 200, 2)],
        random.Random(2).sample([number(n) for n in range(100)], 100),
        [number(7, born=(date(1990, 1, 1) + timedelta(days=n)).strftime("%Y%m%d")) for n in range(100)],
        [number(n, born=born) for n in range(50) for born in ("19900101", "19910203")],
    ],
    ids=["up", "down", "by two", "shuffled", "by birthday", "two at once"],
)
def test_a_walk_is_near_itself(walk: list[str]) -> None:
    assert near(walk) >= 80


def test_half_of_a_walk_is_told_by_each_of_two_nodes() -> None:
    walk = [number(n) for n in range(100)]
    assert near(walk[::2]) >= 40
    assert near(walk[1::2]) >= 40


def test_people_at_counters_are_in_no_sequence() -> None:
    assert near(people(4000)) < 40


def test_who_is_asked_for_again_is_counted_once() -> None:
    sketches = Sketches()
    for _ in range(50):
        sketches.note("app", [("civil.person", number(1)), ("civil.person", number(2))], HOUR)
    assert sketches.take() == {(("app", "civil.person", "RESIDENT"), HOUR): [2, 1]}
    assert sketches.take() == {}


def test_applications_and_resources_are_kept_apart() -> None:
    sketches = Sketches()
    assert sum(sketches.note(f"app{n % 40}", [(f"r.{n % 40}", number(n))], HOUR) for n in range(40)) == 0


def test_other_identifiers_count_on_by_their_last_digits() -> None:
    assert near([f"P-{n}" for n in range(1000, 1100)]) == 99
    assert near(["X", "Y", "Z"]) == 0
    assert structure("91520100MA6E2T9Q12").sequences == (("18:91520100MA6E2T9Q", 1),)


@pytest.mark.parametrize("value", ["", "520102199001010010", "5201021990130100", "52010219901301001X", "１２３", "115201000093900013"])
def test_any_text_has_a_kind(value: str) -> None:
    assert structure(value).kind == ("RESIDENT" if value == "520102199001010010" else "OTHER")


def test_a_sketch_is_bounded_and_holds_no_identifier() -> None:
    sketch = Sketch("k" * 32)
    values = people(MOST_IDENTIFIERS * 2, 3)
    for value in values:
        sketch.add(structure(value).sequences)
    held = pickle.dumps([getattr(sketch, name) for name in Sketch.__slots__])
    assert len(held) < 40 * 2 * MOST_IDENTIFIERS
    assert not any(value[:14].encode() in held for value in values)
    sketches = Sketches()
    for n in range(MOST_SKETCHES + 50):
        sketches.note(f"app{n}", [("r", number(n % 900))], HOUR)
    assert len(sketches._sketches) == MOST_SKETCHES


def test_a_new_day_begins_with_a_new_key() -> None:
    sketches = Sketches()
    sketches.note("app", [("r", number(1))], HOUR)
    assert sketches.note("app", [("r", number(2))], "2026-03-06T00") == 0
