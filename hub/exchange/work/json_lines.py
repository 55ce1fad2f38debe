"""JSON Lines by Arrow's kernels: each row the object that a query answers, on a line of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pyarrow
import pyarrow.compute

from connectors.selection import Kind
from hub.exchange.work.layout import Cells, Group, Page, Shown
from hub.exchange.work.sink import Sink
from hub.exchange.work.texts import of_lines, wire_text
from masking.arrow_texts import content

_pa: Any = pyarrow
_pc: Any = pyarrow.compute
_ESCAPED = bytes(range(32)) + b'"\\'
_ESCAPES = '["\\\\\\x00-\\x1f]'
_SAFE = 2**53
"""Larger numbers are text: readers of JSON would lose digits."""
_NUMBERS = frozenset({Kind.INTEGER, Kind.BIGINT, Kind.FLOAT, Kind.BOOLEAN})
_QUOTE = '"'


class JsonLines:
    """A file of JSON Lines, in UTF-8."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, page: Page) -> None:
        """One line for each row."""
        self._sink.write(of_lines(_objects(page.fields, page.rows, "\n")))

    def finish(self) -> None:
        """Nothing is held back."""


def _objects(fields: Sequence[Shown], rows: int, end: str = "") -> Any:
    if not fields:
        return _pa.repeat(_pa.scalar("{}" + end, _pa.string()), rows)
    parts: list[Any] = []
    between = "{"
    for shown in fields:
        value, bare = _value(shown, rows)
        parts += [f"{between}{orjson.dumps(shown.key).decode()}:{_QUOTE if bare else ''}", value]
        between = f"{_QUOTE if bare else ''},"
    return _pc.binary_join_element_wise(*parts, between[:-1] + "}" + end, "")


def _value(shown: Shown, rows: int) -> tuple[Any, bool]:
    """As JSON; or the text alone, of a column where every row has one that needs nothing but quotes."""
    if isinstance(shown, Group):
        return _pc.if_else(shown.there, _objects(shown.fields, rows), "null"), False
    texts, bare = _written(shown)
    if bare and not texts.null_count:
        return texts, True
    return (_quoted(texts) if bare else texts).fill_null("null"), False


def _written(cells: Cells) -> tuple[Any, bool]:
    """The texts, and whether they still want quotes."""
    values = cells.values
    texts = wire_text(values, cells.kind)
    if _pa.types.is_string(values.type) or cells.kind not in _NUMBERS:
        return _escaped(texts)
    if cells.kind is Kind.BIGINT:
        ends = _pc.min_max(values).as_py()
        if ends["min"] is not None and (ends["min"] < -_SAFE or ends["max"] > _SAFE):
            safe = _pc.and_(_pc.greater_equal(values, -_SAFE), _pc.less_equal(values, _SAFE))
            return _pc.if_else(safe, texts, _quoted(texts)), False
    return texts, False


def _quoted(texts: Any) -> Any:
    return _pc.binary_join_element_wise('"', texts, '"', "")


def _escaped(texts: Any) -> tuple[Any, bool]:
    held = content(texts)
    if len(held.translate(None, _ESCAPED)) == len(held):
        return texts, True
    odd = _pc.fill_null(_pc.match_substring_regex(texts, _ESCAPES), False)
    escaped = [orjson.dumps(text).decode() for text in texts.filter(odd).to_pylist()]
    return _pc.replace_with_mask(_quoted(texts), odd, _pa.array(escaped, _pa.string())), False
