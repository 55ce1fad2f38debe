"""The index follows from the log: whoever makes it, however often it breaks off, and however it is made anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy import delete, event, select, update

from hub.ledger import tables
from hub.ledger.entry import Access, SubjectSet
from hub.ledger.service import LedgerService
from hub.tracing import index
from hub.tracing.index import Indexer, position
from hub.tracing.search import Bounds, trail
from hub.tracing.tables import exchange_entry, indexed, set_entry
from tests.ledger.build import make_draft, open_service
from tests.tracing.stored import forget, stored

pytestmark = pytest.mark.fast

ENTRIES = 23
ALWAYS, RARE = "ab" * 16, "cd" * 16


@pytest.fixture
def service(tmp_path: Path) -> Iterator[LedgerService]:
    made = open_service(tmp_path)
    for number in range(ENTRIES):
        named = (ALWAYS, f"{number:032x}", *((RARE,) if number == 5 else ()))
        held = SubjectSet(2, f"{number % 3:064x}") if number % 4 == 0 else None
        access = Access("a.b", "a", "a.db", rows=1, subjects=() if held else named, subject_set=held)
        details = {"exchange": f"exchange_{number % 5}"} if held else None
        made.ledger.append_sync(make_draft(f"call-{number}", kind="exchange" if held else "call", accesses=(access,), details=details))
    made.publisher.publish_all()
    yield made
    made.engine.dispose()


def rows(service: LedgerService) -> list[list[tuple[object, ...]]]:
    """All that is indexed."""
    with service.engine.connect() as connection:
        others = [sorted(tuple(row) for row in connection.execute(select(table))) for table in (set_entry, exchange_entry)]
        return [[*stored(connection)], *others, [tuple(row) for row in connection.execute(select(indexed))]]


def found(service: LedgerService, wanted: str) -> list[int]:
    with service.engine.connect() as connection:
        return [each.entry.seq for each in trail(connection, [wanted], Bounds(), 100).found]


def test_followed_in_steps_it_is_what_it_is_at_once(service: LedgerService) -> None:
    with patch.object(index, "STEP", 4):
        first, second = Indexer(service.engine), Indexer(service.engine)
        steps = [each.step() for _ in range(4) for each in (first, second)]
    assert steps == [4, 4, 4, 4, 4, 3, 0, 0]
    followed = rows(service)
    assert len(followed[0]) == sum(2 for number in range(ENTRIES) if number % 4) + 1
    with service.engine.begin() as connection:
        forget(connection, lambda seq: seq > 7)
        connection.execute(update(indexed).values(size=9))
    assert Indexer(service.engine).rebuild() == ENTRIES
    assert rows(service) == followed


def test_who_comes_second_writes_nothing_twice(service: LedgerService) -> None:
    """Two processes read the same entries; one is first."""
    slow, fast = Indexer(service.engine), Indexer(service.engine)
    read = Indexer._read

    def overtaken(*given: object) -> object:
        result = read(*given)
        with patch.object(Indexer, "_read", staticmethod(read)):
            fast.step()
        return result

    with patch.object(Indexer, "_read", staticmethod(overtaken)):
        assert slow.step() == ENTRIES
    both = rows(service)
    Indexer(service.engine).rebuild()
    assert rows(service) == both


def test_what_breaks_off_is_taken_up_again(service: LedgerService) -> None:
    def break_off(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "UPDATE ledger_indexed" in statement:
            raise ConnectionError("broken off")

    event.listen(service.engine, "before_cursor_execute", break_off)
    with pytest.raises(ConnectionError):
        Indexer(service.engine).step()
    event.remove(service.engine, "before_cursor_execute", break_off)
    assert rows(service) == [[], [], [], []]
    assert found(service, RARE) == [5]
    Indexer(service.engine).catch_up()
    assert found(service, RARE) == [5]
    with service.engine.connect() as connection:
        assert position(connection) == ENTRIES


def test_a_rebuild_that_breaks_off_hides_nothing(service: LedgerService) -> None:
    Indexer(service.engine).catch_up()
    with service.engine.begin() as connection:
        connection.execute(update(indexed).values(size=-1))
        forget(connection, lambda seq: seq < 9)
    assert Indexer(service.engine).step() == 0
    assert found(service, RARE) == [5]
    assert Indexer(service.engine).rebuild() == ENTRIES
    assert found(service, RARE) == [5]


def test_what_is_not_published_yet_is_found_all_the_same(service: LedgerService) -> None:
    Indexer(service.engine).catch_up()
    service.ledger.append_sync(make_draft("late", accesses=(Access("a.b", "a", "a.db", subjects=(RARE,)),)))
    assert Indexer(service.engine).step() == 0
    assert found(service, RARE) == [ENTRIES, 5]


def test_what_was_archived_is_told_of_and_stays_told_of(service: LedgerService) -> None:
    Indexer(service.engine).catch_up()
    with service.engine.begin() as connection:
        # As the archive does: some acts stay.
        connection.execute(delete(tables.entry).where(tables.entry.c.seq < 10, tables.entry.c.seq != 2))
    Indexer(service.engine).rebuild()
    with service.engine.connect() as connection:
        told = trail(connection, [RARE], Bounds(), 10)
    assert (told.found, told.archived) == ((), (5,))
    with service.engine.connect() as connection:
        every = trail(connection, [ALWAYS], Bounds(before=15), 2)
    assert ([each.entry.seq for each in every.found], every.archived, every.more) == ([14, 13], (), True)
