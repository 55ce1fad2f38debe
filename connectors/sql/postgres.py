"""PostgreSQL by asyncpg: read-only sessions in UTC, statements cut by the server and cancelled by the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from connectors.errors import SourceFault, SourceRefused, SourceTimeout, SourceUnavailable
from connectors.selection import Binding
from connectors.spi import ColumnDescription, ObjectDescription, SourceCheck
from connectors.sql.dialect_postgres import PostgresDialect
from connectors.sql.driver import Connection, ConnectionLost, object_name
from connectors.sql.objects_postgres import described, listed

_asyncpg: Any = asyncpg
"""asyncpg has no annotations."""

_CLOSE_SECONDS = 2.0
_STATEMENTS_PREPARED = 512


class PostgresConnection:
    """One session. After a cancelled statement it is not used again, because its server may be the reason for the delay."""

    def __init__(self, connection: Any) -> None:
        self.reused = False
        self._connection = connection
        self._sound = True

    async def fetch(self, text: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """All rows, as asyncpg's records."""
        try:
            rows: Sequence[Sequence[Any]] = await self._connection.fetch(text, *arguments)
        except asyncio.CancelledError:
            self._sound = False
            raise
        except (OSError, _asyncpg.PostgresConnectionError, _asyncpg.AdminShutdownError, _asyncpg.CrashShutdownError, _asyncpg.InternalClientError) as error:
            # InternalClientError: the server's farewell arrived while the session was idle and confuses asyncpg.
            self._sound = False
            raise ConnectionLost from error
        except _asyncpg.InterfaceError as error:
            if self._connection.is_closed():
                raise ConnectionLost from error
            raise
        return rows

    def usable(self) -> bool:
        """Open, and never cancelled."""
        return self._sound and not self._connection.is_closed()

    async def close(self) -> None:
        """Waits until a cancelled statement has ended, then says goodbye; breaks off after two seconds."""
        await self._connection.close(timeout=_CLOSE_SECONDS)


class PostgresDriver:
    """Connects to one database; ``where`` holds asyncpg's host, port, user, database, password and ssl."""

    dialect = PostgresDialect()
    errors: tuple[type[Exception], ...] = (_asyncpg.PostgresError, _asyncpg.InterfaceError, _asyncpg.InternalClientError, OSError, ValueError, OverflowError)

    def __init__(self, source: str, where: Mapping[str, object], timeout_ms: int) -> None:
        self._source = source
        self._where = dict(where)
        self._settings = {
            "application_name": "huitong",
            "default_transaction_read_only": "on",
            "statement_timeout": str(timeout_ms),
            "TimeZone": "UTC",
            "DateStyle": "ISO",
            "jit": "off",
        }
        self._timeout = timeout_ms / 1000

    async def connect(self) -> Connection:
        """A session that can only read and whose statements end at the source's timeout even if the hub is gone."""
        connection = await _asyncpg.connect(
            **self._where,
            server_settings=self._settings,
            timeout=self._timeout,
            statement_cache_size=_STATEMENTS_PREPARED,
            max_cacheable_statement_size=0,
            max_cached_statement_lifetime=0,
        )
        return PostgresConnection(connection)

    def fault(self, error: Exception, what: str) -> SourceFault:
        """By SQLSTATE; the server's messages may quote values and are not passed on."""
        if isinstance(error, _asyncpg.QueryCanceledError):
            return SourceTimeout(self._source, "the statement was stopped")
        if isinstance(error, _asyncpg.InvalidAuthorizationSpecificationError | _asyncpg.InvalidCatalogNameError):
            return SourceUnavailable(self._source, "the database does not admit the hub; check user, secret and database name")
        if isinstance(
            error,
            OSError
            | _asyncpg.InternalClientError
            | _asyncpg.PostgresConnectionError
            | _asyncpg.OperatorInterventionError
            | _asyncpg.InsufficientResourcesError,
        ):
            return SourceUnavailable(self._source, "the database is not reachable")
        if isinstance(error, _asyncpg.UndefinedTableError | _asyncpg.UndefinedColumnError | _asyncpg.InvalidSchemaNameError):
            return SourceRefused(self._source, f"{what} or a column of it does not exist; compare the catalog with the source")
        if isinstance(error, _asyncpg.InsufficientPrivilegeError):
            return SourceRefused(self._source, f"the hub may not read {what}; grant SELECT to its user")
        if isinstance(error, _asyncpg.PostgresError):
            return SourceRefused(self._source, f"the statement on {what} was rejected (SQLSTATE {error.sqlstate})")
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
