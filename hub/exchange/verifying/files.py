"""The file of outcomes: what became of each row, beside the columns that its owner kept. No value of the register is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine, select

from connectors.selection import Kind
from hub.exchange.store import FileRecord
from hub.exchange.verifying.layout import Layout
from hub.exchange.verifying.outcomes import Row, Segment, rows_in
from hub.exchange.verifying.reading import Cell
from hub.exchange.verifying.rows import rows_of
from hub.exchange.work.columnar import ArrowFile, ParquetFile
from hub.exchange.work.csv_lines import CsvLines
from hub.exchange.work.formats import Writer
from hub.exchange.work.json_lines import JsonLines
from hub.exchange.work.layout import Cells, Page
from hub.exchange.work.sink import Sink
from hub.exchange.work.task import EXTENSIONS, Encoding
from hub.ledger import tables

_BATCH = 5_000
_TYPES: dict[Kind, Any] = {Kind.STRING: pa.string(), Kind.BIGINT: pa.int64()}


def _writer(sink: Sink, format_: str, encoding: Encoding, layout: Layout) -> Writer:
    if format_ == "CSV":
        return CsvLines(sink, [(name,) for name in layout.names], encoding)
    if format_ == "JSONL":
        return JsonLines(sink)
    schema = pa.schema([(name, _TYPES[kind]) for name, kind in layout.columns])
    return (ParquetFile if format_ == "PARQUET" else ArrowFile)(sink, schema)


@dataclass(frozen=True)
class Writing:
    """What a file of outcomes is written from, and where."""

    folder: Path
    format: str
    encoding: Encoding
    layout: Layout
    upload: Path
    places: Sequence[int]
    """Of the kept columns in the upload's rows."""
    segments: Sequence[Segment]
    engine: Engine

    def finish(self, draft: str) -> FileRecord:
        """Writes the whole file under the name ``draft``, which nobody else uses, and puts it in its place. For worker threads.

        Raises:
            OSError: it cannot be written, or what it is made of is not there.
        """
        path, name = self.folder / draft, f"data.{EXTENSIONS[self.format]}"
        sink = Sink(path)
        try:
            writer = _writer(sink, self.format, self.encoding, self.layout)
            count = self._write(writer)
            writer.finish()
            digest, _ = sink.finish()
        except BaseException:
            sink.discard()
            raise
        path.rename(self.folder / name)
        return FileRecord(name, count, sink.bytes, digest)

    def _write(self, writer: Writer) -> int:
        count = 0
        joined = zip(rows_of(self.upload, 0), self._entered(), strict=True)
        while batch := list(islice(joined, _BATCH)):
            rows = [self._row(number, cells, *entered) for number, (cells, entered) in enumerate(batch, count + 1)]
            columns = zip(self.layout.columns, zip(*rows, strict=True), strict=True)
            cells = tuple(Cells(name, kind, pa.array(values, _TYPES[kind])) for (name, kind), values in columns)
            writer.write(Page(cells, len(rows), 0))
            count += len(batch)
        return count

    def _row(self, number: int, cells: Sequence[Cell], row: Row, entry: int) -> list[Any]:
        # Rows of JSON Lines end where the columns did that were known by then.
        return self.layout.row(number, [cells[place] if place < len(cells) else None for place in self.places], row, entry)

    def _entered(self) -> Iterator[tuple[Row, int]]:
        """Outcomes with the number of the ledger's entry that stands for them."""
        call, entry = "", -1
        for row in rows_in(self.folder, self.segments):
            if row.call != call:
                call, entry = row.call, self._entry(row.call)
            yield row, entry

    def _entry(self, call: str) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(select(tables.entry.c.seq).where(tables.entry.c.call == call)).scalar_one())
