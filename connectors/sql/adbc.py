"""Streams from PostgreSQL by ADBC, whose COPY in binary form becomes Arrow without a Python object for any value: each on a session of its own."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from connectors.errors import SourceFault, SourceRefused, SourceUnavailable, SourceUnreachable
from connectors.sql.dialect_postgres import StreamedPostgres
from connectors.sql.driver import LONGEST_SECONDS
from connectors.sql.literals import with_values
from connectors.sql.sqlstate import fault_of, missing_grant, state_of
from connectors.threads import Threads

if TYPE_CHECKING:
    import pyarrow

_BATCH_BYTES = 3 * 2**20
_STREAMS = 64
_CANCEL_EVERY = 0.05
"""Seconds. A cancellation that arrives before the statement has begun is lost, so it is repeated."""
_CANCEL_SECONDS = 2.0
"""How long a statement is asked to stop; then its thread is left to end with it."""
_SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": str(LONGEST_SECONDS * 1000),
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "extra_float_digits": "3",
    "jit": "off",
    "standard_conforming_strings": "on",
}
_WATCH = "SELECT set_config(name, '10000', false) FROM pg_settings WHERE name = 'client_connection_check_interval'"
"""A server that has it (PostgreSQL 14) notices within ten seconds that the hub is gone, also while it sorts."""


class AdbcStreams:
    """Of one database; ``where`` is asyncpg's host, port, user, database, password and ssl. Loads its libraries with the first stream."""

    dialect = StreamedPostgres()

    def __init__(self, source: str, where: Mapping[str, object], timeout_ms: int) -> None:
        self._source = source
        self._address = _conninfo(where, timeout_ms)
        self._threads = Threads(f"stream {source}", _STREAMS)
        self._database: Any = None
        self._opening = threading.Lock()
        self._closing: set[asyncio.Future[None]] = set()

    async def batches(self, text: str, arguments: Sequence[Any], what: str) -> AsyncGenerator[pyarrow.RecordBatch, None]:
        """The statement's rows in batches of about 3 MiB, one of them on its way while another is in hand. Closed early, it stops the statement.

        Raises:
            SourceFault: it failed. The driver's own texts hold the statement, and are not passed on.
        """
        try:
            statement = with_values(text, arguments)
        except ValueError as error:
            raise SourceRefused(self._source, f"a value does not fit its column in {what}") from error
        work = _Work(self._opened, statement)
        ahead = asyncio.ensure_future(self._threads.run(work.begun))
        try:
            while (batch := await self._taken(ahead, work, what)) is not None:
                ahead = asyncio.ensure_future(self._threads.run(work.next))
                yield batch
        finally:
            await asyncio.shield(asyncio.ensure_future(self._end(work, ahead)))

    async def close(self) -> None:
        """Forgets what it learned of the database, once every stream has closed its own session."""
        if self._closing:
            await asyncio.wait(set(self._closing), timeout=_CANCEL_SECONDS)
        database, self._database = self._database, None
        if database is not None:
            await self._threads.run(database.close)

    async def _taken(self, ahead: asyncio.Future[Any], work: _Work, what: str) -> Any:
        from adbc_driver_manager import Error

        try:
            return await asyncio.shield(ahead)
        except Error as error:
            fault = self._fault(error, what, begun=work.begins)
        except (OSError, ValueError):
            # Arrow's, which knows no SQLSTATE.
            fault = SourceUnavailable(self._source, "the stream broke off")
        raise fault

    def _fault(self, error: Any, what: str, *, begun: bool) -> SourceFault:
        state = state_of(error.sqlstate)
        if state is None and begun:
            return SourceUnavailable(self._source, "the connection was lost")
        if state is None:
            return SourceUnreachable(self._source, "no session for a stream comes about; check that the database runs, admits the hub and has one left for it")
        if state == "42501":
            return SourceRefused(self._source, missing_grant(str(error).partition("ERROR:  ")[2], what))
        return fault_of(self._source, state, what)

    async def _end(self, work: _Work, ahead: asyncio.Future[Any]) -> None:
        """Stops what runs and closes the session; what does not stop in time closes it when it does."""
        until = asyncio.get_running_loop().time() + _CANCEL_SECONDS
        work.ending = True
        while not ahead.done() and asyncio.get_running_loop().time() < until:
            await self._threads.run(work.cancel)
            await asyncio.wait({ahead}, timeout=_CANCEL_EVERY)
        closing = asyncio.ensure_future(self._closed(work, ahead))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        if ahead.done():
            await closing

    async def _closed(self, work: _Work, ahead: asyncio.Future[Any]) -> None:
        await asyncio.wait({ahead})
        if not ahead.cancelled():
            # What a stopped statement says concerns nobody any more.
            ahead.exception()
        await self._threads.run(work.close)

    def _opened(self) -> Any:
        from adbc_driver_manager import AdbcConnection

        # It has no annotations.
        driver: Any = import_module("adbc_driver_postgresql")
        with self._opening:
            if self._database is None:
                self._database = driver.connect(self._address)
            return AdbcConnection(self._database)


