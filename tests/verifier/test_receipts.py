"""Receipts, proofs, checkpoints with witnesses, and manifests: what holds, what does not, what is said."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.ledger.notes import split_note
from hub.ledger.proofs import inclusion
from hub.ledger.receipt import Receipt
from hub.witness.protocol import MOST_BYTES
from tests.verifier.build import Log, encoded
from tests.verifier.conftest import SIZES, Tell
from verifier.cli import main
from verifier.files import spelled
from verifier.keys import COSIGNATURE, Key

pytestmark = pytest.mark.fast
Shown = dict[str, Any]


class Witness:
    """A witness of the tests' own, written from C2SP tlog-cosignature."""

    def __init__(self, name: str, seed: int) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.key = Key(name, COSIGNATURE, self._private.public_key().public_bytes_raw())

    def cosign(self, note: str, at: int = 1_790_000_000) -> str:
        """The note with this witness's line under it."""
        text = note.partition("\n\n")[0] + "\n"
        signature = at.to_bytes(8, "big") + self._private.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        return f"{note}— {self.key.name} {encoded(self.key.id + signature)}\n"


def test_a_receipt_and_its_proof(log: Log, tell: Tell, receipts: list[Receipt]) -> None:
    answer = log.file("answer.json", orjson.dumps({"data": {}, "extensions": {"receipt": receipts[3].as_json()}}, option=orjson.OPT_INDENT_2))
    code, report = tell("receipt", answer, "--key", log.key, "--proof", log.proof(3))
    assert (code, report["checked"]) == (0, {"receipts": 1, "proofs": 1})
    assert report["proven"][1]["en"] == "proof verified: entry 3 is in the published tree of 7 entries"


def test_every_receipt_of_a_file_with_proofs_in_both_forms(log: Log, tell: Tell, receipts: list[Receipt]) -> None:
    whole = log.file("receipts.jsonl", b"\n".join(orjson.dumps(receipt.as_json()) for receipt in receipts))
    with log.service.engine.connect() as connection:
        proof = inclusion(connection, 5)
    assert proof is not None
    tlog = log.file("5.tlog-proof", proof.as_text().replace("index", "extra aGk=\nindex", 1).encode())
    code, report = tell("receipt", whole, "--key", log.key, "--proof", log.proof(0), "--proof", tlog, "--checkpoint", log.file("kept", log.note().encode()))
    assert (code, report["checked"], report["warnings"]) == (0, {"receipts": 7, "proofs": 2}, [])
    assert tell("receipt", log.file("list.json", orjson.dumps([{"extensions": {"receipt": one.as_json()}} for one in receipts])), "--key", log.key)[0] == 0


@pytest.mark.parametrize(
    "forge",
    [
        lambda shown: shown | {"entry": str(int(shown["entry"]) + 1)},
        lambda shown: shown | {"entry": "0"},
        lambda shown: shown | {"entry": "-1"},
        lambda shown: shown | {"index": shown["index"] + 1},
        lambda shown: shown | {"size": shown["size"] + 1},
        lambda shown: shown | {"size": 2**53},
        lambda shown: shown | {"leaf": encoded(b"l" * 32)},
        lambda shown: shown | {"leaf": shown["leaf"].rstrip("=")},
        lambda shown: shown | {"batchRoot": shown["leaf"]},
        lambda shown: shown | {"path": [*shown["path"], shown["leaf"]]},
        lambda shown: shown | {"path": shown["path"][:-1]},
        lambda shown: shown | {"path": shown["path"][::-1]},
        lambda shown: shown | {"path": [shown["leaf"]] * 65},
        lambda shown: shown | {"signature": encoded(b"s" * 64)},
        lambda shown: shown | {"key": "00000000"},
        lambda shown: shown | {"key": shown["key"].upper()[::-1]},
        lambda shown: {key: value for key, value in shown.items() if key != "path"},
    ],
)
def test_forged_receipts(log: Log, tell: Tell, receipts: list[Receipt], forge: Callable[[Shown], Shown]) -> None:
    path = log.file("receipt.json", orjson.dumps(forge(receipts[4].as_json())))
    assert tell("receipt", path, "--key", log.key)[0] in (1, 3)


@pytest.mark.parametrize(
    "forge",
    [
        lambda shown: shown | {"size": 6},
        lambda shown: shown | {"index": 5},
        lambda shown: shown | {"path": shown["path"][:-1]},
        lambda shown: shown | {"path": [*shown["path"], shown["path"][0]]},
        lambda shown: shown | {"checkpoint": shown["checkpoint"].replace("\n7\n", "\n8\n")},
        lambda shown: shown | {"checkpoint": shown["checkpoint"].partition("\n\n")[0] + "\n\n"},
        lambda shown: shown | {"checkpoint": shown["checkpoint"].replace("example", "invalid")},
    ],
)
def test_forged_proofs(log: Log, tell: Tell, receipts: list[Receipt], forge: Callable[[Shown], Shown]) -> None:
    receipt = log.file("receipt.json", orjson.dumps(receipts[4].as_json()))
    proof = log.proof(4)
    assert tell("receipt", receipt, "--key", log.key, "--proof", proof)[0] == 0
    proof.write_bytes(orjson.dumps(forge(orjson.loads(proof.read_bytes()))))
    assert tell("receipt", receipt, "--key", log.key, "--proof", proof)[0] in (1, 3)


