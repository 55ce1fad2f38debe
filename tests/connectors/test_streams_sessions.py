"""The sessions of streams: read only, one for each, stopped with their readers, never more than a batch ahead of them; and what they tell of faults."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import pytest

from connectors.errors import SourceBusy, SourceFault, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.guard import GuardedSource
from connectors.paging import cuts, stream
from connectors.registry import open_source
from connectors.selection import Binding, Column, Compare, Comparison, Kind, Selection
from connectors.spi import SourceConfig
from tests.connectors.stands.mariadb import connected, execute
from tests.connectors.test_conformance_streams import rows_of, streamed
from tests.servers.mariadb import Mariadb
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
T = TypeVar("T")
K = (Column("k", Kind.BIGINT),)
WIDE = (*K, Column("s", Kind.STRING))
_SESSIONS = "FROM pg_stat_activity WHERE application_name = 'huitong' AND position($1 IN query) > 0"
_ROWS = 60_000
"""Of 1,000 bytes each: more than any buffer between a server and a reader holds."""


@pytest.fixture
async def observer(postgres: Postgres) -> AsyncIterator[Any]:
    connection: Any = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    yield connection
    await connection.close()


@pytest.fixture
async def schema(observer: Any) -> str:
    name = f"s{uuid4().hex}"
    await observer.execute(f"CREATE SCHEMA {name}; SET search_path = {name}")
    await observer.execute("CREATE VIEW large AS SELECT k, repeat('x', 1000) AS s FROM generate_series(1::bigint, 60000) k")
    await observer.execute("CREATE VIEW slow AS SELECT k, pg_sleep(0.2)::text AS s FROM generate_series(1::bigint, 1000) k")
    await observer.execute("CREATE VIEW faulty AS SELECT 1 / (50000 - k) AS k, repeat('x', 1000) AS s FROM generate_series(1::bigint, 60000) k")
    await observer.execute("CREATE VIEW settings AS SELECT row_number() OVER () AS k, name || '=' || setting AS s FROM pg_settings")
    return name


async def sessions(observer: Any, text: str) -> list[str]:
    rows = await observer.fetch(f"SELECT query {_SESSIONS}", text)
    return [row["query"] for row in rows]


async def begun(observer: Any, text: str) -> bool:
    return bool(await sessions(observer, text))


async def gone(observer: Any, text: str) -> bool:
    """Within ten seconds, no session of the hub's has the text in its statement."""
    return await comes(lambda: sessions(observer, text), [])


async def comes(asked: Callable[[], Awaitable[T]], expected: T) -> bool:
    async with asyncio.timeout(10):
        while True:
            if await asked() == expected:
                return True
            await asyncio.sleep(0.02)


async def test_a_stream_s_session_can_only_read_and_has_its_settings(postgres: Postgres, schema: str) -> None:
    source = open_source(SourceConfig("a.b", "sql", postgres.url()))
    settings = dict(str(row[1]).split("=", 1) for row in rows_of(await streamed(source, Selection(Binding(f"{schema}.settings"), WIDE), rows=1000)))
    expected = {
        "default_transaction_read_only": "on", "TimeZone": "UTC", "jit": "off", "application_name": "huitong", "client_encoding": "UTF8",
        "standard_conforming_strings": "on", "statement_timeout": str(12 * 3600 * 1000), "client_connection_check_interval": "10000",
    }  # fmt: skip
    assert {name: settings[name] for name in expected} == expected
    await source.close()


@pytest.mark.parametrize("scheme", ["postgresql+asyncpg", "gaussdb", "kingbase"])
async def test_a_statement_ends_with_its_reader(postgres: Postgres, observer: Any, schema: str, scheme: str) -> None:
    source = open_source(SourceConfig("a.b", "sql", postgres.url(scheme=scheme)))
    async with aclosing(stream(source, Selection(Binding(f"{schema}.large"), WIDE), {}, None, 1000)) as batches:
        # Cursors begin with few rows; ADBC's batches go by bytes.
        assert (await anext(batches)).batch.num_rows >= (1000 if scheme.startswith("postgresql") else 64)
        assert await sessions(observer, "FETCH FORWARD" if scheme == "kingbase" else f'"{schema}"."large"')
    assert await gone(observer, schema)
    assert await gone(observer, "FETCH FORWARD")
    reading = asyncio.ensure_future(streamed(source, Selection(Binding(f"{schema}.slow"), WIDE)))
    shown = "FETCH FORWARD" if scheme == "kingbase" else f'"{schema}"."slow"'
    assert await comes(lambda: begun(observer, shown), True)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await gone(observer, shown)
    await source.close()


