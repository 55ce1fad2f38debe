"""H1, H2, H7: bytes turned, entries removed, added and moved, histories signed anew, texts that would act; at the stand-alone verifier.

What ``huitong ledger verify`` finds in the database is in ``tests/ledger/test_verify.py``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.ledger.canonical import record, seal
from hub.ledger.parsing import verified
from hub.ledger.receipt import Receipt
from hub.ledger.service import LedgerService
from tests.ledger.build import LOG, make_draft, open_service
from tests.verifier.build import Line, Log, fill, line, told
from verifier.bundles import BundleCheck
from verifier.cli import main
from verifier.faults import Fault
from verifier.files import confirm_archive, confirm_manifest
from verifier.held import Held
from verifier.history import read_keys
from verifier.notes import Policy
from verifier.proofs import read_inclusion
from verifier.receipts import read_receipts
from verifier.report import Report

Check = Callable[[Path, Policy, Report], object]
BARE: dict[str, Any] = {"accesses": (), "scenario": None, "basis": None, "document": None, "sources": ()}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LedgerService, list[Receipt]]]:
    """Five entries in three batches, a checkpoint after each."""
    service = open_service(tmp_path_factory.mktemp("small"))
    yield service, [*fill(service, (1,)), *fill(service, (3, 1), prefix="d", **BARE)]
    service.engine.dispose()


@pytest.fixture
def log(small: tuple[LedgerService, list[Receipt]], tmp_path: Path) -> Log:
    return Log(small[0], tmp_path)


def joined(lines: Sequence[Line]) -> bytes:
    return b"".join(map(line, lines))


def bundle(path: Path, policy: Policy, report: Report) -> None:
    BundleCheck(path, policy, Held(), report).run()


def seen(check: Check, path: Path, policy: Policy) -> Report:
    """The report on a file, as the command line makes it."""
    report = Report("check")
    try:
        check(path, policy, report)
    except Fault as fault:
        report.find(fault)
    return report


def turned(path: Path, bits: Sequence[int] = (), step: int = 1) -> Iterator[tuple[int, bytes]]:
    """The place of every byte, or of one in ``step``, and the file's content, which has one bit of that byte turned meanwhile: each of ``bits``, or one that depends on the place."""
    content = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for at, byte in list(enumerate(content))[::step]:
            for bit in bits or (at % 8,):
                os.pwrite(file.fileno(), bytes([byte ^ (1 << bit)]), at)
                yield at, content[:at] + bytes([byte ^ (1 << bit)]) + content[at + 1 :]
            os.pwrite(file.fileno(), bytes([byte]), at)


def entry_at(content: bytes, first: Sequence[int], at: int) -> int | None:
    """Which entry the byte at this place belongs to; ``None`` for the header and the closing line."""
    number = content.count(b"\n", 0, at) - 1
    return first[number] if 0 <= number < len(first) else None


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["segment", "extract"])
def test_h1_every_byte_of_an_export(log: Log, kind: str) -> None:
    """Found, and where it is an entry's, that entry is named."""
    entries = [0, 1, 2, 3, 4] if kind == "segment" else [1, 3]
    content = joined(log.segment(0, 5, 5)) if kind == "segment" else log.sealed(log.extract(entries, 5, about={"by": "housing"}))
    path, policy = log.file("export.jsonl", content), Policy(read_keys([log.key]))
    assert seen(bundle, path, policy).findings == []
    for at, altered in turned(path):
        report = seen(bundle, path, policy)
        assert report.findings, (at, altered[max(at - 20, 0) : at + 20])
        if (entry := entry_at(content, entries, at)) is not None:
            # A line of an extract that is broken in two no longer says which entry it was: that after the last one is the first it can have been.
            named = range(entry, entry + 1) if kind == "segment" else range(max((one + 1 for one in entries if one < entry), default=0), entry + 1)
            assert report.first in named, (at, altered[max(at - 20, 0) : at + 20], report.told())


@pytest.mark.slow
def test_h1_every_byte_of_an_archive(log: Log) -> None:
    """Of its list; of a segment one in seven, since the list has its SHA-256 and segments are exports."""
    folder, policy = log.archive(log.folder / "archive", (0, 1, 4)), Policy(read_keys([log.key]))

    def check(_: Path, policy: Policy, report: Report) -> None:
        confirm_archive(folder, policy, Held(), report)

    assert seen(check, folder, policy).findings == []
    for name in ("archive.json", "1.jsonl"):
        content = (folder / name).read_bytes()
        for at, _ in turned(folder / name, step=1 if name == "archive.json" else 7):
            report = seen(check, folder, policy)
            assert report.findings, (name, at)
            if name != "archive.json" and (entry := entry_at(content, [1, 2, 3], at)) is not None:
                assert report.first == entry, (name, at, report.told())


