"""A session with a consumer's MariaDB or MySQL, for one worker thread; the driver is asynchronous, so the thread runs a loop of its own."""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import asyncmy
from asyncmy import errors

from connectors.errors import ConfigFault
from connectors.sql.tls import tls_context
from hub.exchange.delivery.config import Table
from hub.exchange.delivery.faults import DeliveryFault, unreachable
from hub.exchange.delivery.table import secret_of
from schema.faults import Code

_asyncmy: Any = asyncmy
_PREPARED = 8
CONNECT_SECONDS = 10
_SESSION = (
    "SET NAMES utf8mb4",
    "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', lock_wait_timeout = 20, innodb_lock_wait_timeout = 20",
)


@contextmanager
def opened(destination: Table, lock: str) -> Iterator[Session]:
    """A session that holds a lock of that name.

    Raises:
        DeliveryFault: no session comes about, somebody else holds the lock, or what was done within failed.
    """
    with asyncio.Runner() as runner:
        session: Session | None = None
        try:
            # The driver bounds the connection alone: who takes it and says nothing would be waited for without end.
            session = Session(runner, runner.run(asyncio.wait_for(_connected(destination), CONNECT_SECONDS)))
            for statement in _SESSION:
                session.run(statement)
            if session.one("SELECT GET_LOCK(?, 0)", lock)[0] != 1:
                raise unreachable("另一投递正在写入该库表", "another delivery is filling the table")
            try:
                yield session
            finally:
                # A session's end is noticed a little later.
                with suppress(errors.MySQLError, OSError):
                    session.run("ROLLBACK")
                    session.one("SELECT RELEASE_LOCK(?)", lock)
        except (errors.MySQLError, OSError, TimeoutError) as fault:
            raise _told(fault) from None
        finally:
            if session is not None:
                session.close()


async def _connected(destination: Table) -> Any:
    url = destination.address
    try:
        context = tls_context(destination.code, url.query.get("ssl"), url.query.get("ssl_ca"))
    except ConfigFault:
        raise DeliveryFault(Code.INTERNAL, "目标的 TLS 设置不可用", "the destination's TLS settings cannot be used: ssl, ssl_ca") from None
    # Bytes, because asyncmy would write a text in Latin-1.
    where = {"host": url.host, "port": url.port or 3306, "user": url.username, "database": url.database, "password": secret_of(destination).encode()}
    more = {} if context is None else {"ssl": context}
    return await _asyncmy.connect(**where, **more, connect_timeout=CONNECT_SECONDS, autocommit=False)


class Session:
    """One connection, for one thread."""

    def __init__(self, runner: asyncio.Runner, connection: Any) -> None:
        self._runner = runner
        self._connection = connection
        self._prepared: OrderedDict[str, Any] = OrderedDict()

    def run(self, statement: str) -> None:
        """A statement without values, as it stands."""
        self._runner.run(self._connection.query(statement))

    def one(self, statement: str, *values: object) -> Sequence[Any]:
        """The first row; empty where there is none."""
        rows = self._runner.run(self._execute(statement, values)).rows
        return rows[0] if rows else ()

    def rows(self, statement: str, *values: object) -> Sequence[Sequence[Any]]:
        """All rows."""
        return self._runner.run(self._execute(statement, values)).rows or ()

    def write(self, statement: str, values: Sequence[object]) -> None:
        """A statement with values in their places."""
        self._runner.run(self._execute(statement, values))

    def commit(self) -> None:
        """Ends the transaction."""
        self._runner.run(self._connection.commit())

    def close(self) -> None:
        """Says goodbye; whatever is not committed is gone."""
        with suppress(Exception):
            self._runner.run(asyncio.wait_for(self._connection.ensure_closed(), 2))

    async def _execute(self, statement: str, values: Sequence[object]) -> Any:
        prepared = self._prepared.get(statement)
        if prepared is None:
            while len(self._prepared) >= _PREPARED:
                _, oldest = self._prepared.popitem(last=False)
                await oldest.close()
            prepared = self._prepared[statement] = await self._connection.prepare(statement)
        return await prepared.execute(list(values))


def referred() -> DeliveryFault:
    """Other tables of the consumer's depend on the one that is about to go."""
    return DeliveryFault(Code.CONFLICT, "其他表的外键引用旧表，请删除该外键", "foreign keys of other tables refer to the old table: drop them")


def too_large() -> DeliveryFault:
    """One row is more than a statement may have."""
    return unreachable("有一行超过目标数据库的 max_allowed_packet，请调大", "a row is larger than the database takes at once: raise its max_allowed_packet")


def _told(fault: Exception) -> DeliveryFault:
    """By error number (MariaDB Knowledge Base, "MariaDB Error Codes"); the server's own texts may quote values."""
    number = fault.args[0] if isinstance(fault, errors.MySQLError) and fault.args and isinstance(fault.args[0], int) else 0
    if isinstance(fault.__cause__, ssl.SSLError) or number in (2026, 3159):
        return DeliveryFault(Code.SOURCE_UNAVAILABLE, "TLS 连接失败", "no TLS connection comes about; look at ssl and ssl_ca")
    match number:
        case 1045 | 1698 | 1130 | 1251:
            return DeliveryFault(Code.SOURCE_UNAVAILABLE, "目标数据库拒绝登录", "the database does not admit the hub; check user and secret")
        case 1044 | 1049:
            return DeliveryFault(Code.SOURCE_UNAVAILABLE, "目标数据库不存在或无权使用", "the database does not exist, or the hub's user may not use it")
        case 1142 | 1143 | 1227:
            return DeliveryFault(
                Code.SOURCE_UNAVAILABLE,
                "平台账号无权建表或改表",
                "the hub's user may not create or change the table; grant CREATE, DROP, ALTER, INSERT and SELECT on the database",
            )
        case 1205 | 1969:
            return unreachable("读取旧表的会话未在时限内结束", "sessions that read the old table did not end in time")
        case 1048 | 1062 | 1264 | 1265 | 1292 | 1366 | 1406 | 1452 | 3819 | 4025:
            return DeliveryFault(Code.SOURCE_VALUE, f"有值不能写入库表（{number}）", f"a value does not fit into the table (error {number})", lasting=True)
        case 1153:
            return too_large()
        case 1217 | 1451:
            return referred()
        case 1114 | 1021:
            return unreachable("目标数据库空间不足", "the database is short of room")
    return unreachable(f"目标数据库不可用{f'（{number}）' if number else ''}", f"the database cannot be used now{f' (error {number})' if number else ''}")
