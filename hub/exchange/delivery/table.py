"""Delivery into a table of the consumer's own database 库表: a staging table is filled, counted, and takes the table's place at once.

What is common to databases; each has a module of its own for the rest.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Double, MetaData, Text
from sqlalchemy import Table as SqlTable
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import TypeEngine

from connectors.errors import ConfigFault
from connectors.secrets import read_secret
from hub.exchange.delivery.config import Table
from hub.exchange.delivery.destinations import TABLE_FORMATS
from hub.exchange.delivery.faults import DeliveryFault, foreign
from hub.exchange.delivery.reading import batches, schema_of, with_nul
from hub.exchange.delivery.target import Go, Parcel, Target, damaged, pieces
from schema.faults import Code

MARK = "huitong "
"""What the comment of every table of the hub begins with."""
_PIECE = 1 << 20
REHEARSED = pa.schema([("id", pa.int64())])
"""The columns of the table that is tried out."""


@dataclass(frozen=True, slots=True)
class Marker:
    """What a table of the hub says of itself: which exchange fills it."""

    exchange: str
    rows: int
    digest: str
    finished: str
    """ISO 8601, in UTC: texts in order of time."""
    state: str = "whole"
    """``staging`` until it takes its place."""

    def text(self) -> str:
        """As a comment."""
        return MARK + json.dumps(asdict(self), sort_keys=True)


def marker_of(comment: str | None) -> Marker | None:
    """What a comment says; ``None`` where it is not the hub's."""
    if comment is None or not comment.startswith(MARK):
        return None
    try:
        return Marker(**json.loads(comment.removeprefix(MARK)))
    except (ValueError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Filling:
    """One table, and what is to be in it."""

    destination: Table
    parcel: Parcel

    @property
    def name(self) -> str:
        """The table's name."""
        return self.destination.options.table

    @property
    def key(self) -> str:
        """What tells the table from the others of its database, in a form for names and locks."""
        whole = f"{self.destination.options.db_schema or ''}\0{self.name}"
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    @property
    def staging(self) -> str:
        """The name of the table that is filled."""
        return f"_huitong_{self.key}"

    @property
    def old(self) -> str:
        """The name of the table that is about to go."""
        return f"_huitong_{self.key}_old"

    @property
    def place(self) -> str:
        """As its owner is told."""
        schema = self.destination.options.db_schema
        return f"{self.destination.code}: {f'{schema}.' if schema else ''}{self.name}"

    def marker(self, state: str = "whole") -> Marker:
        """What the table will say of itself."""
        parcel = self.parcel
        return Marker(parcel.exchange, parcel.rows, parcel.digest, parcel.finished.isoformat(), state)

    def arrived(self, found: Marker | None) -> bool:
        """Whether the table that is there, by what it says of itself, is the one wanted.

        Raises:
            DeliveryFault: it is not the hub's, or a newer one than this.
        """
        if found is None or found.state != "whole":
            raise foreign(self.name)
        if found.exchange == self.parcel.exchange and found.digest == self.parcel.digest:
            return True
        if found.finished > self.parcel.finished.isoformat():
            raise DeliveryFault(
                Code.CONFLICT,
                f"库表已由更新的批量交换 {found.exchange} 写入",
                f"the table was filled by a newer exchange, {found.exchange}",
                lasting=True,
            )
        return False

    def schema(self) -> pa.Schema:
        """The columns: those of every file."""
        found = [schema_of(self.parcel.folder / file.name) for file in self.parcel.files]
        if any(not each.equals(found[0]) for each in found[1:]):
            raise DeliveryFault(Code.INTERNAL, "各文件的列不一致", "the files have different columns", lasting=True)
        return found[0]

    def batches(self, go: Go) -> Iterator[pa.RecordBatch]:
        """All rows of files that are what the manifest says, asked for before each batch, counted after each file."""
        rows = sent = 0
        for file in self.parcel.files:
            before = rows
            # Of a table nobody can compare the digest afterwards.
            deque(pieces(self.parcel, file, _PIECE), maxlen=0)
            for batch in batches(self.parcel.folder / file.name):
                go(rows, sent)
                yield batch
                rows += batch.num_rows
            if rows - before != file.rows:
                raise damaged(file)
            sent += file.bytes
        go(rows, sent)

    def nul(self) -> DeliveryFault:
        """What its owner is told where the database takes no U+0000: which columns have one, and what to do."""
        found = ", ".join(sorted(set().union(*(with_nul(self.parcel.folder / file.name) for file in self.parcel.files))))
        return DeliveryFault(
            Code.SOURCE_VALUE,
            f"列 {found} 的文本含 U+0000，PostgreSQL 无法保存：请由提供部门更正，或选择不含这些列的文档",
            f"texts of the columns {found} hold U+0000, which PostgreSQL cannot keep: have the department mend them, or leave these columns out",
            lasting=True,
        )

    def counted(self, rows: int) -> None:
        """Compares what the staging table holds with the manifest.

        Raises:
            DeliveryFault: they differ.
        """
        if rows != self.parcel.rows:
            raise DeliveryFault(
                Code.INTERNAL, f"暂存表有 {rows} 行，应为 {self.parcel.rows} 行", f"the staging table holds {rows} rows, not {self.parcel.rows}"
            )


def created(name: str, schema: str | None, columns: pa.Schema, dialect: Dialect, types: Callable[[TypeEngine[Any]], TypeEngine[Any]], comment: str) -> str:
    """``CREATE TABLE``, every name in quotes."""
    made = SqlTable(
        quoted_name(name, True),
        MetaData(),
        *(Column(quoted_name(field.name, True), types(sql_type(field.type))) for field in columns),
        schema=quoted_name(schema, True) if schema else None,
        comment=comment,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    return str(CreateTable(made).compile(dialect=dialect)).strip()


def sql_type(found: pa.DataType) -> TypeEngine[Any]:
    """The column type of an Arrow type; texts where nothing else fits."""
    if pa.types.is_integer(found):
        return BigInteger()
    if pa.types.is_floating(found):
        return Double()
    if pa.types.is_boolean(found):
        return Boolean()
    if pa.types.is_date(found):
        return Date()
    if pa.types.is_timestamp(found):
        return DateTime(timezone=True)
    return Text()


def secret_of(destination: Table) -> str:
    """The password; empty where there is none.

    Raises:
        DeliveryFault: it cannot be read.
    """
    try:
        return read_secret(destination.code, destination.secret) or ""
    except ConfigFault:
        raise DeliveryFault(Code.INTERNAL, "目标的密钥无法读取", "the destination's secret cannot be read (huitong doctor)") from None


class TableTarget(Target, Protocol):
    """A table that was reached."""

    def discard(self) -> None:
        """Takes the staging table away, if it can."""
        ...

    def rehearse(self) -> None:
        """Finds out whether the hub's user may do what a delivery does, by doing it with an empty table of which nothing stays.

        Raises:
            DeliveryFault: it may not, or the table is not the hub's.
        """
        ...


def rehearse(destination: Table, roots: tuple[str, ...]) -> None:
    """Tries the table out, without rows.

    Raises:
        DeliveryFault: it cannot be reached, or not be filled.
    """
    nothing = Parcel("check", 0, "PARQUET", Path(), (), "", b"", datetime.now(UTC))
    with _reached(Filling(destination, nothing), roots) as target:
        target.rehearse()


@contextmanager
def _tidied(reached: AbstractContextManager[TableTarget]) -> Iterator[Target]:
    with reached as target:
        try:
            yield target
        except BaseException:
            # No other attempt may come: rows that never become the table's are not left with the consumer.
            with suppress(Exception):
                target.discard()
            raise


def table_target(destination: Table, roots: tuple[str, ...], parcel: Parcel) -> AbstractContextManager[Target]:
    """The table, by the module of its database.

    Raises:
        DeliveryFault: it cannot be reached, or the parcel does not fit into a table.
    """
    if parcel.format not in TABLE_FORMATS:
        raise DeliveryFault(Code.BAD_INPUT, f"{parcel.format} 不能写入库表", f"{parcel.format} cannot be delivered into a table", lasting=True)
    return _tidied(_reached(Filling(destination, parcel), roots))


def _reached(filling: Filling, roots: tuple[str, ...]) -> AbstractContextManager[TableTarget]:
    match filling.destination.backend:
        case "postgresql":
            from hub.exchange.delivery.table_postgres import postgres_target

            return postgres_target(filling)
        case "mariadb":
            from hub.exchange.delivery.table_mariadb import mariadb_target

            return mariadb_target(filling)
    from hub.exchange.delivery.table_sqlite import sqlite_target

    return sqlite_target(filling, filling.destination.file or Path(), roots)
