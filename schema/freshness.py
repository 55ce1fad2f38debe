"""Is what a source serves older than its department's update cycle promises?"""

from __future__ import annotations

from datetime import datetime, timedelta

_MOST: dict[str, timedelta] = {
    "realtime": timedelta(hours=1),
    "hourly": timedelta(hours=2),
    "daily": timedelta(days=2),
    "weekly": timedelta(days=9),
    "monthly": timedelta(days=36),
    "quarterly": timedelta(days=100),
    "half-yearly": timedelta(days=195),
    "yearly": timedelta(days=380),
}
"""One cycle, and what a delivery may be late before it is called stale."""


def is_stale(cycle: str, as_of: datetime, moment: datetime) -> bool:
    """Whether data of ``as_of`` is stale at ``moment``; never, where deliveries are irregular."""
    most = _MOST.get(cycle)
    return most is not None and moment - as_of > most
