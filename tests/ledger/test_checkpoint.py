"""Checkpoints and proofs: published trees extend each other, and a proof convinces someone who has only the public key."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, text, update

from hub.ledger import tables
from hub.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from hub.ledger.errors import LedgerCorrupt
from hub.ledger.keys import Ed25519Signer, VerifierKey
from hub.ledger.merkle import leaf_hash, verify_consistency
from hub.ledger.notes import SignatureLine
from hub.ledger.proofs import InclusionProof, consistency, inclusion, latest_checkpoint, verify_proof
from hub.ledger.publish import Publisher
from hub.ledger.reading import entry
from hub.ledger.service import LedgerService
from tests.ledger.build import LOG, check, make_draft, open_service

pytestmark = pytest.mark.fast

# The example that the checkpoint's specification (c2sp.org/tlog-checkpoint) shows, and the public key that Go's note package documents for its own.
NOTE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NOTE_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="


def fill(service: LedgerService, count: int) -> None:
    for number in range(count):
        service.ledger.append_sync(make_draft(f"c{number}"))


def test_keys_and_signatures_are_those_of_go_notes() -> None:
    key = VerifierKey.parse(NOTE_KEY)
    assert str(key) == NOTE_KEY
    raw = base64.b64decode(NOTE_SIGNATURE)
    assert raw[:4] == key.raw_id
    assert key.verify(raw[4:], NOTE_TEXT.encode())


def test_a_checkpoint_is_three_lines_and_a_signature(service: LedgerService) -> None:
    fill(service, 5)
    made = service.publisher.publish_all()
    assert made is not None
    lines = made.note.split("\n")
    assert lines[:2] == [LOG, "5"]
    assert lines[3] == ""
    assert lines[4].startswith(f"\N{EM DASH} {LOG} ")
    assert open_checkpoint(made.note, [service.verifier_key]) == made


def test_nothing_new_publishes_nothing(service: LedgerService) -> None:
    assert service.publisher.publish() is None
    fill(service, 2)
    assert service.publisher.publish() is not None
    assert service.publisher.publish() is None


def test_witnesses_signatures_are_passed_over_and_foreign_ones_refused(service: LedgerService, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = open_service(tmp_path / "other").signer
    note = sign_checkpoint(3, bytes(32), service.signer).note
    witnessed = note + sign_checkpoint(3, bytes(32), other).note.rpartition("\n\n")[2].replace(LOG, "witness.example")
    assert open_checkpoint(witnessed, [service.verifier_key]).size == 3
    with pytest.raises(ValueError, match="no signature of a known key"):
        open_checkpoint(note, [other.verifier_key])


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_altered_checkpoint_opens(data: st.DataObject) -> None:
    key = VerifierKey.parse(NOTE_KEY)
    note = f"{NOTE_TEXT}\n\N{EM DASH} PeterNeumann {NOTE_SIGNATURE}\n".encode()
    place = data.draw(st.integers(0, len(note) - 1))
    altered = note[:place] + bytes([note[place] ^ data.draw(st.integers(1, 255))]) + note[place + 1 :]
    with pytest.raises(ValueError, match=r"note|sign|checkpoint|base64"):
        open_checkpoint(altered.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode(), [key])


def test_proofs_hold_for_every_entry_and_every_pair_of_sizes(service: LedgerService) -> None:
    heads = []
    for _ in range(13):
        fill(service, 1)
        made = service.publisher.publish()
        assert made is not None
        heads.append(made)
    with service.engine.connect() as connection:
        for seq in range(13):
            proof, found = inclusion(connection, seq), entry(connection, seq)
            assert proof is not None
            assert found is not None
            assert verify_proof(proof, found.leaf, [service.verifier_key])
            assert not verify_proof(proof, leaf_hash(b"forged"), [service.verifier_key])
            assert not verify_proof(InclusionProof((seq + 1) % 13, 13, proof.path, proof.checkpoint), found.leaf, [service.verifier_key])
            assert not verify_proof(InclusionProof(seq, 12, proof.path, heads[11].note), found.leaf, [service.verifier_key])
        for old in range(1, 14):
            for new in range(old, 14):
                path = consistency(connection, old, new)
                assert path is not None
                assert verify_consistency(old, new, heads[old - 1].root, heads[new - 1].root, path)


def test_a_known_key_of_another_log_signs_nothing_for_this_one(service: LedgerService) -> None:
    """Whoever trusts two logs does not let one speak for the other."""
    fill(service, 1)
    receipt = service.ledger.append_sync(make_draft("c1"))
    service.publisher.publish_all()
    with service.engine.connect() as connection:
        proof = inclusion(connection, receipt.entry)
    assert proof is not None
    other = Ed25519Signer("other.example/ledger", Ed25519PrivateKey.generate())
    keys = [service.verifier_key, other.verifier_key]
    assert verify_proof(proof, receipt.leaf, keys)
    text = proof.checkpoint.partition("\n\n")[0] + "\n"
    line = SignatureLine(other.verifier_key.name, other.verifier_key.raw_id, other.sign(text.encode()))
    forged = f"{text}\n{line}"
    with pytest.raises(ValueError, match="known key"):
        open_checkpoint(forged, keys)
    assert not verify_proof(replace(proof, checkpoint=forged), receipt.leaf, keys)


def test_an_entry_has_no_proof_until_it_is_published(service: LedgerService) -> None:
    fill(service, 2)
    service.publisher.publish()
    fill(service, 1)
    with service.engine.connect() as connection:
        assert inclusion(connection, 1) is not None
        assert inclusion(connection, 2) is None
        assert inclusion(connection, -1) is None
        assert consistency(connection, 1, 3) is None


def test_a_proof_reads_few_rows_in_few_statements(service: LedgerService) -> None:
    fill(service, 40)
    service.publisher.publish()
    statements: list[str] = []
    event.listen(service.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    with service.engine.connect() as connection:
        assert inclusion(connection, 17) is not None
    assert sum(statement.startswith("SELECT") for statement in statements) <= 3


def test_no_statement_of_a_proof_or_checkpoint_reads_a_table_from_end_to_end(service: LedgerService) -> None:
    """In ten million entries such a statement takes as long as a thousand others."""
    for number in range(40):
        service.ledger.append_sync(make_draft(f"call-{number}"))
    service.publisher.publish()
    statements: list[tuple[str, tuple[object, ...]]] = []
    event.listen(service.engine, "before_cursor_execute", lambda _c, _k, statement, parameters, _x, _m: statements.append((statement, parameters)))
    service.ledger.append_sync(make_draft("last"))
    service.publisher.publish()
    with service.engine.connect() as connection:
        assert inclusion(connection, 17) is not None
        assert consistency(connection, 21, 40) is not None
        asked = [(statement, parameters) for statement, parameters in statements if statement.startswith("SELECT") and "ledger_" in statement]
        plans = {statement: connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all() for statement, parameters in asked}
    small = ("ledger_head", "ledger_key", "few")
    read_whole = [step.detail for plan in plans.values() for step in plan if step.detail.startswith("SCAN") and "USING" not in step.detail]
    assert [detail for detail in read_whole if not any(name in detail for name in small)] == []
    assert any("ledger_node" in statement for statement in plans)


def test_the_text_form_is_that_of_tlog_proof(service: LedgerService) -> None:
    fill(service, 6)
    service.publisher.publish()
    with service.engine.connect() as connection:
        proof, note = inclusion(connection, 2), latest_checkpoint(connection)
    assert proof is not None
    assert note is not None
    head, _, rest = proof.as_text().partition("\n\n")
    lines = head.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 2"]
    assert [base64.b64decode(line) for line in lines[2:]] == list(proof.path)
    assert rest == note
    assert proof.as_json()["checkpoint"] == note


def test_a_log_of_one_entry_has_an_empty_path(service: LedgerService) -> None:
    fill(service, 1)
    service.publisher.publish()
    with service.engine.connect() as connection:
        proof = inclusion(connection, 0)
    assert proof is not None
    assert proof.as_text().startswith(f"c2sp.org/tlog-proof@v1\nindex 0\n\n{LOG}\n1\n")


def test_large_logs_are_integrated_in_steps(service: LedgerService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ledger.publish.STEP", 4)
    fill(service, 11)
    made = service.publisher.publish_all()
    assert made is not None
    assert made.size == 11
    report = check(service)
    assert report.ok
    assert (report.checkpoints, report.published) == (3, 11)


def test_an_inconsistent_tree_is_never_signed(service: LedgerService) -> None:
    fill(service, 4)
    service.publisher.publish()
    with service.engine.begin() as connection:
        connection.execute(update(tables.node).where(tables.node.c.level == 2).values(hash=bytes(32)))
    fill(service, 1)
    with pytest.raises(LedgerCorrupt, match="entries 0 to 3"):
        service.publisher.publish()
    assert check(service).checkpoints == 1


def test_an_entry_altered_before_publication_is_never_signed(service: LedgerService) -> None:
    fill(service, 3)
    with service.engine.begin() as connection:
        raw = connection.execute(tables.entry.select().where(tables.entry.c.seq == 1)).one().canonical
        connection.execute(update(tables.entry).where(tables.entry.c.seq == 1).values(canonical=raw.replace(b"rent", b"spam")))
    with pytest.raises(LedgerCorrupt, match="entry 1 was altered"):
        service.publisher.publish()


def test_a_missing_entry_is_never_signed_over(service: LedgerService) -> None:
    fill(service, 3)
    with service.engine.begin() as connection:
        connection.execute(delete(tables.entry).where(tables.entry.c.seq == 1))
    with pytest.raises(LedgerCorrupt, match="entry 1 is missing"):
        service.publisher.publish()


def test_a_ledger_set_back_is_not_signed_anew(service: LedgerService) -> None:
    fill(service, 3)
    service.publisher.publish()
    with service.engine.begin() as connection:
        connection.execute(delete(tables.checkpoint))
        connection.execute(delete(tables.node))
    with pytest.raises(LedgerCorrupt, match="set back"):
        service.publisher.publish()
    service.publisher._look()
    assert service.publisher.fault is not None
    assert not service.ready


def test_two_publishers_make_one_line_of_checkpoints(service: LedgerService) -> None:
    second = Publisher(service.engine, service.signer)
    for _ in range(4):
        fill(service, 2)
        service.publisher.publish()
        fill(service, 1)
        second.publish()
    report = check(service)
    assert report.ok
    assert report.published == 12


@pytest.mark.anyio
async def test_the_running_service_publishes_by_itself_and_at_its_end(service: LedgerService) -> None:
    await service.start()
    assert service.ready
    await service.ledger.append(make_draft())
    await service.close()
    with service.engine.connect() as connection:
        assert inclusion(connection, 0) is not None


def test_what_comes_while_it_publishes_waits_for_the_next_look(service: LedgerService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a busy log something is new behind every checkpoint: one that published until nothing is would sign without end."""
    monkeypatch.setattr("hub.ledger.publish.STEP", 4)
    fill(service, 10)
    publisher, sizes = service.publisher, list[int]()
    publish = publisher.publish

    def beside_callers() -> Checkpoint | None:
        fill(service, 1)
        made = publish()
        sizes.append(made.size if made else 0)
        return made

    monkeypatch.setattr(publisher, "publish", beside_callers)
    publisher.publish_all()
    assert sizes == [4, 8, 12, 14]
    # Nor is the end of a process put off by what other processes write.
    publisher.close()
    publisher._run()
    assert sizes == [4, 8, 12, 14, 15]


def test_a_publisher_that_meets_what_it_cannot_read_says_so_and_goes_on(service: LedgerService) -> None:
    """A row of another type than the column's, which SQLite takes: readiness tells, and the thread does not end unseen."""
    fill(service, 3)
    service.publisher.publish_all()
    fill(service, 1)
    with service.engine.begin() as connection:
        leaf = connection.execute(text("SELECT leaf FROM ledger_entry WHERE seq = 2")).scalar_one()
        connection.execute(text("UPDATE ledger_entry SET leaf = 'no bytes' WHERE seq = 2"))
    service.publisher._look()
    assert (service.publisher.fault or "").startswith("no checkpoint")
    with service.engine.begin() as connection:
        connection.execute(text("UPDATE ledger_entry SET leaf = :leaf WHERE seq = 2"), {"leaf": leaf})
    service.publisher._look()
    assert service.publisher.fault is None