def test_checkpoints_extend_each_other_by_proof_alone(log: Log, tell: Tell) -> None:
    notes = {size: log.file(f"{size}.txt", log.note(size).encode()) for size in SIZES}
    for old in SIZES:
        for new in SIZES:
            proof = ["--consistency", log.consistency(min(old, new), max(old, new))]
            assert tell("checkpoint", notes[old], notes[new], "--key", log.key, *proof)[0] == 0
    assert tell("checkpoint", notes[2], notes[7], "--key", log.key)[0] == 3
    assert tell("checkpoint", notes[2], notes[7], "--key", log.key, "--consistency", log.consistency(3, 7))[0] == 1
    proof = log.consistency(3, 7)
    proof.write_bytes(proof.read_bytes().replace(b'"old":3', b'"old":2'))
    assert tell("checkpoint", notes[2], notes[7], "--key", log.key, "--consistency", proof)[0] == 1


def test_witnesses(log: Log, tell: Tell) -> None:
    first, second = Witness("audit.example/witness", 1), Witness("court.example/witness", 2)
    both = log.file("both.txt", second.cosign(first.cosign(log.note())).encode())
    one = log.file("one.txt", first.cosign(log.note()).encode())
    keys = ["--witness", str(first.key), "--witness", str(log.file("second.key", f"{second.key}\n".encode()))]
    code, report = tell("checkpoint", both, "--key", log.key, *keys)
    assert (code, report["proven"][0]["en"].partition("cosigned by ")[2]) == (0, "audit.example/witness, court.example/witness")
    assert [tell("checkpoint", one, "--key", log.key, *keys, *quorum)[0] for quorum in ([], ["--quorum", "2"], ["--quorum", "1"], ["--quorum", "3"])] == [
        1,
        1,
        0,
        3,
    ]
    assert tell("checkpoint", both, "--key", log.key)[0] == 0
    *lines, name, signature = first.cosign(log.note(), 1_790_000_001).rstrip("\n").split(" ")
    raw = bytearray(base64.b64decode(signature))
    raw[20] ^= 1
    forged = log.file("forged.txt", f"{' '.join([*lines, name, encoded(bytes(raw))])}\n".encode())
    assert tell("checkpoint", forged, "--key", log.key, *keys[:2])[0] == 1
    assert tell("checkpoint", both, "--key", log.key, "--witness", str(log.service.verifier_key))[0] == 3


def test_one_witness_counts_once(log: Log, tell: Tell) -> None:
    first, second = Witness("audit.example/witness", 1), Witness("court.example/witness", 2)
    twice = log.file("twice.txt", first.cosign(first.cosign(log.note()), 1_790_000_009).encode())
    keys = ["--witness", str(first.key), "--witness", str(second.key), "--witness", str(first.key)]
    assert tell("checkpoint", twice, "--key", log.key, *keys, "--quorum", "2")[0] == 1


def test_one_key_under_two_names_is_one_witness(log: Log, tell: Tell) -> None:
    """cosignature/v1 of Ed25519 does not bind the name: one signer could otherwise make up a quorum by itself."""
    first, again = Witness("audit.example/witness", 1), Witness("court.example/witness", 1)
    both = log.file("both.txt", again.cosign(first.cosign(log.note())).encode())
    keys = ["--witness", str(first.key), "--witness", str(again.key)]
    assert tell("checkpoint", both, "--key", log.key, *keys)[0] == 0
    assert tell("checkpoint", both, "--key", log.key, *keys, "--quorum", "2")[0] == 3


def test_a_time_beyond_what_the_standard_allows_is_no_cosignature(log: Log, tell: Tell) -> None:
    witness = Witness("audit.example/witness", 1)
    for at, code in (((1 << 63) - 1, 0), (1 << 63, 1)):
        path = log.file("late.txt", witness.cosign(log.note(), at).encode())
        assert tell("checkpoint", path, "--key", log.key, "--witness", str(witness.key))[0] == code


@pytest.mark.parametrize("line", ["a+b AAAAAAA=", "a\u3000b AAAAAAA=", "a AAAAAA==", "a AAAA"])
def test_a_note_with_a_line_that_no_note_has_is_none(log: Log, tell: Tell, line: str) -> None:
    """C2SP signed-note: names without plus and spaces of Unicode, an id of four bytes and a signature behind it; the hub and the verifier agree."""
    note = f"{log.note()}\N{EM DASH} {line}\n"
    assert tell("checkpoint", log.file("odd.txt", note.encode()), "--key", log.key)[0] == 3
    with pytest.raises(ValueError, match="under the checkpoint"):
        split_note(note)


