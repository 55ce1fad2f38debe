"""SQL sources: one statement per call, masks inside it, work that really stops, faults in the hub's words."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from connectors.errors import ConfigFault, SourceFault, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.selection import Binding, Column, Compare, Comparison, Every, Kind, Order, Selection
from connectors.spi import SourceConfig
from connectors.sql import SqlConnector
from connectors.sql.dialect_mysql import MysqlDialect
from connectors.sql.dialect_postgres import PostgresDialect
from connectors.sql.dialect_sqlite import SqliteDialect
from connectors.sql.source import SqlSource
from connectors.sql.statements import KEYS, Statements
from masking.rules import parse_mask
from tests.connectors.people import KINDS, NAMES, PEOPLE, columns, write_postgres, write_sqlite
from tests.servers.postgres import Postgres, free_port, running_postgres

pytestmark = pytest.mark.anyio

PERSON = Binding("person")
ALL = Selection(PERSON, columns("record_no"))
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT count(*) AS record_no FROM n"


def sqlite_source(path: Path, **settings: int) -> SqlSource:
    return SqlConnector().open(SourceConfig("city.register", "sql", f"sqlite:///{path}", **settings))  # type: ignore[arg-type]


@pytest.fixture
async def register(tmp_path: Path) -> AsyncIterator[SqlSource]:
    """The people in a file, beside a view that would run for minutes."""
    write_sqlite(tmp_path / "people.db")
    with closing(sqlite3.connect(tmp_path / "people.db")) as connection, connection:
        connection.execute(f"CREATE VIEW endless AS {ENDLESS}")
    source = sqlite_source(tmp_path / "people.db", pool=1, timeout_ms=500)
    yield source
    await source.close()


@pytest.fixture
async def server_source(postgres: Postgres) -> AsyncIterator[SqlSource]:
    """One session at most with the test run's PostgreSQL."""
    source = SqlConnector().open(SourceConfig("city.register", "sql", postgres.url(), pool=1, timeout_ms=500))
    yield source
    await source.close()


async def people_in(postgres: Postgres, schema: str) -> Binding:
    await write_postgres(postgres.url(), schema)
    return Binding(f"{schema}.person")


@pytest.mark.fast
async def test_a_long_statement_is_cut_and_the_source_stays_usable(register: SqlSource) -> None:
    with pytest.raises(SourceTimeout, match="stopped"):
        await register.fetch(Selection(Binding("endless"), columns("record_no")), {})
    assert await register.count(ALL, {}) == len(PEOPLE)


