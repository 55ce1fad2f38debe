"""Batch exchange outside a source's hours waits, says so, and can be cancelled; queries are not concerned."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.transport import grant_input, granted, manifest, published, registered, write_permits
from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

_DOCUMENT = "{ freight { permits { nodes { permitNo } } } }"
_START = """mutation ($document: String!) {
    startExchange(input: {document: $document, format: JSONL, idempotencyKey: "closed"}) { exchange { id } } }"""
_STATE = "query ($id: ID!) { exchange(id: $id) { state reason } }"


def closed_now() -> str:
    """A window that ended two hours ago, in China's time, and begins again in hours."""
    end = datetime.now(UTC) + timedelta(hours=8 - 2)
    return f"{(end - timedelta(hours=3)):%H:%M}-{end:%H:%M}"


def test_an_exchange_outside_the_hours_waits(hub: RunningHub, tmp_path: Path) -> None:
    write_permits(tmp_path / "freight.db")
    text = manifest("freight", 77, f"sqlite+aiosqlite:///{tmp_path}/freight.db")
    published(hub, text.replace('kind = "sql"', f'kind = "sql"\nwindow = "{closed_now()}"'))
    registered(hub, "freighter")
    granted(hub, grant_input("freighter", "freight.permit"))
    assert len(hub.ask("freighter", _DOCUMENT).data["freight"]["permits"]["nodes"]) == 4

    identity = hub.ask("freighter", _START, {"document": _DOCUMENT}).data["startExchange"]["exchange"]["id"]
    deadline = time.monotonic() + 20
    found = {"state": "QUEUED", "reason": None}
    while found["state"] in ("QUEUED", "RUNNING") and time.monotonic() < deadline:
        found = hub.ask("freighter", _STATE, {"id": identity}).data["exchange"]
    assert found["state"] == "PAUSED"
    assert "freight.register" in found["reason"]

    ended = hub.ask("freighter", "mutation ($id: ID!) { cancelExchange(id: $id) { exchange { state } } }", {"id": identity})
    assert ended.data["cancelExchange"]["exchange"]["state"] == "CANCELLED"
