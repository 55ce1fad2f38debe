"""The figures of batch exchange."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from hub.exchange.runner import ExchangeRunner

OUTCOMES = ("done", "failed", "lost", "refused")
PAUSES = ("hours", "quota", "disk", "ledger")


def exchange_metrics(runner: ExchangeRunner) -> Iterator[Metric]:
    """Of the jobs of this process."""
    figures, gate = runner.figures, runner.gate
    yield GaugeMetricFamily("huitong_exchanges_running", "Exchange jobs of this process that run, wait or pause", runner.jobs)
    yield GaugeMetricFamily("huitong_exchange_chunks_running", "Chunks of exchanges in work", gate.taken)
    yield GaugeMetricFamily("huitong_exchange_places", "Chunks that the executor can work on at once", gate.places)
    attempts = CounterMetricFamily("huitong_exchange_chunks", "Attempts at chunks by outcome", labels=["outcome"])
    for outcome in OUTCOMES:
        attempts.add_metric([outcome], figures.attempts[outcome])
    yield attempts
    pauses = CounterMetricFamily("huitong_exchange_pauses", "Pauses of exchanges by what was waited for", labels=["reason"])
    for reason in PAUSES:
        pauses.add_metric([reason], figures.pauses[reason])
    yield pauses
    yield CounterMetricFamily("huitong_exchange_rows", "Rows in accepted chunks", figures.rows)
    yield CounterMetricFamily("huitong_exchange_bytes", "Bytes of accepted chunks", figures.bytes)
    holds = runner.precedence.times if runner.precedence is not None else 0
    yield CounterMetricFamily("huitong_exchange_holds", "How often processes of exchanges stood still for a call", holds)