def receipt_check(path: Path, policy: Policy, _: Report) -> None:
    for receipt in read_receipts(path):
        receipt.confirm(policy.keys)


@pytest.mark.slow
def test_h1_every_byte_of_what_departments_keep(log: Log, small: tuple[LedgerService, list[Receipt]]) -> None:
    """Receipt, proof, checkpoint, key and manifest. Only a receipt's ``call`` may change alone: the leaf commits to it, an export shows it."""
    receipt, proof = small[1][2], log.proof(2)
    leaf = receipt.leaf
    kept = {"data.csv": {"name": "data.csv", "rows": 1, "bytes": 3, "sha256": "0" * 64}}
    manifest = log.signed({"exchange": "exchange_1", "plan": {}, "files": list(kept.values()), "ledger": {"entry": "2"}})
    key = log.key.read_bytes()
    checks: list[tuple[Path, Check]] = [
        (log.file("receipt.json", orjson.dumps(receipt.as_json())), receipt_check),
        (proof, lambda path, policy, _: read_inclusion(path).confirm(leaf, policy)),
        (log.file("kept.txt", log.note().encode()), lambda path, policy, _: policy.confirm(path.read_text("utf-8", "replace"))),
        (log.file("manifest.json", manifest), lambda path, policy, report: confirm_manifest(path, [], policy.keys, report)),
        (log.file("own.key", key), lambda path, _, report: Policy(read_keys([path])).confirm(log.note())),
    ]
    policy = Policy(read_keys([log.key]))
    for path, check in checks:
        content = path.read_bytes()
        assert seen(check, path, policy).findings == []
        for at, altered in turned(path, range(8) if len(content) < 300 else (0, 5)):
            if not seen(check, path, policy).findings:
                assert same(content, altered), (path.name, at, altered[max(at - 20, 0) : at + 20])


def same(content: bytes, altered: bytes) -> bool:
    """Whether two texts say the same but for white space, and in receipts the name of the call."""
    if not content.startswith(b"{"):
        return content.split() == altered.split()
    before, after = json.loads(content), json.loads(altered)
    return {**before, "call": None} == {**after, "call": None}


@pytest.mark.fast
def test_h1_a_call_s_name_is_shown_by_the_entry(log: Log, small: tuple[LedgerService, list[Receipt]], capsys: pytest.CaptureFixture[str]) -> None:
    whole = log.file("all.jsonl", joined(log.segment(0, 5, 5)))
    forged = log.file("receipts.jsonl", orjson.dumps(small[1][2].as_json() | {"call": "another"}))
    assert told(capsys, "receipt", forged, "--key", log.key)[0] == 0
    code, report = told(capsys, "export", whole, "--key", log.key, "--receipts", forged)
    assert (code, report["first"]) == (1, 2)


MOVES: dict[str, tuple[Callable[[list[Line]], list[Line]], int]] = {
    "delete": (lambda lines: lines[:2] + lines[3:], 1),
    "delete the first": (lambda lines: lines[:1] + lines[2:], 0),
    "insert": (lambda lines: [*lines[:3], {**lines[3], "seq": 2}, *lines[3:]], 2),
    "append": (lambda lines: [*lines, lines[-1]], 5),
    "reorder": (lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], 1),
    "duplicate": (lambda lines: [*lines[:3], lines[2], *lines[3:]], 2),
    "truncate": (lambda lines: lines[:4], 3),
    "nothing left": (lambda lines: lines[:1], 0),
}


