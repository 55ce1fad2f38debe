"""CSV by Arrow's kernels: RFC 4180, quoted where it must be, with what a spreadsheet would run as a formula made text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import pyarrow
import pyarrow.compute

from connectors.selection import Kind
from hub.exchange.work.layout import Cells, Page, flat
from hub.exchange.work.sink import Sink
from hub.exchange.work.task import Encoding
from hub.exchange.work.texts import of_lines, wire_text
from hub.names import UNSEEN
from masking.arrow_texts import content

_pa: Any = pyarrow
_pc: Any = pyarrow.compute
_BOM = b"\xef\xbb\xbf"
_QUOTED = (b'"', b",", b"\r", b"\n")
_QUOTES = '[",\r\n]'
_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?$"
_TEXTS = frozenset({Kind.STRING, Kind.DECIMAL})
"""Kinds whose texts may begin as formulas do; moments, days and numbers cannot."""


_UNSEEN = [each for each in map(chr, (*range(0x3001), 0xFEFF, *range(0xFFF9, 0xFFFC))) if each.isspace() or unicodedata.category(each) in UNSEEN]
"""White space, controls and format characters such as U+200B."""
_BLANK = "".join(f"\\x{{{ord(each):x}}}" for each in _UNSEEN)
_FIRST = "=\u207c\u208c\ufe66\uff1d+\u207a\u208a\ufb29\ufe62\uff0b-\ufe63\uff0d@\ufe6b\uff20"
"""What begins a formula, and every character that is a form of it (NFKC)."""
_FIRSTS = "".join(f"\\x{{{ord(each):x}}}" for each in _FIRST)
_RUNS = f"^(?:[\\t\\r\\n]|[{_BLANK}]*[{_FIRSTS}])"
"""What a spreadsheet might run: the first visible character begins a formula, or there is a control before it."""
_SUSPECT = (*(each.encode() for each in "=+-@\t\r\n"), b"\xe2", b"\xef")
"""Bytes without one of which no text is run: the last two begin the other forms."""
_BEGINS = _pa.array(_UNSEEN + list(_FIRST))


class CsvLines:
    """A CSV file. In UTF-8 it begins with a BOM, so that spreadsheets know; GB18030 has none."""

    def __init__(self, sink: Sink, paths: Sequence[tuple[str, ...]], encoding: Encoding) -> None:
        self._sink = sink
        self._foreign = encoding == "GB18030"
        if not self._foreign:
            sink.write(_BOM)
        self._put(",".join(".".join(path) for path in paths).encode() + b"\r\n")

    def write(self, page: Page) -> None:
        """One line for each row."""
        columns = [_written(cells) for _, cells in flat(page.fields)]
        if len(columns) == 1:
            # A line of one empty field would be no line at all.
            columns = [_pc.if_else(_pc.equal(columns[0], ""), '""', columns[0])]
        last = _pc.binary_join_element_wise(columns[-1], "", "\r\n")
        lines = _pc.binary_join_element_wise(*columns[:-1], last, ",") if len(columns) > 1 else last
        self._put(of_lines(lines))

    def _put(self, data: bytes | memoryview) -> None:
        self._sink.write(str(data, "utf-8").encode("gb18030") if self._foreign else data)

    def finish(self) -> None:
        """Nothing is held back."""


def _written(cells: Cells) -> Any:
    texts = wire_text(cells.values, cells.kind).fill_null("")
    if cells.kind not in _TEXTS:
        return texts
    held = content(texts)
    if any(each in held for each in _SUSPECT):
        texts = _harmless(texts, cells.kind)
    if any(each in held for each in _QUOTED):
        quoted = _pc.binary_join_element_wise('"', _pc.replace_substring(texts, '"', '""'), '"', "")
        texts = _pc.if_else(_pc.match_substring_regex(texts, _QUOTES), quoted, texts)
    return texts


def _harmless(texts: Any, kind: Kind) -> Any:
    if not _pc.any(_pc.is_in(_pc.utf8_slice_codeunits(texts, 0, 1), value_set=_BEGINS)).as_py():
        return texts
    runs = _pc.match_substring_regex(texts, _RUNS)
    if kind is not Kind.STRING:
        runs = _pc.and_not(runs, _pc.match_substring_regex(texts, _NUMBER))
    if not _pc.any(runs).as_py():
        return texts
    return _pc.if_else(runs, _pc.binary_join_element_wise("'", texts, ""), texts)
