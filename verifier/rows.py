"""How many rows a file holds: records of CSV (RFC 4180), lines of JSON, and, where ``pyarrow`` is installed, rows of Parquet and Arrow."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from verifier.faults import Refuted
from verifier.texts import shown

TEXTS = ("CSV", "JSONL")
"""Formats whose rows are counted as their bytes are read."""


class Rows:
    """Counts records that end in a newline, piece by piece.

    In CSV a newline between quotation marks ends nothing; the mark and the newline are single bytes of no other character in UTF-8 and GB18030 alike,
    and a mark within a text stands twice. The header is no row.
    """

    def __init__(self, form: str) -> None:
        self._csv = form == "CSV"
        self._quoted = False
        self._ended = True
        self._records = 0

    def take(self, piece: bytes) -> None:
        """The next bytes."""
        if not piece:
            return
        self._ended = piece.endswith(b"\n")
        if not self._csv:
            self._records += piece.count(b"\n")
            return
        spans = piece.split(b'"')
        self._records += sum(span.count(b"\n") for span in spans[self._quoted :: 2])
        self._quoted ^= len(spans) % 2 == 0

    @property
    def count(self) -> int:
        """Rows so far; a record that lacks its newline at the end is one."""
        return self._records + (not self._ended) - self._csv


def columnar(path: Path, form: str) -> int | None:
    """The rows of a Parquet or Arrow file, whose content was verified before; ``None`` where nothing here can read it.

    Raises:
        Refuted: it is no such file.
    """
    if find_spec("pyarrow") is None:
        return None
    try:
        return _parquet(path) if form == "PARQUET" else _arrow(path)
    except (OSError, ValueError) as fault:
        raise Refuted(f"{shown(path.name)} 不是 {form} 文件", f"{shown(path.name)} is no file of the format {form}") from fault


def _parquet(path: Path) -> int:
    reader: Any = import_module("pyarrow.parquet")
    return int(reader.read_metadata(str(path)).num_rows)


def _arrow(path: Path) -> int:
    reader: Any = import_module("pyarrow")
    with reader.memory_map(str(path)) as source:
        if source.read(6) == b"ARROW1":
            file = reader.ipc.open_file(source)
            return sum(file.get_batch(number).num_rows for number in range(file.num_record_batches))
        source.seek(0)
        return sum(batch.num_rows for batch in reader.ipc.open_stream(source))
