"""Dameng DM8 by the vendor's dmPython (extra ``dameng``): a blocking driver, each session in a thread of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import SourceFault, SourceRefused, SourceUnavailable
from connectors.selection import Binding, Kind
from connectors.spi import ColumnDescription, ObjectDescription, SourceCheck
from connectors.sql.dialect_dameng import DamengDialect
from connectors.sql.driver import LONGEST_SECONDS, Connection, Session, object_name
from connectors.sql.threads import connected

_DESCRIBE = "SELECT COLUMN_NAME, DATA_TYPE, NULLABLE, DATA_SCALE FROM ALL_TAB_COLUMNS WHERE OWNER = NVL(?, USER) AND TABLE_NAME = ? ORDER BY COLUMN_ID"
_KINDS: Mapping[str, Kind] = {
    "CHAR": Kind.STRING, "CHARACTER": Kind.STRING, "VARCHAR": Kind.STRING, "VARCHAR2": Kind.STRING, "TEXT": Kind.STRING, "CLOB": Kind.STRING,
    "TINYINT": Kind.INTEGER, "SMALLINT": Kind.INTEGER, "INT": Kind.INTEGER, "INTEGER": Kind.INTEGER, "BIGINT": Kind.BIGINT,
    "REAL": Kind.FLOAT, "FLOAT": Kind.FLOAT, "DOUBLE": Kind.FLOAT, "DOUBLE PRECISION": Kind.FLOAT,
    "DEC": Kind.DECIMAL, "DECIMAL": Kind.DECIMAL, "NUMERIC": Kind.DECIMAL, "NUMBER": Kind.DECIMAL,
    "BIT": Kind.BOOLEAN, "DATE": Kind.DATE, "TIMESTAMP": Kind.DATETIME, "DATETIME": Kind.DATETIME, "TIMESTAMP WITH TIME ZONE": Kind.DATETIME,
}  # fmt: skip

# DM8 programmer's guide, appendix of error codes.
_CODE = re.compile(r"CODE:(-?\d+)")
_NOT_REACHABLE = range(-70099, -70000)
_LOGIN, _PRIVILEGE = -2501, -5504
_MISSING = (-2106, -2207)


class DamengSession:
    """One connection. Blocks; see :class:`connectors.sql.threads.Session`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._cursor: Any = None

    def rows(self, text: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """All rows, by a cursor of its own."""
        cursor = self._connection.cursor()
        try:
            cursor.execute(text, tuple(arguments))
            found: list[Sequence[Any]] = cursor.fetchall()
            return found
        finally:
            cursor.close()

    def begin(self, text: str, arguments: Sequence[Any]) -> None:
        """By a cursor whose rows come as they are fetched."""
        self._cursor = self._connection.cursor()
        self._cursor.execute(text, tuple(arguments))

    def some(self, rows: int) -> Sequence[Sequence[Any]]:
        """The next."""
        found: list[Sequence[Any]] = self._cursor.fetchmany(rows)
        return found

    def cancel(self) -> None:
        """dmPython cannot: the session is given up, and DM8 ends the statement at its own limit."""

    def lost(self, error: Exception) -> bool:
        """The driver says that the connection is dead."""
        return bool(self._connection.DSQL_ATTR_CONNECTION_DEAD)

    def close(self) -> None:
        """Says goodbye."""
        self._connection.close()


class DamengDriver:
    """Connects to one instance; ``where`` holds user, password, server, port and, where one is named, schema."""

    dialect = DamengDialect()

    def __init__(self, source: str, where: Mapping[str, object], timeout_ms: int, module: Any) -> None:
        self._source = source
        self._where = dict(where)
        self._seconds = max(1, timeout_ms // 1000)
        self._module = module
        self.errors: tuple[type[Exception], ...] = (module.Error, OSError, ValueError, OverflowError)

    async def connect(self) -> Connection:
        """A session that can only read."""
        return await connected(lambda: self._opened(self._seconds), self.errors)

    async def session(self) -> Session:
        """The same with half a day for each statement."""
        return await connected(lambda: self._opened(LONGEST_SECONDS), self.errors)

    def _opened(self, seconds: int) -> DamengSession:
        connection = self._module.connect(
            **self._where,
            access_mode=self._module.DSQL_MODE_READ_ONLY,
            autoCommit=True,
            app_name="huitong",
            login_timeout=self._seconds,
            connection_timeout=seconds,
        )
        return DamengSession(connection)

    def fault(self, error: Exception, what: str) -> SourceFault:
        """By DM8's code; its texts may quote values and are not passed on."""
        if not isinstance(error, self._module.Error | OSError):
            return SourceRefused(self._source, f"a value does not fit its column in {what}")
        found = _CODE.search(str(error))
        code = int(found[1]) if found else 0
        if code == 0 or code in _NOT_REACHABLE:
            return SourceUnavailable(self._source, "the database is not reachable")
        if code == _LOGIN:
            return SourceUnavailable(self._source, "the database does not admit the hub; check user and secret")
        if code in _MISSING:
            return SourceRefused(self._source, f"{what} or a column of it does not exist; compare the catalog with the source")
        if code == _PRIVILEGE:
            return SourceRefused(self._source, f"the hub may not read {what}; grant SELECT to its user")
        return SourceRefused(self._source, f"the statement on {what} was rejected (DM8 code {code})")

    async def describe(self, connection: Connection, binding: Binding) -> Sequence[ColumnDescription]:
        """By ALL_TAB_COLUMNS."""
        rows = await connection.fetch(_DESCRIBE, list(object_name(binding)))
        return [ColumnDescription(name, type_, nullable == "Y", _kind(type_, scale)) for name, type_, nullable, scale in rows]

    async def objects(self, connection: Connection) -> Sequence[ObjectDescription]:
        """Refused: not among the capabilities."""
        raise SourceRefused(self._source, "tables of DM8 cannot be listed; write its resources into the manifest by hand")

    async def check(self, connection: Connection) -> SourceCheck:
        """Reads one row."""
        await connection.fetch("SELECT 1 FROM DUAL", [])
        return SourceCheck(ok=True)


def _kind(type_: str, scale: int | None) -> Kind | None:
    kind = _KINDS.get(type_.partition("(")[0].strip().upper())
    return Kind.BIGINT if kind is Kind.DECIMAL and scale == 0 and type_.upper().startswith("NUMBER(") else kind
