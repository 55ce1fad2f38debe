"""MariaDB and MySQL by asyncmy: read-only sessions in UTC, every value a parameter of a prepared statement, statements killed on the server."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import asyncmy
from asyncmy import errors as asyncmy_errors
from asyncmy.cursors import SSCursor

from connectors.errors import SourceFault
from connectors.selection import Binding
from connectors.spi import ColumnDescription, ObjectDescription, SourceCheck
from connectors.sql.dialect_mysql import LIST, MysqlDialect
from connectors.sql.driver import LONGEST_SECONDS, Connection, ConnectionLost, Incomparable, NotConnected, Session, object_name
from connectors.sql.mysql_faults import INCOMPARABLE, LOST, UNREACHABLE, code_of, fault_of, in_session
from connectors.sql.objects_mysql import described, listed
from connectors.sql.pace import Pace

_asyncmy: Any = asyncmy
"""asyncmy's annotations leave out most of what it returns."""

_STATEMENTS_PREPARED = 64
"""Of one session. A server holds 16,382 of all sessions together, unless it is told otherwise."""
_KILL_SECONDS = 2.0
_LIST_STEP = 1024
_NOBODY = "(SELECT NULL FROM DUAL WHERE FALSE)"
_PLACE = f"({LIST}?)"
NAMES = "SET NAMES utf8mb4 COLLATE utf8mb4_bin"
READ_ONLY = "SET SESSION TRANSACTION READ ONLY"
MODE = "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,NO_ENGINE_SUBSTITUTION'"
SORT = "SET max_sort_length = 65535"
"""So many bytes of a text order it; a server's own default is 1,024."""

_MARIADB = ("SET in_predicate_conversion_threshold = 0, optimizer_switch = 'subquery_cache=off'",)
"""Long lists stay lists: as tables, which MariaDB makes of them, they meet columns of other collations. And it keeps a subquery's answer by the text
that was asked for in the column's collation, in which another text may be the same."""


