"""A hub of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.core import Core
from tests.catalog.homes import new_core

EXAMPLE = Path(__file__).with_name("example.toml").read_text("utf-8")


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """An initialised hub without any catalog."""
    with new_core(tmp_path) as made:
        yield made


@pytest.fixture
def example() -> str:
    """The manifest of the contract's example."""
    return EXAMPLE
