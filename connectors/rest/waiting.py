"""When a request that changes nothing may be sent once more, and after how long."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import SystemRandom

_CHANCE = SystemRandom()
_PAUSE = 0.05
"""Seconds, doubled with every retry, and multiplied by 0.5 to 1.5 by chance."""
_OVERLOADED = 429
_PASSING = frozenset({502, 503, 504})


def pause(attempt: int, status: int | None, retry_after: str | None) -> float | None:
    """Seconds to wait before retry ``attempt``, the first being 0; ``None`` where it is not to be tried again.

    ``status`` is that of the answer, ``None`` where none came. A service that says 429 is asked again only at the moment it names
    (``Retry-After``, RFC 9110 §10.2.3).
    """
    named = _seconds(retry_after) if retry_after is not None else None
    if status == _OVERLOADED and named is None:
        return None
    if status is not None and status != _OVERLOADED and status not in _PASSING:
        return None
    jittered = _PAUSE * (1 << attempt) * _CHANCE.uniform(0.5, 1.5)
    return jittered if named is None else named + jittered


def _seconds(retry_after: str) -> float | None:
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(0.0, ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())
