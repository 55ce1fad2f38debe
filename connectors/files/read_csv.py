"""CSV by the standard library's reader, strictly (RFC 4180); any of four delimiters."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Any

from connectors.files.findings import Broken, Finding
from connectors.files.reading import Asked, Opened, header_of
from connectors.files.text import MARK, delimiter_of, encoding_of

_MOST_CHARACTERS = 1 << 20
"""Of one cell; a longer one means a quote that was never closed."""


def open_csv(asked: Asked) -> Opened:
    """Finds encoding and delimiter, and reads the header."""
    encoding = encoding_of(asked.path, asked.file.encoding)
    delimiter = delimiter_of(asked.path, encoding, asked.file.delimiter, asked.file.header, asked.columns)
    rows = _rows(asked, encoding, delimiter)
    names = header_of(next(rows, (0, None))[1])
    return Opened(names, rows, {"encoding": encoding, "delimiter": delimiter})


def _rows(asked: Asked, encoding: str, delimiter: str) -> Iterator[tuple[int, Sequence[Any]]]:
    csv.field_size_limit(_MOST_CHARACTERS)
    with asked.path.open(encoding=encoding, newline="") as file:
        # Of GB18030: the codecs of the others take theirs away.
        if file.read(1) != MARK:
            file.seek(0)
        for _ in range(asked.file.header - 1):
            file.readline()
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        before = asked.file.header - 1
        line = before + 1
        try:
            for row in reader:
                if row:
                    yield line, row
                line = before + reader.line_num + 1
        except csv.Error:
            raise Broken(Finding("QUOTE", line)) from None
