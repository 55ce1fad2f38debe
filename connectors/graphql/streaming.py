"""The first rows of an ordered list, or those behind a position: pages in the service's order until there are enough."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from connectors import local
from connectors.errors import SourceRefused
from connectors.graphql.positions import Positions
from connectors.graphql.pushdown import Pushed
from connectors.graphql.reading import Reading
from connectors.selection import Column, Row, Selection
from connectors.spi import Parameters


async def first_rows(
    source: str, positions: Positions, reading: Reading, selection: Selection, parameters: Parameters, pushed: Pushed, columns: Sequence[Column]
) -> list[Row]:
    """Rows of ``columns`` that the selection holds for, in order; as many as its limit where there are.

    Raises:
        SourceFault: a page cannot be read, the service does not order as it should, or too many rows would have to be read.
    """
    limit = parameters[selection.limit or ""]
    if not isinstance(limit, int) or limit < 1:
        return []
    streaming = _Streaming(source, positions, reading, replace(selection, outputs=tuple(columns), limit=None), parameters, pushed, limit)
    if not pushed.resumable:
        return await streaming.rows(None)
    reading.with_cursors()
    cursor = positions.cursor(selection, pushed.arguments, parameters)
    try:
        return await streaming.rows(cursor)
    except SourceRefused:
        if cursor is None:
            raise
        positions.forget(selection, pushed.arguments, parameters)
        return await streaming.rows(None)


class _Streaming:
    """``raw`` filters and gives all columns."""

    def __init__(self, source: str, positions: Positions, reading: Reading, raw: Selection, parameters: Parameters, pushed: Pushed, limit: int) -> None:
        self._source = source
        self._positions = positions
        self._reading = reading
        self._raw = raw
        self._parameters = parameters
        self._pushed = pushed
        self._limit = limit
        self._columns = [column for column in raw.outputs if isinstance(column, Column)]

    async def rows(self, cursor: str | None) -> list[Row]:
        """Pages from behind the cursor on; without one, from the first that the pushed-down part selects."""
        whole = self._pushed.whole or cursor is not None
        kept: list[Row] = []
        read, last = 0, list[Row]()
        async with aclosing(self._reading.pages(self._pushed.arguments, self._limit if whole else None, cursor)) as pages:
            async for page in pages:
                self._check(last + page)
                if self._reading.cursors is not None:
                    self._positions.keep(self._raw, self._pushed.arguments, self._columns, page, self._reading.cursors)
                kept += local.answer(self._raw, self._parameters, self._columns, page)
                read, last = read + len(page), page[-1:]
                if len(kept) >= self._limit:
                    break
                if not whole:
                    self._reading.check(read)
        return kept

    def _check(self, rows: Sequence[Row]) -> None:
        """A service that sorts otherwise than the manifest says would lose rows in silence."""
        ordered = replace(self._raw, where=None, after=())
        if self._reading.declared and local.answer(ordered, self._parameters, self._columns, rows) != rows:
            raise SourceRefused(self._source, f"the service's items do not ascend by {self._raw.order[0].column}, as `sorted_by` says")
