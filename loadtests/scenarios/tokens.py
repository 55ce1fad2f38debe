"""An application's access token, kept and renewed before it expires; one for all callers of a process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

MARGIN = 60.0
"""A token is renewed so many seconds before it expires, or a fifth of its life if that is less."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What the token endpoint gave: the token, and for how many seconds."""

    token: str
    seconds: float

    def __repr__(self) -> str:
        """Without the token."""
        return f"Granted(seconds={self.seconds})"


class TokenCache:
    """Keeps one token. Callers that need a new one at once wait for the first of them to fetch it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def get(self, fetch: Callable[[], Granted]) -> str:
        """A token that holds for a while yet; what ``fetch`` raises leaves none."""
        with self._lock:
            if not self._token or self._clock() >= self._renew_at:
                self._token = ""
                asked = self._clock()
                granted = fetch()
                self._token = granted.token
                self._renew_at = asked + granted.seconds - min(MARGIN, granted.seconds / 5)
            return self._token

    def forget(self, token: str) -> None:
        """The hub takes this token no longer."""
        with self._lock:
            if self._token == token:
                self._token = ""
