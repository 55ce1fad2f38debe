"""What is computed once and looked up for every call."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Holds about the ``most`` newest things of those that are asked for, at the price of a dictionary's look-up: what was not asked for
    while as many others came is forgotten."""

    __slots__ = ("_most", "_older", "_younger")

    def __init__(self, most: int) -> None:
        self._most = most
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
        if len(self._younger) >= self._most:
            self._older, self._younger = self._younger, {}
        self._younger[key] = value
