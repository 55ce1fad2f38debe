"""The same questions and acts at the command line."""

from __future__ import annotations

import csv
import io
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hub.ledger.entry import Access
from tests.catalog.homes import CONSOLE, new_core, publish
from tests.cli.conftest import Cli, cli, home
from tests.ledger.build import make_draft
from tests.tracing.world import ALICE, PURPOSE, manifest

pytestmark = pytest.mark.slow
__all__ = ["cli", "home"]


@pytest.fixture
def traced(tmp_path: Path, home: Path) -> str:
    """A home whose ledger has one call that carried somebody, of an operator with an odd name; the operator."""
    operator = "=cmd|' /C calc'!A0"
    with closing(sqlite3.connect(tmp_path / "civil.db")) as connection:
        connection.execute("CREATE TABLE pupil (pk INTEGER PRIMARY KEY, id_number TEXT, school TEXT, note TEXT)")
        connection.execute("INSERT INTO pupil VALUES (101, ?, '一中', '')", [ALICE])
        connection.commit()
    with new_core(tmp_path) as core:
        publish(core, manifest(tmp_path / "civil.db"))
        core.sharing.create_application(CONSOLE, "housing", "civil_affairs", [PURPOSE], [])
        row = core.subjects.hash("civil_affairs.pupil#", "101")
        taken = Access("civil_affairs.pupil", "civil_affairs", "db", make_draft().accesses[0].items, 1, (row,))
        core.ledger.append_sync(make_draft(accesses=(taken,), operator=operator))
        core.log.publisher.publish_all()
    return operator


def test_trace(cli: Cli, traced: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(text: str, *arguments: str) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{text}\n"))
        done = cli("trace", *arguments)
        assert done.code == 0, done.err
        return done.out

    assert cli("trace", "subject", "id_number", ALICE).code == 1
    assert "operator" not in asked(ALICE, "subject", "id_number", "-")
    found = list(csv.DictReader(io.StringIO(asked(ALICE, "subject", "id_number", "-", "--ask-sources", "--csv"))))
    assert [(row["operator"], row["resources"]) for row in found] == [(f"'{traced}", "civil_affairs.pupil")]
    assert "KEEP_FIRST_3_LAST_4@1" in found[0]["items"]
    assert '"civil_affairs.pupil"' in asked("101", "record", "civil_affairs.pupil", "-", "--json")
    assert "operator" not in asked("101", "record", "civil_affairs.pupil", "-", "--from", "2099-01-01")
    assert cli("ledger", "reindex", "--json").data["entries"] > 0
    assert "operator" in asked("101", "record", "civil_affairs.pupil", "-")
    assert cli("trace", "grant", "grant_none").code == 1


def test_withdraw_and_restore(cli: Cli, traced: str) -> None:
    told = cli("catalog", "withdraw", "civil_affairs.pupil", "--reason", "疑似泄露", "--document", "数管〔2026〕7号", "--actor", "an", "--json").data
    assert (told["state"], told["document"], [(each["calls"], each["rows"]) for each in told["recipients"]]) == ("WITHDRAWN", "数管〔2026〕7号", [(1, 1)])
    assert cli("catalog", "withdraw", "civil_affairs.pupil", "--reason", "again").code == 1
    assert "WITHDRAWN" in cli("catalog", "withdrawals").out
    assert "housing_app" in cli("catalog", "withdrawals", "--recipients", "civil_affairs.pupil").out
    assert cli("catalog", "restore", "civil_affairs.pupil", "--assessment", "ok", "--actor", "an").code == 1
    assert cli("catalog", "restore", "civil_affairs.pupil", "--assessment", "已评估", "--actor", "du", "--json").data["state"] == "RESTORED"
