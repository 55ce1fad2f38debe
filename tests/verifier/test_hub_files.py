"""What the hub writes, the verifier reads: exports of entries and of rows, archives, proofs of witnesses."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.archive.files import SegmentFile, write_list
from hub.ledger.digest import digest_of
from hub.ledger.entry import Entry
from hub.ledger.history import as_json, read_history
from hub.ledger.notes import split_note, with_signatures
from hub.ledger.parsing import parse
from hub.ledger.publish import last_size
from hub.ledger.rotation import By, rotate
from hub.ledger.service import LedgerService
from hub.reading.bundle import entry_line, header, line, segment_header
from hub.reading.columns import Rows
from hub.reading.formats import BundleFormat, Format, Proving, RowsFormat
from hub.reading.views import Scope, View
from hub.witness.keys import Cosigner
from tests.ledger.build import LOG, open_service
from tests.verifier.build import Log, fill
from tests.verifier.conftest import Tell

pytestmark = pytest.mark.slow
DIGEST = digest_of(LOG)


def entries(log: Log, *numbers: int) -> list[Entry]:
    return [parse(log._line(number)["entry"].encode()) for number in numbers]


def written(log: Log, form: Format, *numbers: int) -> Path:
    with log.service.engine.connect() as connection:
        body = form.head() + b"".join(form.part(connection, entries(log, number)) for number in numbers)
    return log.file("export.jsonl", body + form.tail())


def proving(log: Log) -> Proving:
    return Proving(7, DIGEST, log.service.signer)


@pytest.mark.parametrize("kind", ["segment", "extract"])
def test_exports_of_entries(log: Log, tell: Tell, kind: str) -> None:
    numbers = [2, 3, 4] if kind == "segment" else [1, 4]
    with log.service.engine.connect() as connection:
        first = segment_header(connection, log.note(), 7, 2, 3, {"actor": "a"}) if kind == "segment" else header("extract", log.note(), 1, 2, {"actor": "a"})
    path = written(log, BundleFormat(first, proving(log)), *numbers)
    code, report = tell("export", path, "--key", log.key)
    assert (code, report["findings"], report["checked"]) == (0, [], {"entries": len(numbers)})


@pytest.mark.parametrize("view", list(View))
def test_exports_of_rows(log: Log, tell: Tell, view: View) -> None:
    rows = Rows(Scope(view, "housing_app", "civil_affairs"), lambda _: "应用", DIGEST)
    path = written(log, RowsFormat(rows, header("extract", log.note(), 1, 3, {"actor": "a"}), proving(log)), 1, 4, 6)
    code, report = tell("export", path, "--key", log.key)
    assert (code, report["findings"], report["checked"]) == (0, [], {"rows": 3, "entries": 3})
    content = path.read_bytes()
    for at in range(0, len(content), 37):
        path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        assert tell("export", path, "--key", log.key)[0] in (1, 3), at
    lines = content.splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    assert tell("export", path, "--key", log.key)[0] == 1


def test_an_export_of_nothing(log: Log, tell: Tell) -> None:
    rows = Rows(Scope(View.OWN, "housing_app"), lambda _: None, DIGEST)
    path = written(log, RowsFormat(rows, header("extract", log.note(), 0, 0, {"actor": "a"}), proving(log)))
    assert tell("export", path, "--key", log.key)[0] == 0


def test_archives(log: Log, tell: Tell, tmp_path: Path) -> None:
    folder, segments = tmp_path / "archive", []
    folder.mkdir()
    for first, end in ((0, 3), (3, 6)):
        file = SegmentFile(folder, first, end - first)
        with log.service.engine.connect() as connection:
            file.write(line(segment_header(connection, log.note(end), end, first, end - first)))
        for entry in entries(log, *range(first, end)):
            file.write(entry_line(entry, DIGEST))
        segments.append(file.finish())
    write_list(folder, log.service.signer, segments)
    code, report = tell("archive", folder, "--key", log.key, "--checkpoint", log.file("kept", log.note(6).encode()))
    assert (code, report["findings"], report["warnings"], report["checked"]) == (0, [], [], {"segments": 2, "entries": 6})


def test_cosignatures_of_the_hub_s_witness(log: Log, tell: Tell) -> None:
    witness = Cosigner("audit.example/witness", Ed25519PrivateKey.generate())
    note = log.note()
    cosigned = log.file("cosigned.txt", with_signatures(note, [witness.cosign(split_note(note)[0], 1_790_000_000)]).encode())
    assert tell("checkpoint", cosigned, "--key", log.key, "--witness", str(witness.key))[0] == 0
    assert tell("checkpoint", log.file("bare.txt", note.encode()), "--key", log.key, "--witness", str(witness.key))[0] == 1


def test_logs_of_sm3(tmp_path: Path, tell: Tell) -> None:
    (tmp_path / "home").mkdir()
    service: LedgerService = open_service(tmp_path / "home", "hub.example/ledger/sm3")
    receipts = fill(service, (2, 3))
    log = Log(service, tmp_path)
    path = log.file("all.jsonl", b"".join(map(line, log.segment(0, 5, 5))))
    kept = log.file("receipts.jsonl", orjson.dumps(receipts[3].as_json()))
    code, report = tell("export", path, "--key", log.key, "--receipts", kept)
    assert (code, report["findings"], report["checked"]) == (0, [], {"receipts": 1, "entries": 5})
    assert tell("receipt", kept, "--key", log.key, "--proof", log.proof(3))[0] == 0
    service.engine.dispose()


def test_a_log_whose_key_was_rotated_and_then_lost(tmp_path: Path, tell: Tell) -> None:
    """By its first key and the history: everything up to the loss. By the last key as well: everything."""
    (tmp_path / "home").mkdir()
    service = open_service(tmp_path / "home")
    log = Log(service, tmp_path)
    first = log.file("first.key", log.key.read_bytes())
    kept = [fill(service, (2,))[0]]
    for lost in (False, True):
        service.publisher.publish_all()
        rotate(service.engine, service.ring, By("cli:one", "cli:root", "key-1"), lost=lost)
        kept.append(fill(service, (2,), prefix=f"after-{lost}")[0])
    with service.engine.connect() as connection:
        history = log.file("keys.json", orjson.dumps(as_json(log.name, read_history(connection))))
        last = log.file("last.key", f"{read_history(connection)[-1].verifier}\n".encode())
        size = last_size(connection)
    paths = [log.file(f"{one.entry}.json", orjson.dumps(one.as_json())) for one in kept]
    assert [tell("receipt", path, "--key", first, "--key", history)[0] for path in paths] == [0, 0, 1]
    assert [tell("receipt", path, "--key", first, "--key", last, "--key", history)[0] for path in paths] == [0, 0, 0]
    assert [tell("receipt", path, "--key", first)[0] for path in paths] == [0, 1, 1]
    whole = log.file("all.jsonl", b"".join(map(line, log.segment(0, size, size))))
    assert [tell("export", whole, "--key", *keys)[0] for keys in ((history,), (last,), (first, "--key", history))] == [0, 0, 1]
    service.engine.dispose()
