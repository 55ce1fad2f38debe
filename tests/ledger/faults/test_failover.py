"""The control database on PostgreSQL fails over: crash, immediate shutdown, freeze, and a standby that takes the place of its primary."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hub.ledger.errors import LedgerUnavailable
from hub.ledger.receipt import Receipt
from hub.ledger.service import LedgerService
from hub.settings import Settings
from hub.store.engine import open_engine, reading
from tests.hardening.test_locked import wait_for
from tests.ledger.build import check, make_draft, open_service
from tests.servers.durable import DurablePostgres, durable_postgres, standby_of
from tests.servers.postgres import Postgres, free_port

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ledger.append.PATIENCE_MS", 300)
    monkeypatch.setattr("hub.ledger.append.PROBE_SECONDS", 0.05)
    monkeypatch.setattr("hub.store.postgres.GRACE_SECONDS", 0.3)
    monkeypatch.setattr("hub.store.postgres.BoundedConnection.seconds", 0.5)


@contextmanager
def opened(home: Path, url: str) -> Iterator[LedgerService]:
    home.mkdir(exist_ok=True)
    (home / "control.url").write_text(url)
    service = open_service(home)
    yield service
    service.engine.dispose()


async def under_load(service: LedgerService, kept: list[Receipt], ending: asyncio.Event) -> int:
    """Appends from eight callers until told to end; how many were refused."""
    refused = 0

    async def caller(number: int) -> None:
        nonlocal refused
        turn = 0
        while not ending.is_set():
            turn += 1
            try:
                kept.append(await service.ledger.append(make_draft(f"{number}-{turn}")))
            except LedgerUnavailable:
                refused += 1
                await asyncio.sleep(0.01)

    await asyncio.gather(*(caller(number) for number in range(8)))
    return refused


async def after(kept: list[Receipt], more: int = 20) -> None:
    """Until so many further entries are acknowledged."""
    goal = len(kept) + more
    await asyncio.to_thread(wait_for, lambda: len(kept) >= goal)


async def test_the_ledger_goes_on_by_itself_after_a_crash_a_shutdown_and_a_freeze_of_its_server(tmp_path: Path) -> None:
    with durable_postgres() as server, opened(tmp_path, server.url()) as service:
        await service.start()
        kept: list[Receipt] = []
        ending = asyncio.Event()
        load = asyncio.create_task(under_load(service, kept, ending))
        await after(kept)
        for end, back in ((server.kill, server.start), (server.quit, server.start), (server.freeze, server.thaw)):
            await asyncio.to_thread(end)
            await asyncio.to_thread(wait_for, lambda: service.ledger.failing)
            assert not service.ready
            await asyncio.to_thread(back)
            await after(kept)
        ending.set()
        assert await load > 0
        await asyncio.to_thread(wait_for, lambda: service.ready)
        await service.close()
        with reading(service.engine, patience=0) as connection:
            assert connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one() is False
        report = check(service, receipts=kept)
        assert report.findings == []
        assert report.receipts == len(kept) <= report.entries


async def test_a_standby_takes_over_and_no_acknowledged_entry_is_missing(tmp_path: Path) -> None:
    """Replicated synchronously, both servers in one URL; the one that can be written is found."""
    with durable_postgres(synchronous_standby_names="*", synchronous_commit="on") as primary:
        # Until the standby is there, nothing may wait for it.
        _set(primary, "synchronous_commit", "local")
        with standby_of(primary, primary_slot_name="") as standby:
            _set(primary, "synchronous_commit", "on")
            both = f"postgresql+psycopg://postgres@/postgres?host=127.0.0.1:{standby.port}&host=127.0.0.1:{primary.port}"
            with opened(tmp_path / "home", both) as service:
                await _taken_over(service, primary, standby)


async def _taken_over(service: LedgerService, primary: DurablePostgres, standby: DurablePostgres) -> None:
    await service.start()
    kept: list[Receipt] = []
    ending = asyncio.Event()
    load = asyncio.create_task(under_load(service, kept, ending))
    await after(kept)
    await asyncio.to_thread(primary.kill)
    await asyncio.to_thread(wait_for, lambda: service.ledger.failing)
    await asyncio.to_thread(standby.promote)
    # Nobody follows the new primary yet.
    await asyncio.to_thread(_set, standby, "synchronous_standby_names", "")
    await after(kept)
    ending.set()
    assert await load > 0
    await service.close()
    with service.engine.connect() as connection:
        assert connection.execute(text("SHOW port")).scalar_one() == str(standby.port)
    report = check(service, receipts=kept)
    assert report.findings == []
    assert report.receipts == len(kept) <= report.entries


def _set(server: DurablePostgres, name: str, value: str) -> None:
    with psycopg.connect(server.url(scheme="postgresql"), autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
        connection.execute("SELECT pg_reload_conf()")


def test_of_several_hosts_one_that_answers_is_found(postgres: Postgres) -> None:
    url = f"postgresql+psycopg://{postgres.user}@/postgres?host={postgres.host}:{free_port()}&host={postgres.host}:{postgres.port}"
    engine = open_engine(Settings(database=url).database_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()


def test_a_server_that_takes_no_writes_any_more_is_left(postgres: Postgres) -> None:
    """Its connections are sound, so a pool would keep them; the refusal itself makes it look again."""
    engine = open_engine(postgres.url(scheme="postgresql+psycopg"))
    with engine.connect() as connection:
        before = connection.connection.dbapi_connection
        connection.execute(text("SET default_transaction_read_only = on"))
        connection.commit()
        with pytest.raises(SQLAlchemyError, match="ReadOnlySqlTransaction"):
            connection.execute(text("CREATE TABLE never (id int)"))
    with engine.connect() as connection:
        assert connection.connection.dbapi_connection is not before
        assert connection.execute(text("SHOW default_transaction_read_only")).scalar_one() == "off"
    engine.dispose()