@pytest.mark.fast
async def test_a_cancelled_call_stops_its_statement(register: SqlSource, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()
    import aiosqlite

    execute = aiosqlite.Connection.execute_fetchall

    async def noting(self: aiosqlite.Connection, sql: str, parameters: object = None) -> object:
        try:
            return await execute(self, sql, parameters)  # type: ignore[arg-type]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                ended.set()
            raise

    monkeypatch.setattr(aiosqlite.Connection, "execute_fetchall", noting)
    call = asyncio.ensure_future(register.fetch(Selection(Binding("endless"), columns("record_no")), {}))
    await asyncio.sleep(0.1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert ended.is_set()


@pytest.mark.fast
async def test_a_call_that_gets_no_connection_says_so(register: SqlSource) -> None:
    long = asyncio.ensure_future(register.fetch(Selection(Binding("endless"), columns("record_no")), {}))
    waiting = [asyncio.ensure_future(register.fetch(Selection(Binding("endless"), columns("record_no")), {})) for _ in range(2)]
    outcomes = await asyncio.gather(long, *waiting, return_exceptions=True)
    assert isinstance(outcomes[0], SourceTimeout)
    assert any(isinstance(outcome, SourceUnavailable) and "busy" in str(outcome) for outcome in outcomes)


@pytest.mark.fast
async def test_sqlite_is_read_only_and_not_created(tmp_path: Path, register: SqlSource) -> None:
    async with register._pool.connection() as connection:
        for statement in ("DELETE FROM person", "PRAGMA query_only = OFF", "DELETE FROM person"):
            if statement.startswith("DELETE"):
                with pytest.raises(sqlite3.OperationalError, match="readonly"):
                    await connection.fetch(statement, [])
            else:
                await connection.fetch(statement, [])
    missing = sqlite_source(tmp_path / "missing.db")
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        await missing.count(ALL, {})
    assert not (tmp_path / "missing.db").exists()
    assert not (await missing.check()).ok
    (tmp_path / "text.db").write_text("no database, but long enough to be taken for one " * 100)
    wrong = sqlite_source(tmp_path / "text.db")
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        await wrong.count(ALL, {})
    await missing.close()
    await wrong.close()


@pytest.mark.fast
async def test_a_value_out_of_range_is_refused(register: SqlSource) -> None:
    selection = Selection(PERSON, columns("record_no"), Compare("points", Kind.BIGINT, Comparison.EQ, "v"))
    for value in (2**63, "\ud800"):
        with pytest.raises(SourceRefused, match="out of the range"):
            await register.fetch(selection, {"v": value})


@pytest.mark.fast
async def test_values_and_statements_stay_out_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_sqlite(tmp_path / "people.db")
    source = sqlite_source(tmp_path / "people.db")
    with caplog.at_level(logging.DEBUG):
        await source.fetch_by_keys(ALL, {}, Column("id_number", Kind.STRING), ["52010219900517123X"])
    await source.close()
    assert "52010219900517123X" not in caplog.text
    assert "person" not in caplog.text


@pytest.mark.fast
async def test_a_value_that_only_looks_quoted_is_bound(register: SqlSource) -> None:
    selection = Selection(PERSON, columns("record_no"), Compare("name", Kind.STRING, Comparison.EQ, "v"))
    assert await register.fetch(selection, {"v": "' OR 1=1 --"}) == []


@pytest.mark.fast
def test_ten_thousand_keys_are_one_statement_text() -> None:
    key = Column("id_number", Kind.STRING)
    for statements in (Statements(SqliteDialect()), Statements(PostgresDialect()), Statements(MysqlDialect())):
        statement = statements.rows(ALL, key)
        assert statement is statements.rows(ALL, key)
        few, many = (statement.arguments({KEYS: [str(number) for number in range(count)]}) for count in (1, 10_000))
        assert len(few) == len(many) <= 2


@pytest.mark.fast
async def test_ten_thousand_keys_are_one_call_in_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(number, f"{number:018}", *PEOPLE[0][2:]) for number in range(10_000)]
    write_sqlite(tmp_path / "people.db", rows)
    source = sqlite_source(tmp_path / "people.db")
    run: list[str] = []
    from connectors.sql.sqlite import SqliteConnection

    fetch = SqliteConnection.fetch
    monkeypatch.setattr(SqliteConnection, "fetch", lambda self, text, arguments: run.append(text) or fetch(self, text, arguments))  # type: ignore[func-returns-value]
    found = await source.fetch_by_keys(ALL, {}, Column("id_number", Kind.STRING), [str(row[1]) for row in rows])
    await source.close()
    # Before the first, the types of the columns are asked for.
    assert ["pragma" in text for text in run] == [True, False]
    assert found == {row[1]: [(row[0],)] for row in rows}


@pytest.mark.fast
@pytest.mark.parametrize("column", ["id_number", "record_no"])
def test_sqlite_looks_keys_up_by_index(tmp_path: Path, column: str) -> None:
    write_sqlite(tmp_path / "people.db")
    statement = Statements(SqliteDialect()).rows(ALL, Column(column, KINDS[column]))
    with closing(sqlite3.connect(tmp_path / "people.db")) as connection:
        plan = " ".join(row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + statement.text, statement.arguments({KEYS: ["1"]})))
    assert "SEARCH person USING" in plan


async def test_a_number_has_one_spelling_as_a_text_in_sqlite(tmp_path: Path) -> None:
    """A column of numbers that the catalog calls a text: else each spelling were another subject to whoever guesses about it."""
    with closing(sqlite3.connect(tmp_path / "n.db")) as connection:
        connection.execute("CREATE TABLE numbered (pk INTEGER PRIMARY KEY, no INTEGER)")
        connection.execute("INSERT INTO numbered VALUES (1, 42)")
        connection.commit()
    source = sqlite_source(tmp_path / "n.db")
    for text in ("42", "042", "42.0", "4.2e1", "+42", " 42"):
        for comparison in (Comparison.EQ, Comparison.IN):
            same = Selection(Binding("numbered"), (Column("pk", Kind.BIGINT),), Compare("no", Kind.STRING, comparison, "no"))
            found = await source.fetch(same, {"no": text if comparison is Comparison.EQ else (text,)})
            assert len(found) == (text == "42"), (text, comparison)
    await source.close()


