"""A ledger on a database file of its own, with the tables of usage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.usage.build import World, world_in


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A ledger and its clock."""
    with world_in(tmp_path) as made:
        yield made
