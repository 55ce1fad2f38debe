"""Entries as followers read them: packed, they are what is stored, whatever that is."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, event, text

from hub.ledger.batch import write
from hub.ledger.canonical import record
from hub.ledger.following import AT_ONCE, NewEntry, entries_between, new_entries
from hub.ledger.pending import Pending
from hub.ledger.service import LedgerService
from hub.store.turns import writing
from tests.ledger.build import LOG, make_draft

pytestmark = pytest.mark.fast
MANY = 2 * AT_ONCE + 7


def fill(service: LedgerService, count: int) -> None:
    drafts = [make_draft(f"call-{number}") for number in range(count)]
    with writing(service.engine) as connection:
        write(connection, [Pending(draft, record(draft, LOG)) for draft in drafts], service.signer)


def stored(connection: Connection, first: int, most: int) -> list[NewEntry]:
    asked = text("SELECT seq, leaf, canonical, at FROM ledger_entry WHERE seq >= :first ORDER BY seq LIMIT :most")
    return [(row.seq, row.leaf, row.canonical, row.at) for row in connection.execute(asked, {"first": first, "most": most})]


@pytest.mark.parametrize(("first", "most"), [(0, MANY), (0, MANY + 1), (3, AT_ONCE), (3, AT_ONCE + 1), (MANY - 1, 5), (MANY, 5), (0, 0), (5, 1)])
def test_packed_entries_are_those_that_are_stored(service: LedgerService, first: int, most: int) -> None:
    fill(service, MANY)
    with service.engine.connect() as connection:
        expected = stored(connection, first, most)
        assert new_entries(connection, first, most) == expected
        end = first + most // 2
        assert [*entries_between(connection, first, end, most)] == [(seq, canonical) for seq, _, canonical, _ in expected if seq < end]


def test_many_entries_are_read_in_few_steps(service: LedgerService) -> None:
    fill(service, MANY)
    statements: list[str] = []
    event.listen(service.engine, "before_cursor_execute", lambda _c, _k, statement, _p, _x, _m: statements.append(statement))
    with service.engine.connect() as connection:
        assert len(new_entries(connection, 0, MANY)) == MANY
    assert sum(statement.startswith("SELECT") for statement in statements) == 3


@pytest.mark.parametrize(
    "altered",
    [
        "canonical = x''",
        "canonical = x'00FF0A2C7B7D00'",
        "canonical = 'a text, with 字'",
        "canonical = 7",
        "leaf = x'0102'",
        "leaf = 'no hash'",
        "at = '2026,11,22'",
        "at = ''",
        "seq = seq + 100000",
    ],
)
def test_whatever_was_put_there_is_read_as_it_is(service: LedgerService, altered: str) -> None:
    fill(service, 20)
    with service.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE ledger_entry SET {altered} WHERE seq IN (4, 5, 19)")
    with service.engine.connect() as connection:
        assert new_entries(connection, 0, 100) == stored(connection, 0, 100)


def test_gaps_are_passed_over(service: LedgerService) -> None:
    fill(service, MANY)
    with service.engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM ledger_entry WHERE seq BETWEEN 10 AND {AT_ONCE + 20} OR seq = {MANY - 2}")
    with service.engine.connect() as connection:
        assert new_entries(connection, 0, MANY) == stored(connection, 0, MANY)
        assert new_entries(connection, 5, 9) == stored(connection, 5, 9)
