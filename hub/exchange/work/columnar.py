"""Parquet and Arrow files. Arrow's is the IPC file format (also called Feather V2), uncompressed, so that readers may map it into memory."""

from __future__ import annotations

from typing import Any

import pyarrow
import pyarrow.compute
from pyarrow import parquet

from hub.exchange.work.layout import Page, typed
from hub.exchange.work.sink import Sink

_pa: Any = pyarrow
_pc: Any = pyarrow.compute
_parquet: Any = parquet
_GROUP_ROWS = 64 * 1024
_GROUP_BYTES = 8 * 1024 * 1024
_LEVEL = 1
_FEW = 4
"""A column has a dictionary where a value stands at least so often in the first rows."""


class ArrowFile:
    """An Arrow IPC file."""

    def __init__(self, sink: Sink, schema: Any) -> None:
        self._schema = schema
        self._writer = _pa.ipc.new_file(_pa.PythonFile(sink, mode="w"), schema)

    def write(self, page: Page) -> None:
        """A record batch."""
        self._writer.write_batch(typed(page, self._schema))

    def finish(self) -> None:
        """Writes the footer."""
        self._writer.close()


class ParquetFile:
    """A Parquet file, compressed by zstd, of row groups of at most some 64 Ki rows."""

    def __init__(self, sink: Sink, schema: Any) -> None:
        self._schema = schema
        self._file = _pa.BufferedOutputStream(_pa.PythonFile(sink, mode="w"), 1024 * 1024)
        self._writer: Any = None
        self._held: list[Any] = []

    def write(self, page: Page) -> None:
        """Adds rows to the group."""
        self._held.append(typed(page, self._schema))
        if sum(each.num_rows for each in self._held) >= _GROUP_ROWS or sum(each.nbytes for each in self._held) >= _GROUP_BYTES:
            self._write()

    def _write(self) -> None:
        table = _pa.Table.from_batches(self._held, schema=self._schema)
        self._held.clear()
        if self._writer is None:
            self._writer = _parquet.ParquetWriter(self._file, self._schema, compression="zstd", compression_level=_LEVEL, use_dictionary=_often(table))
        self._writer.write_table(table, row_group_size=_GROUP_ROWS)

    def finish(self) -> None:
        """Writes the last group and the footer."""
        if self._held or self._writer is None:
            self._write()
        self._writer.close()
        self._file.flush()


def _often(table: Any) -> list[str]:
    """Columns of which few values stand in many rows."""
    flat = table
    while any(_pa.types.is_struct(field.type) for field in flat.schema):
        flat = flat.flatten()
    return [name for name, column in zip(flat.column_names, flat.columns, strict=True) if _pc.count_distinct(column).as_py() * _FEW <= table.num_rows]