@pytest.mark.fast
def test_a_page_behind_a_position_is_a_range_of_the_primary_key(tmp_path: Path) -> None:
    write_sqlite(tmp_path / "people.db")
    selection = Selection(PERSON, columns("name"), None, (Order("record_no", Kind.BIGINT, nullable=False),), ("a",), "n")
    statement = Statements(SqliteDialect()).rows(selection)
    with closing(sqlite3.connect(tmp_path / "people.db")) as connection:
        plan = " ".join(row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + statement.text, statement.arguments({"a": 3, "n": 2})))
    assert plan == "SEARCH person USING INTEGER PRIMARY KEY (rowid>?)"


@pytest.mark.fast
def test_a_masked_column_is_only_inside_its_mask() -> None:
    masked = Column("id_number", Kind.STRING, parse_mask("ID_NUMBER_1_1"))
    for dialect in (SqliteDialect(), PostgresDialect()):
        text = Statements(dialect).rows(Selection(PERSON, (masked,))).text
        assert re.search(r"\b(substr|left)\(", text)
        asked = re.sub(r"typeof\(X\)|huitong_readable\(CAST\(X AS BLOB\)\)|X IS NOT NULL".replace("X", r'"?person"?\."id_number"'), "", text)
        inside = r'CASE WHEN \( = \'blob\'\) THEN CAST\(x\'ff\' AS TEXT\) ELSE (CAST\(person\."id_number" AS TEXT\)) END'
        outside = re.sub(r'CAST\("?person"?\."id_number" AS TEXT\)', "", re.sub(inside, r"\1", asked))
        assert "id_number" not in outside


@pytest.mark.fast
@pytest.mark.parametrize(
    ("url", "secret", "message"),
    [
        ("nonsense", None, "no database URL"),
        ("oracle://reader@db/register", None, "no driver is known for oracle"),
        ("mysql+pymysql://reader@db/register", None, "no driver is known for mysql\\+pymysql"),
        ("mysql://reader:secret@db/register", None, "holds a password"),
        ("mysql://reader@db", None, "must name user, host and database"),
        ("mariadb://db/register", None, "must name user, host and database"),
        ("mariadb+asyncmy://reader@db/register?local_infile=1", None, "must name user, host and database"),
        ("mariadb+asyncmy://reader@db/register?ssl=yes", None, "`ssl` is none of"),
        ("mariadb+asyncmy://reader@db/register?ssl_ca=/nonexistent", None, "without TLS"),
        ("mariadb+asyncmy://reader@db/register?ssl=verify-full&ssl_ca=/nonexistent", None, "holds no certificates"),
        ("mariadb+asyncmy://reader@db/register", "env:HUITONG_TEST_UNSET", "HUITONG_TEST_UNSET is not set"),
        ("sqlite://", None, "names no database file"),
        ("sqlite:///:memory:", None, "names no database file"),
        ("sqlite:///a.db?mode=rwc", None, "names no database file"),
        ("postgresql+asyncpg://reader:secret@db/register", None, "holds a password"),
        ("postgresql+asyncpg://db/register", None, "must name user, host and database"),
        ("postgresql+asyncpg://reader@db/register?options=x", None, "must name user, host and database"),
        ("postgresql+asyncpg://reader@db/register", "env:HUITONG_TEST_UNSET", "HUITONG_TEST_UNSET is not set"),
        ("postgresql+asyncpg://reader@db/register", "hunter2", "must say where the secret lies"),
        ("postgresql+asyncpg://reader@db/register", "file:/nonexistent/secret", "cannot be read"),
    ],
)
def test_a_wrong_configuration_is_told_with_its_remedy(url: str, secret: str | None, message: str) -> None:
    with pytest.raises(ConfigFault, match=message) as caught:
        SqlConnector().open(SourceConfig("city.register", "sql", url, secret))
    assert caught.value.hint
    assert "secret@" not in str(caught.value)
    assert "hunter2" not in caught.value.message + caught.value.hint


@pytest.mark.fast
def test_an_unknown_driver_is_told_with_the_known_ones() -> None:
    with pytest.raises(ConfigFault) as caught:
        SqlConnector().open(SourceConfig("city.register", "sql", "mssql+pyodbc://reader@db/register"))
    for form in ("sqlite:///PATH", "postgresql+asyncpg", "mariadb+asyncmy", "mysql+asyncmy", "kingbase", "gaussdb", "dm://"):
        assert form in caught.value.hint


@pytest.mark.slow
def test_no_driver_is_imported_before_a_source_is_opened() -> None:
    program = "import sys, connectors.sql, connectors.rest, connectors.registry; print({'asyncpg', 'asyncmy', 'aiosqlite', 'httpx2'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


