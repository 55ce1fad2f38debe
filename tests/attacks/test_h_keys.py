"""H10: keys that were replaced, lost or never announced. What they sign outside of their time is found, and so is a history of keys that was altered."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, delete, insert, select, text, update

from hub.ledger import tables
from hub.ledger.batch import Pending, write
from hub.ledger.canonical import record
from hub.ledger.checkpoint import sign_checkpoint
from hub.ledger.entry import EntryDraft
from hub.ledger.errors import LedgerCorrupt
from hub.ledger.keys import Ed25519Signer, Signer, VerifierKey
from hub.ledger.receipt import Receipt, batch_text
from hub.ledger.report import Report
from hub.ledger.ring import KeyRing
from hub.ledger.rotation import By, rotate
from hub.ledger.service import LedgerService
from hub.ledger.verify import verify
from hub.store.turns import writing
from tests.ledger.build import LOG, check, make_draft, open_service

pytestmark = pytest.mark.slow
BY = By("cli:one", "cli:root", "key-1")


@pytest.fixture(params=[False, True], ids=["rotated", "lost"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[LedgerService, Ed25519Signer]:
    """A ledger of three entries, a change of its key, three more entries; and the old key, in the attacker's hands."""
    service = open_service(tmp_path)
    old = service.signer
    fill(service, 3)
    service.publisher.publish_all()
    rotate(service.engine, KeyRing(tmp_path / "keys", LOG), BY, lost=request.param)
    fill(service, 3)
    service.publisher.publish_all()
    assert check(service).ok
    return service, old


def fill(service: LedgerService, count: int) -> None:
    for number in range(count):
        service.ledger.append_sync(make_draft(f"c{number}"))


def forge(service: LedgerService, signer: Signer, draft: EntryDraft) -> Receipt:
    """What whoever holds a key and may write the database can do: an entry in due form, signed with that key."""
    with writing(service.engine) as connection:
        present = connection.execute(select(tables.head.c.key)).scalar_one()
        connection.execute(update(tables.head).values(key=signer.key_id))
        (made,) = write(connection, [Pending(draft, record(draft, LOG))], signer)
        connection.execute(update(tables.head).values(key=present))
    assert isinstance(made, Receipt)
    return made


def told(report: Report, what: str) -> list[tuple[int | None, str]]:
    return [(finding.index, finding.message) for finding in report.findings if finding.what == what]


def test_h10_a_batch_of_the_old_key_after_the_change_is_refused(world: tuple[LedgerService, Ed25519Signer]) -> None:
    service, old = world
    receipt = forge(service, old, make_draft("forged"))
    report = check(service)
    assert (report.first, receipt.entry) == (7, 7)
    assert f"signed with the key {old.key_id}; in force was {service.verifier_key.key_id}" in told(report, "batch")[0][1]
    assert len(told(check(service, receipts=[receipt]), "batch")) == 1


def test_h10_a_receipt_of_the_old_key_for_an_entry_after_the_change_is_refused(world: tuple[LedgerService, Ed25519Signer]) -> None:
    service, old = world
    genuine = service.ledger.append_sync(make_draft("genuine"))
    assert check(service, receipts=[genuine]).ok
    signature = old.sign(batch_text(LOG, genuine.entry, 1, genuine.batch_root))
    forged = Receipt("genuine", genuine.entry, genuine.batch_root, (), signature, 0, 1, genuine.leaf, old.key_id)
    assert [finding.what for finding in check(service, receipts=[forged]).findings] == ["receipt"]


def test_h10_a_checkpoint_of_the_old_key_after_the_change_is_refused(world: tuple[LedgerService, Ed25519Signer]) -> None:
    """Stored or held elsewhere, the true tree or another one; and the publisher builds nothing upon it."""
    service, old = world
    with service.engine.connect() as connection:
        size, note = connection.execute(select(tables.checkpoint).order_by(tables.checkpoint.c.size.desc()).limit(1)).one()
    root = _root(note)
    for forged in (sign_checkpoint(size, root, old), sign_checkpoint(size, b"f" * 32, old)):
        assert f"signed with the key {old.key_id}, which signs no checkpoint over 7" in told(check(service, checkpoints=[forged.note]), "checkpoint")[0][1]
        with service.engine.begin() as connection:
            connection.execute(update(tables.checkpoint).where(tables.checkpoint.c.size == size).values(note=forged.note))
        assert len(told(check(service), "checkpoint")) == 1
        fill(service, 1)
        with pytest.raises(LedgerCorrupt, match="not the ledger's own"):
            service.publisher.publish()
    beyond = sign_checkpoint(1000, root, old)
    assert len(told(check(service, checkpoints=[beyond.note]), "checkpoint")) == 2


def _root(note: str) -> bytes:
    return base64.b64decode(note.split("\n")[2])


def test_h10_the_new_key_signs_nothing_before_the_change(world: tuple[LedgerService, Ed25519Signer]) -> None:
    service, old = world
    new = service.signer
    with service.engine.begin() as connection:
        row = connection.execute(select(tables.batch).where(tables.batch.c.id == 1)).one()
        signature = new.sign(batch_text(LOG, 1, 1, row.root))
        connection.execute(update(tables.batch).where(tables.batch.c.id == 1).values(signature=signature, key=new.key_id))
        note = connection.execute(select(tables.checkpoint.c.note).where(tables.checkpoint.c.size == 3)).scalar_one()
        early = sign_checkpoint(3, _root(note), new)
        connection.execute(update(tables.checkpoint).where(tables.checkpoint.c.size == 3).values(note=early.note))
    report = check(service)
    assert report.first == 1
    assert f"in force was {old.key_id}" in told(report, "batch")[0][1]
    assert f"which signs no checkpoint over 3 entries; {old.key_id} does" in told(report, "checkpoint")[0][1]


