"""Exports and archives: what is sound is shown to be, what is not is named."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import orjson
import pytest

from hub.ledger.checkpoint import sign_checkpoint
from hub.ledger.receipt import Receipt
from tests.ledger.build import open_service
from tests.verifier.build import Line, Log, encoded, fill, line
from tests.verifier.conftest import SIZES, Tell

pytestmark = pytest.mark.fast


def joined(lines: list[Line]) -> bytes:
    return b"".join(map(line, lines))


@pytest.mark.parametrize(("first", "count", "size"), [(0, 7, 7), (0, 2, 7), (2, 4, 6), (3, 1, 7), (5, 2, 7), (6, 1, 7), (7, 0, 7)])
def test_segments_anywhere_are_whole_under_any_later_checkpoint(log: Log, tell: Tell, first: int, count: int, size: int) -> None:
    path = log.file("part.jsonl", joined(log.segment(first, count, size)))
    code, report = tell("export", path, "--key", log.key)
    assert (code, report["findings"], report["checked"].get("entries", 0)) == (0, [], count)
    assert report["logs"] == [log.name]
    packed = log.file("part.jsonl.gz", gzip.compress(path.read_bytes()))
    assert tell("export", packed, "--key", log.key)[0] == 0


def test_extracts_hold_chosen_entries(log: Log, tell: Tell) -> None:
    path = log.file("mine.jsonl", log.sealed(log.extract([0, 1, 4, 6], 7, about={"by": "housing"})))
    code, report = tell("export", path, "--key", log.key)
    assert (code, report["checked"]) == (0, {"entries": 4})
    assert [one["en"].partition(": ")[2] for one in report["proven"]][-1] == "what it says of itself is signed"


def test_an_extract_without_its_closing_line_is_refused(log: Log, tell: Tell) -> None:
    path = log.file("mine.jsonl", joined(log.extract([1, 4], 7)))
    code, report = tell("export", path, "--key", log.key)
    assert code == 1
    assert "closing line is missing" in report["findings"][0]["en"]


def test_held_checkpoints_and_receipts_are_compared(log: Log, tell: Tell, tmp_path: Path) -> None:
    whole = log.file("all.jsonl", joined(log.segment(0, 7, 7)))
    kept = [log.file(f"kept-{size}.txt", log.note(size).encode()) for size in SIZES]
    arguments = [part for path in kept for part in ("--checkpoint", path)]
    assert tell("export", whole, "--key", log.key, *arguments)[1]["warnings"] == []
    later = log.file("later.jsonl", joined(log.segment(3, 2, 7)))
    code, report = tell("export", later, "--key", log.key, *arguments)
    assert code == 0
    assert len(report["warnings"]) == len([size for size in SIZES if not 3 <= size <= 5 and size != 7]), "7 is the size of the file's own"


def test_a_file_under_another_tree_than_the_one_kept_is_refused(log: Log, tell: Tell) -> None:
    """The operator signs a second history with the key: whoever holds the first checkpoint of this size finds it, whatever file is shown."""
    signer = log.service.signer
    kept = log.file("kept.txt", sign_checkpoint(7, bytes(32), signer).note.encode())
    shown = {"part": joined(log.segment(0, 3, 7)), "mine": log.sealed(log.extract([1, 4], 7))}
    for name, content in shown.items():
        code, report = tell("export", log.file(f"{name}.jsonl", content), "--key", log.key, "--checkpoint", kept)
        assert (code, report["warnings"]) == (1, []), name
        assert "two histories" in report["findings"][0]["en"]
    same = log.file("same.txt", log.note(7).encode())
    for name in shown:
        code, report = tell("export", log.folder / f"{name}.jsonl", "--key", log.key, "--checkpoint", same)
        assert (code, report["warnings"]) == (0, []), "the same tree was compared"


def test_every_file_is_compared_with_what_was_kept(log: Log, tell: Tell, receipts: list[Receipt]) -> None:
    """A true file beside a forged one does not use up the evidence."""
    true = log.file("true.jsonl", joined(log.segment(0, 7, 7)))
    (log.folder / "forged").mkdir()
    forged_service = open_service(log.folder / "forged", log.name)
    fill(forged_service, (2, 1, 3, 1), "forged")
    keys = ["--key", log.key, "--key", log.file("other.key", f"{forged_service.verifier_key}\n".encode())]
    forged = log.file("forged.jsonl", joined(Log(forged_service, log.folder / "forged").segment(0, 7, 7)))
    for evidence in (("--checkpoint", log.file("kept.txt", log.note(3).encode())), ("--receipts", log.file("kept.json", orjson.dumps(receipts[4].as_json())))):
        assert tell("export", true, *keys, *evidence)[0] == 0
        assert tell("export", true, forged, *keys, *evidence)[0] == 1
        assert tell("export", forged, true, *keys, *evidence)[0] == 1
    forged_service.engine.dispose()


def test_archives(log: Log, tell: Tell, tmp_path: Path) -> None:
    folder = log.archive(tmp_path / "archive", (0, 2, 3, 7))
    code, report = tell("archive", folder, "--key", log.key)
    assert (code, report["checked"]) == (0, {"segments": 3, "entries": 7})
    assert tell("archive", folder / "archive.json", "--key", log.key)[0] == 0
    (folder / "notes.txt").write_text("x")
    assert "notes.txt" in tell("archive", folder, "--key", log.key)[1]["warnings"][0]["en"]
    assert tell("archive", log.archive(tmp_path / "later", (3, 6, 7)), "--key", log.key)[0] == 0


def test_an_archive_with_a_segment_of_another_file_or_none_is_refused(log: Log, tell: Tell, tmp_path: Path) -> None:
    folder = log.archive(tmp_path / "archive", (0, 3, 6, 7))
    content = (folder / "3.jsonl").read_bytes()
    (folder / "3.jsonl").unlink()
    code, report = tell("archive", folder, "--key", log.key)
    assert (code, report["first"]) == (3, 3)
    (folder / "3.jsonl").write_bytes((folder / "0.jsonl").read_bytes())
    assert tell("archive", folder, "--key", log.key)[1]["first"] == 3
    (folder / "3.jsonl").write_bytes(content)
    assert tell("archive", folder, "--key", log.key)[0] == 0


def test_further_files_of_an_archive(log: Log, tell: Tell, tmp_path: Path) -> None:
    digest = hashlib.sha256(b"sets").hexdigest()
    folder = log.archive(tmp_path / "archive", (0, 7), also=[{"file": "sets.bin", "bytes": 4, "sha256": digest}])
    (folder / "sets.bin").write_bytes(b"sets")
    assert tell("archive", folder, "--key", log.key)[0] == 0
    (folder / "sets.bin").write_bytes(b"sits")
    assert tell("archive", folder, "--key", log.key)[0] == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "huitong-bundle/v2"}, "not that of a huitong-bundle/v1"),
        ({"kind": "part"}, "not that of a huitong-bundle/v1"),
        ({"more": 1}, "not that of a huitong-bundle/v1"),
        ({"digest": "sm3"}, "another log or digest"),
        ({"log": "other.example/ledger"}, "another log or digest"),
        ({"count": 8}, "does not cover"),
        ({"first": True}, "another type"),
        ({"first": -1}, "not a whole number"),
        ({"before": ["AA=="]}, "32 bytes"),
        ({"before": [encoded(b"x" * 32)]}, "has 0 peaks"),
        ({"consistency": [encoded(b"x" * 32)]}, "do not make up the tree"),
        ({"checkpoint": "hub.example/ledger\n7\nAAAA\n"}, "not a signed note"),
        ({"about": {"by": "me"}}, "closing line is missing"),
    ],
)
def test_headers_that_claim_something_else(log: Log, tell: Tell, change: Line, said: str) -> None:
    header, *entries = log.segment(0, 7, 7)
    code, report = tell("export", log.file("all.jsonl", joined([header | change, *entries])), "--key", log.key)
    assert code in (1, 3)
    assert said in report["findings"][0]["en"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"{}\n", b"[]\n", b"null\n", b"\xff\xfe\n", b"[" * 100_000, b'{"first":' + b"9" * 5000 + b"}\n", b"\x1f\x8b\x08\x00", b'"\\ud800"\n'],
)
@pytest.mark.parametrize("command", ["export", "archive", "manifest", "receipt", "checkpoint"])
def test_malformed_files_are_told_and_no_traceback(log: Log, tell: Tell, command: str, content: bytes) -> None:
    path = log.file("malformed", content)
    code, report = tell(command, path, "--key", log.key)
    assert code == 3, report
    assert tell(command, log.folder / "none", "--key", log.key)[0] == 3
    assert tell(command, path, "--key", path)[0] == 3


def test_a_line_too_long_ends_the_reading(log: Log, tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.texts.LINE", 3000)
    header, *entries = log.segment(0, 7, 7)
    path = log.file("all.jsonl", line(header) + line(entries[0])[:-1] + b" " * 3000 + b"\n")
    code, report = tell("export", path, "--key", log.key)
    assert code == 3
    assert "more than 3000 bytes" in report["findings"][0]["en"]
