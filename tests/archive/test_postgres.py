"""Searches, archives and removals on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.acts import Actor, Acts
from hub.archive.service import Archives
from hub.archive.source import ArchiveSource
from hub.ledger.entry import Access
from hub.ledger.matching import CallFilter
from hub.ledger.search import search
from hub.ledger.service import LedgerService
from hub.ledger.verify import verify
from hub.store.engine import reading
from tests.ledger.build import LOG, make_draft, open_service
from tests.servers.postgres import Postgres
from tests.store.databases import make_database

pytestmark = pytest.mark.slow


@pytest.fixture
def service(postgres: Postgres, tmp_path: Path) -> Iterator[LedgerService]:
    """A ledger in a database of its own."""
    (tmp_path / "control.url").write_text(make_database(postgres, "archived_ledger"))
    made = open_service(tmp_path)
    yield made
    made.engine.dispose()


def test_searches_archives_and_removals(service: LedgerService, tmp_path: Path) -> None:
    """What is read by an index in order in SQLite is here too, with as many entries as make the planner's choice one."""
    old = datetime(2019, 5, 1, tzinfo=UTC)
    for number in range(120):
        rare = {"kind": "deny", "outcome": "REFUSED"} if number % 50 == 0 else {}
        said = {"application": f"app-{number % 7}", "department": f"dep-{number % 7}", **rare}
        at = old + timedelta(minutes=number)
        service.ledger.append_sync(make_draft(f"c{number}", at=at, accesses=(Access("tax.company", "tax", "db"), Access("tax.person", "tax", "db")), **said))
    service.publisher.publish_all()
    with service.engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    with reading(service.engine) as connection:
        assert [found.seq for found in search(connection, CallFilter(kinds=("deny", "admin")), 9).entries] == [100, 50, 0]
        assert [found.seq for found in search(connection, CallFilter(provider="tax", application="app-3"), 2).entries] == [115, 108]
        hour = CallFilter(since=old + timedelta(hours=1), until=old + timedelta(hours=2))
        assert [found.seq for found in search(connection, hour, 100, ascending=True).entries] == list(range(60, 120))
    archives = Archives(service.engine, Acts(service.ledger), service, 5)
    actor = Actor("yao")
    archives.archive(actor, datetime(2020, 1, 1, tzinfo=UTC), tmp_path / "a", 50)
    # The last batch stays: the act of archiving is one.
    assert [each.first for each in archives.prune(actor, "du", [tmp_path / "a"])] == [0, 50, 100]
    source = ArchiveSource([tmp_path / "a"], LOG, [service.verifier_key])
    with reading(service.engine, patience=0) as connection:
        report = verify(connection, [service.verifier_key], archive=source)
        assert (report.ok, report.archived, report.unread) == (True, 120, 0), report.findings
        assert search(connection, CallFilter(), 100).onward is None
