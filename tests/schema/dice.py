"""Small choices, from one seeded generator: a seed makes the same world again."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

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