def test_sixteen_signatures_of_the_longest_kind_are_read(log: Log, tell: Tell) -> None:
    """C2SP signed-note: at least 16, and such of nearly 5 kB are to be expected."""
    others = "".join(f"\N{EM DASH} other.example/{number} {encoded(bytes(5000))}\n" for number in range(15))
    note = log.note() + others
    assert tell("checkpoint", log.file("many.txt", note.encode()), "--key", log.key)[0] == 0
    assert len(split_note(note)[1]) == 16
    assert len(note.encode()) + 64 * 45 < MOST_BYTES


def test_a_kept_checkpoint_that_a_receipt_alone_cannot_meet_is_told(log: Log, tell: Tell, receipts: list[Receipt]) -> None:
    path, kept = log.file("r.json", orjson.dumps(receipts[1].as_json())), log.file("kept.txt", log.note().encode())
    code, report = tell("receipt", path, "--key", log.key, "--checkpoint", kept)
    assert (code, "without --proof" in report["warnings"][0]["en"]) == (0, True)


def manifest(log: Log, **changed: Any) -> bytes:
    """The manifest of an exchange with one file."""
    file = {"name": "data.csv", "rows": 1, "bytes": 4, "sha256": hashlib.sha256(b"a,b\n").hexdigest()}
    plan = {"resources": ["x"], "filter": {"税额": 80.5, "率": 1e-5, "大": 1e22}, "说明": "\u2028"}
    return log.signed({"exchange": "exchange_1", "plan": plan, "policy": "p", "source_snapshot": {}, "files": [file], "ledger": {"entry": "3"}} | changed)


def test_manifests(log: Log, tell: Tell) -> None:
    path, data = log.file("manifest.json", manifest(log)), log.file("data.csv", b"a,b\n")
    code, report = tell("manifest", path, data, "--key", log.key)
    assert (code, report["checked"], report["warnings"]) == (0, {"files": 1}, [])
    assert "was not given" in tell("manifest", path, "--key", log.key)[1]["warnings"][0]["en"]
    assert tell("manifest", path, data, log.file("more.csv", b""), "--key", log.key)[0] == 1
    data.write_bytes(b"a,c\n")
    assert tell("manifest", path, data, "--key", log.key)[0] == 1
    assert tell("manifest", log.file("m.json", path.read_bytes().replace(b"exchange_1", b"exchange_2")), "--key", log.key)[0] == 1


def test_a_list_cannot_lead_out_of_its_folder(log: Log, tell: Tell) -> None:
    for name in ("../secret", "/etc/passwd", "a/b", "", ".hidden", "x\n"):
        path = log.file("manifest.json", manifest(log, files=[{"name": name, "rows": 1, "bytes": 1, "sha256": "0" * 64}]))
        assert tell("manifest", path, "--key", log.key)[0] == 3


@pytest.mark.parametrize("value", [0.1, 1e16, 1e15, 1.5e300, 1e-4, 1e-5, 1.25e-5, -1e-5, 1e-6, 1.25e-7, 1e-10, 5e-324, -0.0, 1e21, 1e22, 123456789012345680.0])
def test_fractions_are_spelled_as_the_hub_spells_them(value: float) -> None:
    assert spelled({"b": [value, None, True, "é\u2028\x7f\x1b"], "a": 1}).encode() == orjson.dumps(
        {"b": [value, None, True, "é\u2028\x7f\x1b"], "a": 1}, option=orjson.OPT_SORT_KEYS
    )


@pytest.mark.parametrize("arguments", [[], ["receipt"], ["nonsense"], ["receipt", "x"], ["checkpoint", "x", "--key", "y", "--quorum", "-1"]])
def test_wrong_use_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage: huitong-verify" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["receipt", "checkpoint", "export", "archive", "manifest"])
def test_help_shows_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"huitong-verify {command}" in capsys.readouterr().out.partition("Example:")[2]


def test_long_files_do_not_make_long_reports(log: Log, tell: Tell, receipts: list[Receipt], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.report.SHOWN", 3)
    monkeypatch.setattr("verifier.report.LIMIT", 2)
    sound, forged = (orjson.dumps(one) + b"\n" for one in (receipts[0].as_json(), receipts[0].as_json() | {"entry": "9"}))
    code, report = tell("receipt", log.file("many.jsonl", sound * 9 + forged * 5), "--key", log.key)
    assert (code, report["checked"], len(report["proven"]), len(report["findings"]), report["omitted"]) == (1, {"receipts": 14}, 3, 2, 3)
