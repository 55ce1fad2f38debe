"""The files of an export, made part by part: CSV, JSON Lines, Parquet. Each part is made of one page of entries, so that memory stays bounded."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection

from hub.ledger.digest import Digest
from hub.ledger.entry import Entry
from hub.ledger.keys import Signer
from hub.names import UNSEEN
from hub.reading.bundle import Sealing, entry_line, line, path_texts, paths
from hub.reading.columns import Column, Rows

if TYPE_CHECKING:
    import pyarrow as pa

CALLS = "huitong-calls/v1"
"""JSON Lines for those who are shown rows, not entries."""
MEDIA = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson", "parquet": "application/vnd.apache.parquet"}
_FORMULA = frozenset("=+-@")
_CONTROL = re.compile(r"[\t\r\n]")


class Format(Protocol):
    """Turns pages of entries into a file's bytes. ``rows`` counts what was written."""

    rows: int

    def head(self) -> bytes:
        """What stands before the entries."""
        ...

    def part(self, connection: Connection, entries: Sequence[Entry]) -> bytes:
        """A page of entries; may be empty while bytes are gathered."""
        ...

    def tail(self) -> bytes:
        """What stands behind them."""
        ...


class CsvFormat:
    """CSV (RFC 4180), UTF-8 with a byte order mark. A text that a spreadsheet would run as a formula stands behind an apostrophe (OWASP, CSV injection)."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.rows = 0

    def head(self) -> bytes:
        """The mark and one line of headings, ``名称 name``."""
        return b"\xef\xbb\xbf" + _csv([[f"{column.label} {column.name}" for column in self._rows.columns]])

    def part(self, _connection: Connection, entries: Sequence[Entry]) -> bytes:
        """One line per row."""
        made = [[no_formula(value) for value in row.values()] for entry in entries for row in self._rows.of(entry)]
        self.rows += len(made)
        return _csv(made)

    def tail(self) -> bytes:
        """Nothing."""
        return b""


class ParquetFormat:
    """Parquet, one row group per page, packed with Zstandard; each column's Chinese label stands in its metadata as ``label``."""

    def __init__(self, rows: Rows) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._rows = rows
        self._made = _Sink()
        kinds = {"text": pa.string(), "integer": pa.int64(), "moment": pa.timestamp("us", tz="UTC")}
        self._schema = pa.schema([pa.field(column.name, kinds[column.kind], metadata={"label": column.label}) for column in rows.columns])
        self._writer = pq.ParquetWriter(pa.PythonFile(self._made, mode="w"), self._schema, compression="zstd")
        self.rows = 0

    def head(self) -> bytes:
        """The file's magic number."""
        return self._made.taken()

    def part(self, _connection: Connection, entries: Sequence[Entry]) -> bytes:
        """A row group."""
        made = [row for entry in entries for row in self._rows.of(entry)]
        if made:
            self._writer.write_table(self._table(made))
        self.rows += len(made)
        return self._made.taken()

    def tail(self) -> bytes:
        """The footer, without which nobody takes the file for whole."""
        self._writer.close()
        return self._made.taken()

    def _table(self, made: Sequence[dict[str, Any]]) -> pa.Table:
        import pyarrow as pa

        columns = [_column(column, made) for column in self._rows.columns]
        arrays = [pa.array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
        return pa.Table.from_arrays(arrays, schema=self._schema)


@dataclass
class Proving:
    """What rows and entries are proven against: a checkpoint over ``size`` entries, and the key that seals the file."""

    size: int
    digest: Digest
    signer: Signer


class BundleFormat:
    """``huitong-bundle/v1`` with whole entries; ``first`` is its first line, which says whether each has a path."""

    def __init__(self, first: dict[str, Any], proving: Proving) -> None:
        self._first, self._proving, self._sealing = first, proving, Sealing()
        self._paths = first["kind"] == "extract"
        self.rows = 0

    def head(self) -> bytes:
        """The first line."""
        return self._sealing.add(line(self._first))

    def part(self, connection: Connection, entries: Sequence[Entry]) -> bytes:
        """One line per entry."""
        proving = self._proving
        found: Iterable[tuple[bytes, ...] | None] = [None] * len(entries)
        if self._paths:
            found = paths(connection, [entry.seq for entry in entries], proving.size, proving.digest)
        self.rows += len(entries)
        return self._sealing.add(b"".join(entry_line(entry, proving.digest, path) for entry, path in zip(entries, found, strict=True)))

    def tail(self) -> bytes:
        """The closing line."""
        return self._sealing.closing(self._proving.signer, self._proving.size)


class RowsFormat:
    """``huitong-calls/v1``: rows with the inclusion path of their entry's leaf, between a first and a closing line like a bundle's."""

    def __init__(self, rows: Rows, first: dict[str, Any], proving: Proving) -> None:
        self._rows, self._first, self._proving, self._sealing = rows, first, proving, Sealing(CALLS)
        self.rows = 0

    def head(self) -> bytes:
        """The first line."""
        return self._sealing.add(line({**self._first, "format": CALLS}))

    def part(self, connection: Connection, entries: Sequence[Entry]) -> bytes:
        """One line per row."""
        found = paths(connection, [entry.seq for entry in entries], self._proving.size, self._proving.digest)
        made = [line({**row, "path": path_texts(path)}) for entry, path in zip(entries, found, strict=True) for row in self._rows.of(entry)]
        self.rows += len(made)
        return self._sealing.add(b"".join(made))

    def tail(self) -> bytes:
        """The closing line."""
        return self._sealing.closing(self._proving.signer, self._proving.size)


class _Sink(io.RawIOBase):
    """Where Parquet is written to: gathers bytes until they are taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._parts.append(bytes(content))
        self._written += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._written

    def taken(self) -> bytes:
        made, self._parts = b"".join(self._parts), []
        return made


def _column(column: Column, made: Sequence[dict[str, Any]]) -> list[Any]:
    values = [row[column.name] for row in made]
    return [None if value is None else datetime.fromisoformat(value) for value in values] if column.kind == "moment" else values


def _csv(lines: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode()


def no_formula(value: Any) -> Any:
    """A cell of CSV that no spreadsheet runs: behind an apostrophe where it would begin a formula (OWASP, CSV injection)."""
    if not isinstance(value, str):
        return value
    seen = next((each for each in value if not each.isspace() and unicodedata.category(each) not in UNSEEN), "")
    first = unicodedata.normalize("NFKC", seen)
    return f"'{value}" if first in _FORMULA or _CONTROL.match(value) else value
