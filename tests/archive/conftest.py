"""A ledger of entries from two eras, and its archives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.acts import Acts
from hub.archive.service import Archives
from hub.ledger.service import LedgerService
from tests.ledger.build import make_draft, open_service

OLD = datetime(2019, 5, 1, tzinfo=UTC)
EDGE = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[LedgerService]:
    """Twenty-three entries of 2019, five of now, all published."""
    made = open_service(tmp_path)
    for number in range(23):
        made.ledger.append_sync(make_draft(f"old-{number}", at=OLD + timedelta(hours=number)))
        if number % 7 == 0:
            made.publisher.publish()
    for number in range(5):
        made.ledger.append_sync(make_draft(f"new-{number}"))
    made.publisher.publish_all()
    yield made
    made.engine.dispose()


@pytest.fixture
def archives(service: LedgerService) -> Archives:
    """Its archives, kept five years."""
    return Archives(service.engine, Acts(service.ledger), service, 5)