async def test_a_batch_that_does_not_come_in_time_ends_the_stream(postgres: Postgres, observer: Any, schema: str) -> None:
    source = open_source(SourceConfig("a.b", "sql", postgres.url(), timeout_ms=25))
    with pytest.raises(SourceTimeout):
        await streamed(source, Selection(Binding(f"{schema}.slow"), WIDE))
    assert source.telemetry.outcomes["timeout"] == 1
    assert source.exchange is not None
    assert source.exchange.running == 0
    assert await gone(observer, schema)
    await source.close()


async def test_a_slow_reader_is_waited_for_and_the_server_is_not_far_ahead(postgres: Postgres, observer: Any, schema: str) -> None:
    source = open_source(SourceConfig("a.b", "sql", postgres.url(), timeout_ms=50))
    found = 0
    async with aclosing(stream(source, Selection(Binding(f"{schema}.large"), WIDE), {}, None, 4000)) as batches:
        async for batch in batches:
            assert batch.batch.num_rows <= 6000
            if not found:
                await asyncio.sleep(1.5)
                # Longer than a batch may take: the time of who reads is not the source's. The server has not sent all: it waits for the reader.
                assert [row["wait_event"] for row in await observer.fetch(f"SELECT wait_event {_SESSIONS}", schema)] == ["ClientWrite"]
            found += batch.batch.num_rows
    assert found == _ROWS
    await source.close()


