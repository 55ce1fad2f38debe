"""How much of the log a search reads: by which index, how many entries at most, and that clocks do not hide anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from hub.ledger.entry import Access
from hub.ledger.matching import CallFilter
from hub.ledger.search import CHUNK, Found, search
from hub.ledger.service import LedgerService
from tests.ledger.build import make_draft

pytestmark = pytest.mark.fast
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DRIVERS = [
    (CallFilter(call="c7"), "ix_ledger_entry_call"),
    (CallFilter(kinds=("admin", "deny")), "ix_ledger_entry_kind_seq"),
    (CallFilter(alerts=True), "ix_ledger_entry_kind_seq"),
    (CallFilter(outcome="REFUSED", department="bank_office"), "ix_ledger_entry_outcome_seq"),
    (CallFilter(outcome="REFUSED", application="bank"), "ix_ledger_entry_application_seq"),
    (CallFilter(resource="tax.company", department="bank_office"), "ix_ledger_access_resource_seq"),
    (CallFilter(resource="tax.company", application="bank"), "ix_ledger_entry_application_seq"),
    (CallFilter(resource="tax.company", provider="tax", application="bank"), "ix_ledger_access_"),
    (CallFilter(outcome="REFUSED", provider="tax", application="bank"), "ix_ledger_access_provider_seq"),
    (CallFilter(application="bank", kinds=("call", "deny")), "ix_ledger_entry_application_seq"),
    (CallFilter(provider="tax", item="name"), "ix_ledger_access_provider_seq"),
    (CallFilter(department="bank_office", purpose="x"), "ix_ledger_entry_department_seq"),
]


def fill(service: LedgerService, count: int) -> None:
    for number in range(count):
        resource = "tax.company" if number % 2 else "civil.person"
        said: dict[str, Any] = {"application": "bank" if number % 5 == 0 else "housing", "department": "bank_office" if number % 5 == 0 else "housing_office"}
        rare = {"kind": "deny", "outcome": "REFUSED"} if number % 10 == 0 else {}
        service.ledger.append_sync(
            make_draft(f"c{number}", at=NOON + timedelta(minutes=number), accesses=(Access(resource, resource.partition(".")[0], "db"),), **said, **rare)
        )
    service.publisher.publish_all()


def statements(engine: Engine, which: CallFilter) -> Iterator[tuple[str, Any]]:
    """What a search sends that reads entries by an index, with its parameters."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        search(connection, which, 3)
    event.remove(engine, "before_cursor_execute", note)
    return iter([each for each in sent if "ORDER BY" in each[0] and "LIMIT" in each[0] and "ledger_checkpoint" not in each[0]])


@pytest.mark.parametrize(("which", "index"), DRIVERS, ids=lambda value: value if isinstance(value, str) else "")
def test_each_filter_reads_by_its_index_in_order(service: LedgerService, which: CallFilter, index: str) -> None:
    fill(service, 20)
    found = list(statements(service.engine, which))
    assert found
    for statement, parameters in found:
        with service.engine.connect() as connection:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        assert any(index in step for step in plan), plan
        assert not any("SCAN" in step for step in plan), plan
        # One call has few entries: sorting them is nothing.
        assert which.call is not None or not any("TEMP B-TREE" in step for step in plan), plan


def test_a_page_looks_at_so_many_entries_and_says_where_it_stopped(service: LedgerService) -> None:
    fill(service, 100)
    which = CallFilter(purpose="nothing")
    with service.engine.connect() as connection:
        assert search(connection, which, 10, most=64) == Found([], 100 - 64)
        assert search(connection, which, 10, 36, most=64) == Found([], None)
        rare, behind = [], None
        for _ in range(9):
            page = search(connection, CallFilter(operator="张三", outcome="REFUSED"), 2, behind, most=4)
            rare += [entry.seq for entry in page.entries]
            if (behind := page.onward) is None:
                break
    assert rare == list(range(90, -1, -10))
    assert CHUNK <= 1000


@pytest.mark.parametrize("ascending", [False, True])
def test_pages_in_both_orders_give_every_entry_once(service: LedgerService, ascending: bool) -> None:
    fill(service, 50)
    found: list[int] = []
    behind = None
    with service.engine.connect() as connection:
        while True:
            page = search(connection, CallFilter(provider="tax"), 7, behind, ascending=ascending)
            found += [entry.seq for entry in page.entries]
            if (behind := page.onward) is None:
                break
    assert found == sorted(range(1, 50, 2), reverse=not ascending)


def test_a_search_by_time_reads_its_hours_alone_and_no_clock_hides_an_entry(service: LedgerService) -> None:
    fill(service, 245)
    service.ledger.append_sync(make_draft("back", at=NOON + timedelta(minutes=61)))
    service.ledger.append_sync(make_draft("ahead", at=NOON + timedelta(days=400)))
    service.publisher.publish_all()
    service.ledger.append_sync(make_draft("unpublished", at=NOON + timedelta(minutes=62)))
    with service.engine.connect() as connection:
        hour = CallFilter(since=NOON + timedelta(minutes=60), until=NOON + timedelta(minutes=63))
        assert [entry.content.call for entry in search(connection, hour, 10).entries] == ["unpublished", "back", "c62", "c61", "c60"]
        assert [entry.content.call for entry in search(connection, CallFilter(until=NOON + timedelta(minutes=2)), 10).entries] == ["c1", "c0"]
        assert [entry.content.call for entry in search(connection, CallFilter(since=NOON + timedelta(days=1)), 10).entries] == ["ahead"]
        assert search(connection, CallFilter(since=NOON - timedelta(days=2), until=NOON), 10).entries == []
        first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        assert search(connection, CallFilter(until=first), 10).entries == []
        assert search(connection, CallFilter(since=last), 10).entries == []
        assert len(search(connection, CallFilter(since=first, until=last), 10).entries) == 10
    quiet = CallFilter(since=NOON + timedelta(minutes=180), until=NOON + timedelta(minutes=240))
    service.publisher.publish_all()
    with service.engine.connect() as connection:
        assert search(connection, quiet, 100, most=60).onward is None, "no other hour's entries are looked at"
        assert connection.execute(text("SELECT count(*) FROM ledger_hour")).scalar_one() == 6, "of five hours, and of the clock that was ahead"
