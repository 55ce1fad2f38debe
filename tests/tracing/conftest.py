"""A ledger of its own for each test; files that need another define one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.ledger.service import LedgerService
from tests.ledger.build import open_service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[LedgerService]:
    """Over a SQLite file."""
    made = open_service(tmp_path)
    yield made
    made.engine.dispose()
