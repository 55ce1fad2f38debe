"""The administration listener: its own port, its own names, nothing of it on the port that callers use."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.children import Child, initialised, run_command, running
from tests.servers.postgres import free_port

pytestmark = pytest.mark.slow

EXPECTED = {
    "huitong_http_requests",
    "huitong_http_seconds",
    "huitong_ledger_append_seconds",
    "huitong_ledger_waiting",
    "huitong_calls_running",
    "huitong_calls_refused",
    "huitong_exchanges_running",
    "huitong_exchange_chunks",
    "huitong_exchange_places",
    "huitong_loop_lag_seconds",
    "huitong_build_info",
    "huitong_source_calls",
    "huitong_source_seconds",
    "huitong_source_circuit",
    "huitong_source_age_seconds",
}


@pytest.fixture(scope="module")
def admin() -> str:
    """The listener's address."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, admin: str) -> Iterator[Child]:
    """A hub with an administration listener."""
    home = tmp_path_factory.mktemp("metrics") / "home"
    initialised(home)
    with running(home, "serve", "--port", "0", HUITONG_ADMIN_PORT=str(urlsplit(admin).port)) as child:
        yield child
        assert child.end(signal.SIGTERM) == 0


def get(address: str, **headers: str) -> httpx2.Response:
    """One request, past any proxy."""
    return httpx2.get(address, headers=headers, trust_env=False)


def test_figures_are_prometheus_text_without_values(hub: Child, admin: str) -> None:
    httpx2.post(f"{hub.url}/graphql", json={"query": '{ secret(id: "520102199001011237") }'}, trust_env=False)
    answer = get(f"{admin}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families.keys() >= EXPECTED
    labels = {name for family in families.values() for sample in family.samples for name in sample.labels}
    assert labels <= {
        "source",
        "outcome",
        "state",
        "well",
        "operation",
        "code",
        "endpoint",
        "version",
        "python",
        "le",
        "place",
        "provider",
        "resource",
        "reason",
    }
    assert "520102199001011237" not in answer.text
    assert not any(name.startswith(("python_", "process_")) for name in families), "the process-global registry is not used"


def test_the_callers_port_has_no_figures(hub: Child) -> None:
    assert get(f"{hub.url}/metrics").status_code == 404


def test_the_administration_port_has_nothing_else(hub: Child, admin: str) -> None:
    assert get(f"{admin}/health/live").status_code == 200
    assert get(f"{admin}/health/ready").json() == {"ready": True, "reasons": []}
    for path in ("/graphql", "/oauth/token", "/ledger/checkpoint", "/"):
        assert get(f"{admin}{path}").status_code == 404


def test_a_rebound_name_is_refused(hub: Child, admin: str) -> None:
    assert get(f"{admin}/metrics", host="evil.example").status_code == 421


def test_its_port_in_use_is_told(tmp_path: Path, hub: Child, admin: str) -> None:
    initialised(tmp_path / "home")
    refused = run_command(tmp_path / "home", "serve", "--port", "0", HUITONG_ADMIN_PORT=str(urlsplit(admin).port))
    assert refused.returncode == 3
    assert str(urlsplit(admin).port) in refused.stderr
