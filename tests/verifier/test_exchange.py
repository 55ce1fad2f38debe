"""A folder with a pulled exchange: what is sound is shown to be; whatever is changed in it, by whom ever, is noticed (G2)."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives import hashes

from hub.ledger.checkpoint import sign_checkpoint
from hub.ledger.service import LedgerService
from tests.ledger.build import open_service
from tests.verifier.build import Log, encoded, fill, line
from tests.verifier.conftest import Tell
from verifier.exchanges import confirm_exchange
from verifier.faults import Fault
from verifier.history import read_keys
from verifier.notes import Policy
from verifier.report import Report

pytestmark = pytest.mark.fast
Content = dict[str, Any]
ROWS = (3, 2, 4)


def csv_of(number: int, rows: int) -> bytes:
    """A file with what counting by lines gets wrong: newlines and quotation marks within texts."""
    text = io.StringIO(newline="")
    lines = [["姓名", "note"], *([f"{number}-{row}", 'two\r\nlines, "quoted"\n'] for row in range(rows))]
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def sm3(content: bytes) -> str:
    made = hashes.Hash(hashes.SM3())
    made.update(content)
    return made.finalize().hex()


def listed(files: dict[str, bytes], rows: dict[str, int]) -> list[Content]:
    return [
        {"name": name, "rows": rows[name], "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "sm3": sm3(content)}
        for name, content in sorted(files.items())
    ]


def digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass
class Made:
    """An exchange in a folder, and the ledger that it is entered in."""

    log: Log
    folder: Path
    exchange: str
    entry: int
    files: list[Content]
    form: str = "CSV"
    plan: Content = field(default_factory=lambda: {"document": "a" * 64, "resources": ["civil_affairs.person"]})

    def content(self, **changed: Any) -> Content:
        """What is signed."""
        proof = orjson.loads(self.log.proof(self.entry).read_bytes())
        leaf = orjson.loads(line(self.log._line(self.entry)))["leaf"]
        ledger = {"log": self.log.name, "entry": str(self.entry), "leaf": leaf, "sha256": digest(self.files), "proof": proof}
        content = {"exchange": self.exchange, "format": self.form, "plan": {**self.plan, "sha256": digest(self.plan)}, "files": self.files, "ledger": ledger}
        return content | changed

    def sign(self, **changed: Any) -> bytes:
        """The manifest, signed by the ledger's key, and written."""
        raw = self.log.signed(self.content(**changed))
        (self.folder / "manifest.json").write_bytes(raw)
        return raw


def made(log: Log, folder: Path, exchange: str, form: str, files: dict[str, bytes], rows: dict[str, int]) -> Made:
    """An exchange of these files, with its entry and manifest."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    named = listed(files, rows)
    (receipt,) = fill(log.service, (1,), exchange, kind="exchange", details={"exchange": exchange, "step": "SUCCEEDED", "sha256": digest(named)})
    one = Made(log, folder, exchange, receipt.entry, named, form)
    one.sign()
    return one


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerService]:
    """A log of this module's own, for its exchanges are entered in it."""
    service = open_service(tmp_path_factory.mktemp("exchanged"))
    fill(service, (3,))
    yield service
    service.engine.dispose()


@pytest.fixture
def make(ledger: LedgerService, tmp_path: Path) -> Callable[[str], Made]:
    """Makes an exchange of three files of CSV."""

    def three(exchange: str) -> Made:
        names = {f"data-{number:05}.csv": rows for number, rows in enumerate(ROWS, 1)}
        files = {name: csv_of(sum(exchange.encode()) + number, rows) for number, (name, rows) in enumerate(names.items())}
        return made(Log(ledger, tmp_path), tmp_path / exchange, exchange, "CSV", files, names)

    return three


def test_an_exchange_is_shown_to_be_whole(make: Callable[[str], Made], tell: Tell) -> None:
    one = make("whole")
    code, report = tell("exchange", one.folder, "--key", one.log.key)
    assert (code, report["findings"], report["warnings"]) == (0, [], [])
    assert report["checked"] == {"files": 3, "rows": sum(ROWS), "bytes": sum(file["bytes"] for file in one.files), "proofs": 1}
    assert any("is in the published tree" in each["en"] for each in report["proven"])
    assert tell("exchange", one.folder / "manifest.json", "--key", one.log.key)[0] == 0


def test_a_folder_that_is_not_there_is_not_the_one_above(make: Callable[[str], Made], tell: Tell) -> None:
    one = make("misspelt")
    code, report = tell("exchange", one.folder / "persns", "--key", one.log.key)
    assert code == 3
    assert "persns/manifest.json" in report["findings"][0]["en"]


@pytest.mark.parametrize("name", ["manifest.json", "data-00002.csv"])
@pytest.mark.parametrize("put", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "device"])
def test_what_would_be_read_without_end_is_not_read(make: Callable[[str], Made], tell: Tell, name: str, put: Callable[[Path], None]) -> None:
    one = make("endless")
    (one.folder / name).unlink()
    put(one.folder / name)
    code, report = tell("exchange", one.folder, "--key", one.log.key)
    assert (code, report["findings"][0]["en"]) == (3, f"{name} is no file")


