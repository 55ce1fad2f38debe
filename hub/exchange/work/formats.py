"""The formats of exchange files."""

from __future__ import annotations

from typing import Protocol

from hub.exchange.work.layout import Page, paths_of, schema_of
from hub.exchange.work.sink import Sink
from hub.exchange.work.task import ChunkTask


class Writer(Protocol):
    """Turns rows into a format's bytes."""

    def write(self, page: Page) -> None:
        """Adds rows."""
        ...

    def finish(self) -> None:
        """Writes what was held back, and what ends the file."""
        ...


def writer_of(task: ChunkTask, sink: Sink) -> Writer:
    """The writer of a task's format. What it needs is loaded here: a hub that writes no Parquet does without."""
    if task.format == "CSV":
        from hub.exchange.work.csv_lines import CsvLines

        return CsvLines(sink, paths_of(task.spec.fields), task.encoding)
    if task.format == "JSONL":
        from hub.exchange.work.json_lines import JsonLines

        return JsonLines(sink)
    from hub.exchange.work.columnar import ArrowFile, ParquetFile

    return (ParquetFile if task.format == "PARQUET" else ArrowFile)(sink, schema_of(task.spec))
