"""What tests of exchanges in chunks share."""

from __future__ import annotations

import pytest


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are as short as they can be."""
    monkeypatch.setattr("hub.exchange.passage.PAUSE_SECONDS", 0.05)
    monkeypatch.setattr("hub.exchange.carrying.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("hub.exchange.carrying.TURN_SECONDS", 0.02)
    monkeypatch.setattr("hub.exchange.carrying.TOLD_SECONDS", 0.02)
