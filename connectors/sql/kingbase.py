"""KingbaseES by the vendor's ksycopg2 (extra ``kingbase``): a blocking driver of PostgreSQL's family, each session in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.dialects.postgresql.base import PGDialect

from connectors.errors import SourceFault, SourceRefused
from connectors.selection import Binding
from connectors.spi import ColumnDescription, ObjectDescription, SourceCheck
from connectors.sql.dialect_postgres import PostgresDialect
from connectors.sql.driver import LONGEST_SECONDS, Connection, Session, object_name
from connectors.sql.objects_postgres import described, listed
from connectors.sql.sqlstate import fault_of
from connectors.sql.threads import connected

_core: Any = PGDialect
"""SQLAlchemy has no annotations for its constructor."""


class KingbaseDialect(PostgresDialect):
    """As PostgreSQL is written, with ksycopg2's places."""

    core = _core(paramstyle="format")


class KingbaseSession:
    """One connection. Blocks; see :class:`connectors.sql.threads.Session`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._cursor: Any = None

    def rows(self, text: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """All rows, by a cursor of its own."""
        with self._connection.cursor() as cursor:
            cursor.execute(text, list(arguments))
            found: list[Sequence[Any]] = cursor.fetchall()
            return found

    def begin(self, text: str, arguments: Sequence[Any]) -> None:
        """By a cursor of the server's, in a transaction that ends with the session."""
        self._connection.autocommit = False
        self._cursor = self._connection.cursor("huitong")
        self._cursor.execute(text, list(arguments))

    def some(self, rows: int) -> Sequence[Sequence[Any]]:
        """By one FETCH."""
        found: list[Sequence[Any]] = self._cursor.fetchmany(rows)
        return found

    def cancel(self) -> None:
        """By the protocol's cancel request, on a connection of its own."""
        self._connection.cancel()

    def lost(self, error: Exception) -> bool:
        """The driver has closed the connection."""
        return bool(self._connection.closed)

    def close(self) -> None:
        """Says goodbye."""
        self._connection.close()


class KingbaseDriver:
    """Connects to one database; ``where`` holds host, port, user, dbname, password and sslmode."""

    dialect = KingbaseDialect()

    def __init__(self, source: str, where: Mapping[str, object], timeout_ms: int, module: Any) -> None:
        self._source = source
        self._where = dict(where)
        self._timeout_ms = timeout_ms
        self._module = module
        self.errors: tuple[type[Exception], ...] = (module.Error, OSError, ValueError, OverflowError)

    async def connect(self) -> Connection:
        """A session that can only read, in UTC, whose statements end at the source's timeout even if the hub is gone."""
        return await connected(self._opening(self._timeout_ms), self.errors)

    async def session(self) -> Session:
        """The same with half a day for each statement."""
        return await connected(self._opening(LONGEST_SECONDS * 1000), self.errors)

    def _opening(self, timeout_ms: int) -> Callable[[], KingbaseSession]:
        def opened() -> KingbaseSession:
            seconds = max(1, self._timeout_ms // 1000)
            connection = self._module.connect(**self._where, connect_timeout=seconds, application_name="huitong")
            connection.set_session(readonly=True, autocommit=True)
            session = KingbaseSession(connection)
            settings = ("SET statement_timeout = %s", timeout_ms), ("SET TimeZone = %s", "UTC"), ("SET DateStyle = %s", "ISO")
            for text, value in settings:
                with connection.cursor() as cursor:
                    cursor.execute(text, [value])
            return session

        return opened

    def fault(self, error: Exception, what: str) -> SourceFault:
        """By SQLSTATE, which ksycopg2 calls ``kbcode``."""
        if isinstance(error, self._module.Error):
            return fault_of(self._source, getattr(error, "kbcode", None), what)
        if isinstance(error, OSError):
            return fault_of(self._source, None, what)
        return SourceRefused(self._source, f"a value does not fit its column in {what}")

    async def describe(self, connection: Connection, binding: Binding) -> Sequence[ColumnDescription]:
        """By the catalog that it shares with PostgreSQL."""
        return await described(_Placed(connection), *object_name(binding))

    async def objects(self, connection: Connection) -> Sequence[ObjectDescription]:
        """By the catalog that it shares with PostgreSQL."""
        return await listed(_Placed(connection))

    async def check(self, connection: Connection) -> SourceCheck:
        """Reachable, and in an encoding whose characters masks can count."""
        ((encoding,),) = await connection.fetch("SELECT current_setting('server_encoding')", [])
        if encoding == "UTF8":
            return SourceCheck(ok=True)
        hint = "offer a database encoded in UTF8"
        return SourceCheck(ok=False, message=f"the database is encoded in {encoding}, in which masks cannot count characters", hint=hint)


class _Placed:
    """Lends a connection to statements with PostgreSQL's numbered places, each used once and in order."""

    def __init__(self, connection: Connection) -> None:
        self.reused = connection.reused
        self._connection = connection

    async def fetch(self, text: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        text = text.replace("%", "%%")
        for place in range(len(arguments), 0, -1):
            text = text.replace(f"${place}", "%s")
        return await self._connection.fetch(text, arguments)

    def usable(self) -> bool:
        return self._connection.usable()

    async def close(self) -> None:
        await self._connection.close()
