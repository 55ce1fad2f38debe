"""``huitong ledger export``, ``archive``, ``archives``, ``prune`` as they are typed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from hub.acts import make_id
from hub.core import open_core
from hub.ledger.entry import EntryDraft
from hub.settings import load_settings
from tests.cli.conftest import Cli
from verifier.cli import main as verifier

pytestmark = pytest.mark.slow


@pytest.fixture
def aged(initialised: Cli, tmp_path: Path) -> Cli:
    """A home whose log has five entries of 2019, and its public key at ``log.key``."""
    core = open_core(load_settings())
    for _ in range(5):
        core.ledger.append_sync(EntryDraft(kind="deny", call=make_id("call"), outcome="REFUSED", department="housing", at=datetime(2019, 5, 1, tzinfo=UTC)))
    (tmp_path / "log.key").write_text(f"{core.log.verifier_key}\n")
    core.close()
    return initialised


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_an_export_is_written_and_entered(aged: Cli, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"log.{form}"
    done = aged("ledger", "export", "--format", form, "--kind", "deny", "--output", path, "--json")
    assert (done.code, done.data["entries"], done.data["bytes"]) == (0, 5, path.stat().st_size)
    assert aged("ledger", "export", "--output", path).code == 1, "a file that is there is not written over"
    acts = [orjson.loads(line)["entry"] for line in _lines(aged, tmp_path) if '"ledger.export' in line]
    assert [('"ledger.exported"' in act, '"complete":false' in act) for act in acts[:4]] == [(False, False), (True, False), (False, False), (True, True)]


def _lines(cli: Cli, folder: Path) -> list[str]:
    cli("ledger", "export", "--output", folder / "all.jsonl")
    assert verifier(["export", str(folder / "all.jsonl"), "--key", str(folder / "log.key")]) == 0
    return (folder / "all.jsonl").read_text().splitlines()[1:]


def test_wrong_filters_are_told(aged: Cli, tmp_path: Path) -> None:
    for wrong in (("--format", "xlsx"), ("--since", "yesterday"), ("--kind", "none"), ("--outcome", "GOOD")):
        assert aged("ledger", "export", *wrong, "--output", tmp_path / "x").code == 1
    assert not (tmp_path / "x").exists()


def test_archived_removed_and_verified(aged: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    done = aged("ledger", "archive", "--until", "2020-01-01", "--to", folder, "--json")
    assert (done.code, done.data["count"], done.data["first"]) == (0, 5, 0), done
    assert aged("ledger", "archive", "--until", "2020-01-01", "--to", tmp_path / "b").code == 1
    assert aged("ledger", "prune", "--archive", folder, "--approver", "yao", "--actor", "yao").code == 1
    assert aged("ledger", "prune", "--archive", folder, "--approver", "yao", "--actor", "ren", "--json").data[0]["count"] == 5
    (listed,) = aged("ledger", "archives", "--json").data
    assert listed["removed_at"] is not None
    assert aged("ledger", "verify", "--archive", folder, "--json").data["unread"] == 0
    without = aged("ledger", "verify")
    assert without.code == 0
    assert "--archive" in without.err
    (folder / listed["file"]).write_bytes(b"")
    assert aged("ledger", "verify", "--archive", folder).code == 1
