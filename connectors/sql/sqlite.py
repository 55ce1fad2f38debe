"""SQLite by aiosqlite: files opened read only, statements stopped by interrupting them."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
import orjson

from connectors.errors import SourceFault, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.selection import UNDELIVERABLE, Binding, Undeliverable
from connectors.spi import ColumnDescription, ObjectDescription, SourceCheck
from connectors.sql.dialect_sqlite import (
    DECIMAL_FUNCTION,
    FLOAT_SUM_FUNCTION,
    READABLE_FUNCTION,
    SCRAMBLE_FUNCTION,
    SUM_FUNCTION,
    UTC_FUNCTION,
    SqliteDialect,
)
from connectors.sql.driver import Connection, Session, object_name
from connectors.sql.objects_sqlite import described, listed
from connectors.sql.pace import Pace
from connectors.sql.sums import ExactSum, FloatSum
from connectors.sql.values import whole
from connectors.wire import decimal_key, scrambled, utc_text

# aiosqlite writes statements with their values into its debug log.
T = TypeVar("T")
logging.getLogger("aiosqlite").setLevel(logging.WARNING)

_STATEMENTS_KEPT = 32
"""Of each connection, compiled by SQLite: one with masks takes more memory than its text, and little time to compile anew."""
_INTERRUPT_EVERY = 0.005
"""Seconds. An interrupt is lost on a statement that has not begun, so it is repeated until the statement ends."""

_NOT_REACHABLE = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOMEM,
    }
)
_NO_UTF8 = "Could not decode to UTF-8"
"""How :mod:`sqlite3` begins to tell of a text that is none."""
_MISSING = ("no such table", "no such column", "no such view")


def _text(stored: bytes) -> str:
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return UNDELIVERABLE


def _told(value: object) -> object:
    return _text(value) if isinstance(value, bytes) else value


def _scrambled(salt: str, stored: object) -> str | None:
    if isinstance(stored, str | bytes):
        return scrambled(salt, _text(stored) if isinstance(stored, bytes) else stored)
    return None if stored is None else scrambled(salt, whole(stored))


def _readable(stored: bytes) -> bool:
    return not isinstance(_text(stored), Undeliverable)


class SqliteConnection:
    """One open file and its thread."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.reused = False
        self._connection = connection
        self._running: asyncio.Future[Any] | None = None

    async def fetch(self, text: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """All rows, as tuples."""
        return await self._ran(self._all(text, arguments))

    async def batches(self, text: str, arguments: Sequence[Any], rows: int) -> AsyncGenerator[Sequence[Sequence[Any]], None]:
        """By stepping through the statement. Texts are read one by one, because nobody could go back for one that is no UTF-8."""
        self._connection.text_factory = _text
        cursor = await self._ran(self._connection.execute(text, arguments))
        pace = Pace(rows)
        while batch := list(await self._ran(cursor.fetchmany(pace.rows))):
            pace.note(batch)
            yield batch

    async def _ran(self, work: Coroutine[Any, Any, T]) -> T:
        running = self._running = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await self._stop()
            raise

    async def _all(self, text: str, arguments: Sequence[Any]) -> list[Any]:
        try:
            return list(await self._connection.execute_fetchall(text, arguments))
        except sqlite3.OperationalError as error:
            if not str(error).startswith(_NO_UTF8):
                raise
        # Once more, text by text: to call Python for each of them takes longer than the rest of the statement.
        self._connection.text_factory = _text
        try:
            return list(await self._connection.execute_fetchall(text, arguments))
        finally:
            self._connection.text_factory = str

    async def _stop(self) -> None:
        while self._running is not None and not self._running.done():
            await self._connection.interrupt()
            await asyncio.wait({self._running}, timeout=_INTERRUPT_EVERY)
        if self._running is not None:
            self._running.exception()

    def usable(self) -> bool:
        """Whenever nothing runs in it."""
        return self._running is None or self._running.done()

    async def close(self) -> None:
        """Stops what runs, closes the file and ends the thread."""
        await self._stop()
        await self._connection.close()


class SqliteDriver:
    """Opens one database file."""

    dialect = SqliteDialect()
    errors: tuple[type[Exception], ...] = (sqlite3.Error, OverflowError, UnicodeEncodeError, orjson.JSONEncodeError)

    def __init__(self, source: str, path: Path, timeout_ms: int) -> None:
        self._source = source
        self._uri = path.absolute().as_uri() + "?mode=ro"
        self._timeout = timeout_ms / 1000

    async def connect(self) -> SqliteConnection:
        """A connection that can only read."""
        connection = aiosqlite.connect(self._uri, uri=True, timeout=self._timeout, isolation_level=None, cached_statements=_STATEMENTS_KEPT)
        thread = connection._thread
        try:
            await connection
        except BaseException:
            # The library leaves its thread to end by itself; it would report to a loop that may be closed by then.
            await asyncio.shield(asyncio.to_thread(thread.join))
            raise
        try:
            await connection.create_function(UTC_FUNCTION, 1, lambda value: utc_text(_told(value)), deterministic=True)
            await connection.create_function(DECIMAL_FUNCTION, 1, lambda value: decimal_key(_told(value)), deterministic=True)
            await connection.create_function(READABLE_FUNCTION, 1, _readable, deterministic=True)
            await connection.create_function(SCRAMBLE_FUNCTION, 2, _scrambled, deterministic=True)
            # aiosqlite has no way of its own to make an aggregate.
            execute: Any = connection._execute
            await execute(connection._conn.create_aggregate, SUM_FUNCTION, 1, ExactSum)
            await execute(connection._conn.create_aggregate, FLOAT_SUM_FUNCTION, 1, FloatSum)
            await connection.execute_fetchall("PRAGMA query_only = ON")
        except BaseException:
            await connection.close()
            raise
        return SqliteConnection(connection)

    async def session(self) -> Session:
        """As any: nothing limits its statements but who waits for them."""
        return await self.connect()

    def fault(self, error: Exception, what: str) -> SourceFault:
        """By SQLite's result code; its messages may quote values and are not passed on."""
        if not isinstance(error, sqlite3.Error):
            return SourceRefused(self._source, f"a value is out of the range of {what}")
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            return SourceTimeout(self._source, "the statement was stopped")
        if code in _NOT_REACHABLE:
            return SourceUnavailable(self._source, "the database file cannot be read")
        if str(error).startswith(_MISSING):
            return SourceRefused(self._source, f"{what} or a column of it does not exist; compare the catalog with the source")
        return SourceRefused(self._source, f"the statement on {what} was rejected")

    async def describe(self, connection: Connection, binding: Binding) -> Sequence[ColumnDescription]:
        """By SQLite's table_xinfo, which knows generated columns too."""
        return await described(connection, *object_name(binding))

    async def objects(self, connection: Connection) -> Sequence[ObjectDescription]:
        """By SQLite's pragmas, and by samples where columns are declared loosely."""
        return await listed(connection, self.errors, self._timeout / 2)

    async def check(self, connection: Connection) -> SourceCheck:
        """Reads the schema, which a file that is no database does not have."""
        await connection.fetch("SELECT count(*) FROM sqlite_schema", [])
        return SourceCheck(ok=True)