def test_a_link_that_cannot_be_followed_is_told_of(make: Callable[[str], Made], tell: Tell) -> None:
    one = make("nowhere")
    (one.folder / "link").symlink_to("x" * 300)
    code, report = tell("exchange", one.folder, "--key", one.log.key)
    assert (code, report["findings"][0]["en"]) == (3, f"cannot read {one.folder}: File name too long")


def test_the_entry_itself_is_compared_where_an_auditor_gives_it(make: Callable[[str], Made], tell: Tell) -> None:
    one, other = make("mine"), make("others")
    export = one.log.file("all.jsonl", b"".join(map(line, one.log.segment(0, other.entry + 1, other.entry + 1))))
    code, report = tell("exchange", one.folder, "--key", one.log.key, "--entries", export)
    assert (code, report["checked"]["entries"]) == (0, 1)
    # The entry of another exchange is in the tree as well: it names other files.
    one.entry = other.entry
    one.sign()
    code, report = tell("exchange", one.folder, "--key", one.log.key, "--entries", export)
    assert code == 1
    assert "names other files" in report["findings"][0]["en"]
    assert tell("exchange", one.folder, "--key", one.log.key)[0] == 0, "without the entry's bytes, the hub's signature alone says which files it names"


def test_checkpoints_kept_elsewhere_are_compared(make: Callable[[str], Made], tell: Tell) -> None:
    one = make("kept")
    size = orjson.loads(one.log.proof(one.entry).read_bytes())["size"]
    same, fork = one.log.note(size), sign_checkpoint(size, bytes(32), one.log.service.signer).note
    for note, expected in ((same, 0), (fork, 1)):
        code, report = tell("exchange", one.folder, "--key", one.log.key, "--checkpoint", one.log.file("kept.txt", note.encode()))
        assert (code, report["warnings"]) == (expected, [])


def test_every_byte_of_the_manifest_counts(make: Callable[[str], Made]) -> None:
    one = make("bytes")
    path, policy = one.folder / "manifest.json", Policy(read_keys([one.log.key]))
    raw = path.read_bytes()
    for place in range(len(raw)):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ (1 << place % 7)]) + raw[place + 1 :])
        report = Report("exchange")
        with pytest.raises(Fault):
            confirm_exchange(one.folder, policy, [], [], report)
        assert report.counts == {}, f"nothing of a manifest is believed before its signature holds: byte {place}, {raw[max(place - 20, 0) : place + 20]!r}"


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (lambda folder: (folder / "data-00002.csv").unlink(), "data-00002.csv is missing"),
        (lambda folder: (folder / "data-00004.csv").write_bytes(csv_of(9, 1)), "data-00004.csv lies in the folder"),
        (lambda folder: (folder / "data-00003.csv.part").write_bytes(b"x"), "data-00003.csv.part lies in the folder"),
        (lambda folder: cut(folder / "data-00003.csv"), "data-00003.csv has"),
        (lambda folder: flip(folder / "data-00001.csv"), "data-00001.csv has not the digest"),
        (lambda folder: swap(folder / "data-00001.csv", folder / "data-00002.csv"), "data-00001.csv has"),
        (lambda folder: append(folder / "data-00001.csv"), "data-00001.csv has"),
    ],
)
def test_files_that_were_changed_are_named(make: Callable[[str], Made], tell: Tell, tamper: Callable[[Path], object], said: str) -> None:
    one = make("tampered")
    tamper(one.folder)
    code, report = tell("exchange", one.folder, "--key", one.log.key)
    assert code == 1
    assert report["findings"][0]["en"].startswith(said)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def flip(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:30] + bytes([content[30] ^ 1]) + content[31:])


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"one,more\r\n")


def swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def test_a_chunk_of_another_exchange_is_not_one_of_this(make: Callable[[str], Made], tell: Tell) -> None:
    """Replayed from an exchange of the same hub, by the same name, rows and even size (G2)."""
    one, other = make("replayed"), make("replaying")
    shutil.copyfile(other.folder / "data-00002.csv", one.folder / "data-00002.csv")
    assert tell("exchange", one.folder, "--key", one.log.key)[0] == 1
    shutil.copyfile(other.folder / "manifest.json", one.folder / "manifest.json")
    code, report = tell("exchange", one.folder, "--key", one.log.key)
    assert code == 1
    assert len(report["findings"]) == 2, "the two files that are not the other exchange's"


