"""A fresh authorization server for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.auth.support import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An authorization server whose clock stands still."""
    made = World(tmp_path)
    yield made
    made.close()
