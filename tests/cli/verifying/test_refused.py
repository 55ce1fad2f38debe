"""``huitong exchange verify`` on what it cannot read: exit codes, the remedy, and never a password."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hub.cli.verifying.address import PASSWORD
from tests.cli.conftest import Cli, Outcome

pytestmark = pytest.mark.fast
DOCUMENT = "query ($id: String!, $born: Date, $n: Int = 1) { verify(id: $id, born: $born, n: $n) { outcome } }"
Verify = Callable[..., Outcome]


@pytest.fixture
def verify(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Verify:
    """The command on a hub that is not there; what the terminal draws around its words is left out."""
    monkeypatch.setenv("HUITONG_TOKEN", "none")
    monkeypatch.delenv(PASSWORD, raising=False)
    (tmp_path / "document.graphql").write_text(DOCUMENT)

    def call(*arguments: object) -> Outcome:
        more = ("-f", tmp_path / "document.graphql") if "-f" not in arguments else ()
        done = cli("exchange", "verify", *arguments, *more, "--into", tmp_path / "in", "--url", "http://127.0.0.1:1", "--patience", 0)
        return Outcome(done.code, done.out, " ".join(re.sub("[│╭╮╰╯─]", " ", done.err).split()))

    return call


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A database with a table."""
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.execute("CREATE TABLE applicants (id TEXT, day DATE, image BLOB)")
        connection.execute("INSERT INTO applicants VALUES ('1', 'soon', NULL)")
        connection.execute("CREATE TABLE nobody (id TEXT)")
    return f"sqlite:///{tmp_path}/a.db"


@pytest.mark.parametrize("name", ["applicants.xlsx", "applicants", "applicants.db"])
def test_a_file_of_another_kind(verify: Verify, name: str) -> None:
    refused = verify(name)
    assert refused.code == 1
    assert name in refused.err
    assert ".csv, .jsonl, .ndjson, .parquet, .arrow" in refused.err
    assert "postgresql://" in refused.err


def test_an_address_that_is_mistyped_is_not_repeated_with_its_password(verify: Verify) -> None:
    refused = verify("postgresql:reader:hunter2@db.local/rent")
    assert (refused.code, "hunter2" in refused.out + refused.err, "db.local/rent" in refused.err) == (1, False, True)


def test_a_file_that_is_not_there_or_is_none(verify: Verify, tmp_path: Path) -> None:
    assert "cannot be read" in verify(tmp_path / "none.csv").err
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    for name in ("folder.csv", "pipe.jsonl"):
        refused = verify(tmp_path / name)
        assert (refused.code, "is no file" in refused.err) == (1, True), refused.err
    assert list((tmp_path / "in").iterdir()) == []


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://reader:hunter2@db.local/rent",
        "postgresql://reader:hunter2@db.local:port/rent",
        "postgresql://reader@db.local/rent?password=hunter2",
        "mariadb://reader@db.local/rent?passwd=hunter2",
        "mysql://reader:hun%20ter2@db.local/rent",
        "sqlite://x:hunter2@/a.db",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_told(verify: Verify, given: str) -> None:
    refused = verify(given, "--table", "applicants")
    assert refused.code == 1
    assert "hunter2" not in refused.err + refused.out
    assert "ter2" not in refused.err + refused.out
    if ":port" not in given:
        assert PASSWORD in refused.err
        assert "--table-secret-file" in refused.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{db}",), "--table"),
        (("{db}", "--table", "applicants", "--charset", "gb18030"), "--charset"),
        (("a.csv", "--table", "applicants"), "--table"),
        (("a.jsonl", "--charset", "utf-8"), "--charset"),
        (("a.csv", "--charset", "latin1"), "utf-8, gb18030"),
        (("a.csv", "--table-secret-file", "{file}"), "--table-secret-file"),
    ],
)
def test_options_that_do_not_go_together(verify: Verify, database: str, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    given = [each.format(db=database, file=tmp_path / "document.graphql") for each in arguments]
    refused = verify(*given)
    assert (refused.code, said in refused.err) == (2, True), refused.err


def test_columns(verify: Verify, database: str, tmp_path: Path) -> None:
    def told(table: str, document: str, *more: str) -> str:
        (tmp_path / "of.graphql").write_text(document)
        refused = verify(database, "--table", table, "-f", tmp_path / "of.graphql", *more)
        assert refused.code == 1
        assert list((tmp_path / "in").iterdir()) == [], "neither rows nor memory are left"
        return refused.err

    missing = told("applicants", "query ($id: ID!, $name: String!, $born: Date) { a }", "--keep", "case")
    assert "lacks columns: name, case；现有 there are: id, day, image" in missing
    assert "lacks columns: born" in told("applicants", "query ($born: Date) { a }")
    assert "this type cannot be read: BLOB" in told("applicants", "query ($image: String!) { a }")
    assert "applicants.day: 1 个值不是 date values are no date" in told("applicants", "query ($id: ID!, $day: Date) { a }")
    assert "has no rows" in told("nobody", DOCUMENT)
    assert "does not exist" in told("persons", DOCUMENT)


def test_documents(verify: Verify, database: str, tmp_path: Path) -> None:
    def told(document: str, *more: str) -> str:
        (tmp_path / "of.graphql").write_text(document)
        refused = verify(database, "--table", "applicants", "-f", tmp_path / "of.graphql", *more)
        assert refused.code == 1
        return refused.err

    assert "of.graphql:1" in told("query (")
    assert "has no variables" in told("{ a }")
    two = "query A($id: ID!) { a } query B($x: ID!) { a }"
    assert "--operation: A, B" in told(two)
    assert "there is no operation C" in told(two, "--operation", "C")
    assert "lacks columns: x" in told(two, "--operation", "B")


@pytest.mark.parametrize("address", ["sqlite:///{folder}/none.db", "postgresql://reader@127.0.0.1:1/rent", "mariadb://reader@127.0.0.1:1/rent"])
def test_a_database_that_is_not_there(verify: Verify, tmp_path: Path, address: str) -> None:
    given = address.format(folder=tmp_path)
    gone = verify(given, "--table", "applicants")
    assert (gone.code, given in gone.err, PASSWORD in gone.err) == (3, True, True), gone.err


@pytest.mark.parametrize("address", ["oracle://reader@db/rent", "sqlite://", "postgresql://db.local/rent"])
def test_an_address_that_is_none(verify: Verify, address: str) -> None:
    refused = verify(address, "--table", "applicants")
    assert (refused.code, "→" in refused.err) == (1, True), refused.err


def test_more_rows_than_a_hub_takes(verify: Verify, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.executemany("INSERT INTO nobody VALUES (?)", [(str(number),) for number in range(11)])
    monkeypatch.setattr("hub.cli.verifying.database.MOST_ROWS", 10)
    refused = verify(database, "--table", "nobody")
    assert (refused.code, "more than 10 rows" in refused.err, "by views" in refused.err) == (1, True, True), refused.err
