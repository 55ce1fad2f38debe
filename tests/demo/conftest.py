"""A small city, drawn once, and the home it is seeded into."""

from __future__ import annotations

import pytest

from hub.demo.city import City, draw_city
from hub.demo.seed import DemoData, seed

PERSONS = 2000


@pytest.fixture(scope="session")
def city() -> City:
    return draw_city(PERSONS)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoData:
    return seed(tmp_path_factory.mktemp("home"), PERSONS)
