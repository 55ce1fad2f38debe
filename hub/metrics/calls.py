"""Counts of calls on resources, as entries of the ledger become durable. Lossy: a process forgets them at its end; the ledger's own figures are ``hub.usage``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.metrics_core import CounterMetricFamily, Metric

from hub.ledger.pending import Told

_KINDS = frozenset({"call", "deny", "exchange", "download"})
MOST_RESOURCES = 500
"""Resources told apart in labels; all further ones are ``other``."""
OTHER = "other"


class CallMeter:
    """Calls by provider, operation and outcome, and by resource. Labels are codes of the catalog and words of the hub's own."""

    def __init__(self, most: int = MOST_RESOURCES) -> None:
        self.calls: Counter[tuple[str, str, str]] = Counter()
        self.resources: Counter[tuple[str, str]] = Counter()
        self.rows: Counter[str] = Counter()
        self._known: set[str] = set()
        self._most = most

    def note(self, draft: Told) -> None:
        """Counts an entry; one of a call that names no resource stands under an empty provider."""
        if draft.kind not in _KINDS or (draft.operation or "").startswith("governance."):
            return
        operation, outcome = "download" if draft.kind == "download" else draft.operation or "", draft.outcome.lower()
        if not draft.accesses:
            self.calls["", operation, outcome] += 1
        for access in draft.accesses:
            provider, resource = access.provider, access.resource
            if resource not in self._known and len(self._known) >= self._most:
                provider, resource = OTHER, OTHER
            else:
                self._known.add(resource)
            self.calls[provider, operation, outcome] += 1
            self.resources[resource, outcome] += 1
            self.rows[provider] += access.rows

    def metrics(self) -> Iterator[Metric]:
        """As Prometheus takes them."""
        calls = CounterMetricFamily("huitong_calls", "Calls on resources by provider, operation and outcome", labels=["provider", "operation", "outcome"])
        resources = CounterMetricFamily("huitong_resource_calls", "Calls by resource and outcome", labels=["resource", "outcome"])
        rows = CounterMetricFamily("huitong_rows", "Rows disclosed by provider", labels=["provider"])
        for labels, count in self.calls.items():
            calls.add_metric(labels, count)
        for of, count in self.resources.items():
            resources.add_metric(of, count)
        for provider, count in self.rows.items():
            rows.add_metric([provider], count)
        yield from (calls, resources, rows)
