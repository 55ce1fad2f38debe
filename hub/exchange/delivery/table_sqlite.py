"""Tables of an SQLite file: filled in short transactions, switched in one; the marker stands in a table beside, for SQLite keeps no comments but those
within the text that made a table: one there says that it is the hub's, whatever bears its name later."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Text
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.types import Date, DateTime, TypeEngine

from hub.exchange.delivery.config import within
from hub.exchange.delivery.faults import DeliveryFault, foreign, unreachable
from hub.exchange.delivery.table import REHEARSED, Filling, Marker, TableTarget, created
from hub.exchange.delivery.target import Go
from hub.store.base import now
from schema.faults import Code

_DIALECT: Any = SQLiteDialect_pysqlite(paramstyle="named")
_MARKS = "huitong_exchange"
_MADE = "/* huitong_exchange */"
_BUSY_SECONDS = 20.0


@contextmanager
def sqlite_target(filling: Filling, file: Path, roots: tuple[str, ...]) -> Iterator[TableTarget]:
    """The file, which is there already, and a lock on its folder among deliveries."""
    try:
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as fault:
        raise unreachable("数据库文件不可用", f"the database file cannot be used ({fault.strerror})") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
            # The file that was opened, whatever links lay on the way.
            ((_, _, opened),) = connection.execute("PRAGMA database_list").fetchall()
            if not within(Path(opened), roots):
                raise DeliveryFault(Code.INTERNAL, "数据库文件不在许可范围内", "the database lies under none of the allowed roots", lasting=True)
            # Views that read the table are left as they are while it changes.
            connection.execute("PRAGMA legacy_alter_table = ON")
            yield SqliteTarget(connection, filling)
    except BlockingIOError:
        raise unreachable("另一投递正在写入该库", "another delivery is filling the database") from None
    except sqlite3.Error as fault:
        raise _told(fault) from None
    finally:
        os.close(folder)


class SqliteTarget:
    """One table."""

    def __init__(self, connection: sqlite3.Connection, filling: Filling) -> None:
        self._connection = connection
        self._filling = filling
        self.place = filling.place

    def there(self) -> bool:
        """By the marks, which are written in the transaction of the switch."""
        self._connection.execute(
            f"CREATE TABLE IF NOT EXISTS {_MARKS} (table_name TEXT PRIMARY KEY, exchange TEXT, rows INTEGER, sha256 TEXT, finished_at TEXT, delivered_at TEXT)"
        )
        self._connection.execute(f"DROP TABLE IF EXISTS {_quoted(self._filling.staging)}")
        return self._kind() is not None and self._filling.arrived(self._marker())

    def deliver(self, go: Go) -> None:
        """Staging table, inserts, count, switch."""
        filling = self._filling
        columns, staging = filling.schema(), _quoted(filling.staging)
        self._connection.execute(f"DROP TABLE IF EXISTS {staging}")
        self._connection.execute(created(filling.staging, None, columns, _DIALECT, _type, "").replace("(", f"( {_MADE}", 1))
        insert = f"INSERT INTO {staging} VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - quoted by the dialect
        for batch in filling.batches(go):
            with self._transaction():
                self._connection.executemany(insert, zip(*(_values(column) for column in batch.columns), strict=True))
        (rows,) = self._connection.execute(f"SELECT count(*) FROM {staging}").fetchone()  # noqa: S608 - the same
        filling.counted(rows)
        go(filling.parcel.rows, filling.parcel.bytes)
        with self._transaction():
            self._switch()

    def discard(self) -> None:
        """What was filled, and will not be switched."""
        self._connection.execute(f"DROP TABLE IF EXISTS {_quoted(self._filling.staging)}")

    def rehearse(self) -> None:
        """In a transaction that is rolled back."""
        if self._kind() is not None and self._marker() is None:
            raise foreign(self._filling.name)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.execute(f"DROP TABLE IF EXISTS {_quoted(self._filling.staging)}")
            self._connection.execute(created(self._filling.staging, None, REHEARSED, _DIALECT, _type, ""))
        finally:
            # A full disk has ended it already.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _switch(self) -> None:
        filling = self._filling
        name, marker = _quoted(filling.name), filling.marker()
        if self._kind() is not None:
            filling.arrived(self._marker())
            indexes = self._connection.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL", (filling.name,))
            same = self._columns(filling.name) == self._columns(filling.staging)
            again = [text for (text,) in indexes] if same else []
            self._connection.execute(f"DROP TABLE {name}")
        else:
            again = []
        self._connection.execute(f"ALTER TABLE {_quoted(filling.staging)} RENAME TO {name}")
        for text in again:
            self._connection.execute(text)
        values = (filling.name, marker.exchange, marker.rows, marker.digest, marker.finished, now().isoformat())
        self._connection.execute(f"INSERT OR REPLACE INTO {_MARKS} VALUES (?, ?, ?, ?, ?, ?)", values)  # noqa: S608 - a fixed name

    def _kind(self) -> str | None:
        """What bears the table's name, whatever its case.

        Raises:
            DeliveryFault: it is no table.
        """
        found = self._connection.execute("SELECT type FROM sqlite_master WHERE lower(name) = lower(?)", (self._filling.name,)).fetchone()
        if found is not None and found[0] != "table":
            raise foreign(self._filling.name)
        return found[0] if found else None

    def _marker(self) -> Marker | None:
        made = "SELECT instr(sql, ?) FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(?)"
        if self._connection.execute(made, (_MADE, self._filling.name)).fetchone() in (None, (0,)):
            return None
        asked = f"SELECT exchange, rows, sha256, finished_at FROM {_MARKS} WHERE lower(table_name) = lower(?)"  # noqa: S608 - a fixed name
        found = self._connection.execute(asked, (self._filling.name,)).fetchone()
        return Marker(*found) if found else None

    def _columns(self, name: str) -> list[tuple[Any, ...]]:
        return self._connection.execute("SELECT name, type FROM pragma_table_info(?)", (name,)).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            # While somebody reads, a file without a write-ahead log takes no commit, and the transaction stays open.
            self._connection.execute("COMMIT")
        except BaseException:
            # A full disk has ended it already.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def _values(column: Any) -> list[object]:
    """Days and moments as ISO 8601, moments in UTC."""
    found: list[Any] = (column.cast(pa.timestamp("us")) if pa.types.is_timestamp(column.type) else column).to_pylist()
    if pa.types.is_timestamp(column.type):
        return [None if value is None else _moment(value) for value in found]
    return [None if value is None else value.isoformat() for value in found] if pa.types.is_date(column.type) else found


def _moment(value: datetime) -> str:
    return value.isoformat() + "+00:00"


def _type(found: TypeEngine[Any]) -> TypeEngine[Any]:
    return Text() if isinstance(found, Date | DateTime) else found


def _quoted(name: str) -> str:
    quoted: str = _DIALECT.identifier_preparer.quote_identifier(name)
    return quoted


def _told(fault: sqlite3.Error) -> DeliveryFault:
    name = getattr(fault, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_CONSTRAINT"):
        return DeliveryFault(Code.SOURCE_VALUE, "有值不能写入库表", "a value does not fit into the table", lasting=True)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return unreachable("数据库文件正被占用", "somebody else holds the database file")
    more = ("：文件须已存在（可为空）", ": it has to exist, if only empty") if name == "SQLITE_CANTOPEN" else ("", "")
    return unreachable(f"数据库文件不可用（{name}）{more[0]}", f"the database file cannot be used ({name}){more[1]}")
