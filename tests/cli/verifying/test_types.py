"""Values of tables as they are uploaded: the same lines of the same rows, whatever the database."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import orjson
import pytest

from hub.cli.verifying.address import Address
from hub.cli.verifying.document import Document, read_document
from hub.cli.verifying.table import DatabaseTable
from tests.exchange.delivery.databases import mariadb_database, postgres_database, sqlite_database
from tests.servers.mariadb import Mariadb
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.slow
DOCUMENT = """query ($id: String!, $born: Date, $area: Decimal, $big: BigInt, $number: String!, $few: Int, $text_few: Int, $share: Float, $yes: Boolean,
  $said: String, $seen: DateTime, $flag: Int, $absent: Int = 1, $missing: String) { a }"""
TABLE = """CREATE TABLE t (id CHAR(18), born DATE, area DECIMAL(10, 2), big BIGINT, number BIGINT, few INTEGER, text_few VARCHAR(9), share {double}, yes BOOLEAN,
  said BOOLEAN, seen {moment}, kept DECIMAL(20, 2), secret VARCHAR(9), flag BOOLEAN)"""
ROWS = (
    "'52010219900101123X', '1990-01-01', 88.25, 9007199254740993, 52010219900101, 7, ' 7', 0.25, {true}, {false}, '2026-11-22 08:00:00', -1.25, 'hidden', {true}",
    "'x', NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
)
WHOLE = {
    "id": "52010219900101123X",
    "born": "1990-01-01",
    "area": "88.25",
    "big": "9007199254740993",
    "number": "52010219900101",
    "few": 7,
    "text_few": 7,
    "share": 0.25,
    "yes": True,
    "said": "false",
    "seen": "2026-11-22T08:00:00+00:00",
    "flag": 1,
    "kept": "-1.25",
}


async def lines_of(table: DatabaseTable, document: Document, folder: Path) -> list[object]:
    """What is uploaded of a table; ``folder`` is empty meanwhile."""
    async with table.opened(document, ["kept", "id"], folder) as file:
        about = os.fstat(file.fileno())
        assert (about.st_nlink, about.st_mode & 0o777, os.listdir(folder)) == (0, 0o600, []), "it has no name, and is its owner's alone"  # noqa: PTH208
        file.seek(0)
        return [orjson.loads(line) for line in file]


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "mariadb"])
def test_values(tmp_path: Path, postgres: Postgres, mariadb: Mariadb, kind: str) -> None:
    if kind == "sqlite":
        database = sqlite_database(tmp_path)
    else:
        database = postgres_database(postgres, tmp_path) if kind == "postgres" else mariadb_database(mariadb, tmp_path)
    words = {"double": "DOUBLE PRECISION", "moment": "DATETIME" if kind == "mariadb" else "TIMESTAMP", "true": "TRUE", "false": "FALSE"}
    with database.session() as session:
        for statement in (TABLE, *(f"INSERT INTO t VALUES ({row})" for row in ROWS)):
            session(statement.format(**words))
    (tmp_path / "document.graphql").write_text(DOCUMENT)
    (tmp_path / "folder").mkdir()
    document = read_document(tmp_path / "document.graphql", None)
    lines = asyncio.run(lines_of(DatabaseTable(Address.parsed(database.url, None), "t"), document, tmp_path / "folder"))
    # MariaDB has no type for truths: their texts are numbers.
    whole = WHOLE | ({"said": "0"} if kind == "mariadb" else {})
    assert lines == [whole, {**dict.fromkeys(WHOLE), "id": "x", "number": "1"}]


def test_codes_in_the_type_that_mariadb_has_for_truths(tmp_path: Path, mariadb: Mariadb) -> None:
    database = mariadb_database(mariadb, tmp_path)
    database.ask(
        "CREATE TABLE t (id CHAR(18), said BOOLEAN, flag BOOLEAN, yes BOOLEAN, number BIGINT, kept BOOLEAN)",
        "INSERT INTO t VALUES ('x', 2, 9, 1, 1, -3)",
        "SELECT 1",
    )
    (tmp_path / "document.graphql").write_text("query ($said: String, $flag: Int, $yes: Boolean) { a }")
    (tmp_path / "folder").mkdir()
    document = read_document(tmp_path / "document.graphql", None)
    lines = asyncio.run(lines_of(DatabaseTable(Address.parsed(database.url, None), "t"), document, tmp_path / "folder"))
    assert lines == [{"said": "2", "flag": 9, "yes": True, "kept": "-3", "id": "x"}]
