"""Another hub's cursors by the position that they stand for: how a list ordered by text is read on, for which there is no "greater than"."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from cachetools import LRUCache

from connectors.selection import Binding, Column, Order, Row, Selection
from connectors.spi import Parameters

_MOST = 4096


class Positions:
    """Cursors of rows at which pages ended, by list, arguments and values of the order keys. What is forgotten is read from the beginning."""

    def __init__(self) -> None:
        self._cursors: LRUCache[bytes, str] = LRUCache(_MOST)

    def cursor(self, selection: Selection, arguments: Mapping[str, Any], parameters: Parameters) -> str | None:
        """The cursor of the position behind which the selection begins, where it is known."""
        if not selection.after:
            return None
        return self._cursors.get(_key(selection.binding, arguments, [parameters[name] for name in selection.after]))

    def keep(self, selection: Selection, arguments: Mapping[str, Any], columns: Sequence[Column], rows: Sequence[Row], cursors: Sequence[str]) -> None:
        """Notes the last rows of a page. The last but one counts as well: lists are read with one row more than they show."""
        if len(rows) != len(cursors):
            return
        places = _places(selection.order, columns)
        for row, cursor in list(zip(rows, cursors, strict=True))[-2:]:
            self._cursors[_key(selection.binding, arguments, [row[place] for place in places])] = cursor

    def forget(self, selection: Selection, arguments: Mapping[str, Any], parameters: Parameters) -> None:
        """The service does not take the cursor any more."""
        self._cursors.pop(_key(selection.binding, arguments, [parameters[name] for name in selection.after]), None)


def _places(order: Sequence[Order], columns: Sequence[Column]) -> list[int]:
    names = [column.name for column in columns]
    return [names.index(key.column) for key in order]


def _key(binding: Binding, arguments: Mapping[str, Any], position: Sequence[Any]) -> bytes:
    """Not the values themselves, which are people's data."""
    content = orjson.dumps([binding.options, arguments, position], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).digest()
