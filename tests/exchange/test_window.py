"""A source's hours for batch exchange."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hub.exchange.window import ALWAYS, is_open

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("window", "utc", "open_"),
    [
        (ALWAYS, "00:00", True),
        ("08:00-18:00", "00:00", True),
        ("08:00-18:00", "10:00", False),
        ("22:00-06:00", "15:00", True),
        ("22:00-06:00", "21:59", True),
        ("22:00-06:00", "22:00", False),
    ],
)
def test_hours_are_those_of_china(window: str, utc: str, open_: bool) -> None:
    moment = datetime.combine(datetime(2026, 11, 22, tzinfo=UTC).date(), datetime.strptime(utc, "%H:%M").replace(tzinfo=UTC).timetz())
    assert is_open(window, moment) is open_
