"""PostgreSQL by asyncpg, and its kin by drivers made after asyncpg: read-only sessions in UTC, statements cut by the server and cancelled by the hub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg

from connectors.errors import SourceFault, SourceRefused
from connectors.selection import Binding
from connectors.spi import ColumnDescription, ObjectDescription, SourceCheck
from connectors.sql.dialect_postgres import PostgresDialect
from connectors.sql.driver import LONGEST_SECONDS, Connection, ConnectionLost, Session, object_name
from connectors.sql.objects_postgres import described, listed
from connectors.sql.pace import Pace
from connectors.sql.single import from_bytes, to_bytes
from connectors.sql.sqlstate import fault_of, missing_grant

_asyncpg: Any = asyncpg
"""asyncpg has no annotations."""

_CLOSE_SECONDS = 2.0
_ASKING_SECONDS = 0.1
_STATEMENTS_PREPARED = 512


class PostgresConnection:
    """One session. After a cancelled statement it is not used again, because its server may be the reason for the delay."""

    def __init__(self, connection: Any, module: Any) -> None:
        self.reused = False
        self._connection = connection
        self._module = module
        self._sound = True

    async def fetch(self, text: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """All rows, as asyncpg's records."""
        with self._judging():
            rows: Sequence[Sequence[Any]] = await self._connection.fetch(text, *arguments)
        return rows

    async def batches(self, text: str, arguments: Sequence[Any], rows: int) -> AsyncGenerator[Sequence[Sequence[Any]], None]:
        """By a portal, in a transaction that ends with the session."""
        with self._judging():
            await self._connection.transaction(readonly=True).start()
            cursor = await self._connection.cursor(text, *arguments)
            pace = Pace(rows)
            batch = await cursor.fetch(pace.rows)
        while batch:
            pace.note(batch)
            yield batch
            with self._judging():
                batch = await cursor.fetch(pace.rows)

    @contextmanager
    def _judging(self) -> Iterator[None]:
        try:
            yield
        except asyncio.CancelledError:
            self._sound = False
            raise
        except _gone(self._module) as error:
            # InternalClientError: the server's farewell arrived while the session was idle and confuses asyncpg.
            self._sound = False
            raise ConnectionLost from error
        except self._module.InterfaceError as error:
            if self._connection.is_closed():
                raise ConnectionLost from error
            raise

    def usable(self) -> bool:
        """Open, and never cancelled."""
        return self._sound and not self._connection.is_closed()

    async def close(self) -> None:
        """Waits until a cancelled statement has ended, then says goodbye; breaks off after two seconds."""
        if not self._sound:
            # asyncpg, told to close while it is still connecting to ask for the statement's end, leaves an error behind that nobody takes.
            await asyncio.sleep(_ASKING_SECONDS)
        await self._connection.close(timeout=_CLOSE_SECONDS)


def _gone(module: Any) -> tuple[type[Exception], ...]:
    return (OSError, _class(module, "ConnectionError"), module.AdminShutdownError, module.CrashShutdownError, module.InternalClientError)


def _class(module: Any, name: str) -> type[Exception]:
    """A class of errors that the driver names after its server."""
    found: type[Exception] = getattr(module, f"Postgres{name}", None) or getattr(module, f"GaussDB{name}")
    return found


class PostgresDriver:
    """Connects to one database; ``where`` holds asyncpg's host, port, user, database, password and ssl."""

    dialect = PostgresDialect()

    def __init__(self, source: str, where: Mapping[str, object], timeout_ms: int, module: Any = _asyncpg) -> None:
        self._source = source
        self._module = module
        self.errors: tuple[type[Exception], ...] = (
            _class(module, "Error"), module.InterfaceError, module.InternalClientError, OSError, ValueError, OverflowError
        )  # fmt: skip
        self._where = dict(where)
        self._settings = {
            "application_name": "huitong",
            "default_transaction_read_only": "on",
            "statement_timeout": str(timeout_ms),
            "TimeZone": "UTC",
            "DateStyle": "ISO",
            "extra_float_digits": "3",
            "jit": "off",
        }
        self._timeout = timeout_ms / 1000
        self._abandoned: set[asyncio.Future[Any]] = set()

    async def connect(self) -> Connection:
        """A session that can only read and whose statements end at the source's timeout even if the hub is gone."""
        return await self._connected(self._settings)

    async def session(self) -> Session:
        """The same with a day's half for each statement."""
        return await self._connected({**self._settings, "statement_timeout": str(LONGEST_SECONDS * 1000)})

    async def _connected(self, settings: Mapping[str, str]) -> PostgresConnection:
        opening = asyncio.ensure_future(self._opened(settings))
        try:
            connection = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # asyncpg, cancelled while it asks for TLS, leaves an error behind that nobody takes: it is let end by itself, in its time.
            self._abandoned.add(opening)
            opening.add_done_callback(self._hang_up)
            raise
        return PostgresConnection(connection, self._module)

    async def _opened(self, settings: Mapping[str, str]) -> Any:
        connection = await self._module.connect(
            **self._where,
            server_settings=dict(settings),
            timeout=self._timeout,
            statement_cache_size=_STATEMENTS_PREPARED,
            max_cacheable_statement_size=0,
            max_cached_statement_lifetime=0,
        )
        try:
            await connection.set_type_codec("float4", schema="pg_catalog", encoder=to_bytes, decoder=from_bytes, format="binary")
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _hang_up(self, opening: asyncio.Future[Any]) -> None:
        self._abandoned.discard(opening)
        if not opening.cancelled() and opening.exception() is None:
            opening.result().terminate()

    def fault(self, error: Exception, what: str) -> SourceFault:
        """By SQLSTATE; the server's messages may quote values and are not passed on."""
        if isinstance(error, self._module.InsufficientPrivilegeError):
            return SourceRefused(self._source, missing_grant(str(error), what))
        if isinstance(error, _class(self._module, "Error")):
            return fault_of(self._source, getattr(error, "sqlstate", None), what)
        if isinstance(error, OSError | self._module.InternalClientError):
            return fault_of(self._source, None, what)
        return SourceRefused(self._source, f"a value does not fit its column in {what}")

    async def describe(self, connection: Connection, binding: Binding) -> Sequence[ColumnDescription]:
        """By PostgreSQL's own catalog."""
        return await described(connection, *object_name(binding))

    async def objects(self, connection: Connection) -> Sequence[ObjectDescription]:
        """By PostgreSQL's own catalog, without what extensions brought."""
        return await listed(connection)

    async def check(self, connection: Connection) -> SourceCheck:
        """Reachable, and in an encoding whose characters masks can count."""
        ((encoding,),) = await connection.fetch("SELECT current_setting('server_encoding')", [])
        if encoding == "UTF8":
            return SourceCheck(ok=True)
        return SourceCheck(
            ok=False, message=f"the database is encoded in {encoding}, in which masks cannot count characters", hint="offer a database encoded in UTF8"
        )
