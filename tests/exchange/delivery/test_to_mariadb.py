"""The whole way: a register in PostgreSQL, masked, in chunks, into a table of MariaDB; and what kill -9 changes about it: nothing."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.core import open_core
from hub.exchange.delivery.deliver import Deliveries
from hub.exchange.tables import exchange_delivery
from hub.ledger.parsing import parse
from hub.ledger.tables import entry
from hub.settings import Settings
from loadtests import persons
from tests.exchange.delivery.databases import Database, mariadb_database, postgres_database
from tests.exchange.delivery.killed import POINTS
from tests.exchange.delivery.parcels import bring, parcel
from tests.exchange.delivery.register import NODES, TABLE, fill_source, register
from tests.servers.mariadb import Mariadb
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


@pytest.fixture
def source(postgres: Postgres, tmp_path: Path) -> Database:
    made = postgres_database(postgres, tmp_path)
    fill_source(made)
    return made


@pytest.fixture
def table(mariadb: Mariadb, tmp_path: Path) -> Database:
    return mariadb_database(mariadb, tmp_path)


def held(table: Database) -> list[tuple[object, ...]]:
    """What the consumer finds, row by row."""
    columns = ", ".join(f"`{name}`" for name in NODES.split())
    return sorted(tuple(str(value) for value in row) for row in table.ask(f"SELECT {columns} FROM `{TABLE}`"))


def killed(home: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.exchange.delivery.killed", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


async def test_a_register_of_postgresql_fills_a_table_of_mariadb(tmp_path: Path, source: Database, table: Database) -> None:
    async with register(tmp_path, source, table) as hub:
        number = await hub.start()
        found = await hub.until(number, "DELIVERED", "FAILED")
        assert (found["delivery"]["state"], found["delivery"]["rows"], len(found["files"]) > 1) == ("DELIVERED", persons.ROWS, True), found
        answer = await hub.ask(f"{{ register {{ persons(first: {persons.ROWS}) {{ nodes {{ {NODES} }} }} }} }}")
    asked = answer["register"]["persons"]["nodes"]
    found_there = await asyncio.to_thread(held, table)
    assert found_there == sorted(tuple(str(row[name]) for name in NODES.split()) for row in asked)
    assert not {row[4] for row in found_there} & {str(row[5]) for row in persons.rows()}
    assert await asyncio.to_thread(table.tables) == {TABLE}


async def test_kill_9_at_every_step_and_then_it_is_there_once(tmp_path: Path, source: Database, table: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step is killed in a process of its own; the last process is let finish."""

    async def nothing(_self: Deliveries) -> None:
        """The exchange is made here, its delivery is for others."""

    monkeypatch.setattr(Deliveries, "begin", nothing)
    await asyncio.to_thread(bring, table.table(TABLE), parcel(tmp_path), tmp_path)
    async with register(tmp_path, source, table) as hub:
        number = await hub.start()
        await hub.until(number, "SUCCEEDED", "FAILED")
    home = tmp_path / "home"
    done = await asyncio.to_thread(killed, home)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["point"], each["signal"]) for each in told] == [*((point, 9) for point in POINTS), ("none", 0)], done.stderr[-2000:]
    found_there = await asyncio.to_thread(held, table)
    assert len(found_there) == len(set(found_there)) == persons.ROWS
    assert await asyncio.to_thread(table.tables) == {TABLE}
    core = open_core(Settings(home=home))
    with core.engine.connect() as connection:
        row = connection.execute(select(exchange_delivery)).one()
        entries = [parse(each).content for each in connection.execute(select(entry.c.canonical).order_by(entry.c.seq)).scalars()]
    core.close()
    assert (row.state, row.attempts, row.rows) == ("DELIVERED", len(POINTS) + 1, persons.ROWS)
    told_of = [(each.outcome, each.medium, (each.details or {})["attempt"]) for each in entries if each.kind == "download"]
    # The last two attempts found that all had arrived, and nothing left any more.
    assert told_of == [("OK", "TABLE", n + 1) for n in range(len(POINTS) - 1)]
