"""Runs a list: arguments → one statement → a page of rows with cursors."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from auth.rights import Operation
from connectors.selection import SALT, Binding, Column, Order, Predicate, Row, Selection, Value
from connectors.wire import apart
from schema.cursors import Cursors, no_place
from schema.faces import Face
from schema.faults import bad_input
from schema.filters import Binds, Filter
from schema.ordering import hides_stable_key, order
from schema.reader import Reader
from schema.shapes import ItemUse
from schema.subjects import Subject
from schema.values import deliverable


@dataclass(frozen=True, eq=False, slots=True)
class Ordered:
    """What a list is but for its filter: prepared once for its columns and ``orderBy``."""

    orders: tuple[Order, ...]
    scrambled: bool
    columns: tuple[Column, ...]
    """Those wanted of each row, and the order keys."""
    places: tuple[int, ...]
    """Where a row holds each order key."""
    compared: tuple[ItemUse, ...]
    selections: dict[tuple[Predicate | None, tuple[str, ...]], Selection] = field(default_factory=dict)
    """By predicate and place to begin behind: statements are kept for a selection, which is best the same object."""

    @classmethod
    def of(cls, face: Face, outputs: Sequence[Column], order_by: Sequence[Mapping[str, Any]]) -> Ordered:
        """Raises as :func:`schema.ordering.order`."""
        orders = order(face.resource, face.filters, order_by, scrambled=hides_stable_key(face))
        keys = list(dict.fromkeys(Column(o.column, o.kind) for o in orders))
        columns = (*outputs, *(key for key in keys if key not in outputs))
        ordered = {each.column for each in orders}
        compared = tuple(ItemUse(item.code, "match") for item in face.filters.values() if item.column in ordered)
        places = tuple(columns.index(Column(o.column, o.kind)) for o in orders)
        return cls(orders, any(o.scrambled for o in orders), columns, places, compared)

    def selection(self, binding: Binding, where: Predicate | None, after: tuple[str, ...]) -> Selection:
        """The list's rows for which the predicate holds."""
        found = self.selections.get((where, after))
        if found is None:
            if len(self.selections) >= _MOST_SELECTIONS:
                self.selections.clear()
            found = self.selections[where, after] = Selection(binding, self.columns, where, self.orders, after, "limit")
        return found


Kept = dict[tuple[tuple[str, Any], ...], Ordered]
"""Of one list of one document, by its ``orderBy``."""
_MOST_SELECTIONS, _MOST_ORDERS = 64, 64


@dataclass(frozen=True)
class Listing:
    """A list's arguments, bound: what to read and where to begin."""

    face: Face
    ordered: Ordered
    selection: Selection
    binds: Binds
    first: int
    places: tuple[int, ...]
    """Where a row holds each order key."""
    bound: tuple[Any, ...]
    """What a cursor of this list is bound to: caller and query."""
    uses: tuple[ItemUse, ...]
    reached: Mapping[Face, tuple[ItemUse, ...]]
    """What the filter compares in other resources, through links."""
    named: Mapping[Face, Sequence[Subject]]
    """Whom the filter names by an identifier."""
    behind: bool
    """Whether the page begins behind a cursor."""

    @property
    def binding(self) -> bytes:
        """The digest of what a cursor is bound to."""
        return hashlib.sha256(orjson.dumps(self.bound, option=orjson.OPT_SORT_KEYS)).digest()

    def place(self, row: Row) -> list[Value]:
        """The row's order keys."""
        return [row[i] for i in self.places]

    def parts(self, row: Row, following: Row) -> bool:
        """Whether a page can begin between two rows that follow each other: where their places are the same, or a key that may not be null is, it cannot."""
        place, other = self.place(row), self.place(following)
        return apart(self.ordered.orders, place, other) and not any(
            key is None or next_ is None for key, next_, each in zip(place, other, self.ordered.orders, strict=True) if not each.nullable
        )

    def beginning_behind(self, place: Sequence[Value]) -> Listing:
        """The same list from behind the place on.

        Raises:
            Fault: ``SOURCE_VALUE`` where the place cannot be told.
        """
        if not deliverable(place):
            raise no_place()
        names = tuple(f"after{i}" for i in range(len(place)))
        selection = self.ordered.selection(self.selection.binding, self.selection.where, names)
        return replace(self, selection=selection, binds={**self.binds, **dict(zip(names, place, strict=True))}, behind=True)


def listing(
    face: Face,
    outputs: Sequence[Column],
    uses: tuple[ItemUse, ...],
    args: Mapping[str, Any],
    reader: Reader,
    cursors: Cursors,
    caller: str,
    kept: Kept | None = None,
) -> Listing:
    """Binds a list's arguments.

    ``outputs`` are the columns wanted of each row; the order keys are added to them. ``kept`` is where the list keeps what it prepared.

    Raises:
        Fault: ``BAD_INPUT`` for a page size, filter, order or cursor that cannot be used.
    """
    resource = face.resource
    binds: Binds = {}
    where = args.get("where") or {}
    filtering = Filter.of(face, binds, "p")
    parts = [filtering.predicate(where)] if where else []
    if binds:
        reader.allowance.reserve("values", sum(len(bound) if isinstance(bound, tuple) else 1 for name, bound in binds.items() if name.startswith("p")))
    ordered = _ordered(face, outputs, args.get("orderBy") or [], {} if kept is None else kept)
    if ordered.scrambled:
        binds[SALT] = cursors.salt(caller, resource.code)
    selection = ordered.selection(resource.binding, reader.where(face, binds, parts), ())
    first = _page_size(face, args.get("first"))
    reached = filtering.reached.by_face() if where else {}
    own = reached.pop(face, ())
    every = uses if not own and not ordered.compared else tuple(dict.fromkeys((*uses, *own, *ordered.compared)))
    bound = (caller, resource.code, where, [[o.column, o.descending] for o in ordered.orders])
    listed = Listing(face, ordered, selection, binds, first, ordered.places, bound, every, reached, filtering.reached.subjects, False)
    after = args.get("after")
    if after is None:
        return listed
    place = cursors.open(listed.binding, str(after))
    if len(place) != len(ordered.orders):
        raise bad_input("after 不是本次查询的有效游标", "after is no valid cursor of this query")
    return listed.beginning_behind(place)


