"""A hub whose business clock stands before the Spring Festival of 2026."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.clock import Hand, clock
from hub.core import Core
from tests.catalog.homes import CONSOLE, new_core, publish
from tests.catalog.small import SMALL
from tests.feedback.ways import START
from tests.sharing.sides import consumer


@pytest.fixture
def hand() -> Iterator[Hand]:
    """The business clock."""
    with clock.at(START) as held:
        yield held


@pytest.fixture
def core(tmp_path: Path, hand: Hand) -> Iterator[Core]:
    """Persons of ``civil_affairs``; the application ``tenants`` of ``housing_bureau``; ``water_supply``."""
    with new_core(tmp_path) as made:
        publish(made, SMALL)
        consumer(made)
        made.catalog.create_department(CONSOLE, code="water_supply", name="市水务局", uscc="11520100009392151C")
        yield made
