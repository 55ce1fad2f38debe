"""Applicants whose claims ``huitong exchange verify`` has verified at the demonstration hub, in files and tables, and what comes of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.exchange.delivery.databases import Database
from tests.exchange.pulling import Proxy, stored
from tests.hub.running import RunningHub

DOCUMENT = """query ($id: String!, $name: String!, $born: Date) {
  civilAffairs { verifyPerson(subject: {idNumber: $id}, claims: {name: $name, birthDate: $born}) { outcome claims { item outcome } } } }"""
COLUMNS = ("case_no", "id", "name", "born")
FIRST_CASE = 2**53 + 1
Row = tuple[int, str, str, str | None]


EXPECTED = [(str(FIRST_CASE + place), outcome, "") for place, outcome in enumerate(["MATCH"] * 3 + ["MISMATCH"] * 2)]
EXPECTED += [(str(FIRST_CASE + 5), "REFUSED", "BAD_INPUT")]


def applicants(hub: RunningHub) -> list[Row]:
    """Three who are whom they say, one with another name, one with another day of birth, one without any."""
    persons = [(each["id_number"], each["name"], each["birth_date"]) for each in hub.inside]
    number, name, _ = persons[0]
    wrong = [(persons[3][0], "某某", persons[3][2]), (persons[4][0], persons[4][1], "1900-01-01"), (number, name, None)]
    return [(FIRST_CASE + place, *each) for place, each in enumerate([*persons[:3], *wrong])]


def written(rows: Sequence[Row], path: Path, encoding: str = "utf-8") -> Path:
    """The rows as a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([COLUMNS, *(["" if value is None else value for value in row] for row in rows)])
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def filled(database: Database, rows: Sequence[Row]) -> Database:
    """A database with the rows, and a column that nobody asks for."""
    literal = [", ".join("NULL" if value is None else str(value) if isinstance(value, int) else f"'{value}'" for value in row) for row in rows]
    database.ask("CREATE TABLE applicants (case_no BIGINT PRIMARY KEY, id VARCHAR(18), name VARCHAR(40), born DATE, income DECIMAL(10, 2))")
    database.ask(*(f"INSERT INTO applicants VALUES ({values}, 12.50)" for values in literal), "SELECT 1")
    return database


def outcomes(folder: Path) -> list[dict[str, str]]:
    """What came, without the entries that stand for it."""
    found = list(csv.DictReader(io.StringIO((folder / "data.csv").read_bytes().decode("utf-8-sig"), newline="")))
    return [{name: value for name, value in row.items() if name != "entry"} for row in found]


def told(folder: Path) -> list[tuple[str, str, str]]:
    """Case, outcome and code of each row."""
    return [(row["case_no"], row["outcome"], row["code"]) for row in outcomes(folder)]


def command(proxy: Proxy, document: Path, into: Path, *arguments: object) -> list[object]:
    """The command line."""
    own = [each for each in (("--into", into), ("--url", proxy.base)) if each[0] not in arguments]
    return ["exchange", "verify", *arguments, "-f", document, "--app", "housing", *(part for each in own for part in each)]


def uploads(hub: RunningHub) -> list[tuple[Any, ...]]:
    """Ids of uploads that are not disposed of."""
    return stored(hub, "SELECT id FROM exchange_upload WHERE disposed_at IS NULL ORDER BY id")
