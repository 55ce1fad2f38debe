"""Figures are right, and no label says more than codes of the catalog and words of the hub's own."""

from __future__ import annotations

import asyncio
import time

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Message, Receive, Scope, Send

from connectors.errors import SourceUnavailable
from connectors.telemetry import BOUNDS, Histogram
from hub.metrics.calls import CallMeter
from hub.metrics.meter import HttpMeter, LoopLag, operation_of
from hub.metrics.sources import histograms, source_metrics
from tests.connectors.test_guard import ALL, Scripted, fail, guarded
from tests.usage.build import access, call, refusal

pytestmark = [pytest.mark.fast, pytest.mark.anyio]


class Collected:
    """What a collector gave, as a registry takes it."""

    def __init__(self, *metrics: Metric) -> None:
        self._metrics = metrics

    def collect(self) -> tuple[Metric, ...]:
        """All of it."""
        return self._metrics


def read(*metrics: Metric) -> dict[tuple[str, ...], float]:
    """Samples by name and label values, after a way through the text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collected(*metrics))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


async def test_a_sources_figures() -> None:
    inner = Scripted()
    source = guarded(inner, pool=1)
    for _ in range(3):
        await source.fetch(ALL, {})
    inner.fault = SourceUnavailable("city.register", "down")
    await fail(source, 5, SourceUnavailable)
    found = read(*source_metrics([source]))
    assert found["huitong_source_calls_total", "ok", "city.register"] == 3
    assert found["huitong_source_calls_total", "unavailable", "city.register"] == 5
    assert found["huitong_source_circuit", "city.register", "open"] == 1
    assert found["huitong_source_circuit", "city.register", "closed"] == 0
    assert found["huitong_source_circuit_changes_total", "city.register", "open"] == 1
    assert found["huitong_source_seconds_count", "city.register"] == 8
    assert found["huitong_source_seconds_bucket", "+Inf", "city.register"] == 8


def test_a_histogram_counts_bounds_inclusively_and_cumulates() -> None:
    histogram = Histogram()
    for seconds in (0.0, 0.001, 0.0011, 29.0, 31.0):
        histogram.note(seconds)
    found = dict(histogram.cumulated())
    assert (found[0.001], found[0.0025], found[30.0], found[float("inf")]) == (2, 3, 4, 5)
    assert histogram.sum == pytest.approx(60.0021)
    text = read(histograms("huitong_x", "x", "by", {"a": histogram}))
    assert len([name for name, *_ in text if name == "huitong_x_bucket"]) == len(BOUNDS) + 1


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/graphql", "data"),
        ("/governance/graphql", "governance"),
        ("/graphql/schema.graphql", "schema"),
        ("/governance/graphql/schema.graphql", "schema"),
        ("/oauth/token", "oauth"),
        ("/exchanges/ex_520102199001011237/manifest.json", "exchange"),
        ("/ledger/checkpoint", "ledger"),
        ("/health/ready", "health"),
        ("/graphql/520102199001011237", "data"),
        ("/520102199001011237", "other"),
        ("", "other"),
    ],
)
def test_addresses_are_no_labels(path: str, operation: str) -> None:
    assert operation_of(path) == operation


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _sent(_message: Message) -> None:
    return None


def test_calls_are_counted_by_provider_operation_and_outcome_and_labels_are_bounded() -> None:
    meter = CallMeter(most=1)
    meter.note(call("2026-03-01T10:00:00", "housing-app", access("civil.person", rows=3)))
    meter.note(call("2026-03-01T10:00:00", "housing-app", access("civil.person"), access("tax.payment"), kind="download"))
    meter.note(refusal("2026-03-01T10:00:00", operation=None))
    meter.note(call("2026-03-01T10:00:00", "housing-app", operation="governance.query"))
    found = read(*meter.metrics())
    assert {key[1:]: count for key, count in found.items() if key[0] == "huitong_calls_total"} == {
        ("query", "ok", "civil"): 1,
        ("download", "ok", "civil"): 1,
        ("download", "ok", "other"): 1,
        ("", "refused", ""): 1,
    }
    assert found["huitong_resource_calls_total", "ok", "other"] == 1
    assert found["huitong_rows_total", "civil"] == 4


async def test_http_calls_are_counted_by_operation_and_status() -> None:
    meter = HttpMeter()

    async def application(scope: Scope, _receive: Receive, send: Send) -> None:
        assert meter.in_work == 1
        if scope["path"] == "/broken":
            raise RuntimeError
        await send({"type": "http.response.start", "status": 200 if scope["path"] == "/graphql" else 404})
        await send({"type": "http.response.body"})

    for path in ("/graphql", "/graphql", "/nowhere"):
        await meter.counted(application, {"path": path}, _nothing, _sent)
    with pytest.raises(RuntimeError):
        await meter.counted(application, {"path": "/broken"}, _nothing, _sent)
    assert meter.codes == {("data", 200): 2, ("other", 404): 1, ("other", 0): 1}
    assert meter.in_work == 0
    assert sum(meter.seconds["data"].counts) == 2


async def test_a_loop_that_stands_still_is_late() -> None:
    lag = LoopLag()
    watching = asyncio.create_task(lag.watch())
    await asyncio.sleep(0.01)
    asyncio.get_running_loop().call_later(0.1, _stand_still)
    await asyncio.sleep(0.6)
    watching.cancel()
    assert lag.late.sum > 0.05


def _stand_still() -> None:
    time.sleep(0.4)
