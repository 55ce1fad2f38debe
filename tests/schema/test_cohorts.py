"""What is told of aggregates never singles out fewer than k rows: judged by linear algebra over all that a consumer was told, not by the rule itself."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from random import Random

import pytest
from hypothesis import event

from schema.cohorts import Key, Part, judge
from tests.schema.dice import Dice, examples

pytestmark = pytest.mark.fast
K = 3


def parts(
    past: Sequence[Mapping[int, Hashable]], inside: set[int], groups: Sequence[Key], rows: int, known: set[int] | None = None, mine: set[int] | None = None
) -> list[Part]:
    """Every row a part of its own, that the caller may see or that was in an earlier answer."""
    return [
        Part(
            tuple(each.get(row, False) for each in past),
            row in inside,
            groups[row] if row in inside else (),
            1,
            (int(known is None or row in known),),
        )
        for row in range(rows)
        if mine is None or row in mine or any(row in each for each in past)
    ]


def test_a_count_of_fewer_than_k_rows_is_withheld_and_so_is_none() -> None:
    one = [()] * 9
    for count in range(9):
        assert judge(parts([], set(range(count)), one, 9), K, 1).told == (K <= count <= 9 - K), count
    assert judge(parts([], set(range(9)), one, 9), K, 1).told, "the whole has no complement"


def test_a_small_group_is_withheld_with_the_smallest_of_the_others() -> None:
    groups: list[Key] = [(name,) for name in "aaaaabbbbcc"]
    verdict = judge(parts([], set(range(11)), groups, 11), K, 1)
    assert (verdict.told, set(verdict.shown), verdict.rest) == (True, {("a",)}, 6), "11 - 5 - 4 would tell of the 2 of c"
    more: list[Key] = [*groups, ("d",), ("d",)]
    both = judge(parts([], set(range(13)), more, 13), K, 1)
    assert (set(both.shown), both.rest) == ({("a",), ("b",)}, 4), "two small groups hide each other"


def test_without_a_limit_everything_is_told() -> None:
    verdict = judge(parts([], {0}, [("a",)], 1), 1, 1)
    assert (verdict.told, set(verdict.shown), verdict.sums, verdict.averages) == (True, {("a",)}, (True,), (True,))


def test_figures_of_few_values_are_withheld_and_averages_where_few_have_none() -> None:
    one = [()] * 12
    for known, sums, averages in ((12, True, True), (11, True, False), (9, True, True), (2, False, False), (0, True, True)):
        verdict = judge(parts([], set(range(12)), one, 12, set(range(known))), K, 1)
        assert (verdict.told, verdict.sums, verdict.averages) == (True, (sums,), (averages,)), known


def test_a_part_that_was_small_before_is_not_held_against_a_question_that_does_not_cut_it() -> None:
    """Rows may have been deleted since: what is not cut off anew tells nothing."""
    before = [{0: True, 1: True}]
    assert judge(parts(before, set(range(8)), [()] * 8, 8), K, 0).told
    assert not judge(parts(before, {0, *range(2, 8)}, [()] * 8, 8), K, 0).told


def singled_out(answers: Sequence[set[int]], rows: int) -> int:
    """How many rows, one or two, some combination of the answered sets is about; 0 where there is none.

    Every such set is tried against the span of the answers (Gaussian elimination over fractions).
    """
    basis = echelon([[Fraction(int(row in answer)) for row in range(rows)] for answer in answers])
    for first in range(rows):
        for second in range(first, rows):
            if in_span(basis, [Fraction(int(row in (first, second))) for row in range(rows)]):
                return 1 if first == second else 2
    return 0


def echelon(vectors: list[list[Fraction]]) -> list[tuple[int, list[Fraction]]]:
    found: list[tuple[int, list[Fraction]]] = []
    for vector in vectors:
        left = reduced(found, vector)
        pivot = next((i for i, value in enumerate(left) if value), None)
        if pivot is not None:
            found.append((pivot, [value / left[pivot] for value in left]))
    return found


def reduced(basis: Sequence[tuple[int, list[Fraction]]], vector: list[Fraction]) -> list[Fraction]:
    for pivot, row in basis:
        if vector[pivot]:
            vector = [value - vector[pivot] * other for value, other in zip(vector, row, strict=True)]
    return vector


def in_span(basis: Sequence[tuple[int, list[Fraction]]], vector: list[Fraction]) -> bool:
    return not any(reduced(basis, vector))


def attack(random: Random) -> None:
    """Random questions, most of them near earlier ones, some grouped, some of callers that see fewer rows; whatever is told is kept."""
    dice = Dice(random)
    rows = dice.number(6, 14)
    limited = dice.chance(40)
    told: list[set[int]] = [] if limited else [set(range(rows))]
    past: list[dict[int, Hashable]] = []
    asked: list[set[int]] = []
    answered = 0
    for _ in range(12):
        base = set(dice.pick([*asked, set(range(rows))])) if dice.chance(70) else set(dice.some(range(rows)))
        inside = base ^ set(dice.some(range(rows), 0, 2)) if dice.chance(60) else base ^ dice.pick([*asked, base])
        mine = set(dice.some(range(rows), rows - 3)) if limited and dice.chance(60) else set(range(rows))
        inside = set(mine) if limited and dice.chance(30) else inside & mine
        asked.append(inside)
        groups: list[Key] = [(dice.number(0, 2),) for _ in range(rows)] if dice.chance(40) else [()] * rows
        grouped = groups != [()] * rows
        verdict = judge(parts(past, inside, groups, rows, None, mine), K, 0)
        if not verdict.told:
            continue
        answered += 1
        shown = verdict.shown if grouped else frozenset()
        told += [inside, *({row for row in inside if groups[row] == key} for key in shown)]
        past.append({row: (groups[row] if groups[row] in shown else "rest") if grouped else True for row in inside})
        assert not singled_out(told, rows), told
    event(f"answered: {min(answered, 3)}")


@examples(60)
def test_e5_no_sequence_of_counts_singles_out_fewer_than_k_rows(random: Random) -> None:
    """Whatever is asked in whatever order: no sum of answers, with any factors, is about one or two rows (trackers included)."""
    attack(random)
