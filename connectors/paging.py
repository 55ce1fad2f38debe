"""Streams of any source: its own, or page after page in the selection's order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from connectors.arrow_types import streamed
from connectors.errors import SourceRefused
from connectors.selection import Column, Output, Row, Selection, Undeliverable, Value
from connectors.spi import Parameters, Source
from connectors.streaming import Slice, Streamed, Streaming
from connectors.wire import apart

PAGE_ROWS = 2000
"""Of one page, at most: each is one call within the source's time."""
_LIMIT = "#rows of the page"
_AFTER = "#behind "


async def stream(
    source: Source, selection: Selection, parameters: Parameters, part: Slice | None = None, rows: int = PAGE_ROWS
) -> AsyncGenerator[Streamed, None]:
    """What the selection reads, in batches of at most about ``rows`` rows; see :meth:`connectors.streaming.Streaming.stream`.

    A source that does not stream is read page after page, in ``selection.order``, which must end in a stable key then.

    Raises:
        SourceFault: it cannot be read; rows that came before were its own.
        ValueError: a slice with ends is asked of a source that has none (:func:`cuts` gave none).
    """
    if isinstance(source, Streaming) and source.streams(selection):
        async with aclosing(source.stream(selection, parameters, part, rows)) as batches:
            async for batch in batches:
                yield batch
        return
    if part is not None and (part.above is not None or part.upto is not None):
        raise ValueError("this source cannot be read by slices")
    # One more than a batch has tells whether it may end there.
    async with aclosing(_paged(source, selection, parameters, min(rows + 1, PAGE_ROWS))) as pages:
        async for page in pages:
            yield page


async def cuts(source: Source, selection: Selection, parameters: Parameters, key: Column, rows: int) -> Sequence[Value]:
    """Where the selection is cut into slices of about ``rows`` rows; none where the source cannot. See :meth:`connectors.streaming.Streaming.cuts`."""
    if isinstance(source, Streaming) and source.streams(selection):
        return await source.cuts(selection, parameters, key, rows)
    return ()


async def _paged(source: Source, selection: Selection, parameters: Parameters, rows: int) -> AsyncGenerator[Streamed, None]:
    outputs, places = _with_keys(selection)
    limit = None if selection.limit is None else parameters[selection.limit]
    left = limit if isinstance(limit, int) else None
    asked = replace(selection, outputs=outputs, limit=_LIMIT)
    bound = dict(parameters)
    if not selection.order:
        asked = replace(asked, limit=selection.limit)
    while left is None or left > 0:
        most = rows if left is None else min(rows, left)
        page = await source.fetch(asked, {**bound, _LIMIT: most})
        last = len(page) < most or not selection.order or most == left
        page = page if last else _parted(selection, page, places)
        if page:
            yield streamed(selection.outputs, [row[: len(selection.outputs)] for row in page] if len(outputs) > len(selection.outputs) else page)
        if last:
            return
        left = None if left is None else left - len(page)
        names = tuple(f"{_AFTER}{place}" for place in range(len(places)))
        asked = replace(asked, after=names)
        bound.update(zip(names, _behind(selection, page[-1], places), strict=True))


def _with_keys(selection: Selection) -> tuple[tuple[Output, ...], list[int]]:
    """The outputs and, behind them, order keys that are not among them; and where the keys lie."""
    outputs = list(selection.outputs)
    places = []
    for key in selection.order:
        column = Column(key.column, key.kind)
        if column not in outputs:
            outputs.append(column)
        places.append(outputs.index(column))
    return tuple(outputs), places


def _parted(selection: Selection, page: Sequence[Row], places: Sequence[int]) -> Sequence[Row]:
    """The page up to its last row that the next tells apart: behind a place that rows share, a page would begin behind all of them."""

    def place(row: Row) -> list[Value]:
        return [row[each] for each in places]

    for count in range(len(page) - 1, 0, -1):
        if apart(selection.order, place(page[count - 1]), place(page[count])):
            return page[:count]
    raise SourceRefused(
        selection.binding.object, f"{len(page)} rows and more share one value of {selection.order[-1].column}, which is the stable key; mend it in the source"
    )


def _behind(selection: Selection, row: Row, places: Sequence[int]) -> list[Value]:
    for key, place in zip(selection.order, places, strict=True):
        if isinstance(row[place], Undeliverable):
            raise SourceRefused(
                selection.binding.object, f"no page begins behind a value of {key.column} that cannot be delivered; mend it in the source, or order otherwise"
            )
    return [row[place] for place in places]
