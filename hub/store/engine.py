"""Engines for the control database, set so that a committed row survives a crash."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event

_PATIENCE_MS = 10_000


def open_engine(url: str) -> Engine:
    """A synchronous engine; callers on the event loop use it from worker threads.

    SQLite runs in WAL mode with ``synchronous=FULL`` (a commit is on the disk when it returns) and foreign keys on. Its
    transactions begin ``IMMEDIATE`` where the connection has the execution option ``sqlite_begin="IMMEDIATE"``, else deferred, and
    wait for a lock of somebody else for the option ``sqlite_patience`` in milliseconds, else ten seconds.
    """
    engine = create_engine(url, hide_parameters=True, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_PATIENCE_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    options = connection.get_execution_options()
    mode = options.get("sqlite_begin", "DEFERRED")
    # Connections are pooled: each transaction sets its own patience.
    connection.connection.dbapi_connection.execute(f"PRAGMA busy_timeout={options.get('sqlite_patience', _PATIENCE_MS):d}")
    connection.exec_driver_sql(f"BEGIN {mode}")
