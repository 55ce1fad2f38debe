"""Reading: the caller's own calls, a provider's view, pages that neither skip nor repeat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.ledger.entry import Access
from hub.ledger.reading import CallFilter, Parties, calls, entry, parties
from hub.ledger.service import LedgerService
from tests.ledger.build import make_draft

pytestmark = pytest.mark.fast
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def filled(service: LedgerService) -> LedgerService:
    """Twelve entries, a minute apart, by two applications on two resources; every third refused."""
    for number in range(12):
        resource, provider = ("tax.company", "tax") if number % 2 else ("civil.person", "civil")
        service.ledger.append_sync(
            make_draft(
                f"c{number}",
                at=NOON + timedelta(minutes=number),
                application="bank" if number < 4 else "housing",
                department="bank_office" if number < 4 else "housing_office",
                outcome="OK" if number % 3 else "REFUSED",
                kind="call" if number % 3 else "deny",
                accesses=(Access(resource, provider, "db"),),
            )
        )
    return service


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (CallFilter(), list(range(12))),
        (CallFilter(application="bank"), [0, 1, 2, 3]),
        (CallFilter(department="housing_office", outcome="REFUSED"), [6, 9]),
        (CallFilter(provider="tax"), [1, 3, 5, 7, 9, 11]),
        (CallFilter(resource="civil.person", application="bank"), [0, 2]),
        (CallFilter(resource="civil.person", provider="tax"), []),
        (CallFilter(kinds=("deny",)), [0, 3, 6, 9]),
        (CallFilter(call="c7"), [7]),
        (CallFilter(since=NOON + timedelta(minutes=3), until=NOON + timedelta(minutes=5)), [3, 4]),
        (CallFilter(since=(NOON + timedelta(minutes=10)).astimezone()), [10, 11]),
    ],
    ids=repr,
)
def test_filters(filled: LedgerService, which: CallFilter, expected: list[int]) -> None:
    with filled.engine.connect() as connection:
        assert [found.seq for found in calls(connection, which, 100)] == expected[::-1]


def test_pages_neither_skip_nor_repeat_while_entries_arrive(filled: LedgerService) -> None:
    seen: list[int] = []
    before = None
    for _ in range(4):
        with filled.engine.connect() as connection:
            page = calls(connection, CallFilter(), 3, before)
        seen += [found.seq for found in page]
        before = seen[-1]
        filled.ledger.append_sync(make_draft("new"))
    assert seen == list(range(11, -1, -1))


@pytest.mark.parametrize("first", [0, -1, 1001])
def test_a_page_has_bounds(filled: LedgerService, first: int) -> None:
    with filled.engine.connect() as connection, pytest.raises(ValueError, match="1 to 1000"):
        calls(connection, CallFilter(), first)


def test_one_entry_and_its_parties(filled: LedgerService) -> None:
    with filled.engine.connect() as connection:
        found = entry(connection, 5)
        assert found is not None
        assert found.content.call == "c5"
        assert parties(connection, 5) == Parties("housing", "housing_office", frozenset({"tax"}))
        assert entry(connection, 12) is None
        assert parties(connection, 12) is None