def test_who_has_not_the_key_signs_nothing(make: Callable[[str], Made], tell: Tell, tmp_path: Path) -> None:
    one = make("forged")
    (tmp_path / "forger").mkdir()
    forger = open_service(tmp_path / "forger", one.log.name)
    content = one.content()
    signer = forger.signer
    value = signer.sign(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
    for key in (signer.key_id, one.log.service.signer.key_id):
        signed = {**content, "signature": {"key": key, "algorithm": "Ed25519", "value": encoded(value)}}
        (one.folder / "manifest.json").write_bytes(orjson.dumps(signed))
        code, report = tell("exchange", one.folder, "--key", one.log.key)
        assert code == 1
        assert "signature" in report["findings"][0]["en"] or "not known" in report["findings"][0]["en"]
    forger.engine.dispose()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content["files"].pop(), "whose digest the ledger's entry names"),
        (lambda content: content["files"][0].update(rows=9), "whose digest the ledger's entry names"),
        (lambda content: content["plan"].update(document="b" * 64), "the plan has not the digest"),
        (lambda content: content["ledger"]["proof"].update(index=1), "another entry"),
        (lambda content: content["ledger"].update(leaf=encoded(b"x" * 32)), "does not lead to the checkpoint's root"),
        (lambda content: content["ledger"]["proof"]["path"].pop(), "steps"),
        (lambda content: content["ledger"].pop("leaf"), "lacks the field leaf"),
        (lambda content: content.update(files=[{**content["files"][0], "name": "../data.csv"}]), "whose digest the ledger's entry names"),
    ],
)
def test_what_the_hub_signs_wrongly_is_refuted_all_the_same(make: Callable[[str], Made], tell: Tell, change: Callable[[Content], object], said: str) -> None:
    one = make("wrongly")
    content = one.content()
    change(content)
    one.sign(**content)
    code, report = tell("exchange", one.folder, "--key", one.log.key)
    assert code in (1, 3)
    assert said in report["findings"][0]["en"]


@pytest.mark.parametrize("name", ["../outside.csv", "/etc/passwd", "a/b.csv", "", ".hidden", "a\nb"])
def test_names_that_leave_the_folder_are_refused(make: Callable[[str], Made], tell: Tell, name: str) -> None:
    """G1, though the hub itself had signed it."""
    one = make("names")
    one.files[0]["name"] = name
    one.sign()
    code, report = tell("exchange", one.folder, "--key", one.log.key)
    assert (code, report["findings"][0]["en"]) == (3, "the manifest holds an ill-formed file name or digest")


def test_a_manifest_without_proof_is_told_as_such(make: Callable[[str], Made], tell: Tell) -> None:
    one = make("unproven")
    content = one.content()
    del content["ledger"]["proof"]
    one.sign(**content)
    code, report = tell("exchange", one.folder, "--key", one.log.key)
    assert code == 0
    assert "no proof of the ledger's entry yet" in report["warnings"][0]["en"]


def parquet(rows: int) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"n": list(range(rows))}), sink)
    return sink.getvalue()


def arrow(rows: int, stream: bool) -> bytes:
    sink = io.BytesIO()
    table = pa.table({"n": list(range(rows))})
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    return sink.getvalue()


FORMS = {
    "JSONL": ("jsonl", b'{"a":1}\n{"a":"x\\ny"}\n{"a":3}\n'),
    "CSV": ("csv", '姓名,备注\r\n张三,"一\r\n二"\r\n李四,\r\n王五,"""引"""\r\n'.encode("gb18030")),
    "PARQUET": ("parquet", parquet(3)),
    "ARROW": ("arrow", arrow(3, stream=False)),
    "ARROW as a stream": ("arrow", arrow(3, stream=True)),
}


@pytest.mark.parametrize("form", FORMS)
def test_rows_are_counted_in_every_format(ledger: LedgerService, tell: Tell, tmp_path: Path, form: str) -> None:
    extension, content = FORMS[form]
    name = f"data.{extension}"
    for rows, expected in ((3, 0), (4, 1)):
        one = made(Log(ledger, tmp_path), tmp_path / f"{rows}", f"rows-{form}-{rows}", form.partition(" ")[0], {name: content}, {name: rows})
        code, report = tell("exchange", one.folder, "--key", one.log.key)
        assert (code, report["warnings"]) == (expected, [])
        assert expected == 0 or f"3 rows where the manifest names {rows}" in report["findings"][0]["en"]


def test_rows_that_nothing_here_can_count_are_said_not_to_be(ledger: LedgerService, tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = made(Log(ledger, tmp_path), tmp_path / "uncounted", "uncounted", "PARQUET", {"data.parquet": parquet(3)}, {"data.parquet": 3})
    monkeypatch.setattr("verifier.rows.find_spec", lambda _name: None)
    code, report = tell("exchange", one.folder, "--key", one.log.key)
    assert code == 0
    assert "were not counted" in report["warnings"][0]["en"]


def test_a_log_with_sm3_proves_its_exchanges_too(tell: Tell, tmp_path: Path) -> None:
    (tmp_path / "ledger").mkdir()
    service = open_service(tmp_path / "ledger", "huitong.ledger/sm3")
    one = made(Log(service, tmp_path), tmp_path / "exchange", "exchange", "JSONL", {"data.jsonl": b'{"a":1}\n'}, {"data.jsonl": 1})
    assert tell("exchange", one.folder, "--key", one.log.key)[0] == 0
    service.engine.dispose()
