"""On whose behalf a source is being read: bound by the hub for one call, read by connectors that pass it on (LOG-01, IOP-01)."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calling:
    """One call of the hub.

    ``trace`` is a W3C ``traceparent``. ``deadline`` is the event loop's time, in seconds, at which the caller is answered in any case:
    no source is read beyond it. Absent parts are ``None``.
    """

    call: str
    purpose: str | None = None
    operator: str | None = None
    case: str | None = None
    trace: str | None = None
    deadline: float | None = None


CALLING: ContextVar[Calling | None] = ContextVar("huitong_calling", default=None)
"""The call that the running task works for; ``None`` outside of calls."""