async def test_faults_tell_neither_statement_nor_value_nor_password(postgres: Postgres, observer: Any, schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = uuid4().hex
    monkeypatch.setenv("HUBS_SECRET", f"it's \\ {secret}")
    source = open_source(SourceConfig("a.b", "sql", postgres.url(), "env:HUBS_SECRET"))
    where, value = Compare("s", Kind.STRING, Comparison.NE, "v"), uuid4().hex
    for name, kind in (("faulty", SourceRefused), ("missing", SourceRefused)):
        with pytest.raises(kind) as refused:
            await streamed(source, Selection(Binding(f"{schema}.{name}"), WIDE, where), {"v": value}, rows=1000)
        told = "".join(traceback.format_exception(refused.value))
        assert value not in told
        assert "SELECT" not in told.replace("grant SELECT", "")
        assert await gone(observer, f'"{schema}"."{name}"')
    away = open_source(SourceConfig("a.b", "sql", "postgresql://nobody@127.0.0.1:1/x", "env:HUBS_SECRET"))
    with pytest.raises(SourceUnavailable) as unavailable:
        await streamed(away, Selection(Binding("t"), WIDE))
    assert secret not in "".join(traceback.format_exception(unavailable.value))
    await source.close()
    await away.close()


@pytest.mark.parametrize("scheme", ["postgresql+asyncpg", "gaussdb", "kingbase"])
async def test_a_session_that_ends_under_a_stream_is_no_end_of_rows(postgres: Postgres, observer: Any, schema: str, scheme: str) -> None:
    source = open_source(SourceConfig("a.b", "sql", postgres.url(scheme=scheme)))
    shown = "FETCH FORWARD" if scheme == "kingbase" else f'"{schema}"."large"'
    async with aclosing(stream(source, Selection(Binding(f"{schema}.large"), WIDE), {}, None, 1000)) as batches:
        await anext(batches)
        ended = await observer.fetch(f"SELECT pg_terminate_backend(pid) {_SESSIONS}", shown)
        assert len(ended) == 1
        with pytest.raises(SourceUnavailable, match=r"not reachable|connection was lost|broke off"):
            async for _ in batches:
                pass
    assert source.telemetry.outcomes["unavailable"] == 1
    await source.close()


async def test_a_missing_right_is_named(postgres: Postgres, observer: Any, schema: str) -> None:
    role = f"r{uuid4().hex}"
    await observer.execute(f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA {schema} TO {role}")
    source = open_source(SourceConfig("a.b", "sql", postgres.url().replace("postgres@", f"{role}@")))
    with pytest.raises(SourceRefused, match=f"may not read {schema}.large; grant SELECT"):
        await streamed(source, Selection(Binding(f"{schema}.large"), K))
    await source.close()


async def test_no_more_streams_than_a_source_bears_and_calls_go_on_beside_them(postgres: Postgres, schema: str) -> None:
    source = open_source(SourceConfig("a.b", "sql", postgres.url(), pool=1, timeout_ms=300, exchange_sessions=1))
    selection = Selection(Binding(f"{schema}.large"), WIDE)
    async with aclosing(stream(source, selection, {}, None, 1000)) as batches:
        await anext(batches)
        assert await source.count(selection, {}) == _ROWS
        with pytest.raises(SourceBusy, match="exchange_sessions"):
            await streamed(source, selection)
        with pytest.raises(SourceBusy, match="exchange_sessions"):
            await cuts(source, selection, {}, K[0], 1000)
    assert len(await cuts(source, selection, {}, K[0], 20_000)) == 2
    await source.close()


async def test_the_breaker_judges_streams(postgres: Postgres) -> None:
    source = open_source(SourceConfig("a.b", "sql", "postgresql://nobody@127.0.0.1:1/x", timeout_ms=300))
    faults = []
    for _ in range(30):
        try:
            await streamed(source, Selection(Binding("t"), K))
        except SourceFault as fault:
            faults.append(fault.state)
    assert faults[0] == "FAILED"
    assert faults[-1] == "OPEN_CIRCUIT"
    await source.close()


@pytest.fixture
async def numbers(mariadb: Mariadb) -> AsyncIterator[GuardedSource]:
    database = f"s{uuid4().hex}"
    await execute(mariadb, f"CREATE DATABASE {database}")
    await execute(mariadb, "CREATE VIEW large AS SELECT seq AS k, repeat('x', 1000) AS s FROM seq_1_to_60000", database=database)
    source = open_source(SourceConfig("a.b", "sql", mariadb.url(database), timeout_ms=1000))
    yield source
    await source.close()


async def test_mariadb_sends_no_more_than_is_read_and_its_statement_ends_with_its_reader(mariadb: Mariadb, numbers: GuardedSource) -> None:
    observer = await connected(mariadb)

    async def writing() -> int:
        async with observer.cursor() as cursor:
            await cursor.execute("SELECT count(*) FROM information_schema.processlist WHERE state = 'Writing to net'")
            return int((await cursor.fetchall())[0][0])

    selection = Selection(Binding("large"), WIDE)
    async with aclosing(stream(numbers, selection, {}, None, 500)) as batches:
        assert (await anext(batches)).batch.num_rows == 64
        await asyncio.sleep(0.3)
        assert await writing() == 1
    assert await comes(writing, 0)
    assert len(rows_of(await streamed(numbers, selection, rows=10_000))) == _ROWS
    await observer.ensure_closed()


async def test_a_session_of_mariadb_that_ends_under_a_stream_is_no_end_of_rows(mariadb: Mariadb, numbers: GuardedSource) -> None:
    observer = await connected(mariadb)

    async def writing() -> list[int]:
        async with observer.cursor() as cursor:
            await cursor.execute("SELECT id FROM information_schema.processlist WHERE state = 'Writing to net'")
            return [row[0] for row in await cursor.fetchall()]

    async with aclosing(stream(numbers, Selection(Binding("large"), WIDE), {}, None, 500)) as batches:
        await anext(batches)
        await asyncio.sleep(0.3)
        await observer.query(f"KILL {(await writing())[0]}")
        with pytest.raises(SourceUnavailable, match="connection was lost"):
            async for _ in batches:
                pass
    await observer.ensure_closed()


async def test_sources_of_one_code_have_their_own_places(postgres: Postgres, schema: str) -> None:
    config = SourceConfig("a.b", "sql", postgres.url(), exchange_sessions=1)
    selection = Selection(Binding(f"{schema}.large"), K)
    first, second = open_source(config), open_source(replace(config, timeout_ms=4000))
    async with aclosing(stream(first, selection, {}, None, 100)) as batches:
        await anext(batches)
        assert len(rows_of(await streamed(second, selection, rows=100_000))) == _ROWS
    await first.close()
    await second.close()