@pytest.mark.slow
async def test_masks_run_in_postgres_and_raw_values_stay_there(postgres: Postgres) -> None:
    binding = await people_in(postgres, "masks")
    start = postgres.log.stat().st_size
    labels = {"id_number": "ID_NUMBER_1_1", "name": "NAME"}
    source = SqlConnector().open(SourceConfig("city.register", "sql", postgres.url()))
    rows = await source.fetch(Selection(binding, tuple(Column(name, KINDS[name], parse_mask(label)) for name, label in labels.items())), {})
    await source.close()
    statement = next(line for line in postgres.logged(start).splitlines() if '"masks"."person"' in line)
    assert "[huitong]" in statement
    assert "left(CAST" in statement
    raw = {value for row in PEOPLE for name, value in zip(NAMES, row, strict=True) if name in labels and value}
    shown = {value for row in rows for value in row if value}
    assert shown
    assert not shown & raw


@pytest.mark.slow
async def test_postgres_cuts_a_long_statement_and_stays_usable(server_source: SqlSource, postgres: Postgres) -> None:
    binding = await people_in(postgres, "slow")
    await execute(postgres, f"CREATE VIEW slow.endless AS {ENDLESS}; CREATE VIEW slow.nap AS SELECT count(*) AS record_no FROM pg_sleep(30)")
    for view in ("slow.endless", "slow.nap"):
        with pytest.raises(SourceTimeout):
            await server_source.fetch(Selection(Binding(view), columns("record_no")), {})
    assert await server_source.count(Selection(binding, ()), {}) == len(PEOPLE)


