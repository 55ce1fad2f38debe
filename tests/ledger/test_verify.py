"""Tampering: whatever is changed, removed, added or moved in the database is found, and named by its first entry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, LargeBinary, Table, cast, delete, insert, literal, select, text, update

from hub.ledger import tables
from hub.ledger.batch import Pending, write
from hub.ledger.canonical import encode, record
from hub.ledger.checkpoint import open_checkpoint
from hub.ledger.merkle import leaf_hash
from hub.ledger.proofs import latest_checkpoint
from hub.ledger.receipt import Receipt
from hub.ledger.report import Report, read_receipts
from hub.ledger.service import LedgerService
from hub.ledger.verify import verify
from hub.store.turns import writing
from tests.ledger.build import check, make_draft, open_service
from tests.thorough import share_of


def fill(service: LedgerService, batches: int, size: int = 3, publish: bool = True, prefix: str = "c") -> list[Receipt]:
    """Batches of this size, a checkpoint after each."""
    receipts: list[Receipt] = []
    for number in range(batches):
        drafts = [make_draft(f"{prefix}{number}-{one}", accesses=make_draft().accesses if one else ()) for one in range(size)]
        with writing(service.engine) as connection:
            made = write(connection, [Pending(draft, record(draft, service.ledger.log)) for draft in drafts], service.signer)
        receipts += [receipt for receipt in made if isinstance(receipt, Receipt)]
        if publish:
            service.publisher.publish_all()
    return receipts


def after(service: LedgerService, change: Callable[[Connection], object], **also: Any) -> Report:
    """The report of a verification that sees the change, which is then undone."""
    with service.engine.connect() as connection, connection.begin() as transaction:
        change(connection)
        report = verify(connection, [service.verifier_key], **also)
        transaction.rollback()
    return report


def raw_entry(connection: Connection, seq: int) -> bytes:
    raw: bytes = connection.execute(select(tables.entry.c.canonical).where(tables.entry.c.seq == seq)).scalar_one()
    return raw


def rewrite(connection: Connection, seq: int, **fields: object) -> bytes:
    """Change an entry and its leaf, as one with the database in hand would; its new leaf hash."""
    raw = encode({**orjson.loads(raw_entry(connection, seq)), **fields})
    connection.execute(update(tables.entry).where(tables.entry.c.seq == seq).values(canonical=raw, leaf=leaf_hash(raw)))
    return leaf_hash(raw)


@pytest.mark.slow
def test_an_untouched_ledger_is_sound(service: LedgerService) -> None:
    assert check(service).ok
    receipts = fill(service, 4)
    report = check(service, receipts=receipts)
    assert report.findings == []
    assert (report.entries, report.batches, report.checkpoints, report.published, report.receipts) == (12, 4, 4, 12, 12)
    assert report.as_json()["ok"] is True
    assert report.first is None


def _key_of(table: Table, row: Any) -> list[Any]:
    return [column == row[column.name] for column in table.primary_key.columns]


def _flips(service: LedgerService, table: Table) -> list[tuple[Any, str, bytes, type[bytes] | type[str]]]:
    """Every byte of every text and binary value of a table, one bit of it turned."""
    flips: list[tuple[Any, str, bytes, type[bytes] | type[str]]] = []
    with service.engine.connect() as connection:
        for row in connection.execute(text(f"SELECT * FROM {table.name}")).mappings():
            for name, value in row.items():
                if isinstance(value, bytes | str):
                    raw = value.encode() if isinstance(value, str) else value
                    flips += [(row, name, raw[:at] + bytes([raw[at] ^ (1 << at % 8)]) + raw[at + 1 :], type(value)) for at in range(len(raw))]
    return flips


@pytest.mark.slow
@pytest.mark.parametrize(
    "table", [tables.entry, tables.batch, tables.access, tables.node, tables.checkpoint, tables.head, tables.key], ids=lambda table: table.name
)
def test_every_flipped_byte_is_found(service: LedgerService, table: Table) -> None:
    """Of two entries in a batch, with and without accesses, and of one in a later batch; a third of the bytes in each run, unless it is thorough."""
    fill(service, 1, size=2)
    fill(service, 1, size=1, prefix="d")
    flips = _flips(service, table)
    assert len(flips) > 30
    for row, name, altered, kind in share_of(flips):
        value = altered if kind is bytes else cast(literal(altered, LargeBinary), tables.batch.c.key.type)

        def flip(connection: Connection, row: Any = row, name: str = name, value: Any = value) -> None:
            connection.execute(text("PRAGMA ignore_check_constraints = 1"))
            connection.execute(update(table).where(*_key_of(table, row)).values({name: value}))

        report = after(service, flip)
        assert not report.ok, (table.name, name, altered)
        if table is tables.entry:
            assert report.first == row["seq"], (name, altered, report.findings)


@pytest.mark.slow
@pytest.mark.parametrize("seq", range(9))
def test_an_entry_rewritten_with_its_leaf_is_named(service: LedgerService, seq: int) -> None:
    fill(service, 3)
    report = after(service, lambda connection: rewrite(connection, seq, rows=1000))
    assert report.first == seq


@pytest.mark.slow
def test_a_history_rewritten_with_leaf_and_chain_to_its_end_is_found(service: LedgerService) -> None:
    fill(service, 3)

    def rewrite_all(connection: Connection) -> None:
        leaf = rewrite(connection, 4, purpose="other")
        for seq in range(5, 9):
            leaf = rewrite(connection, seq, chain=leaf.hex())
        connection.execute(update(tables.head).values(leaf=leaf))

    report = after(service, rewrite_all)
    assert report.first in (3, 4, 5)


@pytest.mark.slow
@pytest.mark.parametrize("seq", range(9))
def test_a_deleted_entry_is_named(service: LedgerService, seq: int) -> None:
    fill(service, 3)
    report = after(service, lambda connection: connection.execute(delete(tables.entry).where(tables.entry.c.seq == seq)))
    assert report.first == seq


def shift(connection: Connection, removed: int) -> None:
    """Remove an entry and close the gap."""
    connection.execute(delete(tables.entry).where(tables.entry.c.seq == removed))
    connection.execute(text(f"UPDATE ledger_entry SET seq = seq - 1 WHERE seq > {removed}"))


@pytest.mark.slow
@pytest.mark.parametrize("seq", [0, 4, 8])
def test_a_closed_gap_is_named(service: LedgerService, seq: int) -> None:
    fill(service, 3)
    assert after(service, lambda connection: shift(connection, seq)).first == seq


@pytest.mark.slow
@pytest.mark.parametrize("seq", [-1, 9, 1000])
def test_an_inserted_entry_is_found(service: LedgerService, seq: int) -> None:
    fill(service, 3)

    def forge(connection: Connection) -> None:
        row = dict(connection.execute(tables.entry.select().where(tables.entry.c.seq == 5)).one()._mapping)
        connection.execute(insert(tables.entry).values({**row, "seq": seq}))

    report = after(service, forge)
    assert not report.ok
    assert report.first == 9


@pytest.mark.slow
def test_swapped_entries_are_found(service: LedgerService) -> None:
    fill(service, 3)

    def swap(connection: Connection) -> None:
        for old, new in ((4, -4), (5, 4), (-4, 5)):
            connection.execute(text(f"UPDATE ledger_entry SET seq = {new} WHERE seq = {old}"))

    assert after(service, swap).first == 4


@pytest.mark.slow
def test_swapped_batches_are_found(service: LedgerService) -> None:
    fill(service, 3)

    def swap(connection: Connection) -> None:
        connection.execute(text("UPDATE ledger_entry SET seq = seq + 100, batch = 101 WHERE batch = 1"))
        connection.execute(text("UPDATE ledger_entry SET seq = seq - 3, batch = 1 WHERE batch = 2"))
        connection.execute(text("UPDATE ledger_entry SET seq = seq - 97, batch = 2 WHERE batch = 101"))

    assert after(service, swap).first == 3


@pytest.mark.slow
def test_a_batch_deleted_with_its_entries_is_named(service: LedgerService) -> None:
    fill(service, 3)

    def remove(connection: Connection) -> None:
        connection.execute(delete(tables.batch).where(tables.batch.c.id == 1))
        connection.execute(delete(tables.entry).where(tables.entry.c.batch == 1))

    assert after(service, remove).first == 3


def truncate(connection: Connection, size: int, batches: int) -> None:
    """Remove the tail and set the head back, as a restored backup would."""
    for table, column in ((tables.entry, tables.entry.c.seq), (tables.access, tables.access.c.seq)):
        connection.execute(delete(table).where(column >= size))
    connection.execute(delete(tables.batch).where(tables.batch.c.id >= batches))
    connection.execute(update(tables.head).values(size=size, batches=batches, leaf=leaf_hash(raw_entry(connection, size - 1))))
    connection.execute(text(f"DELETE FROM ledger_node WHERE (idx + 1) << level > {size}"))


@pytest.mark.slow
def test_a_tail_cut_below_a_checkpoint_is_found(service: LedgerService) -> None:
    fill(service, 3)
    report = after(service, lambda connection: truncate(connection, 6, 2))
    assert report.first == 6
    assert {finding.what for finding in report.findings} == {"checkpoint"}


@pytest.mark.slow
def test_a_tail_cut_with_its_checkpoints_is_found_by_who_holds_one_or_a_receipt(service: LedgerService) -> None:
    receipts = fill(service, 3)
    with service.engine.connect() as connection:
        note = latest_checkpoint(connection)
    assert note is not None

    def cut(connection: Connection) -> None:
        truncate(connection, 6, 2)
        connection.execute(delete(tables.checkpoint).where(tables.checkpoint.c.size > 6))

    assert after(service, cut).ok
    assert after(service, cut, checkpoints=[note]).first == 6
    assert after(service, cut, receipts=receipts[7:8]).first == 7


@pytest.mark.slow
def test_a_history_signed_anew_is_found_by_an_earlier_checkpoint_or_receipt(service: LedgerService, tmp_path: Path) -> None:
    receipts = fill(service, 2)
    with service.engine.connect() as connection:
        held = latest_checkpoint(connection)
    assert held is not None
    (tmp_path / "fork").mkdir()
    (tmp_path / "fork" / "keys").symlink_to(tmp_path / "keys")
    fork = open_service(tmp_path / "fork")
    fill(fork, 3, prefix="forged")
    assert check(fork).ok
    assert check(fork, checkpoints=[held]).first == 0
    assert check(fork, receipts=receipts[4:5]).first == 4
    fork.engine.dispose()


@pytest.mark.slow
def test_a_stranger_s_checkpoint_or_receipt_is_a_finding(service: LedgerService, tmp_path: Path) -> None:
    fill(service, 1)
    (tmp_path / "other").mkdir()
    other = open_service(tmp_path / "other")
    strange = fill(other, 1)
    made = check(other).findings
    with other.engine.connect() as connection:
        note = latest_checkpoint(connection)
    assert made == []
    assert note is not None
    assert {finding.what for finding in check(service, checkpoints=[note]).findings} == {"checkpoint"}
    assert {finding.what for finding in check(service, receipts=strange).findings} == {"receipt"}
    with pytest.raises(ValueError, match="no signature"):
        open_checkpoint(note, [service.verifier_key])
    other.engine.dispose()


@pytest.mark.slow
@pytest.mark.parametrize("statement", [
    "UPDATE ledger_batch SET count = 2 WHERE id = 1",
    "UPDATE ledger_batch SET count = 4 WHERE id = 1",
    "UPDATE ledger_batch SET count = 100000 WHERE id = 1",
    "UPDATE ledger_batch SET count = 'many' WHERE id = 1",
    "UPDATE ledger_batch SET signature = 'text' WHERE id = 1",
    "UPDATE ledger_batch SET first = 7 WHERE id = 1",
    "UPDATE ledger_batch SET id = 9 WHERE id = 1",
    "UPDATE ledger_batch SET root = (SELECT root FROM ledger_batch WHERE id = 0) WHERE id = 1",
    "UPDATE ledger_entry SET canonical = 'text' WHERE seq = 3",
    "UPDATE ledger_entry SET at = 'yesterday' WHERE seq = 3",
    "UPDATE ledger_entry SET application = NULL WHERE seq = 3",
    "UPDATE ledger_entry SET batch = 0 WHERE seq = 3",
])  # fmt: skip
def test_junk_in_a_row_is_a_finding_not_a_crash(service: LedgerService, statement: str) -> None:
    fill(service, 3)
    report = after(service, lambda connection: connection.execute(text(statement)))
    assert report.first == 3, report.findings


@pytest.mark.slow
@pytest.mark.parametrize("statement", [
    "UPDATE ledger_head SET size = 3",
    "DELETE FROM ledger_head",
    "DELETE FROM ledger_node WHERE level = 1 AND idx = 1",
    "INSERT INTO ledger_node VALUES (9, 9, x'00')",
    "DELETE FROM ledger_access WHERE seq = 4",
    "INSERT INTO ledger_access VALUES (4, 'more', 'more')",
    "INSERT INTO ledger_access VALUES (77, 'more', 'more')",
    "UPDATE ledger_checkpoint SET size = 5 WHERE size = 6",
    "UPDATE ledger_checkpoint SET size = -6 WHERE size = 6",
    "INSERT INTO ledger_checkpoint VALUES (4, 'nothing')",
    "INSERT INTO ledger_batch VALUES (44, 44, 1, x'00', 'k', x'00')",
])  # fmt: skip
def test_rows_changed_beside_the_entries_are_found(service: LedgerService, statement: str) -> None:
    fill(service, 3)
    assert not after(service, lambda connection: connection.execute(text(statement))).ok


@pytest.mark.slow
def test_an_entry_that_only_looks_canonical_is_found_even_when_signed(service: LedgerService) -> None:
    fill(service, 1)
    with service.engine.connect() as connection:
        raw = raw_entry(connection, 1)
    report = after(
        service,
        lambda connection: connection.execute(update(tables.entry).where(tables.entry.c.seq == 1).values(canonical=raw + b" ", leaf=leaf_hash(raw + b" "))),
    )
    assert report.first == 1


@pytest.mark.slow
def test_a_clock_set_back_is_a_warning_and_the_order_stands(service: LedgerService) -> None:
    service.ledger.append_sync(make_draft("first"))
    service.ledger.append_sync(make_draft("second", at=make_draft().at - timedelta(hours=1)))
    report = check(service)
    assert report.ok
    assert len(report.warnings) == 1
    assert "entry 1" in report.warnings[0]


@pytest.mark.slow
def test_findings_are_bounded(service: LedgerService) -> None:
    fill(service, 60)
    report = after(service, lambda connection: connection.execute(text("UPDATE ledger_entry SET call = 'x'")))
    assert len(report.findings) == 100
    assert report.omitted == 80


@pytest.mark.slow
def test_progress_reaches_the_end(service: LedgerService) -> None:
    fill(service, 3)
    seen: list[tuple[int, int]] = []
    check(service, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 9), (6, 9), (9, 9)]


@pytest.mark.slow
def test_receipts_are_read_from_json_lines(service: LedgerService) -> None:
    receipts = fill(service, 1)
    lines = [orjson.dumps(receipt.as_json()) for receipt in receipts]
    assert read_receipts([*lines, b"\n"]) == receipts
    for bad in (b"{}", b"nothing", b"[]", b'{"call": 1}'):
        with pytest.raises(ValueError, match="line 2"):
            read_receipts([lines[0], bad])
