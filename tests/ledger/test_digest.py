"""A log hashes with SHA-256 or SM3 for ever, and its name says which: the whole life of an SM3 log, and its roots made anew."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from hub.core import HomeFault, initialise, open_core
from hub.ledger import merkle
from hub.ledger.batch import Pending, write
from hub.ledger.canonical import record
from hub.ledger.checkpoint import open_checkpoint
from hub.ledger.digest import SHA256, SM3, digest_of
from hub.ledger.proofs import consistency, inclusion, verify_proof
from hub.ledger.reading import entry
from hub.ledger.receipt import Receipt, batch_text, verify_receipt
from hub.settings import Settings
from hub.store.turns import writing
from tests.ledger.build import check, make_draft, open_service

pytestmark = pytest.mark.slow


def sm3(data: bytes) -> bytes:
    """SM3 of the Python interpreter's OpenSSL; the hub uses another library's."""
    return hashlib.new("sm3", data).digest()


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1 with SM3, over the leaves' bytes."""
    if len(leaves) < 2:
        return sm3(b"\0" + leaves[0]) if leaves else sm3(b"")
    k = max(2**power for power in range(20) if 2**power < len(leaves))
    return sm3(b"\1" + naive_root(leaves[:k]) + naive_root(leaves[k:]))


def test_sm3_is_that_of_the_standard() -> None:
    """GB/T 32905-2016, A.1: the digest of "abc", and OpenSSL's of what a tree hashes."""
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert SM3.leaf(b"abc") == sm3(b"\0abc")
    assert SM3.node(b"l" * 32, b"r" * 32) == sm3(b"\1" + b"l" * 32 + b"r" * 32)
    assert SM3.empty == sm3(b"")


@pytest.mark.parametrize(("log", "digest"), [
    ("huitong.ledger", SHA256), ("huitong.ledger/sm3", SM3), ("a/b/sm3", SM3),
    ("sm3", SHA256), ("a/sm3/b", SHA256), ("a/xsm3", SHA256), ("a/SM3", SHA256), ("a/sm3/", SHA256),
])  # fmt: skip
def test_the_name_tells_the_hash_function(log: str, digest: object) -> None:
    assert digest_of(log) is digest


def test_roots_and_proofs_are_those_of_the_definition() -> None:
    data = [b"%d" % number for number in range(21)]
    leaves = [SM3.leaf(one) for one in data]
    nodes = {(0, index): leaf for index, leaf in enumerate(leaves)}
    peaks: list[bytes] = []
    for size in range(22):
        root = naive_root(data[:size])
        assert merkle.fold(peaks, SM3) == root
        for index in range(size):
            path = merkle.resolve(merkle.inclusion_ranges(index, size), nodes, SM3)
            assert merkle.verify_inclusion(index, size, leaves[index], path, root, SM3)
            assert size == 1 or not merkle.verify_inclusion(index, size, leaves[index], path, root)
        for old in range(1, size):
            proof = merkle.resolve(merkle.consistency_ranges(old, size), nodes, SM3)
            assert merkle.verify_consistency(old, size, naive_root(data[:old]), root, proof, SM3)
        assert size == 0 or merkle.levels(leaves[:size], SM3)[-1] == [root]
        nodes |= {(level, index): node for level, index, node in merkle.grow(peaks, size, leaves[size : size + 1], SM3)}


def test_the_whole_life_of_an_sm3_log(tmp_path: Path) -> None:
    service = open_service(tmp_path, "hub.example/sm3")
    receipts = [service.ledger.append_sync(make_draft(f"c{number}")) for number in range(5)]
    first = service.publisher.publish_all()
    receipts += [service.ledger.append_sync(make_draft(f"c{number}")) for number in range(5, 12)]
    last = service.publisher.publish_all()
    assert first is not None
    assert last is not None
    key = service.verifier_key
    with service.engine.connect() as connection:
        stored = [entry(connection, seq) for seq in range(12)]
        raw = [one.canonical for one in stored if one is not None]
        proofs, between = [inclusion(connection, seq) for seq in range(12)], consistency(connection, 5, 12)
    assert (first.root, last.root) == (naive_root(raw[:5]), naive_root(raw))
    assert open_checkpoint(last.note, [key]).root == last.root
    assert between is not None
    assert merkle.verify_consistency(5, 12, first.root, last.root, between, SM3)
    for canonical, receipt, proof in zip(raw, receipts, proofs, strict=True):
        assert receipt.leaf == sm3(b"\0" + canonical)
        assert verify_receipt(Receipt.from_json(receipt.as_json()), key)
        assert proof is not None
        assert verify_proof(proof, receipt.leaf, [key])
    report = check(service, checkpoints=[first.note], receipts=receipts)
    assert report.ok, report.findings
    assert (report.entries, report.published, report.receipts) == (12, 12, 12)
    service.engine.dispose()


def test_a_batch_of_several_has_an_sm3_root(tmp_path: Path) -> None:
    service = open_service(tmp_path, "hub.example/sm3")

    drafts = [make_draft(f"c{number}") for number in range(3)]
    with writing(service.engine) as connection:
        made = write(connection, [Pending(draft, record(draft, service.ledger.log)) for draft in drafts], service.signer)
    receipts = [receipt for receipt in made if isinstance(receipt, Receipt)]
    root = sm3(b"\1" + sm3(b"\1" + receipts[0].leaf + receipts[1].leaf) + receipts[2].leaf)
    assert {receipt.batch_root for receipt in receipts} == {root}
    assert all(verify_receipt(receipt, service.verifier_key) for receipt in receipts)
    assert base64.b64encode(root) in batch_text(service.ledger.log, 0, 3, root)
    assert check(service).ok
    service.engine.dispose()


def test_a_home_keeps_the_hash_function_of_its_log(tmp_path: Path) -> None:
    initialise(Settings(home=tmp_path, ledger_digest="SM3"))
    core = open_core(Settings(home=tmp_path))
    assert core.ledger.log == "huitong.ledger/sm3"
    core.close()
    with pytest.raises(HomeFault, match="hashes with SM3"):
        open_core(Settings(home=tmp_path, ledger_digest="SHA256"))


def test_without_a_word_a_new_log_hashes_with_sha256(tmp_path: Path) -> None:
    initialise(Settings(home=tmp_path))
    with pytest.raises(HomeFault, match="hashes with SHA256"):
        initialise(Settings(home=tmp_path, ledger_digest="SM3"))
