"""Pages of rows that a database writes as the text of JSON objects, so that the hub makes no object of any value.

The database writes :data:`MARK` where JSON has a quote, and tells whether that character stands in any value. Where it stands in none, every
one in the text is structure and all else is value: the hub escapes the values on the bytes of the page, and then writes quotes for the marks.
Nothing is guessed of what the values are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cachetools import LRUCache
from sqlalchemy import Select, Subquery

from connectors.selection import Binding, Kind, Rendered, Row, Selection, TextRows
from connectors.sql.dialect import Decode, Expression
from connectors.sql.statement import Statement

MARK = b"\x01"
"""Stands for a quote of JSON: START OF HEADING, which no register holds. Three in a row stand for null."""
_NULL = MARK * 3
_ESCAPED = [(bytes([code]), f"\\u{code:04x}".encode()) for code in range(0x20) if code not in b"\x01\b\t\n\f\r"]
_ESCAPED += [(b"\b", b"\\b"), (b"\t", b"\\t"), (b"\n", b"\\n"), (b"\f", b"\\f"), (b"\r", b"\\r")]
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*", re.ASCII)
_FIRST_PAUSE, _LONGEST_PAUSE = 16, 4096
_KEPT = 512


class Renderer(Protocol):
    """How one database writes pages as text."""

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds that it writes with the hub's own bytes."""
        ...

    def inner(self, form: Rendered, table: Any) -> list[Expression]:
        """What is selected of each row: its values as texts, and whether one of them must not be written."""
        ...

    def page(self, form: Rendered, rows: Subquery, beside: Sequence[str]) -> Select[Any]:
        """The page's text with marks, whether the hub has to render it, whether a value is null; and of each of the names the values of all rows."""
        ...


@dataclass(frozen=True, slots=True)
class RenderedStatement(Statement):
    """A statement that yields one page in one row."""

    start: bytes = b""
    """With what each object begins."""

    def rows(self, fetched: Iterable[Sequence[Any]]) -> list[Row]:
        """The columns beside the text, and the text; none where the hub has to render it."""
        ((raw, doubtful, nulls, *columns),) = fetched
        if doubtful:
            return TextRows([], None)
        decoders = dict(self.decoders)
        decoded = [_column(values or (), decoders.get(place)) for place, values in enumerate(columns)]
        return TextRows(zip(*decoded, strict=True), Marked(raw or b"", bool(nulls), self.start))


def _column(values: Sequence[Any], decode: Decode | None) -> Sequence[Any]:
    return values if decode is None else [None if value is None else decode(value) for value in values]


@dataclass(frozen=True, slots=True)
class Marked:
    """A page's text in which marks are structure and nothing else."""

    raw: bytes
    nulls: bool
    start: bytes

    def without_last(self, count: int) -> Marked:
        """The same without the last objects."""
        raw = self.raw
        for _ in range(count):
            # What begins an object ends in a mark, and so does the start of no value: behind a value's own mark stands a comma or a brace.
            raw = raw[: max(0, raw.rfind(b"," + self.start))]
        return Marked(raw, self.nulls, self.start)

    def written(self) -> bytes:
        """JSON objects, joined by commas, byte for byte as orjson writes them."""
        text = self.raw
        for plain, escaped in ((b"\\", b"\\\\"), (b'"', b'\\"'), *_ESCAPED):
            if plain in text:
                text = text.replace(plain, escaped)
        if self.nulls:
            text = text.replace(_NULL, b"null")
        return text.replace(MARK, b'"')


def start_of(form: Rendered) -> bytes:
    """With what each object begins, marks for quotes.

    Raises:
        ValueError: a key or constant is no name of GraphQL, or there is no key.
    """
    for key, value in form.fields:
        if not _NAME.fullmatch(key) or (isinstance(value, str) and not _NAME.fullmatch(value)):
            raise ValueError("keys and constants of a rendered row must be names")
    if not form.fields:
        raise ValueError("a rendered row needs a key")
    return b"{" + MARK + form.fields[0][0].encode() + MARK + b":"


class Doubts:
    """Pages that the hub had to render after all: what has just failed is not tried again at once, because it costs the source a statement."""

    def __init__(self) -> None:
        self._kept: LRUCache[tuple[Binding, Rendered], _Pause] = LRUCache(_KEPT)
        self._none = True

    def resting(self, selection: Selection) -> bool:
        """Whether it is not to be tried now. Counts as one call."""
        if self._none or selection.text is None:
            return False
        pause = self._kept.get((selection.binding, selection.text))
        if pause is None or pause.left == 0:
            return False
        pause.left -= 1
        return True

    def note(self, selection: Selection, rows: object) -> None:
        """What came of a call: each failure in a row doubles the number of calls for which it rests."""
        if selection.text is None or not isinstance(rows, TextRows) or (self._none and rows.text is not None):
            return
        pause = self._kept.get((selection.binding, selection.text)) or _Pause()
        pause.left = pause.next if rows.text is None else 0
        pause.next = min(2 * pause.next, _LONGEST_PAUSE) if rows.text is None else _FIRST_PAUSE
        self._kept[selection.binding, selection.text] = pause
        self._none = False


@dataclass(slots=True)
class _Pause:
    left: int = 0
    next: int = _FIRST_PAUSE
