"""The signing key changes under running hubs: one key signs at a time, everybody follows, and whoever lacks the new key writes nothing."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from hub.ledger import tables
from hub.ledger.append import Ledger
from hub.ledger.checkpoint import open_checkpoint
from hub.ledger.entry import EntryDraft
from hub.ledger.errors import KeyFault, KeyMissing, LedgerCorrupt, LedgerUnavailable
from hub.ledger.history import LedgerKey, as_json, read_history
from hub.ledger.keys import VerifierKey
from hub.ledger.publish import Publisher
from hub.ledger.receipt import verify_receipt
from hub.ledger.ring import KeyRing
from hub.ledger.rotation import By, endorse, rotate
from hub.ledger.service import LedgerService
from hub.ledger.verify import verify
from tests.ledger.build import LOG, check, make_draft, open_service

pytestmark = pytest.mark.fast
ONE, OTHER = By("cli:one", "cli:root", "key-1"), By("cli:other", "cli:root", "key-2")


def fill(service: LedgerService, count: int) -> None:
    for number in range(count):
        service.ledger.append_sync(make_draft(f"c{number}"))


def turn(service: LedgerService, by: By = ONE, *, lost: bool = False) -> LedgerKey:
    """A rotation as another process does it: the service learns of it by itself."""
    return rotate(service.engine, KeyRing(service.ring._directory, service.ledger.log), by, lost=lost)


def history(service: LedgerService) -> list[LedgerKey]:
    with service.engine.connect() as connection:
        return read_history(connection)


def batch_keys(service: LedgerService) -> list[str]:
    with service.engine.connect() as connection:
        return list(connection.execute(select(tables.batch.c.key).order_by(tables.batch.c.id)).scalars())


def notes(service: LedgerService) -> dict[int, str]:
    with service.engine.connect() as connection:
        return {row.size: row.note for row in connection.execute(select(tables.checkpoint))}


def wait_for(node: LedgerService) -> None:
    """Until it is ready again."""
    end = time.monotonic() + 10
    while not node.ready and time.monotonic() < end:
        time.sleep(0.02)
    assert node.ready


def signed_by(note: str, key: VerifierKey) -> bool:
    try:
        open_checkpoint(note, [key])
    except ValueError:
        return False
    return True


@pytest.fixture
def node(service: LedgerService, tmp_path: Path) -> Iterator[LedgerService]:
    """A second node of the same ledger, with a directory of keys of its own."""
    keys = tmp_path / "node" / "keys"
    keys.mkdir(parents=True, mode=0o700)
    for path in (tmp_path / "keys").iterdir():
        (keys / path.name).write_bytes(path.read_bytes())
        (keys / path.name).chmod(0o600)
    (tmp_path / "node" / "control.url").write_text(f"sqlite:///{tmp_path / 'control.db'}")
    made = open_service(tmp_path / "node")
    yield made
    made.engine.dispose()


def test_the_old_key_announces_and_the_new_one_signs_on(service: LedgerService) -> None:
    old = service.verifier_key
    fill(service, 2)
    service.publisher.publish_all()
    made = turn(service)
    receipt = service.ledger.append_sync(make_draft("after"))
    new = service.verifier_key
    assert new == made.verifier != old
    assert batch_keys(service) == [old.key_id] * 3 + [new.key_id]
    assert verify_receipt(receipt, new)
    assert not verify_receipt(receipt, old)
    service.publisher.publish_all()
    kept = notes(service)
    assert signed_by(kept[2], old)
    assert signed_by(kept[4], new)
    assert service.first_key == old
    for key in (old, new):
        with service.engine.connect() as connection:
            report = verify(connection, [key], checkpoints=list(kept.values()), receipts=[receipt])
        assert report.ok, report.findings
        assert report.warnings == []


def test_the_history_shows_what_each_key_signs_and_the_statement_convinces(service: LedgerService) -> None:
    fill(service, 3)
    turn(service)
    fill(service, 1)
    shown = as_json(LOG, history(service))
    first, second = shown["keys"]
    assert (shown["log"], shown["digest"]) == (LOG, "SHA256")
    assert {name: first[name] for name in ("reason", "announcedBy", "statement", "from")} == {
        "reason": "FIRST", "announcedBy": None, "statement": None, "from": {"batch": 0, "entry": 0, "size": 0},
    }  # fmt: skip
    assert first["until"] == second["from"] == {"batch": 4, "entry": 4, "size": 4}
    assert (second["reason"], second["announcedBy"], second["until"], second["key"]) == ("ROTATED", 3, None, str(service.verifier_key))
    text = f"huitong-key/v1\n{LOG}\nROTATED 3\n{first['key']}\n{second['key']}\n"
    assert VerifierKey.parse(first["key"]).verify(base64.b64decode(second["statement"]), text.encode())


def test_running_processes_follow_by_themselves(service: LedgerService, node: LedgerService, tmp_path: Path) -> None:
    fill(node, 1)
    for _ in range(3):
        turn(service)
        for path in (tmp_path / "keys").glob("ledger-signing-*.pem"):
            (tmp_path / "node" / "keys" / path.name).write_bytes(path.read_bytes())
            (tmp_path / "node" / "keys" / path.name).chmod(0o600)
        fill(node, 1)
        fill(service, 1)
        node.publisher.publish_all()
    assert node.verifier_key == service.verifier_key == history(service)[-1].verifier
    assert len(set(batch_keys(service))) == 4
    assert check(service).ok


@pytest.mark.anyio
async def test_a_node_without_the_new_key_writes_nothing_until_it_has_it(service: LedgerService, node: LedgerService, tmp_path: Path) -> None:
    await node.start()
    await node.ledger.append(make_draft("before"))
    made = turn(service)
    with pytest.raises(LedgerUnavailable, match=f"signed with the key {made.verifier.key_id}.*copy keys/"):
        await node.ledger.append(make_draft("without"))
    assert not node.ready
    assert (node.ring.missing, node.ledger.failing) == (made.verifier.key_id, True)
    name = f"ledger-signing-{made.verifier.key_id}.pem"
    (tmp_path / "node" / "keys" / name).write_bytes((tmp_path / "keys" / name).read_bytes())
    (tmp_path / "node" / "keys" / name).chmod(0o600)
    await asyncio.to_thread(wait_for, node)
    receipt = await node.ledger.append(make_draft("with"))
    await node.close()
    assert verify_receipt(receipt, made.verifier)
    assert receipt.entry == 2
    assert check(service).ok


def test_a_key_that_was_replaced_signs_nothing_more(service: LedgerService) -> None:
    stale, writer = service.signer, Ledger(service.engine, service.signer)
    writer.append_sync(make_draft("before"))
    turn(service)
    with pytest.raises(LedgerUnavailable, match=f"not with {stale.key_id}"):
        writer.append_sync(make_draft("after"))
    assert len(batch_keys(service)) == 2
    assert check(service).ok


def test_no_checkpoint_of_the_new_key_lies_before_its_announcement(service: LedgerService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ledger.publish.STEP", 2)
    old = service.verifier_key
    fill(service, 3)
    service.publisher.publish()
    fill(service, 4)
    turn(service)
    fill(service, 3)
    service.publisher.publish_all()
    assert {size: signed_by(note, old) for size, note in notes(service).items()} == {2: True, 8: False, 10: False, 11: False}
    assert check(service).ok


def test_a_checkpoint_begun_under_the_old_key_is_not_stored(service: LedgerService) -> None:
    class Slow:
        """Signs nothing itself; meanwhile the key changes."""

        def line(self, _text: str) -> None:
            turn(service)

    fill(service, 1)
    assert Publisher(service.engine, service.ring, further=[Slow()]).publish() is None
    assert notes(service) == {}
    service.publisher.publish_all()
    assert list(notes(service)) == [2]


def test_a_lost_key_is_replaced_without_it_and_endorsed_by_another(service: LedgerService, tmp_path: Path) -> None:
    old = service.verifier_key
    fill(service, 2)
    service.publisher.publish_all()
    (tmp_path / "keys" / "ledger-signing.pem").unlink()
    with pytest.raises(KeyMissing, match="rotate --lost"):
        turn(service)
    made = turn(service, lost=True)
    again = open_service(tmp_path)
    fill(again, 1)
    again.publisher.publish_all()
    assert batch_keys(again) == [old.key_id] * 2 + [made.verifier.key_id] * 2
    assert (made.first, made.size, made.batch) == (2, 3, 2)
    report = check(again)
    assert report.ok, report.findings
    assert "not endorsed" in report.warnings[0]
    with again.engine.connect() as connection:
        believing_the_old = verify(connection, [old])
    assert [(finding.what, finding.index) for finding in believing_the_old.findings] == [("key", 2)]
    assert "get it by a way you trust" in believing_the_old.findings[0].message
    for by, key in ((ONE, made.verifier.key_id), (OTHER, old.key_id), (OTHER, "00000000")):
        with pytest.raises(KeyFault):
            endorse(again.engine, again.ring, by, key)
    endorse(again.engine, again.ring, OTHER, made.verifier.key_id)
    with pytest.raises(KeyFault, match="waits"):
        endorse(again.engine, again.ring, OTHER, made.verifier.key_id)
    report = check(again)
    assert (report.ok, report.warnings, history(again)[-1].endorsed) == (True, [], 4)
    again.engine.dispose()


def test_a_head_that_names_a_replaced_key_is_told_and_not_opened(service: LedgerService, tmp_path: Path) -> None:
    """Whoever holds the database alone can make the hub sign with a key that may be known to others: not unseen."""
    old = service.verifier_key
    turn(service)
    fill(service, 1)
    service.publisher._look()
    assert service.publisher.fault is None
    with service.engine.begin() as connection:
        connection.execute(update(tables.head).values(key=old.key_id))
    fill(service, 1)
    service.publisher._look()
    assert "is signed with a key that is not the last of its history" in (service.publisher.fault or "")
    with pytest.raises(LedgerCorrupt, match="last of its history"):
        open_service(tmp_path)


@pytest.mark.parametrize(("actor", "ok"), [("cli:one", False), ("cli:other", True)])
def test_nobody_endorses_alone_whatever_the_database_says(service: LedgerService, actor: str, ok: bool) -> None:
    """Whoever holds the database and the key writes the entry and the row beside the hub's own check."""
    made = turn(service, lost=True)
    draft = EntryDraft(kind="key", call="k", outcome="OK", operation="endorseLedgerKey", details={"actor": actor, "key": str(made.verifier)})
    seq = service.ledger.append_sync(draft).entry
    with service.engine.begin() as connection:
        connection.execute(update(tables.key).where(tables.key.c.number == 1).values(endorsed=seq))
    report = check(service)
    assert report.ok is ok
    assert ok or [(finding.what, finding.index) for finding in report.findings] == [("key", seq)]


def test_a_log_from_before_names_the_key_it_was_signed_with(service: LedgerService, tmp_path: Path) -> None:
    fill(service, 2)
    with service.engine.begin() as connection:
        connection.execute(update(tables.head).values(key=None))
        connection.execute(delete(tables.key))
    again = open_service(tmp_path)
    fill(again, 1)
    assert history(again) == [LedgerKey(service.verifier_key)]
    assert check(again).ok
    again.engine.dispose()


def test_a_home_without_the_key_makes_none_of_its_own(service: LedgerService, tmp_path: Path) -> None:
    fill(service, 1)
    (tmp_path / "keys" / "ledger-signing.pem").unlink()
    with pytest.raises(KeyMissing, match="copy keys/"):
        open_service(tmp_path)
    assert list((tmp_path / "keys").glob("ledger-signing*")) == []
