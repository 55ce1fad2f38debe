"""On whose behalf a source is being read: bound by the hub for one call, read by connectors that pass it on (LOG-01, IOP-01)."""

from __future__ import annotations

import math
import time
from contextvars import ContextVar
from dataclasses import dataclass, field

from connectors.deadlines import ANSWER_SECONDS

MOST_RECEIPTS = 20
"""Of other hubs, in one call."""


@dataclass(frozen=True, slots=True)
class RemoteReceipt:
    """What another hub entered into its ledger for this call: its call's number and its entry's, as ``source`` told them."""

    source: str
    call: str
    entry: str


@dataclass(slots=True, eq=False)
class Calling:
    """One call of the hub. Who calls, and for what, is filled in once it is known; connectors change nothing but ``receipts``.

    ``trace`` is a W3C ``traceparent``. ``deadline`` is the event loop's time, in seconds, at which the caller is answered in any case:
    no source is read beyond it. ``via`` names the hubs that the call came through, this one last. Absent parts are ``None``.
    """

    call: str
    purpose: str | None = None
    operator: str | None = None
    case: str | None = None
    trace: str | None = None
    deadline: float | None = None
    via: tuple[str, ...] = ()
    caller: str | None = None
    """Whose call it is, so that sources can be fair between callers: an application's number, or ``public`` and an address."""
    batch: bool = False
    """Whether its rows go into a file, many at once."""
    receipts: list[RemoteReceipt] = field(default_factory=list)
    """Filled by connectors that read another hub, at most ``MOST_RECEIPTS``."""
    began: float = field(default_factory=time.perf_counter)
    """When the call arrived, by ``time.perf_counter``."""


CALLING: ContextVar[Calling | None] = ContextVar("huitong_calling", default=None)
"""The call that the running task works for; ``None`` outside of calls."""

BOUNDED: ContextVar[float] = ContextVar("huitong_bounded", default=0.0)
"""By the event loop's time: when the guard around a source ends the running task's call in any case, so that the source needs no timer of its own."""


def on_behalf() -> tuple[str, float]:
    """For whom a source is asked, and until when, by the event loop's time, it may be."""
    calling = CALLING.get()
    if calling is None:
        return "", math.inf
    return calling.caller or "", math.inf if calling.deadline is None else calling.deadline - ANSWER_SECONDS
