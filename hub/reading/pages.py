"""One page of a reading: found off the event loop, noted for the call's entry, with cursors that serve this reader and this filter alone."""

from __future__ import annotations

from dataclasses import dataclass

from anyio import to_thread

from hub.api.context import Context
from hub.api.types import PageInfo, cursor_of, number_behind
from hub.ledger.entry import Entry
from hub.ledger.matching import CallFilter
from hub.ledger.search import Extent, Found, extent, search
from hub.reading.notes import check_readings, note_reading


@dataclass(frozen=True, slots=True)
class Page:
    """What is shown. ``onward``: the search was broken off behind this entry, for the caller to go on; ``extent`` is the log's."""

    entries: list[Entry]
    about: PageInfo
    onward: int | None
    extent: Extent


async def read_page(context: Context, field: str, which: CallFilter, size: int, after: str | None) -> Page:
    """The page behind a cursor, newest first.

    Raises:
        Fault: ``BAD_INPUT`` for a cursor of another reading, ``QUERY_BUDGET`` for too many readings in one document.
    """
    check_readings(context)
    cursors = context.services.cursors
    binding = f"{field} {context.caller.name} {which!r}"
    behind = number_behind(cursors, binding, after)

    def read() -> tuple[Found, Extent]:
        with context.live.core.engine.connect() as connection:
            return search(connection, which, size + 1, behind), extent(connection)

    found, there = await to_thread.run_sync(read)
    shown = found.entries[:size]
    whole = len(found.entries) <= size
    last = found.onward if whole else shown[-1].seq
    note_reading(context, field, which, shown)
    about = PageInfo(
        has_next_page=last is not None,
        has_previous_page=behind is not None,
        start_cursor=cursor_of(cursors, binding, shown[0].seq) if shown else None,
        end_cursor=cursor_of(cursors, binding, last if last is not None else shown[-1].seq) if shown or last is not None else None,
    )
    return Page(shown, about, found.onward if whole else None, there)
