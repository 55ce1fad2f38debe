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
from schema.delivery import Mending
from schema.lists import Listing, Page, read_page
from schema.plan import EdgePlan, ListPlan
from schema.reader import Reader, Sources
from schema.shapes import Shape
from schema.values import dumped, undeliverable

LONG = 2000
"""Rows from which on a list is read in parts."""
PART = 1000
_WHOLE = (Kind.INTEGER, Kind.BIGINT)

Render = Callable[[Sequence[Row], int], Awaitable[list[dict[str, Any]]]]
"""Rows of a part, and how many stand before them → objects."""


class Ends(Sequence[Row]):
    """The rows of a list of which only the first and the last are held."""

    def __init__(self) -> None:
        self._first: Row = ()
        self._last: Row = ()
        self._count = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Further rows."""
        if rows:
            self._first, self._last = self._first if self._count else rows[0], rows[-1]
            self._count += len(rows)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: Any) -> Any:
        if place not in (0, -1) or not self._count:
            raise IndexError(place)
        return self._last if place else self._first


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
    ends, mending, pieces = Ends(), Mending(), [b"["]
    part, left = replace(listed, first=min(PART, listed.first)), listed.first
    while True:
        page = await read_page(part, reader)
        text = _text(await render(page.rows, len(ends)), path, len(ends), mending)
        pieces += [b",", text] if len(ends) and text else [text]
        ends.add(page.rows)
        left -= len(page.rows)
        if not page.more or not left:
            break
        part = replace(part.beginning_behind(part.place(page.rows[-1])), first=min(PART, left))
    for field, places in mending.places.items():
        answer.errors += errors_at(places, undeliverable(shape.face.resource, shape.items[str(field[-1])]), mending.counts[field])
    name = f"rows {secrets.token_hex(16)}"
    answer.long[name] = [*pieces, b"]"]
    return Page(ends, page.more), name


def _text(objects: list[dict[str, Any]], path: Path, before: int, mending: Mending) -> bytes:
    """The objects as JSON, without brackets."""
    try:
        return dumped(objects)[1:-1]
    except TypeError:
        return dumped([mending.mended(each, (*path, before + i)) for i, each in enumerate(objects)])[1:-1]
