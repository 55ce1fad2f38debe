"""``huitong keys ledger``: the key is rotated, lost and endorsed at the command line, and verifications say what they trust."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.test_ledger import write_some

pytestmark = pytest.mark.slow


def test_rotated_then_lost_then_endorsed(initialised: Cli, home: Path, tmp_path: Path) -> None:
    write_some(2)
    (tmp_path / "first.key").write_text(initialised("keys", "ledger", "list", "--json").data[0]["key"])
    rotated = initialised("keys", "ledger", "rotate", "--json").data
    assert (rotated["reason"], rotated["from"], rotated["announced"]) == ("ROTATED", 3, 2)
    write_some(1)
    assert initialised("ledger", "verify", "--key", tmp_path / "first.key").code == 0
    (home / "keys" / f"ledger-signing-{rotated['id']}.pem").unlink()
    for command in (("ledger", "verify"), ("keys", "ledger", "rotate")):
        assert "rotate --lost" in initialised(*command).err
    faults = [one for one in initialised("doctor", "--json").data if not one["ok"]]
    assert [one["check"] for one in faults] == ["keys"]
    lost = initialised("keys", "ledger", "rotate", "--lost", "--actor", "one")
    assert (lost.code, "let another administrator run" in lost.err) == (0, True)
    (tmp_path / "new.key").write_text(lost.out)
    write_some(1)
    listed = initialised("keys", "ledger", "list", "--json").data
    assert [(key["reason"], key["here"]) for key in listed] == [("FIRST", True), ("ROTATED", False), ("LOST", True)]
    doubted = initialised("ledger", "verify", "--key", tmp_path / "first.key")
    assert (doubted.code, "no key that you trust vouches for it" in doubted.err) == (1, True)
    believed = initialised("ledger", "verify", "--key", tmp_path / "new.key")
    assert (believed.code, "not endorsed" in believed.err) == (0, True)
    endorsing = ("keys", "ledger", "endorse", listed[-1]["id"], "--actor")
    assert "another administrator" in initialised(*endorsing, "one").err
    assert initialised(*endorsing, "other").code == 0
    assert "not endorsed" not in initialised("ledger", "verify").err


def test_a_key_of_another_log_is_refused(initialised: Cli, tmp_path: Path) -> None:
    (tmp_path / "other.key").write_text("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    refused = initialised("ledger", "verify", "--key", tmp_path / "other.key")
    assert (refused.code, "PeterNeumann" in refused.err) == (1, True)
