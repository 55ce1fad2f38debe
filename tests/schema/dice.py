"""Small choices drawn from hypothesis, so that what fails is shrunk and can be replayed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Dice:
    """Draws choices."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw

    def pick(self, choices: Sequence[T]) -> T:
        """One of several; the first is the simplest."""
        return choices[self.number(0, len(choices) - 1)]

    def number(self, least: int, most: int) -> int:
        """An integer between the two, both included."""
        return int(self.draw(st.integers(least, most)))

    def chance(self, percent: int) -> bool:
        """True so often; false is the simplest."""
        return self.number(0, 99) >= 100 - percent

    def some(self, choices: Sequence[T], least: int = 0, most: int = 100) -> list[T]:
        """Some of several, each once, in any order."""
        count = self.number(min(least, len(choices)), min(most, len(choices)))
        left = list(choices)
        return [left.pop(self.number(0, len(left) - 1)) for _ in range(count)]
