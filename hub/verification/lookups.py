"""Look-ups by key that find nothing, per department, resource and day. Those that find something write nothing and, but for one reading in some seconds, ask nothing."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from threading import Lock

from anyio import to_thread
from cachetools import LRUCache
from sqlalchemy import Connection, Engine

from hub.store.base import now
from hub.verification.limits import Budget, Limits, OverBudget, begin_of, day_of, days_after
from hub.verification.store import Tally, add_to_tally, read_tally

SECONDS = 5.0
"""For so long a process relies on what it read of misses that other processes may have counted."""


class Lookups:
    """The misses of all departments, as far as this process knows them."""

    def __init__(self, engine: Engine, limits: Limits) -> None:
        self._engine = engine
        self._limits = limits
        self._known: LRUCache[tuple[str, str], tuple[float, Tally]] = LRUCache(8192)
        self._lock = Lock()

    async def check(self, consumer: str, resources: Collection[str]) -> None:
        """Refuses look-ups of a department that found nothing too often.

        Raises:
            OverBudget: until the next day.
        """
        for resource in sorted(resources):
            tally = self._fresh(consumer, resource)
            if tally is None:
                tally = await to_thread.run_sync(self._read, consumer, resource)
            self._judge(consumer, resource, tally)

    def count(self, connection: Connection, consumer: str, misses: Mapping[str, int]) -> None:
        """Work for the entry's transaction of a call that found nothing here or there.

        Raises:
            OverBudget: what was counted before is the whole budget: then the call gives no answer.
        """
        for resource, number in sorted(misses.items()):
            tally = read_tally(connection, consumer, resource, day_of(now()))
            self._keep(consumer, resource, Tally(tally.day, tally.subjects, tally.unmatched, tally.misses + number))
            self._judge(consumer, resource, tally)
            add_to_tally(connection, consumer, resource, Tally(tally.day, misses=number))

    def _judge(self, consumer: str, resource: str, tally: Tally) -> None:
        if tally.misses >= self._limits.misses:
            raise OverBudget(Budget.MISSES, consumer, resource, None, begin_of(days_after(tally.day, 1)), now())

    def _fresh(self, consumer: str, resource: str) -> Tally | None:
        with self._lock:
            found = self._known.get((consumer, resource))
        return found[1] if found and time.monotonic() < found[0] else None

    def _read(self, consumer: str, resource: str) -> Tally:
        with self._engine.connect() as connection:
            tally = read_tally(connection, consumer, resource, day_of(now()))
        self._keep(consumer, resource, tally)
        return tally

    def _keep(self, consumer: str, resource: str, tally: Tally) -> None:
        """Relied on for some seconds, and not beyond the end of its day."""
        left = (begin_of(days_after(tally.day, 1)) - now()).total_seconds()
        with self._lock:
            self._known[consumer, resource] = (time.monotonic() + min(SECONDS, left), tally)
