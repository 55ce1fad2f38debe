"""A circuit breaker: a source that fails repeatedly is left alone, then tried with a single call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connectors.errors import CircuitOpen, SourceFault, SourceUnavailable

FAILURES_TO_OPEN = 5
OPEN_SECONDS = 5.0


class Breaker:
    """Opens after five failures in a row: unavailable or timed out; a refused statement is no failure of the source.

    ``clock`` gives seconds. After five seconds one call is let through: it closes the circuit by its success and opens it again by its failure.
    """

    def __init__(self, source: str, clock: Callable[[], float]) -> None:
        self._source = source
        self._clock = clock
        self._failures = 0
        self._closed_again_at = 0.0
        self._probing = False

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Judges the source by the call inside.

        Raises:
            CircuitOpen: the source is being left alone; the call was not made.
        """
        probe = self._admit()
        try:
            yield
        except SourceUnavailable:
            self._failures += 1
            self._closed_again_at = self._clock() + OPEN_SECONDS
            raise
        except SourceFault:
            self._failures = 0
            raise
        else:
            self._failures = 0
        finally:
            if probe:
                self._probing = False

    def _admit(self) -> bool:
        if self._failures < FAILURES_TO_OPEN:
            return False
        if self._probing or self._clock() < self._closed_again_at:
            raise CircuitOpen(self._source, "failed repeatedly and is left alone for a few seconds")
        self._probing = True
        return True
