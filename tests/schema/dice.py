"""Small choices, from one seeded generator: a seed makes the same world again."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.thorough import examples_of

T = TypeVar("T")


class Dice:
    """Makes choices."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def pick(self, choices: Sequence[T]) -> T:
        """One of several."""
        return self._random.choice(choices)

    def number(self, least: int, most: int) -> int:
        """An integer between the two, both included."""
        return self._random.randint(least, most)

    def chance(self, percent: int) -> bool:
        """True so often."""
        return self._random.randrange(100) < percent

    def some(self, choices: Sequence[T], least: int = 0, most: int = 100) -> list[T]:
        """Some of several, each once, in any order."""
        return self._random.sample(choices, self.number(min(least, len(choices)), min(most, len(choices))))


_MANY = 20
SEED = int(os.environ.get("HYPOTHESIS_SEED") or secrets.randbits(32))


def examples(count: int, after: int = 0) -> Callable[[Callable[[Random], None]], Callable[[], None]]:
    """So many, less the ones that come before: those that a quick test of the same property draws. HYPOTHESIS_SEED repeats a run.

    A run that is not thorough draws fewer where they are many or a quick test came before, see :mod:`tests.thorough`.
    """
    rest = count - after
    chosen = settings(
        max_examples=examples_of(rest) if after or rest > _MANY else rest,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    return lambda test: seed(SEED + after)(chosen(given(st.randoms(use_true_random=True))(test)))
