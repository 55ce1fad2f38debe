"""A ledger on a database file of its own, and drafts to put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from hub.ledger.entry import EntryDraft
from hub.ledger.service import LedgerService
from tests.ledger.build import make_draft, open_service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[LedgerService]:
    """An assembled ledger, not started."""
    made = open_service(tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture
def engine(service: LedgerService) -> Engine:
    """Its control database."""
    return service.engine


@pytest.fixture
def draft() -> Callable[..., EntryDraft]:
    """Makes drafts like those of a real call."""
    return make_draft
