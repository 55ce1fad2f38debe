"""The index of subjects as it is stored: looked at record by record, its writes counted, and damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, delete, event, func, select, update

from hub.ledger.entry import Access
from hub.ledger.service import LedgerService
from hub.tracing.buckets import ALL, WAITING
from hub.tracing.records import WIDTH, first_in, seqs_in
from hub.tracing.tables import indexed, subject_bucket
from tests.ledger.build import make_draft


def pairs(records: bytes) -> list[tuple[bytes, int]]:
    """Hashes and numbers, in their order."""
    assert len(records) % WIDTH == 0
    return [(records[i : i + 16], first_in(records[i : i + WIDTH])) for i in range(0, len(records), WIDTH)]


def stored(connection: Connection) -> list[tuple[bytes, int]]:
    """All hashes with the numbers of their entries, sorted; each row is what its columns say."""
    found, waits = [], 0
    for row in connection.execute(select(subject_bucket)):
        held = pairs(row.records)
        assert held
        assert row.seq_first <= min(seqs_in(row.records))
        assert (row.level == WAITING) == (row.bucket == ALL)
        assert row.bucket == ALL or {each[0] for each, _ in held} == {row.bucket}
        waits += len(row.records) if row.level == WAITING else 0
        found += held
    at = connection.execute(select(indexed)).one_or_none()
    assert at is None or at.size < 0 or at.waiting == waits
    return sorted(found)


def forget(connection: Connection, which: Callable[[int], bool]) -> None:
    """Takes entries out of the index, as nothing in the hub does."""
    left = 0
    for row in connection.execute(select(subject_bucket)).all():
        kept = b"".join(each + seq.to_bytes(8, "big") for each, seq in pairs(row.records) if not which(seq))
        here = subject_bucket.c.id == row.id
        connection.execute(update(subject_bucket).where(here).values(records=kept) if kept else delete(subject_bucket).where(here))
        left += len(kept) if row.level == WAITING else 0
    connection.execute(update(indexed).values(waiting=left))


class Written:
    """Statements that change the index of subjects, their rows, and the bytes of these."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.rows = self.bytes = 0

    def note(self, _connection: object, _cursor: object, statement: str, given: Any, _context: object, many: bool) -> None:
        verb = statement.split()[0]
        if "ledger_subject_bucket" in statement and verb in ("INSERT", "UPDATE", "DELETE"):
            rows = given if many else [given]
            self.statements.append(verb)
            self.rows += len(rows) if verb != "DELETE" else 0
            self.bytes += sum(len(value) for row in rows for value in row if isinstance(value, bytes | memoryview))


@contextmanager
def written(engine: Engine) -> Iterator[Written]:
    told = Written()
    event.listen(engine, "before_cursor_execute", told.note)
    yield told
    event.remove(engine, "before_cursor_execute", told.note)


def enter(service: LedgerService, *entries: list[bytes]) -> None:
    for hashes in entries:
        named = tuple(sorted({each.hex() for each in hashes}))
        service.ledger.append_sync(make_draft(accesses=(Access("a.b", "a", "a.db", subjects=named),)))
    service.publisher.publish_all()


def levels(engine: Engine) -> dict[int, tuple[int, int]]:
    """Level → rows, bytes."""
    column = subject_bucket.c
    with engine.connect() as connection:
        asked = select(column.level, func.count(), func.sum(func.length(column.records))).group_by(column.level)
        return {level: (rows, size) for level, rows, size in connection.execute(asked).tuples()}
