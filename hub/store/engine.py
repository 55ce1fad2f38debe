"""Engines for the control database, set so that a committed row survives a crash and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url

from hub.store import postgres

PATIENCE_MS = 10_000
"""How long a transaction waits where nothing else is said."""
WAL_PAGES = 4000
"""After so many pages of 4 KiB SQLite moves its log into the database: the pages last written are written over and over, and moved once."""
SETTLE_MS = 250
"""How long :func:`settle` waits for readers."""


def open_engine(url: str) -> Engine:
    """A synchronous engine; callers on the event loop use it from worker threads.

    A transaction waits for the execution option ``patience`` in milliseconds, else ten seconds: in SQLite for a lock of somebody else, in
    PostgreSQL for a lock and for each statement; 0 is without end.

    SQLite runs in WAL mode with ``synchronous=FULL`` (a commit is on the disk when it returns) and foreign keys on. Its transactions begin
    ``IMMEDIATE`` where the connection has the execution option ``sqlite_begin="IMMEDIATE"``, by whoever holds it where that is ``"HELD"``, else
    deferred. PostgreSQL's run in ``READ COMMITTED``:
    whoever needs the state not to change locks a row first.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return postgres.open_engine(parsed, PATIENCE_MS)
    engine = create_engine(url, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def settle(engine: Engine) -> None:
    """Moves what SQLite's write-ahead log holds into the database file, synced, and empties the log; does nothing on PostgreSQL.

    For a start: where fsync failed and the process ended, the log is read from the kernel's cache, which may hold what the disk never took
    and calls it clean. Commits behind it would be synced, and lost with it. While a process runs, its next commit overwrites what failed; so
    connections are not opened anew after a fault of the disk, which would read the log from that cache.

    Raises:
        SQLAlchemyError: the disk refuses.
    """
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as connection:
            for pragma in (f"busy_timeout={SETTLE_MS}", "wal_checkpoint(TRUNCATE)"):
                with closing(connection.cursor()) as cursor:
                    cursor.execute(f"PRAGMA {pragma}")


@contextmanager
def reading(engine: Engine, patience: int = PATIENCE_MS) -> Iterator[Connection]:
    """A transaction that only reads and sees one moment, however many statements it takes."""
    options: dict[str, Any] = {"patience": patience}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"wal_autocheckpoint={WAL_PAGES}", f"busy_timeout={PATIENCE_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    options = connection.get_execution_options()
    mode = options.get("sqlite_begin", "DEFERRED")
    if mode == "HELD":
        return
    be_patient(connection)
    connection.exec_driver_sql(f"BEGIN {mode}")


def be_patient(connection: Connection) -> None:
    """SQLite's connection waits as its option says from now on; for what asks the driver outside of a transaction, which would do so at its beginning."""
    if connection.dialect.name == "sqlite":
        # Connections are pooled: each transaction sets its own patience. SQLite takes 0 for none.
        patience = connection.get_execution_options().get("patience", PATIENCE_MS) or 2**31 - 1
        driver: Any = connection.connection.dbapi_connection
        driver.execute(f"PRAGMA busy_timeout={patience:d}")
