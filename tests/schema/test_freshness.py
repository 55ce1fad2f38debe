"""Data is stale where its delivery is later than the update cycle and some patience."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from schema.freshness import is_stale

pytestmark = pytest.mark.fast
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cycle", "age", "stale"),
    [
        ("daily", timedelta(hours=30), False),
        ("daily", timedelta(hours=49), True),
        ("monthly", timedelta(days=32), False),
        ("monthly", timedelta(days=40), True),
        ("yearly", timedelta(days=370), False),
        ("irregular", timedelta(days=4000), False),
    ],
)
def test_stale(cycle: str, age: timedelta, stale: bool) -> None:
    assert is_stale(cycle, NOW - age, NOW) is stale
