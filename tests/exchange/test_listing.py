"""What a pull believes of a manifest, and what it shows meanwhile."""

from __future__ import annotations

import hashlib
import io
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from rich.progress import Progress

from hub.cli.faults import CliFault
from hub.cli.pulling.calls import show_whole
from hub.cli.pulling.listing import Listing, confirmed, followed, parsed_keys
from hub.cli.pulling.telling import Bars
from hub.ledger.history import LedgerKey, as_json, statement_text
from hub.ledger.keys import Ed25519Signer

pytestmark = pytest.mark.fast
SIGNER = Ed25519Signer("huitong.ledger", Ed25519PrivateKey.generate())
OTHER = Ed25519Signer("huitong.ledger", Ed25519PrivateKey.generate())


def file(name: str) -> dict[str, Any]:
    return {"name": name, "rows": 1, "bytes": 2, "sha256": "0" * 64}


def signed(files: list[dict[str, Any]], signer: Ed25519Signer = SIGNER, **changed: Any) -> bytes:
    digest = hashlib.sha256(orjson.dumps(files, option=orjson.OPT_SORT_KEYS)).hexdigest()
    content = {"exchange": "exchange_1", "files": files, "ledger": {"entry": "3", "leaf": b64encode(bytes(32)).decode(), "sha256": digest}} | changed
    value = b64encode(signer.sign(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))).decode()
    return orjson.dumps({**content, "signature": {"key": signer.key_id, "algorithm": "Ed25519", "value": value}})


def read(raw: bytes) -> Listing:
    return confirmed(raw, "exchange_1", [SIGNER.verifier_key])


def test_a_signed_manifest_is_believed() -> None:
    listing = read(signed([file("data-00001.csv"), file("data-00002.csv")]))
    assert ([each.name for each in listing.files], listing.bytes, listing.proven) == (["data-00001.csv", "data-00002.csv"], 4, False)


