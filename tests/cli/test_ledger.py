"""``huitong ledger verify`` finds what was altered, and holds the ledger against what others kept."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from hub.acts import make_id
from hub.core import open_core
from hub.ledger.entry import EntryDraft
from hub.settings import load_settings
from tests.cli.conftest import Cli

pytestmark = pytest.mark.slow


def write_some(count: int) -> tuple[list[str], str]:
    """Writes entries; the receipts as callers keep them, and the checkpoint over them."""
    core = open_core(load_settings())
    receipts = [core.ledger.append_sync(EntryDraft(kind="admin", call=make_id("act"), outcome="OK", operation="test")) for _ in range(count)]
    checkpoint = core.log.publisher.publish_all()
    core.close()
    assert checkpoint is not None
    return [json.dumps(receipt.as_json()) for receipt in receipts], checkpoint.note


def test_a_sound_ledger(initialised: Cli, tmp_path: Path) -> None:
    receipts, note = write_some(5)
    (tmp_path / "receipts.jsonl").write_text("\n".join(receipts))
    (tmp_path / "checkpoint.txt").write_text(note)
    verified = initialised("ledger", "verify", "--receipts", tmp_path / "receipts.jsonl", "--checkpoint", tmp_path / "checkpoint.txt", "--json")
    assert verified.code == 0
    assert {name: verified.data[name] for name in ("ok", "entries", "receipts", "published")} == {"ok": True, "entries": 5, "receipts": 5, "published": 5}


def test_a_home_restored_from_a_backup_as_the_manual_says_is_sound(initialised: Cli, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/operations.md: taken while somebody writes; what came after it is told by a checkpoint kept elsewhere."""
    restored = tmp_path / "restored"
    restored.mkdir(mode=0o700)
    core = open_core(load_settings())
    core.ledger.append_sync(EntryDraft(kind="admin", call=make_id("act"), outcome="OK", operation="test"))
    before = core.log.publisher.publish_all()
    with sqlite3.connect(home / "control.db") as serving, sqlite3.connect(restored / "control.db") as copy:
        serving.backup(copy)
    shutil.copytree(home / "keys", restored / "keys")
    core.ledger.append_sync(EntryDraft(kind="admin", call=make_id("act"), outcome="OK", operation="later"))
    after = core.log.publisher.publish_all()
    core.close()
    (restored / "control.db").chmod(0o600)
    monkeypatch.setenv("HUITONG_HOME", str(restored))
    for name, checkpoint, code in (("before", before, 0), ("after", after, 1)):
        assert checkpoint is not None
        kept = tmp_path / f"{name}.txt"
        kept.write_text(checkpoint.note)
        assert initialised("ledger", "verify", "--checkpoint", kept).code == code
    for command in (("feedback", "verify"), ("usage", "recompute", "--check")):
        assert initialised(*command).code == 0


def test_an_altered_entry_is_found(initialised: Cli, home: Path) -> None:
    write_some(5)
    with sqlite3.connect(home / "control.db") as connection:
        connection.execute("UPDATE ledger_entry SET canonical = replace(canonical, 'test', 'tset') WHERE seq = 2")
    connection.close()
    verified = initialised("ledger", "verify", "--json")
    assert verified.code == 1
    assert verified.data["first"] == 2
    assert "NOT sound" in initialised("ledger", "verify").out


def test_a_ledger_set_back_is_found_by_what_others_kept(initialised: Cli, home: Path, tmp_path: Path) -> None:
    write_some(3)
    with sqlite3.connect(home / "control.db") as source, sqlite3.connect(tmp_path / "old.db") as copy:
        source.backup(copy)
    _, note = write_some(2)
    with sqlite3.connect(tmp_path / "old.db") as copy, sqlite3.connect(home / "control.db") as target:
        copy.backup(target)
    for connection in (source, copy, target):
        connection.close()
    assert initialised("ledger", "verify").code == 0
    (tmp_path / "checkpoint.txt").write_text(note)
    assert initialised("ledger", "verify", "--checkpoint", tmp_path / "checkpoint.txt").code == 1


def test_a_file_that_holds_no_receipts_is_named(initialised: Cli, tmp_path: Path) -> None:
    (tmp_path / "receipts.jsonl").write_text('{"call": 1}\n')
    refused = initialised("ledger", "verify", "--receipts", tmp_path / "receipts.jsonl")
    assert refused.code == 1
    assert "line 1" in refused.err
