"""What a scenario has found: figures with what is wanted of them, and rows for a table of its own."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number. ``wanted`` is the most that it may be (with ``least``: the least), or ``None`` where nothing is wanted of it."""

    name: str
    value: float
    unit: str = ""
    wanted: float | None = None
    spread: tuple[float, float] | None = None
    """Quarter and three quarters of the rounds."""
    least: bool = False

    @property
    def held(self) -> bool:
        """Whether what is wanted is so."""
        return self.wanted is None or (self.value >= self.wanted if self.least else self.value <= self.wanted)


@dataclass(frozen=True)
class Report:
    """The end of a scenario."""

    title: str
    about: str
    """What was done, for a reader who wants to judge the figures."""
    figures: Sequence[Figure]


def middle(values: Sequence[float]) -> tuple[float, tuple[float, float]]:
    """The median, and the quartiles around it."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return median, (low, high)
