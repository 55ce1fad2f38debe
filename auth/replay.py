"""What may be used once: ids of client assertions and of proofs of possession, in the process and beyond it."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

MOST = 200_000
"""Ids that one process remembers at once."""


class ReplayStore(Protocol):
    """Where used ids live beyond the process, shared by all nodes. Called from worker threads only."""

    def use(self, key: str, until: int) -> bool:
        """Whether nobody used this key before; durable on return. ``until``: Unix seconds, after which it may be forgotten."""


class ReplaysFull(Exception):
    """No further id can be remembered, so none is accepted: to forget one would let it be used again."""


def once_key(kind: str, *parts: str) -> str:
    """The key of an id under which a store keeps it: short, whatever was sent, and nothing of it readable."""
    return f"{kind}:{hashlib.sha256(chr(0).join(parts).encode('utf-8', 'surrogatepass')).hexdigest()}"


class ReplayCache:
    """Used ids in memory until they end. Bounded, of which one owner may take a quarter. Safe to use from any thread."""

    def __init__(self, most: int = MOST, *, clock: Callable[[], float] = time.time) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[str, str] = {}
        self._ends: dict[int, list[str]] = {}
        self._owned: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._used)

    def use(self, key: str, until: int, owner: str) -> bool:
        """Whether the key was not used before. ``owner``: on whose account it is remembered.

        Raises:
            ReplaysFull: there is no place, over all or for this owner.
        """
        with self._lock:
            self._forget(self._clock())
            if key in self._used:
                return False
            if len(self._used) >= self._most or self._owned[owner] >= max(1, self._most // 4):
                raise ReplaysFull
            self._used[key] = owner
            self._ends.setdefault(until, []).append(key)
            self._owned[owner] += 1
            return True

    def _forget(self, now: float) -> None:
        for end in [end for end in self._ends if end < now]:
            for key in self._ends.pop(end):
                owner = self._used.pop(key)
                self._owned[owner] -= 1
                if not self._owned[owner]:
                    del self._owned[owner]
