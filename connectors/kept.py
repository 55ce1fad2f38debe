"""What is computed once and looked up for every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Holds the newest things of those that are asked for, at the price of a dictionary's look-up: what was not asked for while as many
    others came is forgotten. Between ``most`` and twice as much is kept, in things, or in what each of them weighs."""

    __slots__ = ("_held", "_most", "_older", "_weigh", "_younger")

    def __init__(self, most: int, weigh: Callable[[K, V], int] | None = None) -> None:
        self._most = most
        self._weigh = weigh
        self._held = 0
        self._younger: dict[K, V] = {}
        self._older: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """What is kept, if anything."""
        found = self._younger.get(key)
        if found is None and self._older:
            found = self._older.pop(key, None)
            if found is not None:
                self.keep(key, found)
        return found

    def keep(self, key: K, value: V) -> None:
        """Keeps it."""
        if self._held >= self._most:
            self._older, self._younger, self._held = self._younger, {}, 0
        self._held += 1 if self._weigh is None else self._weigh(key, value)
        self._younger[key] = value
