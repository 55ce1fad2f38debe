"""A hub with a small catalog and an application, for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.core import Core
from tests.catalog.homes import CONSOLE, new_core, publish
from tests.catalog.small import SMALL

PURPOSES = [{"code": "rent", "scenario": "公租房审核", "basis": "条例第十条"}]


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """One department's conditional ``person``; the application ``housing``."""
    with new_core(tmp_path) as made:
        publish(made, SMALL)
        made.sharing.create_application(CONSOLE, "housing", "civil_affairs", PURPOSES, [])
        made.registry.refresh()
        yield made
