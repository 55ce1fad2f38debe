"""Tables in columns: Parquet and Arrow IPC files. What they say of their own size is looked at before they are unpacked; limits of the process hold besides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import ipc, parquet

from hub.exchange.verifying.reading import MOST_ROWS, Cell, Malformed, Taking, Where, check_columns

MOST_UNPACKED = 512 * 1024 * 1024
"""Bytes that a file may hold by what it says itself."""
_BATCH = 1_000
_THRIFT = 4 * 1024 * 1024
_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_BROKEN = "文件已损坏，或不是所声明的格式", "the file is broken, or not of the declared format", "请重新导出", "export it again"
_STREAM = (
    "这是 Arrow 流，不是 Arrow 文件",
    "this is an Arrow stream, not an Arrow file",
    "请写为 IPC 文件格式（Feather V2），例如 pyarrow.ipc.new_file",
    "write it in the IPC file format (Feather V2), e.g. by pyarrow.ipc.new_file",
)
_STREAMS_BEGIN = b"\xff\xff\xff\xff"
_LARGE = "文件展开后过大", "the file is too large when it is unpacked", "请分成几个文件，或用 CSV", "divide the file, or use CSV"


def read_parquet(path: Path, taking: Taking) -> list[str]:
    """Takes a Parquet file's rows; its columns.

    Raises:
        Malformed: it is broken, says that it is too large, or holds what is no plain value.
    """
    try:
        file = parquet.ParquetFile(path, thrift_string_size_limit=_THRIFT, thrift_container_size_limit=_THRIFT)
        about = file.metadata
        unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
        if about.num_rows > MOST_ROWS or unpacked > MOST_UNPACKED or unpacked < 0:
            raise Malformed(*_LARGE)
        return _taken(file.schema_arrow, file.iter_batches(_BATCH, use_threads=False), taking)
    except pa.ArrowMemoryError as fault:
        raise Malformed(*_LARGE) from fault
    except (pa.ArrowException, OSError, UnicodeDecodeError) as fault:
        raise Malformed(*_BROKEN) from fault


def read_arrow(path: Path, taking: Taking) -> list[str]:
    """Takes the rows of an Arrow IPC file, every batch validated in full; its columns.

    Raises:
        Malformed: as ``read_parquet``.
    """
    try:
        with pa.OSFile(str(path), "rb") as raw:
            if raw.read(len(_STREAMS_BEGIN)) == _STREAMS_BEGIN:
                raise Malformed(*_STREAM)
            raw.seek(0)
            file = ipc.open_file(raw)
            return _taken(file.schema, (file.get_batch(i) for i in range(file.num_record_batches)), taking)
    except pa.ArrowMemoryError as fault:
        raise Malformed(*_LARGE) from fault
    except (pa.ArrowException, OSError, UnicodeDecodeError) as fault:
        raise Malformed(*_BROKEN) from fault


def _taken(schema: pa.Schema, batches: Iterable[pa.RecordBatch], taking: Taking) -> list[str]:
    names = check_columns(schema.names)
    writers = [_writer(field.type, name) for name, field in zip(names, schema, strict=True)]
    number = 0
    for whole in batches:
        whole.validate(full=True)
        if whole.nbytes > MOST_UNPACKED or taking.rows + whole.num_rows > MOST_ROWS:
            raise Malformed(*_LARGE)
        for begin in range(0, whole.num_rows, _BATCH):
            part = whole.slice(begin, _BATCH)
            columns = [_values(name, column, write) for name, column, write in zip(names, part.columns, writers, strict=True)]
            for row in zip(*columns, strict=True):
                number += 1
                taking.take(row, Where(f"第 {number} 条", f"row {number}"))
    return names


def _values(name: str, column: pa.Array[Any], write: Callable[[Any], Cell]) -> list[Cell]:
    try:
        return [None if value is None else write(value) for value in _objects(column)]
    except OverflowError:
        raise Malformed(
            f"列 {name} 有历法以外的日期，或细于微秒的时间",
            f"the column {name} holds days beyond the calendar, or moments finer than microseconds",
            "请更正，或转换为 date32、timestamp[us]",
            "mend them, or cast them to date32 or timestamp[us]",
        ) from None


def _objects(column: pa.Array[Any]) -> list[Any]:
    """Values as Python has them. Moments are made here: Arrow would load pandas for them where it is installed, which the process has no room for."""
    type_ = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not pa.types.is_timestamp(type_):
        return column.to_pylist()
    epoch = datetime.fromtimestamp(0, UTC).replace(tzinfo=None if type_.tz is None else UTC)
    return [
        None if number is None else epoch + timedelta(microseconds=_microseconds(number, type_.unit))
        for number in column.cast(type_).cast(pa.int64()).to_pylist()
    ]


def _microseconds(number: int, unit: str) -> int:
    if unit != "ns":
        return number * _MICROSECONDS[unit]
    whole, rest = divmod(number, 1000)
    if rest:
        raise OverflowError
    return whole


def _writer(type_: pa.DataType, name: str) -> Callable[[Any], Cell]:
    """How values of a type are told: as GraphQL takes them in variables."""
    inner = type_.value_type if pa.types.is_dictionary(type_) else type_
    is_ = pa.types
    if is_.is_string(inner) or is_.is_large_string(inner) or is_.is_string_view(inner) or is_.is_null(inner):
        return str
    if is_.is_boolean(inner) or is_.is_integer(inner) or is_.is_floating(inner):
        return _plain
    if is_.is_decimal(inner) or is_.is_date(inner) or is_.is_timestamp(inner):
        return _text
    raise Malformed(
        f"列 {name} 的类型 {str(inner)[:60]} 不受支持",
        f"the column {name} has the type {str(inner)[:60]}, which is not taken",
        "可用：文本、整数、浮点、十进制、布尔、日期、时间",
        "texts, integers, floats, decimals, booleans, dates and timestamps are",
    )


def _plain(value: Any) -> Cell:
    """Numbers and truth as they are; what is no number stays none."""
    return None if isinstance(value, float) and value != value else value


def _text(value: Decimal | date | datetime) -> Cell:
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) and value.tzinfo else value.isoformat()
