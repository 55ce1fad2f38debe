"""Files of an exchange, read back as Arrow batches with plain columns: what a table takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import ipc, parquet

from hub.exchange.delivery.destinations import column_name
from hub.exchange.delivery.faults import DeliveryFault
from schema.faults import Code

_BUFFER = 1 << 18
"""Bytes of a column that are read ahead: without it a whole row group is held."""
ROWS = 2_000
"""Of a batch, at most: so few are turned into objects at once, that calls of other threads do not wait for long."""


def batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet or Arrow IPC file (stream or file), links flattened.

    Raises:
        DeliveryFault: it is none.
    """
    try:
        for batch in _read(path):
            flat = flattened(batch)
            for start in range(0, flat.num_rows, ROWS):
                yield flat.slice(start, ROWS)
    except (pa.ArrowException, OSError) as fault:
        raise DeliveryFault(Code.INTERNAL, f"文件 {path.name} 无法读取", f"the file {path.name} cannot be read ({type(fault).__name__})") from None


def schema_of(path: Path) -> pa.Schema:
    """The columns of :func:`batches`."""
    try:
        if path.suffix == ".parquet":
            found = parquet.read_schema(path)
        else:
            with pa.memory_map(str(path)) as source:
                found = _ipc(source).schema
    except (pa.ArrowException, OSError) as fault:
        raise DeliveryFault(Code.INTERNAL, f"文件 {path.name} 无法读取", f"the file {path.name} cannot be read ({type(fault).__name__})") from None
    return pa.schema([pa.field(column_name(steps), kind) for steps, kind in _leaves(found, ())])


def with_nul(path: Path) -> set[str]:
    """The columns of which a text holds U+0000."""
    return {
        name
        for batch in batches(path)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
        if _is_text(column.type) and pc.any(pc.match_substring(column, "\0")).as_py()
    }


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def flattened(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Structs become columns beside the others; those of a link that is null are null."""
    names: list[str] = []
    columns: list[Any] = []
    for steps, column in _columns(batch.schema, batch.columns, ()):
        names.append(column_name(steps))
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=names)


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    if path.suffix == ".parquet":
        with parquet.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
            yield from file.iter_batches(ROWS)
        return
    with pa.memory_map(str(path)) as source:
        reader = _ipc(source)
        if isinstance(reader, ipc.RecordBatchFileReader):
            yield from (reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            yield from reader


def _ipc(source: pa.MemoryMappedFile) -> ipc.RecordBatchFileReader | ipc.RecordBatchStreamReader:
    magic = source.read(6)
    source.seek(0)
    return ipc.open_file(source) if magic == b"ARROW1" else ipc.open_stream(source)


def _leaves(schema: pa.Schema | pa.StructType, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], pa.DataType]]:
    for field in schema:
        if pa.types.is_struct(field.type):
            yield from _leaves(field.type, (*above, field.name))
        else:
            yield (*above, field.name), field.type


def _columns(schema: pa.Schema | pa.StructType, columns: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for field, column in zip(schema, columns, strict=True):
        if isinstance(column, pa.StructArray):
            yield from _columns(field.type, column.flatten(), (*above, field.name))
        else:
            yield (*above, field.name), column
