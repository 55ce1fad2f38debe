"""Tells the hub's log that a budget is used up, once for each department, resource, subject and day: whoever tries on must not fill the log."""

from __future__ import annotations

import structlog
from cachetools import LRUCache

from hub.store.base import now
from hub.verification.limits import OverBudget, day_of

log = structlog.get_logger(__name__)


class Alerts:
    """What was told already, as far as it is remembered. Used in the event loop alone."""

    def __init__(self) -> None:
        self._told: LRUCache[tuple[str, str, str, str | None, str], None] = LRUCache(4096)

    def tell(self, call: str, fault: OverBudget) -> None:
        """Writes the event; the subject stays out of the log, the call's entry has its hash."""
        key = (fault.budget.code, fault.consumer, fault.resource, fault.subject, day_of(now()))
        if key not in self._told:
            self._told[key] = None
            log.warning("verification_budget_used_up", call=call, department=fault.consumer, resource=fault.resource, budget=fault.budget.code)
