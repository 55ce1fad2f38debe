"""What a text file's bytes are: their encoding, found or proven, and the delimiter of a CSV file."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

from connectors.files.findings import Broken, Finding
from connectors.files.options import DELIMITERS

CHUNK = 1 << 20
_SAMPLE_ROWS, _SAMPLE_CHARACTERS = 50, 1 << 18
MARK = "\ufeff"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (MARK.encode("gb18030"), "gb18030"),
)


def encoding_of(path: Path, declared: str) -> str:
    """The file's encoding, which all its bytes follow: ``utf-8``, ``utf-8-sig``, ``gb18030`` or ``utf-16``.

    Raises:
        Broken: it is empty, begins with the byte order mark of another encoding, holds a NUL, or bytes that are not of the encoding; with the place of the first.
    """
    with path.open("rb") as file:
        head = file.read(4)
    if not head:
        raise Broken(Finding("EMPTY"))
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if declared == "utf-16" and marked != "utf-16":
        raise Broken(Finding("ENCODING", 1, byte=0))
    if declared == "gb18030" and marked not in (None, declared):
        raise Broken(Finding("MARK", 1, byte=0))
    if declared != "auto":
        name = "utf-8-sig" if declared == "utf-8" and marked == "utf-8-sig" else declared
        return _proven(path, [name])
    if marked and (finding := _fault(path, marked)) is not None:
        raise Broken(Finding("MARK", 1, byte=0) if finding.code == "ENCODING" and _fault(path, "gb18030", len(codecs.BOM_UTF8)) is None else finding)
    return marked or _proven(path, ["utf-8", "gb18030"])


def _proven(path: Path, names: list[str]) -> str:
    first: Finding | None = None
    for name in names:
        finding = _fault(path, name)
        if finding is None:
            return name
        if finding.code == "NUL":
            raise Broken(finding)
        first = first or finding
    raise Broken(first or Finding("ENCODING"))


def _fault(path: Path, name: str, start: int = 0) -> Finding | None:
    decoder = codecs.getincrementaldecoder(name)("strict")
    before, lines = start, 0
    with path.open("rb") as file:
        file.seek(start)
        while True:
            chunk = file.read(CHUNK)
            pending = len(decoder.getstate()[0])
            if name != "utf-16" and (place := chunk.find(b"\0")) >= 0:
                return Finding("NUL", lines + chunk.count(b"\n", 0, place) + 1, byte=before + place)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                place = max(0, error.start - pending)
                return Finding("ENCODING", lines + chunk.count(b"\n", 0, place) + 1, byte=before - pending + error.start)
            if not chunk:
                return None
            before += len(chunk)
            lines += chunk.count(b"\n")


def delimiter_of(path: Path, encoding: str, declared: str, header: int, columns: Collection[str]) -> str:
    """The delimiter: the one with which most of the catalog's columns stand in the header, then the one that parts most rows alike."""
    if declared != "auto":
        return DELIMITERS[declared]
    with path.open(encoding=encoding, newline="") as file:
        sample = file.read(_SAMPLE_CHARACTERS).removeprefix(MARK).splitlines(keepends=True)

    def quality(delimiter: str) -> tuple[int, int, int]:
        rows = list(_rows(sample, delimiter, header))
        names = [name.strip() for name in rows[0]] if rows else []
        alike = sum(len(row) == len(names) for row in rows[1:])
        return len(set(names) & set(columns)), alike if len(names) > 1 else 0, len(names)

    return max(DELIMITERS.values(), key=quality)


def _rows(sample: list[str], delimiter: str, header: int) -> Iterator[list[str]]:
    reader = csv.reader(sample, delimiter=delimiter)
    try:
        yield from islice(reader, header - 1, header + _SAMPLE_ROWS)
    except csv.Error:
        return
