"""A batch by one statement leaves the rows that a statement for each row would, or none."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, event, select
from sqlalchemy.exc import IntegrityError

from hub.ledger import tables
from hub.ledger.batch import Head, compose, locked_head
from hub.ledger.canonical import record
from hub.ledger.entry import Access, EntryDraft
from hub.ledger.held import Held
from hub.ledger.pending import Pending
from hub.ledger.service import LedgerService
from hub.ledger.storing import store, store_behind
from hub.store.turns import writing
from tests.ledger.build import LOG, check, make_draft, open_service

pytestmark = pytest.mark.fast

_TABLES = (tables.head, tables.batch, tables.entry, tables.access)
_TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=40)
_DRAFTS = st.builds(
    lambda application, department, operation, resources, operator: make_draft(
        "call",
        application=application,
        department=department,
        operation=operation,
        operator=operator,
        accesses=tuple(Access(resource, "部门", "db") for resource in resources),
    ),
    st.none() | _TEXTS,
    st.none() | _TEXTS,
    st.none() | st.just("query"),
    st.sets(_TEXTS, max_size=3),
    _TEXTS,
)


def _rows(connection: Connection) -> list[list[tuple[object, ...]]]:
    return [[tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))] for table in _TABLES]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> LedgerService:
    return open_service(tmp_path_factory.mktemp("ledger"))


@contextmanager
def _held(service: LedgerService) -> Iterator[Held]:
    held = Held(service.engine)
    try:
        yield held
    finally:
        held.close()


@given(drafts=st.lists(_DRAFTS, min_size=1, max_size=6))
def test_both_ways_write_the_same_rows(service: LedgerService, drafts: Sequence[EntryDraft]) -> None:
    pending = [Pending(draft, record(draft, LOG)) for draft in drafts]
    written = []
    with _held(service) as held, service.engine.connect() as plain:
        for way in (held.writing(2000), _immediate(plain)):
            with suppress(_TakenBack), way as connection:
                head = locked_head(connection, LOG)
                store(connection, compose(pending, service.signer, head).batch, (LOG, *head))
                written.append(_rows(connection))
                raise _TakenBack
    assert written[0] == written[1]
    assert len(written[0][2]) == len(drafts)


def test_nothing_is_written_where_the_log_ends_elsewhere(tmp_path: Path) -> None:
    service = open_service(tmp_path)
    pending = [Pending(draft := make_draft("late", accesses=()), record(draft, LOG))]
    with _held(service) as held:
        with held.writing(2000) as connection:
            head = locked_head(connection, LOG)
        made = compose(pending, service.signer, head)
        for wrong in (("other", *head), (LOG, 1, *head[1:]), (LOG, head.size, 7, *head[2:]), (LOG, *head[:2], b"x" * 32, head.key), (LOG, *head[:3], "key")):
            with held.driving() as driving:
                assert not store_behind(driving, made.batch, wrong)
        with service.engine.connect() as connection:
            assert _rows(connection)[1:] == [[], [], []]
        with held.driving() as driving:
            assert store_behind(driving, made.batch, (LOG, *head))
    assert check(service).entries == 1


def test_a_batch_of_which_a_row_is_refused_leaves_none(tmp_path: Path) -> None:
    service = open_service(tmp_path)
    service.ledger.append_sync(make_draft("first"))
    pending = [Pending(draft := make_draft(f"c{number}"), record(draft, LOG)) for number in range(3)]
    with _held(service) as held:
        with held.writing(2000) as connection:
            head = locked_head(connection, LOG)
            before = _rows(connection)
        # Its entries have numbers that are there already.
        made = compose(pending, service.signer, Head(0, *head[1:]))
        with pytest.raises(IntegrityError, match="UNIQUE"), held.driving() as driving:
            store_behind(driving, made.batch, (LOG, *head))
        with service.engine.connect() as connection:
            assert _rows(connection) == before
        with held.writing(2000) as connection:
            assert locked_head(connection, LOG) == head


def test_a_connection_that_could_not_be_prepared_is_prepared_with_the_next_commit(tmp_path: Path) -> None:
    service = open_service(tmp_path)
    refused = [sqlite3.SQLITE_CREATE_TEMP_TRIGGER]

    def refusing(driving: sqlite3.Connection, _record: object) -> None:
        def decided(action: int, *_named: object) -> int:
            if action in refused:
                refused.clear()
                return sqlite3.SQLITE_DENY
            return sqlite3.SQLITE_OK

        driving.set_authorizer(decided)

    service.engine.dispose()
    event.listen(service.engine, "connect", refusing)
    with _held(service) as held:
        with pytest.raises(sqlite3.DatabaseError), held.writing(2000):
            pass
        with held.writing(2000) as connection:
            head = locked_head(connection, LOG)
        with held.driving() as driving:
            assert store_behind(driving, compose([Pending(draft := make_draft(), record(draft, LOG))], service.signer, head).batch, (LOG, *head))
    assert check(service).entries == 1


@pytest.mark.parametrize("table", [tables.batch, tables.entry, tables.access])
def test_a_column_that_a_newer_version_adds_meanwhile_stops_no_writer(tmp_path: Path, table: Table) -> None:
    service = open_service(tmp_path)
    with _held(service) as held:
        with held.writing(2000) as connection:
            head = locked_head(connection, LOG)
        with closing(sqlite3.connect(tmp_path / "control.db")) as newer:
            newer.execute(f"ALTER TABLE {table.name} ADD COLUMN remark TEXT")
        with held.driving() as driving:
            assert store_behind(driving, compose([Pending(draft := make_draft(), record(draft, LOG))], service.signer, head).batch, (LOG, *head))
    assert check(service).entries == 1


class _TakenBack(Exception):
    """What was written is not to stay."""


@contextmanager
def _immediate(connection: Connection) -> Iterator[Connection]:
    with connection.execution_options(sqlite_begin="IMMEDIATE").begin():
        yield connection


def test_a_transaction_of_the_commands_needs_no_view(tmp_path: Path) -> None:
    service = open_service(tmp_path)
    with writing(service.engine) as connection:
        head = locked_head(connection, LOG)
        store(connection, compose([Pending(draft := make_draft(), record(draft, LOG))], service.signer, head).batch, (LOG, *head))
    assert check(service).entries == 1
