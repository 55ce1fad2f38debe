"""Lists of very many rows: read and written part by part, so that a call holds the text of its answer and the rows of one part, and not all of them.

A part begins behind the last row of the one before it, as a page does; rows that are added or leave meanwhile may be in the answer or not.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from connectors.errors import SourceFault
from connectors.negotiation import negotiate
from connectors.selection import Kind, Row
from schema.answer import Answer, Path, errors_at
from schema.cursors import shared_place
from schema.delivery import Mending
from schema.lists import Listing, Page, note_page, page_of, read_rows
from schema.plan import EdgePlan, ListPlan
from schema.reader import Reader, Sources
from schema.shapes import Shape
from schema.values import dumped, undeliverable, unfit

LONG = 2000
"""Rows from which on a list is read in parts."""
PART = 1000
_WHOLE = (Kind.INTEGER, Kind.BIGINT)

Render = Callable[[Sequence[Row], int, Mending], Awaitable[list[dict[str, Any]]]]
"""Rows of a part, how many stand before them, and where it is noted which numbers do not fit → objects."""


class Ends(Sequence[Row]):
    """The rows of a list of which only the first two and the last are held."""

    def __init__(self) -> None:
        self._first: list[Row] = []
        self._last: Row = ()
        self._count = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Further rows."""
        if rows:
            self._first += rows[: 2 - len(self._first)]
            self._last = rows[-1]
            self._count += len(rows)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: Any) -> Any:
        if place in (-1, self._count - 1) and self._count:
            return self._last
        return self._first[place]


def in_parts(plan: ListPlan, listed: Listing, sources: Sources) -> bool:
    """Whether a list is read in parts: it is long, shows plain objects in the order of a whole number that its source keeps, and the source does all of it."""
    orders = listed.ordered.orders
    if listed.first < LONG or len(orders) != 1 or orders[0].scrambled or orders[0].kind not in _WHOLE or orders[0].nullable:
        return False
    shapes = [needs for _, _, needs in plan.entries if isinstance(needs, Shape)]
    if len(shapes) != 1 or shapes[0].links or any(isinstance(needs, EdgePlan) for _, _, needs in plan.entries):
        return False
    try:
        return negotiate(sources(plan.face.resource.source).capabilities, listed.selection).whole
    except SourceFault:
        # Reading tells of it.
        return False


async def read_parts(shape: Shape, listed: Listing, reader: Reader, answer: Answer, path: Path, render: Render) -> tuple[Page, str]:
    """All parts; the name under which ``answer.long`` has their text, a JSON array. ``path`` is that of the objects."""
    ends, mending, unfits, pieces = Ends(), Mending(), Mending(), [b"["]
    part, left = replace(listed, first=min(PART, listed.first)), listed.first
    while True:
        page = _whole(part, await read_rows(part, reader), left)
        note_page(part, page.rows, reader)
        text = _text(await render(page.rows, len(ends), unfits), path, len(ends), mending)
        pieces += [b",", text] if len(ends) and text else [text]
        ends.add(page.rows)
        left -= len(page.rows)
        if not page.more or not left:
            break
        part = replace(part.beginning_behind(part.place(page.rows[-1])), first=min(PART, left))
    for noted, fault in ((mending, undeliverable), (unfits, unfit)):
        for field, places in noted.places.items():
            answer.errors += errors_at(places, fault(shape.face.resource, shape.items[str(field[-1])]), noted.counts[field])
    name = f"rows {secrets.token_hex(16)}"
    answer.long[name] = [*pieces, b"]"]
    return Page(ends, page.more, page.shared), name


def _whole(part: Listing, rows: Sequence[Row], left: int) -> Page:
    """The part as a page behind which the next may begin: rows that share a stable key stay together.

    Raises:
        Fault: ``SOURCE_VALUE`` where there is no such place in it.
    """
    page = page_of(part, rows, part.first)
    if not page.shared or part.first == left:
        return page
    # Behind a key no row without one is ever found.
    if None not in part.place(rows[-1]):
        for first in range(part.first - 1, 0, -1):
            if part.parts(rows[first - 1], rows[first]):
                return page_of(part, rows, first)
    raise shared_place()


def _text(objects: list[dict[str, Any]], path: Path, before: int, mending: Mending) -> bytes:
    """The objects as JSON, without brackets."""
    try:
        return dumped(objects)[1:-1]
    except TypeError:
        return dumped([mending.mended(each, (*path, before + i)) for i, each in enumerate(objects)])[1:-1]