class MysqlConnection:
    """One session. After a cancelled statement it is killed, because only its end is sure to end the statement."""

    def __init__(self, connection: Any, where: Mapping[str, Any]) -> None:
        self.reused = False
        self._connection = connection
        self._where = where
        self._prepared: OrderedDict[str, Any] = OrderedDict()
        self._cancelled = False
        self._sound = True

    async def fetch(self, text: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """All rows, as tuples. The server takes the text as one statement, and the values beside it."""
        text, arguments = written_out(text, arguments)
        with self._judging():
            statement = self._prepared.get(text) or await self._prepare(text)
            self._prepared.move_to_end(text)
            result = await statement.execute(arguments)
        return result.rows or ()

    async def batches(self, text: str, arguments: Sequence[Any], rows: int) -> AsyncGenerator[Sequence[Sequence[Any]], None]:
        """Row by row, as the server sends them. It takes values and text by parameters into variables of the session, and runs them from there."""
        text, arguments = written_out(text, arguments)
        names = [f"@huitong{place}" for place in range(len(arguments))]
        # Unless its statement has ended, only the session's end is sure to end it.
        self._cancelled = True
        with self._judging():
            setting = await self._connection.prepare(f"SET {', '.join(f'{name} = ?' for name in [*names, '@huitong'])}")
            await setting.execute([*arguments, text])
            await self._connection.query("PREPARE huitong FROM @huitong")
            cursor = self._connection.cursor(SSCursor)
            await cursor.execute(f"EXECUTE huitong{' USING ' if names else ''}{', '.join(names)}")
            pace = Pace(rows)
            batch = await self._some(cursor, pace.rows)
        while batch:
            pace.note(batch)
            yield batch
            with self._judging():
                batch = await self._some(cursor, pace.rows)
        self._cancelled = False

    async def _some(self, cursor: Any, rows: int) -> Sequence[Sequence[Any]]:
        """The driver, left alone, would take in all that the server sends."""
        transport = self._connection._transport
        transport.resume_reading()
        batch: Sequence[Sequence[Any]] = await cursor.fetchmany(rows)
        if batch:
            transport.pause_reading()
        return batch

    @contextmanager
    def _judging(self) -> Iterator[None]:
        try:
            yield
        except asyncio.CancelledError:
            self._cancelled = True
            raise
        except (asyncmy_errors.MySQLError, OSError) as error:
            raise self._judged(error) from error
        except Exception:
            # A value that asyncmy cannot read, or send, leaves the rest of the answer in the stream.
            self._sound = False
            raise

    async def _prepare(self, text: str) -> Any:
        while len(self._prepared) >= _STATEMENTS_PREPARED:
            _, oldest = self._prepared.popitem(last=False)
            await oldest.close()
        statement = self._prepared[text] = await self._connection.prepare(text)
        return statement

    def _judged(self, error: Exception) -> Exception:
        code = code_of(error)
        if code in INCOMPARABLE:
            return Incomparable()
        if code in LOST:
            self._sound = False
            return ConnectionLost()
        return in_session(error)

    def usable(self) -> bool:
        """Open, in step with the server, and never cancelled."""
        return self._sound and not self._cancelled and bool(self._connection.connected)

    async def close(self) -> None:
        """Says goodbye; a cancelled statement is killed together with its session, by a session of its own, within two seconds."""
        if not self._cancelled:
            await asyncio.wait_for(self._connection.ensure_closed(), _KILL_SECONDS)
            return
        self._connection.close()
        async with asyncio.timeout(_KILL_SECONDS):
            killer = await _asyncmy.connect(**self._where)
            try:
                await killer.query(f"KILL {int(self._connection.thread_id())}")
            finally:
                killer.close()


def written_out(text: str, arguments: Sequence[Any]) -> tuple[str, list[Any]]:
    """A statement with one place per value of its lists. Lists are filled up by their last value, so that few lengths are prepared."""
    if LIST not in text:
        return text, list(arguments)
    lists = iter([argument for argument in arguments if isinstance(argument, list)])
    first, *rest = text.split(_PLACE)
    whole = first + "".join(_places(len(next(lists))) + part for part in rest)
    values: list[Any] = []
    for argument in arguments:
        if isinstance(argument, list):
            values += argument + argument[-1:] * (filled(len(argument)) - len(argument))
        else:
            values.append(argument)
    return whole, values


def filled(length: int) -> int:
    """The next power of two, from 1,024 on the next multiple of 1,024; nothing for nothing."""
    if length <= 1:
        return length
    return 1 << (length - 1).bit_length() if length <= _LIST_STEP else -(-length // _LIST_STEP) * _LIST_STEP


def _places(length: int) -> str:
    return f"({', '.join('?' * filled(length))})" if length else _NOBODY


class MysqlDriver:
    """Connects to one database; ``where`` holds asyncmy's host, port, user, password, database and ssl."""

    dialect = MysqlDialect()
    settings: tuple[str, ...] = (NAMES, READ_ONLY, MODE, SORT)
    """What every session begins with."""
    errors: tuple[type[Exception], ...] = (asyncmy_errors.MySQLError, OSError, ValueError, OverflowError)

    def __init__(self, source: str, where: Mapping[str, object], timeout_ms: int) -> None:
        self._source = source
        self.timeout_ms = timeout_ms
        self._where = {**where, "connect_timeout": timeout_ms / 1000, "charset": "utf8mb4", "autocommit": True, "program_name": "huitong"}

    async def connect(self) -> Connection:
        """A session that can only read and whose statements end at the source's timeout even if the hub is gone."""
        return await self._connected(self.timeout_ms)

    async def session(self) -> Session:
        """The same with half a day for each statement, and as long for its reader."""
        connection = await self._connected(LONGEST_SECONDS * 1000)
        try:
            await connection.fetch(f"SET net_write_timeout = {LONGEST_SECONDS}", ())
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _connected(self, timeout_ms: int) -> MysqlConnection:
        try:
            connection = await _asyncmy.connect(**self._where)
        except asyncmy_errors.MySQLError as error:
            if code_of(error) in UNREACHABLE and isinstance(error.__cause__, ConnectionError):
                raise NotConnected from error
            raise
        try:
            for setting in (*self.settings, *self.limits(connection.get_server_info(), timeout_ms)):
                await connection.query(setting)
        except BaseException:
            connection.close()
            raise
        return MysqlConnection(connection, self._where)

    def limits(self, version: str, timeout_ms: int) -> list[str]:
        """What cuts the session's statements after so long, by the server's version."""
        if "MariaDB" in version:
            return [f"SET max_statement_time = {timeout_ms / 1000}", *_MARIADB]
        return [f"SET max_execution_time = {timeout_ms}"]

    def fault(self, error: Exception, what: str) -> SourceFault:
        """By the server's error number; its messages may quote values and are not passed on."""
        return fault_of(self._source, error, what)

    async def describe(self, connection: Connection, binding: Binding) -> Sequence[ColumnDescription]:
        """By information_schema."""
        try:
            return await described(connection, *object_name(binding))
        except Incomparable:
            # information_schema has no such characters, so neither has a name.
            return []

    async def objects(self, connection: Connection) -> Sequence[ObjectDescription]:
        """By information_schema, of this one database."""
        return await listed(connection)

    async def check(self, connection: Connection) -> SourceCheck:
        """Reads one row."""
        await connection.fetch("SELECT 1", [])
        return SourceCheck(ok=True)