def test_h10_a_key_that_nobody_announced_is_found(world: tuple[LedgerService, Ed25519Signer]) -> None:
    service, _ = world
    stranger = Ed25519Signer(LOG, Ed25519PrivateKey.generate())
    forge(service, stranger, make_draft("forged"))
    assert check(service).first == 7
    with service.engine.begin() as connection:
        connection.execute(insert(tables.key).values(number=2, verifier=str(stranger.verifier_key), reason="ROTATED", batch=7, announced=6, statement=b"s"))
        connection.execute(update(tables.head).values(key=stranger.key_id))
    report = check(service)
    assert report.first == 7
    assert {finding.what for finding in report.findings} >= {"batch", "key"}


def test_h10_a_replaced_key_announces_no_successor(world: tuple[LedgerService, Ed25519Signer]) -> None:
    """The thief of the old key lets it announce a key of his own, as if nothing had happened since."""
    service, old = world
    own = Ed25519Signer(LOG, Ed25519PrivateKey.generate())
    for reason, signer, what in (("ROTATED", old, "key"), ("LOST", own, "batch")):
        details = {"actor": "cli:thief", "reason": reason, "old": str(old.verifier_key), "new": str(own.verifier_key)}
        draft = EntryDraft(kind="key", call="key-2", outcome="OK", operation="rotateLedgerKey", operator="cli:thief", details=details)
        entry = forge(service, signer, draft).entry
        report = check(service)
        assert report.first == 7
        assert entry in [index for index, _ in told(report, what)]


def test_h10_whoever_says_that_the_key_is_lost_convinces_nobody_who_knows_it(tmp_path: Path) -> None:
    """Whoever operates the hub may replace the key in due form; who kept the old one is told so, and asks."""
    service = open_service(tmp_path)
    kept = service.verifier_key
    fill(service, 2)
    rotate(service.engine, KeyRing(tmp_path / "keys", LOG), BY, lost=True)
    fill(service, 1)
    with service.engine.connect() as connection:
        report = verify(connection, [kept])
    assert [(finding.what, finding.index) for finding in report.findings] == [("key", 2)]
    assert check(service).ok
    with service.engine.connect() as connection:
        assert verify(connection, [kept, service.verifier_key]).ok
    service.engine.dispose()


def test_h10_a_log_rewritten_with_other_keys_is_found_by_whoever_kept_one(world: tuple[LedgerService, Ed25519Signer], tmp_path: Path) -> None:
    _, old = world
    (tmp_path / "other").mkdir()
    other = open_service(tmp_path / "other")
    fill(other, 4)
    assert check(other).ok
    with other.engine.connect() as connection:
        report = verify(connection, [old.verifier_key])
    assert {finding.what for finding in report.findings} == {"key"}
    assert report.first == 0
    other.engine.dispose()


@pytest.mark.parametrize("statement", [
    "DELETE FROM ledger_key", "DELETE FROM ledger_key WHERE number = 0", "DELETE FROM ledger_key WHERE number = 1",
    "UPDATE ledger_key SET reason = 'LOST' WHERE reason = 'ROTATED'", "UPDATE ledger_key SET batch = 2 WHERE number = 1",
    "UPDATE ledger_key SET announced = 3 WHERE number = 1", "UPDATE ledger_key SET endorsed = 5 WHERE number = 1",
    "UPDATE ledger_key SET statement = NULL WHERE number = 1", "UPDATE ledger_key SET statement = x'00' WHERE number = 1",
    "UPDATE ledger_key SET verifier = 'junk' WHERE number = 1", "UPDATE ledger_key SET verifier = x'ff' WHERE number = 0",
    "UPDATE ledger_key SET number = 5 WHERE number = 0", "UPDATE ledger_head SET key = 'ffffffff'", "UPDATE ledger_head SET key = NULL",
])  # fmt: skip
def test_h10_an_altered_history_of_keys_is_found(tmp_path: Path, statement: str) -> None:
    service = open_service(tmp_path)
    fill(service, 2)
    rotate(service.engine, KeyRing(tmp_path / "keys", LOG), BY)
    fill(service, 2)
    before = check(service)
    with service.engine.begin() as connection:
        connection.execute(text(statement))
    assert before.ok
    assert not check(service).ok
    service.engine.dispose()


def _without_the_announcement(connection: Connection) -> None:
    connection.execute(delete(tables.entry).where(tables.entry.c.kind == "key"))


def _with_another_key_announced(connection: Connection) -> None:
    raw = connection.execute(select(tables.entry.c.canonical).where(tables.entry.c.kind == "key")).scalar_one()
    other = str(Ed25519Signer(LOG, Ed25519PrivateKey.generate()).verifier_key).encode()
    place = raw.index(b'"new":"') + 7
    connection.execute(update(tables.entry).where(tables.entry.c.kind == "key").values(canonical=raw[:place] + other + raw[place + len(other) :]))


@pytest.mark.parametrize("alter", [_without_the_announcement, _with_another_key_announced])
def test_h10_an_altered_announcement_is_named_and_nothing_after_it(world: tuple[LedgerService, Ed25519Signer], alter: Callable[[Connection], None]) -> None:
    service, _ = world
    with service.engine.begin() as connection:
        alter(connection)
    report = check(service)
    assert report.first == 3
    assert [finding for finding in report.findings if finding.what == "batch" and (finding.index or 0) > 3] == []
    assert VerifierKey.parse(str(service.verifier_key)) == service.verifier_key
