"""The index, sets and questions on PostgreSQL: the same as on SQLite, with two indexers at once."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest

from hub.ledger.entry import Access, SubjectSet
from hub.ledger.service import LedgerService
from hub.tracing import buckets, index
from hub.tracing.index import Indexer, position
from hub.tracing.search import Bounds, trail
from hub.tracing.sets import CHUNK, store_set
from tests.ledger.build import make_draft, open_service
from tests.servers.postgres import Postgres
from tests.store.databases import make_database
from tests.tracing.stored import stored

pytestmark = pytest.mark.slow
_numbers = itertools.count()
ENTRIES = 600
HASHES = [Random(number).randbytes(16) for number in range(2 * CHUNK + 3)]


@pytest.fixture
def service(postgres: Postgres, tmp_path: Path) -> Iterator[LedgerService]:
    (tmp_path / "control.url").write_text(make_database(postgres, f"traced_{next(_numbers)}"))
    made = open_service(tmp_path)
    yield made
    made.engine.dispose()


def found(service: LedgerService, wanted: bytes) -> list[int]:
    with service.engine.connect() as connection:
        return [each.entry.seq for each in trail(connection, [wanted.hex()], Bounds(), 1000).found]


def test_two_indexers_and_a_rebuild(service: LedgerService) -> None:
    digest = hashlib.sha256(b"".join(sorted(HASHES)))
    store_set(service.engine, digest.digest(), sorted(HASHES))
    held = SubjectSet(len(HASHES), digest.hexdigest())
    access = Access("a.b", "a", "a.db", rows=1)
    drafts = [make_draft(f"call-{n}", accesses=(replace(access, subjects=(HASHES[n % 7].hex(), bytes([n % 251] * 16).hex())),)) for n in range(ENTRIES)]
    for draft in [*drafts, make_draft("set", kind="exchange", accesses=(replace(access, subject_set=held),), details={"exchange": "e"})]:
        service.ledger.append_sync(draft)
    expected = [ENTRIES, *sorted((n for n in range(ENTRIES) if n % 7 == 3), reverse=True)]
    assert found(service, HASHES[3]) == expected
    service.publisher.publish_all()
    with patch.multiple(buckets, SPREAD=400 * 24, FEW=1, ENOUGH=30 * 24), patch.object(index, "STEP", 50), ThreadPoolExecutor(2) as both:
        list(both.map(lambda indexer: indexer.catch_up(), [Indexer(service.engine), Indexer(service.engine)]))
    with service.engine.connect() as connection:
        assert position(connection) == ENTRIES + 1
        followed = stored(connection)
    assert found(service, HASHES[3]) == expected
    assert found(service, HASHES[-1]) == [ENTRIES]
    assert found(service, bytes(15) + b"\x01") == []
    assert Indexer(service.engine).rebuild() == ENTRIES + 1
    with service.engine.connect() as connection:
        assert stored(connection) == followed