@pytest.mark.slow
async def test_a_cancelled_call_stops_its_statement_in_postgres(postgres: Postgres) -> None:
    await execute(postgres, "CREATE SCHEMA cancelled; CREATE VIEW cancelled.nap AS SELECT count(*) AS record_no FROM pg_sleep(30)")
    source = SqlConnector().open(SourceConfig("city.register", "sql", postgres.url(), timeout_ms=20_000))
    call = asyncio.ensure_future(source.fetch(Selection(Binding("cancelled.nap"), columns("record_no")), {}))
    await active(postgres, 1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await active(postgres, 0)
    await source.close()


@pytest.mark.slow
async def test_postgres_sessions_are_read_only_and_named(server_source: SqlSource) -> None:
    async with server_source._pool.connection() as connection:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.fetch("CREATE TABLE public.forbidden (id integer)", [])
        settings = ("application_name", "statement_timeout", "TimeZone")
        assert [(await connection.fetch("SELECT current_setting($1)", [name]))[0][0] for name in settings] == ["huitong", "500ms", "UTC"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("type_", "kind", "value"),
    [("char(18)", Kind.STRING, "7"), ("varchar(20)", Kind.STRING, "7"), ("integer", Kind.INTEGER, 7), ("date", Kind.DATE, "2026-01-01")],
)
async def test_postgres_looks_keys_up_by_index(postgres: Postgres, type_: str, kind: Kind, value: str | int) -> None:
    made = "DATE '1900-01-01' + n" if type_ == "date" else "n"
    await execute(postgres, f"CREATE TABLE keyed AS SELECT ({made})::{type_} AS k FROM generate_series(1, 50000) n; CREATE INDEX ON keyed (k); ANALYZE keyed")
    single = Statements(PostgresDialect()).rows(Selection(Binding("keyed"), (), Compare("k", kind, Comparison.EQ, "v")))
    several = Statements(PostgresDialect()).rows(Selection(Binding("keyed"), (Column("k", kind),)), Column("k", kind))
    connection = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    try:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        for statement, parameters in ((single, {"v": value}), (several, {KEYS: [value]})):
            plan = await connection.fetch("EXPLAIN " + statement.text, *statement.arguments(parameters))
            assert "Index" in str(plan), plan
    finally:
        await connection.execute("DROP TABLE keyed")
        await connection.close()


@pytest.mark.slow
async def test_faults_of_postgres(postgres: Postgres) -> None:
    binding = await people_in(postgres, "faults")
    await execute(postgres, "CREATE ROLE stranger LOGIN; CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    where = f"{postgres.host}:{postgres.port}"
    faults = {
        f"postgresql+asyncpg://stranger@{where}/postgres": (SourceRefused, "grant USAGE on schema faults"),
        f"postgresql+asyncpg://nobody@{where}/postgres": (SourceUnavailable, "does not admit"),
        f"postgresql+asyncpg://postgres@{where}/nowhere": (SourceUnavailable, "does not admit"),
        f"postgresql+asyncpg://postgres@127.0.0.1:{free_port()}/postgres": (SourceUnavailable, "not reachable"),
    }
    for url, (fault, message) in faults.items():
        source = SqlConnector().open(SourceConfig("city.register", "sql", url))
        with pytest.raises(fault, match=message):
            await source.fetch(Selection(binding, columns("name")), {})
        await source.close()
    latin = SqlConnector().open(SourceConfig("city.register", "sql", postgres.url("latin")))
    assert "LATIN1" in (await latin.check()).message
    await latin.close()


@pytest.mark.slow
async def test_what_the_account_may_not_read_is_told_with_the_grant(postgres: Postgres) -> None:
    await execute(
        postgres,
        "CREATE SCHEMA rights; CREATE TABLE rights.base AS SELECT 1 AS record_no; CREATE VIEW rights.shown AS SELECT * FROM rights.base; "
        "CREATE VIEW rights.own WITH (security_invoker) AS SELECT * FROM rights.base; CREATE ROLE reader LOGIN; CREATE ROLE outsider LOGIN; "
        "CREATE ROLE gone; CREATE VIEW rights.lost AS SELECT * FROM rights.base; ALTER VIEW rights.lost OWNER TO gone; "
        "GRANT USAGE ON SCHEMA rights TO reader, gone; GRANT SELECT ON rights.shown, rights.own, rights.lost TO reader, outsider",
    )
    where = f"{postgres.host}:{postgres.port}"
    reader, outsider = (SqlConnector().open(SourceConfig("city.register", "sql", f"postgresql://{user}@{where}/postgres")) for user in ("reader", "outsider"))
    refused = [
        (reader, "rights.base", "may not read rights.base; grant SELECT to its user$"),
        (reader, "rights.own", "may not read rights.own; grant SELECT on table base to its user, or to the owner of the view"),
        (reader, "rights.lost", "may not read rights.lost; grant SELECT on table base to its user, or to the owner of the view"),
        (outsider, "rights.shown", "may not read rights.shown; grant USAGE on schema rights to its user"),
    ]
    assert await reader.fetch(Selection(Binding("rights.shown"), columns("record_no")), {}) == [(1,)]
    for source, table, message in refused:
        with pytest.raises(SourceRefused, match=message):
            await source.fetch(Selection(Binding(table), columns("record_no")), {})
    await reader.close()
    await outsider.close()


@pytest.mark.slow
async def test_a_mismatch_of_types_is_refused_without_the_value(postgres: Postgres) -> None:
    binding = await people_in(postgres, "types")
    source = SqlConnector().open(SourceConfig("city.register", "sql", postgres.url()))
    wrong = [(Kind.INTEGER, "name", 7), (Kind.DATE, "born", "secret-value"), (Kind.BIGINT, "points", 2**63), (Kind.STRING, "name", "a\0b")]
    for kind, column, value in wrong:
        with pytest.raises(SourceRefused) as caught:
            await source.fetch(Selection(binding, (), Every((Compare(column, kind, Comparison.EQ, "v"),))), {"v": value})
        assert "secret" not in str(caught.value)
    assert await source.count(Selection(binding, ()), {}) == len(PEOPLE)
    await source.close()


@pytest.mark.slow
async def test_a_restarted_server_is_found_again_and_a_dead_one_is_told() -> None:
    source = None
    with running_postgres() as server:
        await write_postgres(server.url(), "brief")
        source = SqlConnector().open(SourceConfig("city.register", "sql", server.url()))
        selection = Selection(Binding("brief.person"), ())
        assert await source.count(selection, {}) == len(PEOPLE)
        await execute(server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'huitong'")
        assert await source.count(selection, {}) == len(PEOPLE)
    with pytest.raises(SourceFault) as caught:
        await source.count(selection, {})
    assert isinstance(caught.value, SourceUnavailable)
    await source.close()


async def execute(postgres: Postgres, statements: str) -> None:
    connection = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    try:
        for statement in statements.split("; "):
            await connection.execute(statement)
    finally:
        await connection.close()


_ACTIVE = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'huitong' AND query LIKE '%nap%' AND state = 'active'"


async def active(postgres: Postgres, count: int) -> None:
    """Waits until the server runs so many of the hub's statements; 10 seconds at most."""
    connection = await asyncpg.connect(postgres.url().replace("+asyncpg", ""))
    try:
        async with asyncio.timeout(10):
            while await connection.fetchval(_ACTIVE) != count:
                await connection.execute("SELECT pg_sleep(0.02)")
    finally:
        await connection.close()
