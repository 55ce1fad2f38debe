"""Distinct texts are counted as a set counts them, in a tenth of its memory."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.usage.distinct import FEW, Distinct

pytestmark = pytest.mark.fast


def hashes(seed: int, count: int) -> list[str]:
    return [random.Random(f"{seed} {n}").randbytes(16).hex() for n in range(count)]


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.lists(st.lists(st.integers(0, 4 * FEW), max_size=300), max_size=20))
def test_it_counts_what_a_set_counts(seed: int, calls: list[list[int]]) -> None:
    pool, counted, known = hashes(seed, 4 * FEW + 1), Distinct(), set[str]()
    for call in calls:
        asked = [pool[n] for n in call]
        assert counted.add(asked) == len({*asked} - known)
        known.update(asked)
        assert len(counted) == len(known)


@pytest.mark.parametrize("text", ["{:032x}", "{0:016x}{0:016x}", "{}", "subject {}"])
def test_texts_that_are_much_alike_are_told_apart(text: str) -> None:
    alike, counted = [text.format(n) for n in range(5 * FEW)], Distinct()
    assert counted.add(alike) == len(alike)
    assert counted.add(alike) == 0
    assert [counted.add([one]) for one in alike] == [0] * len(alike)


def test_no_text_is_a_text_and_a_mark_of_zero_has_a_place() -> None:
    """Python's hash of the empty text is 0, which marks a free place."""
    counted = Distinct()
    counted.add(hashes(2, 2 * FEW))
    assert counted.add([""]) == 1
    assert counted.add([""]) == 0
    assert len(counted) == 2 * FEW + 1


def test_what_was_there_before_the_tables_is_known_in_them() -> None:
    pool, counted = hashes(1, 20_000), Distinct()
    assert counted.add(pool[: FEW - 1]) == FEW - 1
    assert counted.add(pool) == len(pool) - FEW + 1
    assert counted.add(pool) == 0
    assert len(counted) == len(pool)


def test_it_holds_few_bytes_for_each() -> None:
    generator, counted = random.Random(3), Distinct()
    tracemalloc.start()
    try:
        for _ in range(1000):
            counted.add([generator.randbytes(16).hex() for _ in range(100)])
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(counted) == 100_000
    assert held <= 25 * len(counted)


def test_a_copy_goes_on_by_itself() -> None:
    pool = hashes(4, 3 * FEW)
    for count in (FEW // 2, 2 * FEW):
        counted = Distinct()
        counted.add(pool[:count])
        copied = counted.copy()
        assert (copied.add(pool), len(copied), len(counted)) == (len(pool) - count, len(pool), count)
        assert counted.add([("head", text) for text in pool[:2]]) == 2
        assert counted.add(pool[: count + 1]) == 1
        assert len(copied) == len(pool)
