"""Pages of rows that a database writes as the text of JSON objects, so that the hub makes no object of any value.

The database tests each row for a quote. In a row without one every quote is structure; in one that has some, it writes each as :data:`QUOTE`,
which stands nowhere else. What else JSON escapes the hub escapes on the bytes of the page, because it can stand in values only. So the text
is right whatever the values are.
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
from connectors.sql.values import whole

QUOTE, NULL = b'""\x01', b'"\x02'
"""A quote within a value; and null, in the place of a value between its quotes.

Two quotes in a row are else those of an empty text, behind which stands a comma or a brace. So what follows tells them apart, and a value's own
U+0001 or U+0002 stands behind one quote, or none.
"""
_ESCAPED = [(b"\\", b"\\\\"), *((bytes([code]), f"\\u{code:04x}".encode()) for code in range(0x20) if code not in b"\x01\x02\b\t\n\f\r")]
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
        """The page's text, and whether the hub has to render it; of each of the names, the values of all rows."""
        ...


@dataclass(frozen=True, slots=True)
class RenderedStatement(Statement):
    """A statement that yields one page in one row."""

    start: bytes = b""
    """With what each object begins."""

    def rows(self, fetched: Iterable[Sequence[Any]]) -> list[Row]:
        """The columns beside the text, and the text; none where the hub has to render it."""
        ((raw, doubtful, *columns),) = fetched
        if doubtful:
            return TextRows([], None)
        decoders = dict(self.decoders)
        decoded = [_column(values or (), decoders.get(place)) for place, values in enumerate(columns)]
        return TextRows(zip(*decoded, strict=True), Marked(raw or b"", self.start))


def _column(values: Sequence[Any], decode: Decode | None) -> Sequence[Any]:
    if decode is None or (decode is whole and set(map(type, values)) == {int}):
        return values
    return [None if value is None else decode(value) for value in values]


@dataclass(frozen=True, slots=True)
class Marked:
    """A page's text, with :data:`QUOTE` and :data:`NULL`, and nothing escaped."""

    raw: bytes
    start: bytes

    def without_last(self, count: int) -> Marked:
        """The same without the last objects."""
        raw = self.raw
        for _ in range(count):
            # It begins no object but where it stands: within a value no quote has a key behind it.
            raw = raw[: max(0, raw.rfind(b"," + self.start))]
        return Marked(raw, self.start)

    def written(self) -> bytes:
        """JSON objects, joined by commas, byte for byte as orjson writes them."""
        text = self.raw
        for plain, escaped in _ESCAPED:
            if plain in text:
                text = text.replace(plain, escaped)
        text = _told(text, b"\x02", b"null", b"\\u0002", 1)
        return _told(text, b"\x01", b'\\"', b"\\u0001", 0)


def _told(text: bytes, last: bytes, meant: bytes, plain: bytes, behind: int) -> bytes:
    """``meant`` for two quotes and the character, and so many bytes behind it; ``plain`` for the character alone."""
    # By one byte, which is found ten times as fast as three.
    if last not in text:
        return text
    made: list[bytes] = []
    *pieces, end = text.split(last)
    start = 0
    for piece in pieces:
        marked = piece.endswith(b'""', start)
        made += (piece[start:-2], meant) if marked else (piece[start:], plain)
        start = behind if marked else 0
    return b"".join([*made, end[start:]])


def start_of(form: Rendered) -> bytes:
    """With what each object begins.

    Raises:
        ValueError: a key or constant is no name of GraphQL, or there is no key.
    """
    for key, value in form.fields:
        if not _NAME.fullmatch(key) or (isinstance(value, str) and not _NAME.fullmatch(value)):
            raise ValueError("keys and constants of a rendered row must be names")
    if not form.fields:
        raise ValueError("a rendered row needs a key")
    return b'{"' + form.fields[0][0].encode() + b'":'


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
