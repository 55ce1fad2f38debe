"""Figures of the open sources. Labels are codes of the catalog, never a caller's name or a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import inf

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from connectors.guard import GuardedSource
from connectors.telemetry import Histogram
from schema.model import Snapshot

_CIRCUITS = ("closed", "half_open", "open")


def source_metrics(sources: Sequence[GuardedSource]) -> Iterator[Metric]:
    """Of all open sources."""
    calls = CounterMetricFamily("huitong_source_calls", "Calls of a source by what became of them", labels=["source", "outcome"])
    seconds = HistogramMetricFamily("huitong_source_seconds", "Time that a source took for a call, without waiting for a turn", labels=["source"])
    running = GaugeMetricFamily("huitong_source_calls_running", "Calls that a source is at work on", labels=["source"])
    waiting = GaugeMetricFamily("huitong_source_calls_waiting", "Calls that wait for a turn at a source", labels=["source"])
    retries = CounterMetricFamily("huitong_source_retries", "Reads that were tried again", labels=["source"])
    circuit = GaugeMetricFamily("huitong_source_circuit", "1 for the state in which a source's circuit is", labels=["source", "state"])
    changes = CounterMetricFamily("huitong_source_circuit_changes", "Changes of a source's circuit by the state it came to", labels=["source", "state"])
    checks = CounterMetricFamily("huitong_source_checks", "Health checks of the hub's own by what they found", labels=["source", "well"])
    for source in sources:
        told, code = source.telemetry, source.code
        for outcome, count in told.outcomes.items():
            calls.add_metric([code, outcome], count)
        seconds.add_metric([code], *histogram(told.seconds))
        running.add_metric([code], source.turns.running)
        waiting.add_metric([code], source.turns.waiting)
        retries.add_metric([code], told.retries)
        for state in _CIRCUITS:
            circuit.add_metric([code, state], source.circuit == state)
            changes.add_metric([code, state], told.transitions[state])
        for well, count in told.checks.items():
            checks.add_metric([code, "yes" if well else "no"], count)
    yield from (calls, seconds, running, waiting, retries, circuit, changes, checks)


def age_metrics(sources: Sequence[GuardedSource], snapshot: Snapshot, moment: datetime) -> Iterator[Metric]:
    """How old the data is that a source of deliveries serves: its oldest delivery's age."""
    age = GaugeMetricFamily("huitong_source_age_seconds", "Age of the oldest delivery that a source serves", labels=["source"])
    opened = {source.code: source for source in sources}
    oldest: dict[str, datetime] = {}
    for resource in snapshot.resources.values():
        source = opened.get(resource.source)
        as_of = source.as_of(resource.binding) if source else None
        if as_of is not None:
            oldest[resource.source] = min(as_of, oldest.get(resource.source, as_of))
    for code, as_of in oldest.items():
        age.add_metric([code], (moment - as_of).total_seconds())
    yield age


def histogram(of: Histogram) -> tuple[list[tuple[str, float]], float]:
    """Buckets and sum, as prometheus-client takes them."""
    return [("+Inf" if bound == inf else str(bound), float(count)) for bound, count in of.cumulated()], of.sum


def histograms(name: str, documentation: str, label: str, of: Mapping[str, Histogram]) -> Metric:
    """One histogram by one label."""
    family = HistogramMetricFamily(name, documentation, labels=[label])
    for value, each in of.items():
        family.add_metric([value], *histogram(each))
    return family
