"""Masked list: PostgreSQL masks in the statement, so that the hub has nothing to do for it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import asyncpg

from loadtests import lists, persons
from loadtests.hub import serving
from loadtests.report import Report
from tests.servers.postgres import Postgres, running_postgres

_asyncpg: Any = asyncpg
WANTED = 1.15
_TABLE = """CREATE TABLE person (record_no bigint PRIMARY KEY, id_number text, name text, gender text, birth_date date, phone text, address text,
    email text, household_no text)"""


def run() -> Report:
    """Measures the lists over a PostgreSQL of the bench's own."""
    with running_postgres() as server, tempfile.TemporaryDirectory(prefix="huitong-bench-") as directory:
        asyncio.run(_fill(server))
        place = persons.Place(f'kind = "sql"\nurl = "{server.url()}"', 'object = "person"')
        with serving(Path(directory) / "home", persons.manifest(place)) as hub:
            found = lists.measure(hub, lambda: backends(server))
    about = (
        f"{persons.ROWS:,} rows of {len(persons.ITEMS)} items from PostgreSQL, {len(persons.MASKED)} of them masked by the statement for one application "
        f"and none for the other; {lists.ROUNDS} rounds of {lists.CALLS} calls of each by turns."
    )
    return Report("Masked list, masks in the source", about, lists.figures(found, WANTED, "PostgreSQL"))


def backends(server: Postgres) -> list[int]:
    """The server's processes. Those that serve the hub are its children."""
    postmaster = int((server.log.parent / "data" / "postmaster.pid").read_text().splitlines()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [int(process) for process in children]


async def _fill(server: Postgres) -> None:
    connection = await _asyncpg.connect(server.url().replace("+asyncpg", ""))
    try:
        await connection.execute(_TABLE)
        # PostgreSQL makes the date of the text.
        await connection.execute("CREATE TEMPORARY TABLE given AS SELECT * FROM person LIMIT 0; ALTER TABLE given ALTER birth_date TYPE text")
        await connection.copy_records_to_table("given", records=persons.rows())
        await connection.execute(
            "INSERT INTO person SELECT record_no, id_number, name, gender, birth_date::date, phone, address, email, household_no FROM given"
        )
        await connection.execute("ANALYZE person")
        await connection.execute("ALTER SYSTEM SET log_statement = 'none'")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()
