"""Which key may vouch for what: unknown keys, former keys, histories (H10)."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.ledger.checkpoint import sign_checkpoint
from hub.ledger.keys import Ed25519Signer
from hub.ledger.merkle import leaf_hash
from hub.ledger.receipt import Receipt, batch_text
from tests.ledger.build import LOG
from tests.verifier.build import Log
from tests.verifier.conftest import Tell

pytestmark = pytest.mark.fast
OLD, MIDDLE, NEW = (Ed25519Signer(LOG, Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)) for number in (1, 2, 3))
Change = tuple[Ed25519Signer, str, int | None]
ROTATIONS: list[Change] = [(OLD, "FIRST", None), (MIDDLE, "ROTATED", 4), (NEW, "ROTATED", 9)]


def history(changes: Sequence[Change], **forged: Any) -> bytes:
    """A key history as ``GET /ledger/keys`` shows it; ``forged`` fields replace those of the last key."""
    shown: list[dict[str, Any]] = []
    for signer, reason, at in changes:
        starts = {"batch": len(shown), "entry": 0 if at is None else at + (reason == "ROTATED"), "size": 0 if at is None else at + 1}
        statement = None
        if shown:
            old = changes[len(shown) - 1][0]
            text = f"huitong-key/v1\n{LOG}\n{reason} {at}\n{old.verifier_key}\n{signer.verifier_key}\n".encode()
            statement = base64.b64encode((old if reason == "ROTATED" else signer).sign(text)).decode()
            shown[-1]["until"] = starts
        one = {"key": str(signer.verifier_key), "id": signer.key_id, "reason": reason, "announcedBy": at, "endorsedBy": None}
        shown.append({**one, "from": starts, "until": None, "statement": statement})
    shown[-1] |= forged
    return orjson.dumps({"log": LOG, "digest": "SHA256", "keys": shown})


def receipt(signer: Ed25519Signer, entry: int) -> bytes:
    """A receipt of an entry that is alone in its batch."""
    leaf = leaf_hash(b"entry")
    return orjson.dumps(Receipt("call", entry, leaf, (), signer.sign(batch_text(LOG, entry, 1, leaf)), 0, 1, leaf, signer.key_id).as_json())


@pytest.mark.parametrize(
    ("signer", "entry", "code"),
    [(OLD, 0, 0), (OLD, 4, 0), (OLD, 5, 1), (MIDDLE, 4, 1), (MIDDLE, 5, 0), (MIDDLE, 9, 0), (MIDDLE, 10, 1), (NEW, 9, 1), (NEW, 10, 0), (NEW, 10**9, 0)],
)
@pytest.mark.parametrize("trusted", [[OLD], []], ids=["first", "history"])
def test_h10_a_receipt_is_believed_of_the_key_that_was_in_force(
    log: Log, tell: Tell, trusted: list[Ed25519Signer], signer: Ed25519Signer, entry: int, code: int
) -> None:
    keys = [part for one in trusted for part in ("--key", log.file("trusted.key", str(one.verifier_key).encode()))]
    path = log.file("receipt.json", receipt(signer, entry))
    assert tell("receipt", path, *keys, "--key", log.file("keys.json", history(ROTATIONS)))[0] == code


@pytest.mark.parametrize(("signer", "size", "code"), [(OLD, 4, 0), (OLD, 5, 1), (MIDDLE, 4, 1), (MIDDLE, 5, 0), (MIDDLE, 9, 0), (MIDDLE, 10, 1), (NEW, 10, 0)])
def test_h10_a_checkpoint_is_believed_of_the_key_that_was_in_force(log: Log, tell: Tell, signer: Ed25519Signer, size: int, code: int) -> None:
    path = log.file("checkpoint.txt", sign_checkpoint(size, b"r" * 32, signer).note.encode())
    got, report = tell("checkpoint", path, "--key", log.file("keys.json", history(ROTATIONS)))
    assert got == code
    assert not code or "not in force" in report["findings"][0]["en"]


@pytest.mark.parametrize("content", [b"hello", b'{"errors":[{"message":"no such address"}]}', b"{", b"a+b+c", b"\xff"])
def test_a_file_that_holds_no_key_is_named(log: Log, tell: Tell, content: bytes) -> None:
    path = log.file("receipt.json", receipt(OLD, 0))
    code, report = tell("receipt", path, "--key", log.file("good.key", str(OLD.verifier_key).encode()), "--key", log.file("fetched.key", content))
    assert code == 3
    assert all("fetched.key" in report["findings"][0][language] for language in ("zh", "en"))


def test_a_key_may_come_through_a_pipe(log: Log, tell: Tell) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, f"{OLD.verifier_key}\n".encode())
    os.close(theirs)
    assert tell("receipt", log.file("receipt.json", receipt(OLD, 0)), "--key", f"/dev/fd/{ours}")[0] == 0
    os.close(ours)


def test_h10_nobody_believes_the_key_after_a_lost_one_by_the_log_alone(log: Log, tell: Tell) -> None:
    lost = log.file("keys.json", history([(OLD, "FIRST", None), (MIDDLE, "LOST", 4), (NEW, "ROTATED", 9)]))
    old, middle = (log.file(f"{one.key_id}.key", str(one.verifier_key).encode()) for one in (OLD, MIDDLE))
    ways = {
        key: [tell("receipt", log.file("r.json", receipt(*one)), "--key", key, "--key", lost)[0] for one in ((OLD, 3), (MIDDLE, 5), (NEW, 10))]
        for key in (old, middle)
    }
    assert ways == {old: [0, 1, 1], middle: [0, 0, 0]}
    assert tell("receipt", log.file("r.json", receipt(MIDDLE, 4)), "--key", middle, "--key", lost)[0] == 0
    assert tell("receipt", log.file("r.json", receipt(OLD, 4)), "--key", middle, "--key", lost)[0] == 1


def test_h10_an_earlier_key_is_not_believed_on_its_own_word(log: Log, tell: Tell) -> None:
    """Anybody can sign that the trusted key follows one of their own."""
    keys = log.file("keys.json", history(ROTATIONS))
    middle = log.file("middle.key", str(MIDDLE.verifier_key).encode())
    assert [tell("receipt", log.file("r.json", receipt(*one)), "--key", middle, "--key", keys)[0] for one in ((OLD, 3), (MIDDLE, 5), (NEW, 10))] == [1, 0, 0]


@pytest.mark.parametrize(
    "forged",
    [
        {"announcedBy": 8},
        {"announcedBy": None},
        {"reason": "FIRST"},
        {"reason": "LOST"},
        {"reason": "WHY"},
        {"id": OLD.key_id},
        {"key": str(OLD.verifier_key)},
        {"statement": None},
        {"statement": base64.b64encode(OLD.sign(b"other")).decode()},
        {"from": {"batch": 2, "entry": 5, "size": 10}},
        {"from": {"batch": 2, "entry": 10, "size": 9}},
        {"until": {"batch": 9, "entry": 90, "size": 90}},
    ],
)
def test_a_history_that_was_altered_is_refused(log: Log, tell: Tell, forged: dict[str, Any]) -> None:
    keys = log.file("keys.json", history(ROTATIONS, **forged))
    assert tell("receipt", log.file("r.json", receipt(NEW, 10)), "--key", keys)[0] in (1, 3)


def test_strangers_keys_and_keys_of_witnesses_are_refused(log: Log, tell: Tell) -> None:
    path = log.file("receipt.json", receipt(NEW, 10))
    assert tell("receipt", path, "--key", log.key)[0] == 1
    assert tell("receipt", path, "--key", log.file("x.key", str(NEW.verifier_key).replace("A", "B").encode()))[0] == 3
    other = Ed25519Signer("other.example/ledger", Ed25519PrivateKey.generate())
    signed = sign_checkpoint(7, b"r" * 32, other).note.replace("other.example/ledger", LOG, 1)
    code, report = tell("checkpoint", log.file("c.txt", signed.encode()), "--key", log.file("o.key", str(other.verifier_key).encode()))
    assert (code, "no known key" in report["findings"][0]["en"]) == (1, True)


def test_one_command_takes_several_keys(log: Log, tell: Tell) -> None:
    whole = log.file("both.key", f"{OLD.verifier_key}\n\n{NEW.verifier_key}\n".encode())
    path = log.file("receipts.jsonl", receipt(OLD, 3) + b"\n" + receipt(NEW, 10) + b"\n\n" + receipt(MIDDLE, 5) + b"\n")
    code, report = tell("receipt", path, "--key", whole)
    assert (code, report["checked"], len(report["proven"]), report["first"]) == (1, {"receipts": 3}, 2, 5)
