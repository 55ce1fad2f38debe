"""``huitong catalog draft`` and ``huitong catalog drift`` (CAT-11, COL-10)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hub.catalog.tables import manifest, snapshot
from hub.core import open_core
from hub.settings import Settings
from tests.catalog.drafts import NASTY, write
from tests.catalog.homes import rows
from tests.cli.conftest import Cli, Outcome

pytestmark = pytest.mark.slow
DEPARTMENT = ("--department", "archive", "--name", "市档案馆", "--uscc", "115201000093900013")


@pytest.fixture
def nasty(tmp_path: Path) -> str:
    """The URL of a database that nobody designed for sharing."""
    return write(tmp_path / "nasty.db", NASTY)


def publish(cli: Cli, path: Path) -> None:
    number = cli("catalog", "import", path, "--actor", "li", "--json").data["id"]
    assert cli("catalog", "review", number, "--approve", "--actor", "wang").code == 0
    assert cli("catalog", "publish", number, "--actor", "wang").code == 0


def refused(outcome: Outcome, code: int, *words: str) -> None:
    assert outcome.code == code, outcome.err
    assert outcome.out == ""
    assert "→" in outcome.err
    for word in words:
        assert word in outcome.err


def test_from_an_address_to_a_published_catalog(initialised: Cli, nasty: str, tmp_path: Path) -> None:
    file = tmp_path / "draft.toml"
    made = initialised("catalog", "draft", "--url", nasty, *DEPARTMENT, "-o", file)
    assert (made.code, made.out) == (0, "")
    assert "left out: composite: " in made.err
    assert "11 resource(s), 4 link(s)" in made.err
    publish(initialised, file)
    assert len(initialised("catalog", "show", "--json").data) == 11
    assert initialised("catalog", "drift").code == 0
    assert initialised("source", "check").code == 0


def test_a_draft_needs_no_home_and_changes_none(cli: Cli, home: Path, initialised: Cli, nasty: str) -> None:
    assert initialised("catalog", "draft", "--url", nasty, *DEPARTMENT).out.startswith("# ")
    core = open_core(Settings(home=home))
    assert (rows(core, manifest), rows(core, snapshot)) == (0, 0)
    core.close()


def test_as_json(cli: Cli, nasty: str) -> None:
    made = cli("catalog", "draft", "--url", nasty, *DEPARTMENT, "--only", "customers", "--json").data
    assert made["problems"] == []
    assert made["manifest"].startswith("# ")
    assert made["report"]["resources"] == [{"object": "customers", "code": "customer", "items": 5, "identifiers": ["code"], "links": []}]


def test_of_a_registered_source(initialised: Cli, nasty: str, tmp_path: Path) -> None:
    initialised("department", "add", "archive", "市档案馆", "115201000093900013")
    initialised("source", "add", "archive", "register", "--url", nasty)
    file = tmp_path / "draft.toml"
    made = initialised("catalog", "draft", "archive.register", "--only", "cust*", "-o", file)
    assert made.code == 0, made.err
    assert "[[sources]]" not in file.read_text("utf-8")
    publish(initialised, file)
    again = initialised("catalog", "draft", "archive.register", "-o", file)
    assert "is in the catalog already, as archive.customer" in again.err
    publish(initialised, file)
    assert len(initialised("catalog", "show", "--json").data) == 11


def test_what_cannot_be_drafted_says_why(initialised: Cli, nasty: str, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database, " * 200)
    empty = write(tmp_path / "empty.db", "CREATE TABLE keyless (a)")
    draft = ("catalog", "draft")
    refused(initialised(*draft, "archive.nowhere"), 1, "no source archive.nowhere")
    refused(initialised(*draft, "--url", f"sqlite:///{tmp_path}/nowhere.db", *DEPARTMENT), 3, "cannot be read")
    refused(initialised(*draft, "--url", f"sqlite:///{tmp_path}/text.db", *DEPARTMENT), 3, "cannot be read")
    refused(initialised(*draft, "--url", "postgresql://reader@127.0.0.1:1/x", *DEPARTMENT), 3, "not reachable")
    refused(initialised(*draft, "--url", "postgresql://reader:pw@127.0.0.1:1/x", *DEPARTMENT), 1, "must not hold a password")
    refused(initialised(*draft, "--url", "postgresql://reader@h/x", "--secret", "env:NOWHERE_SET", *DEPARTMENT), 1, "NOWHERE_SET is not set")
    refused(initialised(*draft, "--url", "nosuch://h/x", *DEPARTMENT), 1, "no driver")
    refused(initialised(*draft, "--url", "http://127.0.0.1:1", "--kind", "rest", *DEPARTMENT), 1, "cannot list", "docs/manifest.md")
    refused(initialised(*draft, "--url", "http://127.0.0.1:1", "--kind", "soap", *DEPARTMENT), 1, "soap")
    without = initialised(*draft, "--url", empty, *DEPARTMENT, "-o", tmp_path / "x.toml")
    refused(without, 1, "no primary key", "no table or view to draft")
    refused(initialised(*draft, "--url", nasty, *DEPARTMENT, "-o", tmp_path / "no" / "x.toml"), 1, "cannot write")


def test_the_hubs_own_files_are_no_source(initialised: Cli, home: Path) -> None:
    refused(initialised("catalog", "draft", "--url", f"sqlite:///{home}/control.db", *DEPARTMENT), 1, "the hub's own files")


def test_usage(cli: Cli, nasty: str) -> None:
    for arguments in ((), ("a.b", "--url", nasty), ("--url", nasty), ("--url", nasty, "--department", "archive")):
        assert cli("catalog", "draft", *arguments).code == 2
    wrong = cli("catalog", "draft", "--url", nasty, "--department", "Archive", "--name", "x", "--uscc", "115201000093900013")
    assert wrong.code == 1
    assert "code" in wrong.err


def test_drift_is_told_and_fails(initialised: Cli, nasty: str, tmp_path: Path) -> None:
    file = tmp_path / "draft.toml"
    initialised("catalog", "draft", "--url", nasty, *DEPARTMENT, "-o", file)
    publish(initialised, file)
    with closing(sqlite3.connect(tmp_path / "nasty.db")) as connection, connection:
        connection.execute("ALTER TABLE customers ADD COLUMN salary INTEGER")
    found = initialised("catalog", "drift", "--json")
    assert found.code == 1
    assert [(each["resource"], each["column"], each["change"]) for each in found.data["drift"]] == [("archive.customer", "salary", "COLUMN_NEW")]
    assert found.data["checked"] == 11
    assert "salary" in initialised("catalog", "drift", "archive.customer").out
    assert initialised("catalog", "drift", "archive.select").code == 0
    assert initialised("catalog", "drift", "archive").code == 1
    refused(initialised("catalog", "drift", "archive.nowhere"), 1, "archive.nowhere")


def test_a_source_that_cannot_be_asked_is_told_apart_from_drift(initialised: Cli, nasty: str, tmp_path: Path) -> None:
    file = tmp_path / "draft.toml"
    initialised("catalog", "draft", "--url", nasty, *DEPARTMENT, "--only", "customers", "-o", file)
    publish(initialised, file)
    (tmp_path / "nasty.db").unlink()
    found = initialised("catalog", "drift")
    assert found.code == 3
    assert "not compared: archive.customer" in found.err
    assert initialised("catalog", "drift", "--json").data["not_asked"][0]["resources"] == ["archive.customer"]
