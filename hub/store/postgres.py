"""PostgreSQL as the control database: connections that give up by themselves, so that a server that hangs never hangs the hub."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, text

POOL, MORE = 8, 12
"""Connections that one process keeps, and how many more it opens at need."""
CONNECT_SECONDS = 3
"""For a connection to come about."""
QUEUE_SECONDS = 5.0
"""For one of the pool to become free."""
GRACE_SECONDS = 1.0
"""How much longer than the server's own limits the hub waits before it takes the server for hanging."""
IDLE_SECONDS = 30
"""After so long without a statement within a transaction the server ends it: a host that died gives up its locks."""
_PING_SECONDS = 2.0
_NO_PRIMARY = frozenset({"25006", "57P01", "57P02", "57P03"})
"""SQLSTATE: read-only transaction, administrator's shutdown, crash, not yet ready (PostgreSQL, appendix A)."""
_QUIET = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 8000}
"""A host that is gone without a word is noticed by the network layer (seconds, the last in milliseconds)."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection whose every exchange with the server ends in time; one that does not is closed, and its pool opens another."""

    seconds: float | None = _PING_SECONDS
    """For one exchange; ``None`` is without end."""
    patience: int | None = None
    """Milliseconds that this session was told, where its user keeps it for itself."""

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """As psycopg's.

        Raises:
            psycopg.OperationalError: the server did not answer in time.
        """
        limit = self.seconds if timeout is None else timeout
        until = None if limit is None else time.monotonic() + limit
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError:
            if timeout is None and until is not None and time.monotonic() >= until and not self.closed:
                self.pgconn.finish()
            raise


def open_engine(url: URL, patience: int) -> Engine:
    """An engine with ``patience`` (milliseconds) where a transaction's options give none."""
    limits = {"statement_timeout": patience, "lock_timeout": patience, "idle_in_transaction_session_timeout": IDLE_SECONDS * 1000}
    settings: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "huitong",
        "client_encoding": "utf8",
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
        **_QUIET,
    }
    if len(_hosts(url)) > 1:
        # Of several servers only the primary can be written; libpq would take the first that answers.
        settings["target_session_attrs"] = "read-write"
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=POOL,
        max_overflow=MORE,
        pool_timeout=QUEUE_SECONDS,
        pool_pre_ping=True,
        # The hub's own words stand over those of a URL but for these, which say how to reach a server.
        connect_args={name: value for name, value in settings.items() if name not in url.query},
    )
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "begin", lambda connection: _begin(connection, patience))
    event.listen(engine, "reset", _reset)
    event.listen(engine, "handle_error", _distrust)
    return engine


def _hosts(url: URL) -> list[str]:
    """The servers that a URL names: ``?host=a:5432&host=b:5432``, or ``?host=a,b``."""
    named = url.query.get("host", ())
    return [host for part in ([named] if isinstance(named, str) else named) for host in part.split(",")]


def fault_of(connection: Connection) -> str | None:
    """Why this server cannot keep the control database, with the remedy; ``None`` where it can."""
    asked = "SELECT current_setting('server_encoding'), current_setting('synchronous_commit'), pg_is_in_recovery()"
    encoding, commit, standby = connection.execute(text(asked)).one()
    if standby:
        return "该服务器为只读备机 the server is a standby that cannot be written: 请连接主机 connect to the primary (target_session_attrs=read-write)"
    if encoding != "UTF8":
        return f"数据库编码为 the database's encoding is {encoding}: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
    if commit == "off":
        return "synchronous_commit 为 off，已确认的日志可能丢失 is off and would lose acknowledged entries: ALTER ROLE … SET synchronous_commit = on"
    return None


def _connect(_dialect: Any, _record: Any, arguments: Any, parameters: Any) -> BoundedConnection:
    return BoundedConnection.connect(*arguments, **parameters)


def _distrust(context: ExceptionContext) -> None:
    """A server that has become a standby, or is ending, refuses statements on connections that are sound: the pool looks for another."""
    if getattr(context.original_exception, "sqlstate", None) in _NO_PRIMARY:
        context.is_disconnect = True


def _begin(connection: Connection, default: int) -> None:
    patience = connection.get_execution_options().get("patience", default)
    bounded: Any = connection.connection.dbapi_connection
    bounded.seconds = patience / 1000 + GRACE_SECONDS if patience else None
    held = connection.get_execution_options().get("session", False)
    if patience != (bounded.patience if held else default):
        limits = {"statement_timeout": patience, "lock_timeout": patience} | ({} if patience else {"idle_in_transaction_session_timeout": 0})
        # LOCAL: a connection of the pool is the same for everybody afterwards. One that never goes back there keeps what it was told.
        scope = "SESSION" if held else "LOCAL"
        connection.exec_driver_sql("; ".join(f"SET {scope} {name} = {value:d}" for name, value in limits.items()))
        bounded.patience = patience if held else None


def _reset(bounded: Any, _record: Any, _state: Any) -> None:
    bounded.seconds = _PING_SECONDS