class _Work:
    """One statement on a session of its own. Every method blocks, and only :meth:`cancel` runs beside another."""

    def __init__(self, opened: Any, statement: str) -> None:
        self._opened = opened
        self._text = statement
        self._connection: Any = None
        self._statement: Any = None
        self._reader: Any = None
        self.ending = False
        """Nobody waits for it any more."""
        self.begins = False
        """There is a session."""

    def begun(self) -> Any:
        """The first batch; ``None`` where there is none."""
        from adbc_driver_manager import AdbcStatement

        self._connection = self._opened()
        self.begins = True
        with AdbcStatement(self._connection) as watch:
            settings = self._executed(watch, _WATCH)
            settings.read_all()
            settings.close()
        self._statement = AdbcStatement(self._connection)
        self._statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)})
        if self.ending:
            return None
        self._reader = self._executed(self._statement, self._text)
        return self.next()

    @staticmethod
    def _executed(statement: Any, text: str) -> Any:
        from adbc_driver_manager._reader import AdbcRecordBatchReader

        statement.set_sql_query(text)
        handle, _ = statement.execute_query()
        return AdbcRecordBatchReader._import_from_c(handle.address)

    def next(self) -> Any:
        """The next batch; ``None`` behind the last."""
        try:
            while not self.ending:
                batch = self._reader.read_next_batch()
                if batch.num_rows:
                    return batch
        except StopIteration:
            pass
        return None

    def cancel(self) -> None:
        """Asks the server to stop the statement, on a connection of its own."""
        from adbc_driver_manager import Error

        if self._statement is not None:
            with suppress(Error):
                self._statement.cancel()

    def close(self) -> None:
        """Ends the session. It may be told several times."""
        for held in (self._reader, self._statement, self._connection):
            if held is not None:
                # Whatever it says of a session that is broken concerns nobody any more.
                with suppress(Exception):
                    held.close()
        self._reader = self._statement = self._connection = None


def _conninfo(where: Mapping[str, object], timeout_ms: int) -> str:
    """PostgreSQL documentation, §34.1.1.1: keywords and values, each in quotes. No password file and no variable of the environment has a say."""
    given = {
        "host": where["host"],
        "port": where["port"],
        "user": where["user"],
        "dbname": where["database"],
        "password": where["password"],
        "passfile": "/dev/null/none",
        "application_name": "huitong",
        "client_encoding": "UTF8",
        "gssencmode": "disable",
        "connect_timeout": max(2, math.ceil(timeout_ms / 1000)),
        "options": " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items()),
        **({"sslmode": where["ssl"]} if "ssl" in where else {}),
    }
    return " ".join("{}='{}'".format(name, str(value).replace("\\", "\\\\").replace("'", "\\'")) for name, value in given.items())
