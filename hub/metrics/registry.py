"""All figures of a hub, in a registry of its own."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from hub import __version__
from hub.anomalies.watch import Watch
from hub.api.admission import Admission
from hub.exchange.runner import ExchangeRunner
from hub.ledger.append import Ledger
from hub.live import Live
from hub.metrics.calls import CallMeter
from hub.metrics.exchanges import exchange_metrics
from hub.metrics.meter import HttpMeter, LoopLag
from hub.metrics.sources import age_metrics, histogram, histograms, source_metrics
from hub.space import Space
from hub.store.base import now


@dataclass(frozen=True)
class Observed:
    """The parts whose figures are read."""

    ledger: Ledger
    live: Live
    admissions: dict[str, Admission]
    """By endpoint."""
    runner: ExchangeRunner
    space: Space
    anomalies: Watch


class Metrics:
    """Reads the figures when asked; :attr:`http` and :attr:`lag` are counted by the hub as it works."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self.http = HttpMeter()
        self.lag = LoopLag()
        self.calls = CallMeter()
        observed.ledger.noted = self.calls.note
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self, accept: str) -> tuple[bytes, str]:
        """The figures and their media type: Prometheus text, or OpenMetrics where it is asked for."""
        encode, media = choose_encoder(accept)
        return encode(self._registry), media

    def collect(self) -> Iterator[Metric]:
        """All of it, as it is now."""
        live = self._observed.live
        opened = live.sources.opened
        yield from source_metrics(opened)
        yield from age_metrics(opened, live.snapshot, now())
        yield from self.calls.metrics()
        yield from self._http_metrics()
        yield from self._ledger_metrics()
        yield from self._space_metrics()
        yield from self._work_metrics()
        yield GaugeMetricFamily("huitong_anomalies_open", "Alerts of unusual use that nobody has judged", self._observed.anomalies.pending)
        built = GaugeMetricFamily("huitong_build_info", "1; the version in the labels", labels=["version", "python"])
        built.add_metric([__version__, platform.python_version()], 1)
        yield built

    def _http_metrics(self) -> Iterator[Metric]:
        calls = CounterMetricFamily("huitong_http_requests", "HTTP requests by operation and status; 0: the caller went away", labels=["operation", "code"])
        for (operation, code), count in self.http.codes.items():
            calls.add_metric([operation, str(code)], count)
        yield calls
        yield histograms("huitong_http_seconds", "Time of HTTP requests, from their head to their answer's end", "operation", self.http.seconds)
        yield GaugeMetricFamily("huitong_http_requests_running", "HTTP requests in work", self.http.in_work)

    def _ledger_metrics(self) -> Iterator[Metric]:
        ledger = self._observed.ledger
        buckets, total = histogram(ledger.seconds)
        yield HistogramMetricFamily("huitong_ledger_append_seconds", "Time until an entry was durable", buckets=buckets, sum_value=total)
        yield GaugeMetricFamily("huitong_ledger_waiting", "Entries that wait to be committed", ledger.waiting)
        yield GaugeMetricFamily("huitong_ledger_failing", "1 while commits fail and no data leaves", ledger.failing)

    def _space_metrics(self) -> Iterator[Metric]:
        free = GaugeMetricFamily("huitong_disk_free_bytes", "Free space by what is written there", labels=["place"])
        for place, count in self._observed.space.free.items():
            free.add_metric([place], count)
        yield free

    def _work_metrics(self) -> Iterator[Metric]:
        running = GaugeMetricFamily("huitong_calls_running", "GraphQL calls in work", labels=["endpoint"])
        refused = CounterMetricFamily("huitong_calls_refused", "GraphQL calls refused because too many were in work", labels=["endpoint"])
        for endpoint, admission in self._observed.admissions.items():
            running.add_metric([endpoint], admission.in_work)
            refused.add_metric([endpoint], admission.refused)
        yield from (running, refused)
        yield from exchange_metrics(self._observed.runner)
        buckets, total = histogram(self.lag.late)
        yield HistogramMetricFamily("huitong_loop_lag_seconds", "How late the event loop was", buckets=buckets, sum_value=total)
