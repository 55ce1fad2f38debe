"""Writers of exchange files: CSV (UTF-8 with BOM, RFC 4180) and JSON Lines."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import orjson

from connectors.selection import Kind

Columns = Sequence[tuple[tuple[str, ...], Kind]]
_FORMULA = frozenset("=+-@")
_CONTROL = frozenset("\t\r\n")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?\Z")
FORMATS = {"CSV": "csv", "JSONL": "jsonl"}
"""Formats on offer → file extension."""


class Rows(Protocol):
    """Turns rendered rows into a format's bytes."""

    def head(self) -> bytes:
        """What stands before the rows."""
        ...

    def body(self, rows: Iterable[Mapping[str, Any]]) -> bytes:
        """The rows' bytes."""
        ...


class CsvRows:
    """CSV. A text that a spreadsheet would run as a formula is prefixed with an apostrophe (OWASP, CSV injection)."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def head(self) -> bytes:
        """BOM and header: response keys, links joined by dots."""
        return b"\xef\xbb\xbf" + self._lines([[".".join(path) for path, _ in self._columns]])

    def body(self, rows: Iterable[Mapping[str, Any]]) -> bytes:
        """One line per row."""
        return self._lines([_cell(row, path, kind) for path, kind in self._columns] for row in rows)

    @staticmethod
    def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(rows)
        return text.getvalue().encode()


def _cell(row: Mapping[str, Any], path: Sequence[str], kind: Kind) -> Any:
    value: Any = row
    for key in path:
        if value is None:
            return None
        value = value[key]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and _runs(value, kind):
        return f"'{value}"
    return value


def _runs(value: str, kind: Kind) -> bool:
    """Whether a spreadsheet might run the text: its first visible character, full width or half, begins a formula. Plain numbers do not."""
    first = unicodedata.normalize("NFKC", value.lstrip()[:1])
    return (first in _FORMULA or value[:1] in _CONTROL) and not (kind is not Kind.STRING and _NUMBER.match(value))


class JsonRows:
    """JSON Lines: each row as a query would answer it, one per line."""

    def head(self) -> bytes:
        """Nothing."""
        return b""

    def body(self, rows: Iterable[Mapping[str, Any]]) -> bytes:
        """One line per row."""
        return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


class ExchangeFile:
    """A file that appears under its name only when it is complete and on the disk."""

    def __init__(self, path: Path, rows: Rows) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        self._rows = rows
        self._digest = hashlib.sha256()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Whoever still writes another draft has lost the job, and finds out by not being able to put it in place.
        for left in path.parent.glob(f".{path.name}.*part"):
            left.unlink(missing_ok=True)
        self._file = os.fdopen(os.open(self._draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        self.count = 0
        self.bytes = 0
        self._put(rows.head())

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds rows."""
        self._put(self._rows.body(rows))
        self.count += len(rows)

    def _put(self, content: bytes) -> None:
        self._file.write(content)
        self._digest.update(content)
        self.bytes += len(content)

    def finish(self) -> str:
        """Puts the file in place; its SHA-256 in hex."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.rename(self._path)
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Leaves nothing behind."""
        self._file.close()
        self._draft.unlink(missing_ok=True)


def rows_for(format_: str, columns: Columns) -> Rows:
    """The writer of a format on offer."""
    return CsvRows(columns) if format_ == "CSV" else JsonRows()