@pytest.mark.parametrize("reason", [None, "SOURCE_VALUE 3 values could not be delivered"])
def test_values_that_could_not_be_delivered_are_told_of(reason: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = read(signed([file("data.csv")], reason=reason))
    show_whole(listing, tmp_path, "http://127.0.0.1:1", None, False)
    assert ("note: SOURCE_VALUE 3 values" in capsys.readouterr().out) == (reason is not None)
    show_whole(listing, tmp_path, "http://127.0.0.1:1", None, True)
    assert json.loads(capsys.readouterr().out)["reason"] == reason


@pytest.mark.parametrize(
    "names",
    [
        *([name] for name in ("../data.csv", "/etc/cron.d/x", "a/b.csv", "a\\b.csv", ".bashrc", "..", "", "a\nb.csv", "a\0b", "x" * 200)),
        *([name] for name in ("manifest.json", "Manifest.JSON", "data.csv.part", "data.csv.part.json")),
        ["data.csv", "data.csv"],
        ["data.csv", "DATA.csv"],
    ],
)
def test_names_that_leave_the_folder_or_meet_are_refused_though_signed(names: list[str]) -> None:
    """G1."""
    with pytest.raises(CliFault):
        read(signed([file(name) for name in names]))


def test_what_is_not_signed_by_the_key_is_refused() -> None:
    files = [file("data.csv")]
    forged = orjson.loads(signed(files, OTHER))
    forged["signature"]["key"] = SIGNER.key_id
    altered = orjson.loads(signed(files))
    altered["policy"] = "mine"
    renamed = orjson.loads(signed(files))
    renamed["signature"]["algorithm"] = "none"
    for raw in (signed(files, OTHER), *map(orjson.dumps, (forged, altered, renamed)), b"", b"[]", b"{}", b'{"files": 1}', signed(files)[:-1]):
        with pytest.raises(CliFault):
            read(raw)


@pytest.mark.parametrize(
    "changed",
    [
        {"exchange": "exchange_2"},
        {"ledger": {"entry": "3", "leaf": b64encode(bytes(32)).decode(), "sha256": "1" * 64}},
        {"files": [{**file("data.csv"), "bytes": -1}]},
        {"files": [{**file("data.csv"), "sha256": "x"}]},
        {"files": [{**file("data.csv"), "sm3": 7}]},
    ],
)
def test_what_contradicts_itself_is_refused_though_signed(changed: dict[str, Any]) -> None:
    with pytest.raises(CliFault):
        read(signed(changed.pop("files", [file("data.csv")]), **changed))


def test_a_proof_that_does_not_hold_is_refused() -> None:
    files = [file("data.csv")]
    digest = hashlib.sha256(orjson.dumps(files, option=orjson.OPT_SORT_KEYS)).hexdigest()
    proof = {"index": 3, "size": 4, "path": [b64encode(bytes(32)).decode()] * 2, "checkpoint": "huitong.ledger\n4\nAAAA\n\n— huitong.ledger AAAA\n"}
    with pytest.raises(CliFault, match="proof"):
        read(signed(files, ledger={"entry": "3", "leaf": b64encode(bytes(32)).decode(), "sha256": digest, "proof": proof}))


def test_keys_are_read_line_by_line() -> None:
    text = f"{SIGNER.verifier_key}\n\n{OTHER.verifier_key}\n"
    assert [key.key_id for key in parsed_keys(text, "log.key")] == [SIGNER.key_id, OTHER.key_id]
    for text in ("", "nonsense", f"{SIGNER.verifier_key}x"):
        with pytest.raises(CliFault):
            parsed_keys(text, "log.key")


def changed(before: Ed25519Signer, after: Ed25519Signer, reason: Any, by: Ed25519Signer) -> LedgerKey:
    """One key after another, by a statement of one of them."""
    return LedgerKey(after.verifier_key, reason, 1, 7, by.sign(statement_text(reason, 7, before.verifier_key, after.verifier_key)))


def test_a_pinned_key_vouches_for_those_that_follow_it() -> None:
    third = Ed25519Signer("huitong.ledger", Ed25519PrivateKey.generate())
    first, rotated = LedgerKey(SIGNER.verifier_key), changed(SIGNER, OTHER, "ROTATED", SIGNER)

    def known(*line: LedgerKey) -> list[str]:
        return [key.key_id for key in followed([SIGNER.verifier_key], orjson.dumps(as_json("huitong.ledger", line)))]

    assert known(first, rotated) == [SIGNER.key_id, OTHER.key_id]
    assert known(first, rotated, changed(OTHER, third, "ROTATED", OTHER)) == [SIGNER.key_id, OTHER.key_id, third.key_id]
    assert known(first, changed(SIGNER, OTHER, "LOST", OTHER)) == [SIGNER.key_id], "who takes over from a lost key is not believed by its own word"
    assert known(first, changed(SIGNER, OTHER, "ROTATED", OTHER)) == [SIGNER.key_id], "not signed by the key before"
    assert known(LedgerKey(third.verifier_key), changed(third, OTHER, "ROTATED", third)) == [SIGNER.key_id], "another log's line"
    for history in (b"", b"[]", b'{"keys": [1]}', b'{"keys": [{"key": "x", "reason": "ROTATED", "announcedBy": 1, "statement": "!"}]}'):
        assert followed([SIGNER.verifier_key], history) == [SIGNER.verifier_key]


def test_bars_show_all_bytes_and_each_file_that_comes() -> None:
    shown = io.StringIO()
    with Progress(console=Console(file=shown, force_terminal=True, width=100), auto_refresh=False) as progress:
        bars = Bars(30, progress)
        first, second = bars.came("one.csv", 10), bars.came("two.csv", 20)
        first(10)
        second(15)
        second(-5)
        bars.say("[b]\x1b[31mtold")
        bars.whole("one.csv")
        assert [(task.description, task.completed, task.total) for task in progress.tasks] == [("全部 all", 20, 30), ("two.csv", 10, 20)]
    assert "[b]\ufffd[31mtold" in shown.getvalue(), "nothing that a hub says steers the terminal"