def _ordered(face: Face, outputs: Sequence[Column], order_by: Sequence[Mapping[str, Any]], kept: Kept) -> Ordered:
    key = tuple([pair for entry in order_by for pair in (*entry.items(), _NEXT)])
    found = kept.get(key)
    if found is None:
        found = Ordered.of(face, outputs, order_by)
        if len(kept) >= _MOST_ORDERS:
            kept.clear()
        kept[key] = found
    return found


_NEXT = ("", None)


def _page_size(face: Face, first: Any) -> int:
    # Clients in Java, C# and others send null for what was not set.
    if first is None:
        return face.page_size
    most = face.decision.page_limit
    if isinstance(first, int) and 1 <= first <= most:
        return first
    raise bad_input(
        f"first 应为 1 至 {most} 的整数，收到 {first}",
        f"first must be an integer from 1 to {most}, not {first}",
        "更多数据请用 after 翻页，或使用批量交换 startExchange",
        "page on with after, or use startExchange for more",
    )


@dataclass(frozen=True)
class Page:
    """Rows of one page, and whether there are more behind them; ``shared``: the next of these cannot be told from the page's last."""

    rows: Sequence[Row]
    more: bool
    shared: bool = False


async def read_page(listed: Listing, reader: Reader) -> Page:
    """Reads one page: one row more than asked for tells whether there are more. That row is not counted as accessed."""
    rows = await read_rows(listed, reader)
    page = page_of(listed, rows, listed.first)
    note_page(listed, page.rows, reader)
    return page


async def read_rows(listed: Listing, reader: Reader) -> Sequence[Row]:
    """The rows of one page, and one behind them where there are more; none is noted."""
    return await reader.unnoted(listed.face, listed.selection, {**listed.binds, "limit": listed.first + 1})


def page_of(listed: Listing, rows: Sequence[Row], first: int) -> Page:
    """The first ``first`` of the rows as a page."""
    more = len(rows) > first
    return Page(rows[:first], more, more and not listed.parts(rows[first - 1], rows[first]))


def note_page(listed: Listing, rows: Sequence[Row], reader: Reader) -> None:
    """Notes the rows of a page as accessed, and what its filter compared."""
    reader.note(listed.face, rows, listed.selection, listed.uses, Operation.QUERY)
    _note_reached(listed, reader)


async def read_total(listed: Listing, reader: Reader) -> int | None:
    """How many rows the list has, as callers are told: ``None`` where they are fewer than a cohort of the resource, and where there are none."""
    count = await read_count(listed, reader)
    least = listed.face.resource.least_cohort
    return None if least > 1 and count < least else count


def total_beside(total: int | None, listed: Listing, page: Page) -> int | None:
    """The total beside the rows of a page. A page that shows all rows tells how many there are, and its rows are in the ledger: then nothing is withheld."""
    return len(page.rows) if total is None and not page.more and not listed.behind else total


async def read_count(listed: Listing, reader: Reader) -> int:
    """How many rows the list has, over all pages."""
    _note_reached(listed, reader)
    return await reader.count(listed.face, listed.selection, listed.binds, listed.uses)


def _note_reached(listed: Listing, reader: Reader) -> None:
    for face, uses in listed.reached.items():
        reader.note(face, (), None, uses, Operation.QUERY)
    for face, subjects in listed.named.items():
        reader.name(face, subjects)


def cursors_of(listed: Listing, page: Page, cursors: Cursors) -> list[str]:
    """The cursor of each row of a page."""
    binding = listed.binding
    return [_cursor(listed, page, index, cursors, binding) for index in range(len(page.rows))]


def _cursor(listed: Listing, page: Page, index: int, cursors: Cursors, binding: bytes) -> str:
    last = index == len(page.rows) - 1
    shared = page.shared if last else not listed.parts(page.rows[index], page.rows[index + 1])
    return cursors.seal_shared(binding) if shared else cursors.seal(binding, listed.place(page.rows[index]))


def page_info(fields: Mapping[str, str], listed: Listing, page: Page, cursors: Cursors, type_name: str = "PageInfo") -> dict[str, Any]:
    """``pageInfo`` under the response keys asked for."""
    known: dict[str, Any] = {"__typename": type_name, "hasNextPage": page.more, "hasPreviousPage": listed.behind}
    if {"startCursor", "endCursor"} & set(fields.values()):
        ends = [_cursor(listed, page, index, cursors, listed.binding) for index in (0, len(page.rows) - 1)] if page.rows else [None, None]
        known["startCursor"], known["endCursor"] = ends
    return {key: known[name] for key, name in fields.items()}
