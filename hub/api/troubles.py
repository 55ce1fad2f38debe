"""Tells the hub's own log why sources did not answer, so that whoever runs the hub can mend what callers only see as a code."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from schema.answer import SourceState

QUIET_SECONDS = 60.0
"""For so long one reason of one source is told once; what came in between is counted."""
_MOST_REASONS = 1000
log = structlog.get_logger(__name__)


@dataclass
class Troubles:
    """Lives on the event loop. ``clock`` gives seconds."""

    clock: Callable[[], float] = time.monotonic
    _told: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)
    """By source and reason: when it was last told, and how often it came since."""

    def note(self, call: str, states: Iterable[SourceState]) -> None:
        """What the sources of one call had to say."""
        for state in states:
            if state.reason:
                self._note(call, state)

    def _note(self, call: str, state: SourceState) -> None:
        key, now = (state.source, state.reason), self.clock()
        told, since = self._told.get(key, (-QUIET_SECONDS, 0))
        if now - told < QUIET_SECONDS:
            self._told[key] = told, since + 1
            return
        if len(self._told) >= _MOST_REASONS:
            self._told.clear()
        self._told[key] = now, 0
        log.warning("source_failed", call=call, source=state.source, state=state.state, reason=state.reason, calls_since_last=since)