@pytest.mark.fast
@pytest.mark.parametrize("counted", [False, True], ids=["count as it was", "count adapted"])
@pytest.mark.parametrize("move", MOVES)
def test_h2_entries_removed_added_and_moved(log: Log, move: str, counted: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the key, whatever is moved contradicts the checkpoint; the entry is named where the order of the file shows it."""
    change, named = MOVES[move]
    header, *entries = change(log.segment(0, 5, 5))
    if counted:
        header["count"] = len(entries)
    code, report = told(capsys, "export", log.file("moved.jsonl", joined([header, *entries])), "--key", log.key)
    assert code in (1, 3)
    assert report["findings"]
    if report["first"] is not None:
        assert report["first"] in (named, named + 1, 0)


@pytest.mark.fast
@pytest.mark.parametrize("move", ["delete", "insert", "reorder", "duplicate", "truncate"])
def test_h2_extracts_are_sealed(log: Log, move: str, capsys: pytest.CaptureFixture[str]) -> None:
    content = log.sealed(log.extract([0, 1, 2, 3, 4], 5)).splitlines(keepends=True)
    header, *entries = MOVES[move][0]([orjson.loads(one) for one in content[:-1]])
    header["count"] = len(entries)
    assert told(capsys, "export", log.file("moved.jsonl", joined([header, *entries]) + content[-1]), "--key", log.key)[0] == 1


@pytest.fixture(scope="module")
def fork(small: tuple[LedgerService, list[Receipt]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerService]:
    """The same key over another history: the first batch as it was, everything after it gone and written anew."""
    service, _ = small
    folder = tmp_path_factory.mktemp("fork")
    (folder / "keys").mkdir(mode=0o700)
    for file in (Path(str(service.engine.url.database)).parent / "keys").iterdir():
        (folder / "keys" / file.name).write_bytes(file.read_bytes())
        (folder / "keys" / file.name).chmod(0o600)
    made = open_service(folder)
    fill(made, (1,))
    fill(made, (3, 1), prefix="forged", **BARE)
    yield made
    made.engine.dispose()


@pytest.mark.fast
def test_h2_a_history_cut_and_signed_anew(
    log: Log, fork: LedgerService, small: tuple[LedgerService, list[Receipt]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Sound by itself, as whoever holds the key can make it; a checkpoint or a receipt of before contradicts it."""
    folder = log.folder / "forged"
    folder.mkdir()
    forged = Log(fork, folder)
    assert forged.key.read_bytes() == log.key.read_bytes()
    whole = forged.file("all.jsonl", joined(forged.segment(0, 5, 5)))
    assert told(capsys, "export", whole, "--key", log.key)[0] == 0
    for size in (1, 4, 5):
        kept = log.file(f"kept-{size}.txt", log.note(size).encode())
        code, report = told(capsys, "export", whole, "--key", log.key, "--checkpoint", kept)
        assert code == 1, size
        assert f"checkpoint over {size}" in report["findings"][0]["en"]
        assert (
            told(capsys, "checkpoint", kept, forged.file("now.txt", forged.note().encode()), "--key", log.key, "--consistency", forged.consistency(size, 5))[0]
            == 1
        )
    receipts = log.file("receipts.jsonl", b"\n".join(orjson.dumps(one.as_json()) for one in small[1][3:]))
    code, report = told(capsys, "export", whole, "--key", log.key, "--receipts", receipts)
    assert (code, report["first"]) == (1, 3)


@pytest.mark.fast
def test_h2_a_tail_cut_below_what_somebody_holds(log: Log, small: tuple[LedgerService, list[Receipt]], capsys: pytest.CaptureFixture[str]) -> None:
    """An export that ends early is sound for what it holds, and says what it leaves uncompared."""
    short = log.file("short.jsonl", joined(log.segment(0, 1, 1)))
    kept, receipts = log.file("kept.txt", log.note().encode()), log.file("receipts.jsonl", orjson.dumps(small[1][4].as_json()))
    code, report = told(capsys, "export", short, "--key", log.key, "--checkpoint", kept, "--receipts", receipts)
    assert (code, len(report["warnings"])) == (0, 2)


NASTY = ["\n2026-01-01 OK", "\r\x1b[2J\x1b[31m", "\u202e\u2066gnp.txt", '"},{"v":2', "\u2028\u2029\x85", "\x00\x7f\u200b\ufeff", "\\n\\u000a"]


@pytest.mark.fast
@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_h7_texts_cannot_leave_their_place_in_an_entry(text: str) -> None:
    """One line, canonical, and read back as what it was."""
    made = record(make_draft("call", purpose=text, operator=text, case=text, details={"agent": text}), LOG)
    raw = seal(made, 7, "0" * 64)
    assert not any(byte < 0x20 for byte in raw)
    entry = verified(raw)
    assert (entry.seq, entry.content.purpose, entry.content.operator, entry.content.case) == (7, text, text, text)
    assert entry.content.details == {"agent": text}


@pytest.mark.fast
def test_h7_what_the_verifier_quotes_cannot_act(log: Log, small: tuple[LedgerService, list[Receipt]], capsys: pytest.CaptureFixture[str]) -> None:
    shown = small[1][2].as_json()
    for text in NASTY:
        named = log.folder / f"x{text.replace('/', '_').replace(chr(0), '')}.json"
        named.write_bytes(orjson.dumps(shown | {"call": text}))
        for code, arguments in (
            (0, ["receipt", named, "--key", log.key]),
            (3, ["export", named, "--key", log.key]),
            (3, ["checkpoint", named, "--key", named]),
            (1, ["manifest", log.file("m.json", log.signed({"exchange": text, "files": [], "ledger": {"entry": "1"}})), named, "--key", log.key]),
            (3, ["receipt", named, "--key", log.file("k.key", f"{text}+00000000+{'A' * 44}".encode())]),
        ):
            assert main([*map(str, arguments)]) == code
            said = capsys.readouterr()
            assert not [one for one in said.out.replace("\n", "") if not one.isprintable()], (arguments, said.out)
            assert len(said.out.splitlines()) <= 4
            assert said.err == ""
