"""Rows of a database's table as JSON Lines, read in one read-only session with no more than a batch in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import IO

import orjson

from connectors.arrow_types import wire_rows
from connectors.errors import ConfigFault, SourceFault, SourceUnavailable
from connectors.paging import stream
from connectors.registry import open_source
from connectors.selection import Binding, Column, Kind, Selection, Value
from connectors.spi import ColumnDescription, Source
from connectors.streaming import Streamed
from hub.cli.faults import NOT_REACHABLE, CliFault
from hub.cli.verifying.address import PASSWORD, Address
from hub.cli.verifying.document import Document
from hub.exchange.verifying.coercing import coerced
from hub.exchange.verifying.reading import MOST_ROWS, Cell

_ROWS = 5_000
_UNTEXTED = ("Int", "Float", "Boolean")
"""Types of variables for which a text does not stand."""
_NUMBER = "tinyint"
"""MariaDB's ``BOOLEAN`` is ``tinyint(1)``, and may as well hold a code such as 2 or 9: a CSV file shows its number."""
_BY_VIEW = "可以视图改名、转换类型 a view may rename and cast columns"


async def write_rows(address: Address, table: str, document: Document, keep: Sequence[str], out: IO[bytes]) -> int:
    """Writes the columns that the document has as variables, and those to keep; how many rows there are.

    Raises:
        CliFault: the database cannot be read, or the table is not what the document asks for.
        OSError: ``out`` cannot be written.
    """
    with _faults(address):
        source = open_source(address.config())
        try:
            columns = _chosen(table, await source.describe(Binding(table)), document, keep)
            return await _written(source, table, columns, document.types, out)
        finally:
            await source.close()


async def _written(source: Source, table: str, columns: Sequence[Column], types: Mapping[str, str], out: IO[bytes]) -> int:
    count = 0
    async with aclosing(stream(source, Selection(Binding(table), tuple(columns)), {}, rows=_ROWS)) as batches:
        async for batch in batches:
            _check(table, columns, batch)
            count += batch.batch.num_rows
            if count > MOST_ROWS:
                raise CliFault(
                    f"{table} 超过 {MOST_ROWS} 行 has more than {MOST_ROWS} rows", "以视图分成几份，逐份核验 divide it by views, and verify one after the other"
                )
            out.writelines(_lines(columns, types, batch))
    if not count:
        raise CliFault(f"{table} 没有行 has no rows", "请核对 --table compare --table")
    return count


def _lines(columns: Sequence[Column], types: Mapping[str, str], batch: Streamed) -> Iterator[bytes]:
    told = [(column.name, types.get(column.name, "")) for column in columns]
    for row in wire_rows(batch):
        values = {name: _told(value, type_) for (name, type_), value in zip(told, row, strict=True)}
        yield orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)


def _told(value: Value, type_: str) -> Cell:
    """A value as the same text in a CSV file would arrive: numbers and truths where the variable asks for them, else its text."""
    if isinstance(value, bool) and type_ in ("Int", "Float"):
        return int(value)
    if isinstance(value, int) and type_ == "Boolean" and value in (0, 1):
        return bool(value)
    if value is None or type_ in _UNTEXTED:
        return coerced(value, type_)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _chosen(table: str, found: Sequence[ColumnDescription], document: Document, keep: Sequence[str]) -> list[Column]:
    """The columns that are read, in the order of variables, then of those to keep."""
    there = {column.name: column for column in found}
    wanted = [name for name in document.types if name in document.required or name in there]
    if not wanted:
        wanted = list(document.types)
    wanted = list(dict.fromkeys([*wanted, *keep]))
    if missing := [name for name in wanted if name not in there]:
        told = f"{table} 缺少列 lacks columns: {', '.join(missing)}；现有 there are: {', '.join(there)}"
        raise CliFault(told, f"列名须与变量及 --keep 相同 columns are named like variables, and as in --keep；{_BY_VIEW}")
    return [_column(table, there[name]) for name in wanted]


def _column(table: str, column: ColumnDescription) -> Column:
    if column.kind is None:
        raise CliFault(f"{table}.{column.name}: 不能读取类型 columns of this type cannot be read: {column.type}", _BY_VIEW)
    return Column(column.name, Kind.INTEGER if column.type.startswith(_NUMBER) else column.kind)


def _check(table: str, columns: Sequence[Column], batch: Streamed) -> None:
    """Raises where a value would be lost: what is verified in its place would be another claim."""
    for column, count in zip(columns, batch.undelivered, strict=True):
        if count:
            told = f"{table}.{column.name}: {count} 个值不是 {column.kind.value} values are no {column.kind.value}"
            raise CliFault(told, f"请更正 mend them；{_BY_VIEW}")


@contextmanager
def _faults(address: Address) -> Iterator[None]:
    try:
        yield
    except ConfigFault as fault:
        raise CliFault(f"数据库的配置不可用 the database's configuration cannot be used: {fault.message}", fault.hint) from None
    except SourceUnavailable as fault:
        remedy = f"请核对地址、账号、口令与网络 check address, account, password ({PASSWORD}, --table-secret-file) and network: {address.shown}"
        raise CliFault(f"数据库不可用 the database cannot be used: {fault}", remedy, NOT_REACHABLE) from None
    except SourceFault as fault:
        raise CliFault(
            f"数据库拒绝读取 the database refuses to be read: {fault}", "请核对 --table [SCHEMA.]NAME 与账号权限 compare it and the account's rights"
        ) from None
