"""Which access tokens were revoked before their time: a set of token ids in memory, kept durable by a store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol


class Revocations(Protocol):
    """What the verifier asks on every call. Answers from memory."""

    def is_revoked(self, jti: str) -> bool:
        """Whether the token with this id must no longer be accepted."""


class RevocationStore(Protocol):
    """Where revocations live beyond the process, shared by all nodes. Called from worker threads only."""

    def add(self, jti: str, expires_at: int) -> None:
        """Record a revocation; durable on return, idempotent. ``expires_at``: Unix seconds, after which it may be forgotten."""

    def unexpired(self, now: int) -> Iterable[tuple[str, int]]:
        """All ``(jti, expires_at)`` with ``expires_at`` after ``now``."""


class RevocationList:
    """Revocations in memory over a store. ``refresh`` once a second brings in what other nodes revoked."""

    def __init__(self, store: RevocationStore, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._revoked: dict[str, int] = {}
        self._writing = threading.Lock()
        self.refresh()

    def is_revoked(self, jti: str) -> bool:
        """Whether the token was revoked, here or (as of the last refresh) on another node."""
        return jti in self._revoked

    def revoke(self, jti: str, expires_at: int) -> None:
        """Revoke a token on this node at once and, through the store, on the others. Blocks on the store."""
        self._store.add(jti, expires_at)
        with self._writing:
            self._revoked[jti] = expires_at

    def refresh(self) -> None:
        """Read the store again and forget what has expired. Blocks on the store; what it raises leaves the list as it was."""
        now = int(self._clock())
        stored = dict(self._store.unexpired(now))
        with self._writing:
            own = {jti: end for jti, end in self._revoked.items() if end > now}
            self._revoked = own | stored
