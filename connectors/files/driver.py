"""Snapshots by DuckDB in this process: attached read only, queried in a few threads, statements stopped by interrupting them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import duckdb

from connectors.errors import SourceFault, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.files.dialect import DuckDialect
from connectors.files.read_parquet import closed_duckdb
from connectors.files.snapshot import attach
from connectors.selection import Binding
from connectors.spi import ColumnDescription, ObjectDescription, SourceCheck
from connectors.sql.driver import Connection, Session

T = TypeVar("T")
_INTERRUPT_EVERY = 0.005
"""Seconds. An interrupt is lost on a statement that has not begun, so it is repeated until the statement ends."""
_THREADS = 2
_MOST_LOOKED_UP = 500
_MEMORY = "512MB"
"""Of one source, for all its statements."""


class DuckConnection:
    """One cursor, used by one call at a time."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, threads: ThreadPoolExecutor) -> None:
        self.reused = False
        self._cursor = cursor
        self._threads = threads
        self._running: asyncio.Future[Any] | None = None

    async def fetch(self, text: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """All rows, as tuples."""
        return await self._ran(lambda: self._cursor.execute(text, list(arguments)).fetchall())

    async def batches(self, text: str, arguments: Sequence[Any], rows: int) -> AsyncGenerator[Sequence[Sequence[Any]], None]:
        """By a result that DuckDB makes as it is fetched."""
        await self._ran(lambda: self._cursor.execute(text, list(arguments)))
        while batch := await self._ran(lambda: self._cursor.fetchmany(rows)):
            yield batch

    async def _ran(self, work: Callable[[], T]) -> T:
        running = self._running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await self._stop()
            raise

    async def _stop(self) -> None:
        while self._running is not None and not self._running.done():
            self._cursor.interrupt()
            await asyncio.wait({self._running}, timeout=_INTERRUPT_EVERY)
        if self._running is not None and not self._running.cancelled():
            self._running.exception()

    def usable(self) -> bool:
        """Whenever nothing runs in it."""
        return self._running is None or self._running.done()

    async def close(self) -> None:
        """Stops what runs."""
        await self._stop()
        self._cursor.close()


class DuckDriver:
    """One DuckDB for all snapshots of a source, so that a statement may join them; it reaches nothing but their folder."""

    dialect = DuckDialect()
    errors: tuple[type[Exception], ...] = (duckdb.Error, OverflowError, UnicodeEncodeError)

    def __init__(self, source: str, folder: Path, pool: int) -> None:
        self._source = source
        self._folder = folder
        self._threads = ThreadPoolExecutor(pool + 1, thread_name_prefix=f"files {source}")
        self._database: duckdb.DuckDBPyConnection | None = None
        self._opening = Lock()
        """Held while the database is opened, changed or closed: deliveries of several objects may come into service at once, and
        what a cancelled call had begun runs on in its thread."""
        self._closed = False
        self._number = 0

    async def session(self) -> Session:
        """A further cursor."""
        return await self.connect()

    async def connect(self) -> DuckConnection:
        """A further cursor."""
        return DuckConnection(await self._with_database(lambda database: database.cursor()), self._threads)

    async def _with_database(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        def alone() -> T:
            with self._opening:
                return work(self._opened())

        return await self._do(alone)

    def _opened(self) -> duckdb.DuckDBPyConnection:
        if self._closed:
            raise duckdb.ConnectionException("the source is closed")
        if self._database is None:
            config: dict[str, str | bool | int] = {"threads": _THREADS, "memory_limit": _MEMORY, "temp_directory": ""}
            self._database = closed_duckdb(str(self._folder), **config)
            # A list of keys shorter than this is looked up in the index; the default of 50 would read the whole table for 51.
            self._database.execute(f"SET dynamic_or_filter_threshold = {_MOST_LOOKED_UP}")
            self._database.execute("SET lock_configuration = true")
        return self._database

    async def attach(self, path: Path) -> str:
        """Makes a snapshot readable; returns the name of its table.

        Raises:
            duckdb.Error: it cannot be read.
        """
        self._number += 1
        alias = f"s{self._number}"
        await self._with_database(lambda database: attach(database, path, alias))
        return f"{alias}.d"

    async def detach(self, table: str) -> None:
        """Lets go of a snapshot that no statement reads any more."""
        await self._with_database(lambda database: database.execute(f"DETACH {table.removesuffix('.d')}"))

    async def close(self) -> None:
        """Closes everything, after the connections were."""
        await self._do(self._close)
        self._threads.shutdown(wait=False)

    def _close(self) -> None:
        with self._opening:
            database, self._database, self._closed = self._database, None, True
            if database is not None:
                database.close()

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def fault(self, error: Exception, what: str) -> SourceFault:
        """By DuckDB's classes of errors; its messages may quote values and are not passed on."""
        if isinstance(error, duckdb.InterruptException):
            return SourceTimeout(self._source, "the statement was stopped")
        if isinstance(error, duckdb.OutOfMemoryException):
            return SourceRefused(self._source, f"the answer needs more than {_MEMORY} of memory; ask for fewer rows or columns")
        if isinstance(error, duckdb.IOException | duckdb.FatalException | duckdb.InternalException):
            return SourceUnavailable(self._source, "the snapshot cannot be read")
        if isinstance(error, duckdb.CatalogException | duckdb.BinderException):
            return SourceRefused(self._source, "the delivery or a column of it does not exist; compare the catalog with the source")
        return SourceRefused(self._source, "a value does not fit its column in the delivery")

    async def describe(self, connection: Connection, binding: Binding) -> Sequence[ColumnDescription]:
        """None: files are described by themselves, not by their snapshots."""
        return ()

    async def objects(self, connection: Connection) -> Sequence[ObjectDescription]:
        """None, for the same reason."""
        return ()

    async def check(self, connection: Connection) -> SourceCheck:
        """DuckDB answers."""
        await connection.fetch("SELECT 1", [])
        return SourceCheck(ok=True)
