"""The demonstration's calendar: it ends on a fixed day, so that the same seed gives the same city in any year."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

AS_OF = date(2026, 9, 1)
_FIRST_CHANGE = date(2024, 9, 1)
_LAST_CHANGE = datetime(2026, 9, 1, tzinfo=UTC)


class Clock:
    """Draws days and moments."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def day(self, first: date, last: date = AS_OF) -> date:
        """A day from ``first`` to ``last``, both included; ``first`` where the span is empty."""
        return first + timedelta(days=int(self._rng.random() * (max(0, (last - first).days) + 1)))

    def moment(self, after: date = _FIRST_CHANGE) -> datetime:
        """When a row was last changed, in UTC: within the two years before the demonstration's last day, and not before ``after``."""
        span = max(1, (AS_OF - max(after, _FIRST_CHANGE)).days) * 86400
        return _LAST_CHANGE - timedelta(seconds=1 + int(self._rng.random() * span))


def cents(amount: int) -> Decimal:
    """Hundredths as an exact decimal with two places, e.g. ``cents(771060)`` is 7710.60."""
    return Decimal(amount).scaleb(-2)
