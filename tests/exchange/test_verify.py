"""``huitong exchange verify``: the same rows from files and tables have the same outcomes, and what is refused leaves nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from hub.cli.verifying.address import PASSWORD
from tests.cli.conftest import Outcome
from tests.exchange.applicants import DOCUMENT, EXPECTED, Row, applicants, filled, outcomes, told, uploads, written
from tests.exchange.delivery.databases import mariadb_database, postgres_database, sqlite_database
from tests.exchange.pulling import Proxy, inside, manifest_in, stored
from tests.hub.running import RunningHub
from tests.servers.mariadb import Mariadb
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]
Call = Callable[..., Outcome]
COUNTS = {"MATCH": 3, "MISMATCH": 2, "NOT_FOUND": 0, "INDETERMINATE": 0, "REFUSED": 1}


@pytest.fixture
def rows(hub: RunningHub) -> list[Row]:
    """What is verified."""
    return applicants(hub)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_file_is_verified(hub: RunningHub, verify: Call, rows: list[Row], tmp_path: Path, encoding: str) -> None:
    path = written(rows, tmp_path / "applicants.csv", encoding)
    charset = ("--charset", "gb18030") if encoding == "gb18030" else ()
    done = verify(path, *charset, "--keep", "case_no", "--json")
    assert done.code == 0, done.err
    assert (done.data["rows"], done.data["exchange"]) == (6, manifest_in(tmp_path / "in")["exchange"])
    assert (done.data["outcomes"], done.data["refused"]) == (COUNTS, {"BAD_INPUT": 1})
    assert told(tmp_path / "in") == EXPECTED
    assert [*inside(tmp_path / "in")] == ["data.csv"], "nothing is left beside the outcomes"
    again = verify(path, *charset, "--keep", "case_no")
    assert (again.code, "holds a whole exchange" in again.err) == (1, True)


def test_a_file_that_is_not_of_its_encoding_begins_nothing(hub: RunningHub, verify: Call, rows: list[Row], tmp_path: Path) -> None:
    before = uploads(hub)
    path = written(rows, tmp_path / "applicants.csv", "gb18030")
    refused = verify(path, "--keep", "case_no")
    assert (refused.code, "line 2: the bytes are not of the declared encoding" in refused.err) == (1, True), refused.err
    assert "--charset gb18030" in refused.err
    assert (uploads(hub), inside(tmp_path / "in")) == (before, {})
    written(rows, path)
    assert verify(path, "--keep", "case_no").code == 0, "a file that was mended begins in the same folder"


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "mariadb"])
def test_a_table_has_the_outcomes_of_the_file(
    hub: RunningHub, verify: Call, proxy: Proxy, rows: list[Row], tmp_path: Path, postgres: Postgres, mariadb: Mariadb, kind: str
) -> None:
    made = {
        "sqlite": lambda: sqlite_database(tmp_path),
        "postgres": lambda: postgres_database(postgres, tmp_path),
        "mariadb": lambda: mariadb_database(mariadb, tmp_path),
    }
    database = filled(made[kind](), rows)
    schema = {"sqlite": "main", "postgres": "public", "mariadb": database.url.rpartition("/")[2]}[kind]
    done = verify(database.url, "--table", f"{schema}.applicants", "--keep", "case_no")
    assert done.code == 0, done.err
    assert sorted(told(tmp_path / "in")) == EXPECTED
    assert [*inside(tmp_path / "in")] == ["data.csv"], "nothing is left of the rows that were read"
    assert verify(written(rows, tmp_path / "applicants.csv"), "--keep", "case_no", "--into", tmp_path / "of_file").code == 0
    by_case = [sorted(({**row, "row": ""} for row in outcomes(tmp_path / name)), key=lambda row: row["case_no"]) for name in ("in", "of_file")]
    assert by_case[0] == by_case[1]
    (address,) = {database.url.rpartition("/")[0]}
    assert address not in str(stored(hub, "SELECT * FROM exchange")) + str(stored(hub, "SELECT * FROM exchange_upload"))
    (media, _) = [headers["content-type"] for method, path, headers in proxy.asked if (method, path) == ("POST", "/exchanges/uploads")]
    assert media == "application/x-ndjson"


@pytest.mark.parametrize("more", [("CSV",), ("CSV", "--encoding", "gb18030"), ("JSONL",), ("PARQUET",), ("ARROW",)], ids=" ".join)
def test_the_counts_of_outcomes_are_told(verify: Call, rows: list[Row], tmp_path: Path, more: tuple[str, ...]) -> None:
    done = verify(written(rows, tmp_path / "applicants.csv"), "--keep", "case_no", "--keep", "name", "--format", *more)
    assert done.code == 0, done.err
    line = "结论 outcomes: 相符 MATCH 3; 不符 MISMATCH 2; 无此对象 NOT_FOUND 0; 无法判断 INDETERMINATE 0; 未核验 REFUSED 1 (BAD_INPUT 1)"
    assert line in done.out.splitlines(), done.out


def test_formats_and_encodings_of_outcomes(verify: Call, rows: list[Row], tmp_path: Path) -> None:
    path = written(rows, tmp_path / "applicants.CSV")
    assert verify(path, "--keep", "case_no", "--format", "jsonl").code == 0
    lines = [orjson.loads(line) for line in inside(tmp_path / "in")["data.jsonl"].splitlines()]
    assert [(line["case_no"], line["outcome"]) for line in lines] == [(case, outcome) for case, outcome, _ in EXPECTED]
    assert verify(path, "--keep", "case_no", "--keep", "name", "--encoding", "gb18030", "--into", tmp_path / "gb").code == 0
    assert "某某" in inside(tmp_path / "gb")["data.csv"].decode("gb18030")
    assert verify(path, "--keep", "case_no", "--destination", "nowhere", "--into", tmp_path / "out").code == 1, "it is the hub's to know destinations"


def test_a_start_that_is_refused_leaves_no_upload(hub: RunningHub, verify: Call, document: Path, rows: list[Row], tmp_path: Path) -> None:
    before = uploads(hub)
    path = written(rows, tmp_path / "applicants.csv")
    refused = verify(path)
    assert (refused.code, "case_no" in refused.err, "neither variables nor kept" in refused.err) == (1, True, True), refused.err
    assert (uploads(hub), inside(tmp_path / "in")) == (before, {})
    document.write_text(DOCUMENT.replace("verifyPerson", "verifyNobody"))
    refused = verify(path, "--keep", "case_no")
    assert (refused.code, "verifyNobody" in refused.err) == (1, True)
    assert uploads(hub) == before
    document.write_text(DOCUMENT)
    assert verify(path, "--keep", "case_no").code == 0, "what was mended begins in the same folder"


def test_a_file_that_is_too_large_is_refused_in_the_hubs_words(hub: RunningHub, verify: Call, rows: list[Row], tmp_path: Path) -> None:
    path = written(rows, tmp_path / "applicants.csv")
    os.truncate(path, 80 << 20)
    refused = verify(path, "--keep", "case_no", "--url", hub.base, "--patience", 5)
    assert (refused.code, "the file is larger than 64 MiB" in refused.err, "divide the file" in refused.err) == (1, True, True), refused.err
    assert inside(tmp_path / "in") == {}


@pytest.mark.parametrize("change", [8, -8])
def test_a_file_that_changes_while_it_is_sent_is_told_so(
    hub: RunningHub, verify: Call, rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: int
) -> None:
    before = uploads(hub)
    path = written(rows, tmp_path / "applicants.csv")
    fstat = os.fstat

    def then_changed(descriptor: int) -> os.stat_result:
        found = fstat(descriptor)
        os.truncate(path, found.st_size + change)
        return found

    with monkeypatch.context() as patched:
        patched.setattr("hub.cli.verifying.upload.os.fstat", then_changed)
        refused = verify(path, "--keep", "case_no", "--patience", 5)
    assert (refused.code, "was changed while it was sent" in refused.err) == (1, True), refused.err
    assert (uploads(hub), inside(tmp_path / "in")) == (before, {})
    written(rows, path)
    assert verify(path, "--keep", "case_no").code == 0


def test_a_hub_that_is_not_there(verify: Call, rows: list[Row], tmp_path: Path) -> None:
    path = written(rows, tmp_path / "applicants.csv")
    gone = verify(path, "--keep", "case_no", "--url", "http://127.0.0.1:1", "--patience", 0)
    assert (gone.code, inside(tmp_path / "in")) == (3, {})


def test_a_password_comes_by_variable_or_file(verify: Call, mariadb: Mariadb, rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database, secret = filled(mariadb_database(mariadb, tmp_path), rows), "h%2Funter2-密"
    user = f"reader_{database.url.rpartition('_')[2]}"
    database.ask(f"CREATE USER {user}@'%' IDENTIFIED BY '{secret}'", f"GRANT SELECT ON *.* TO {user}@'%'")
    table = (database.url.replace(f"//{mariadb.user}@", f"//{user}@"), "--table", "applicants", "--keep", "case_no")
    (tmp_path / "secret").write_text(f"{secret}\n")
    told_ = [verify(*table, "--table-secret-file", tmp_path / "secret", "--into", tmp_path / "file"), verify(*table)]
    monkeypatch.setenv(PASSWORD, secret)
    told_ += [verify(*table, "--into", tmp_path / "variable")]
    assert [each.code for each in told_] == [0, told_[1].code, 0], told_
    assert told_[1].code in (1, 3)
    assert PASSWORD in told_[1].err
    assert told(tmp_path / "file") == told(tmp_path / "variable") == EXPECTED
    assert not any(secret in each.out + each.err for each in told_)
