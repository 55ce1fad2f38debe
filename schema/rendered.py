"""Lists whose objects the source writes as text: which ones can be, and what is asked for then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from connectors.errors import SourceFault
from connectors.selection import Column, Kind, Rendered, Row, TextRows
from connectors.spi import Capabilities
from masking.rules import tells_nothing
from schema.lists import Listing, read_rows
from schema.plan import ListPlan
from schema.reader import Reader, Sources
from schema.shapes import Shape


@dataclass(frozen=True, slots=True)
class SourceText:
    """A list's objects as the source writes them. Holds for the plan that it was made of, whatever the arguments are."""

    shape: Shape
    form: Rendered
    beside: tuple[Column, ...]
    """Columns that the hub needs beside the text: the stable key, and identifiers that are shown in clear."""

    def asked(self, listed: Listing) -> Listing:
        """The same list, whose rows are the columns beside the text and the order's keys."""
        keys = [listed.selection.outputs[place] for place in listed.places]
        columns = tuple(dict.fromkeys((*self.beside, *keys)))
        selection = replace(listed.selection, outputs=columns, text=self.form)
        return replace(listed, selection=selection, places=tuple(columns.index(key) for key in keys))


def source_text(plan: ListPlan, capabilities: Capabilities) -> SourceText | None:
    """How the source writes the rows of a list: those of one place, ``nodes``, without links, of kinds and masks that it declares."""
    shapes = [needs for _, _, needs in plan.entries if isinstance(needs, Shape)]
    if not capabilities.renders or len(shapes) != 1 or len(plan.shapes) != 1 or shapes[0].links:
        return None
    form = _form(shapes[0], capabilities)
    return None if form is None else SourceText(shapes[0], form, _beside(shapes[0]))


_known: WeakKeyDictionary[ListPlan, tuple[Capabilities, SourceText | None]] = WeakKeyDictionary()


def text_of(plan: ListPlan, sources: Sources) -> SourceText | None:
    """:func:`source_text` of the plan and its source, made once."""
    if not plan.shows:
        return None
    try:
        capabilities = sources(plan.face.resource.source).capabilities
    except SourceFault:
        # Reading tells of it.
        return None
    if not capabilities.renders:
        return None
    found = _known.get(plan)
    if found is None or found[0] is not capabilities:
        found = _known[plan] = (capabilities, source_text(plan, capabilities))
    return found[1]


async def read_text_page(listed: Listing, reader: Reader) -> TextPage | None:
    """Reads one page of a list that the source writes; what :meth:`SourceText.asked` made. ``None``: it has to be read by columns."""
    return text_page(await read_rows(listed, reader), listed.first)


def _form(shape: Shape, capabilities: Capabilities) -> Rendered | None:
    columns = shape.outputs.columns
    fields: list[tuple[str, Column | str]] = []
    for key, place, _ in shape.leaves:
        if place is None:
            fields.append((key, shape.face.type_name))
            continue
        column = columns[place]
        if not renderable(column, capabilities):
            return None
        fields.append((key, column))
    return Rendered(tuple(fields)) if fields else None


def renderable(column: Column, capabilities: Capabilities) -> bool:
    """Whether the source writes the column: of masked ones those whose mask it applies and that makes a text, or nothing."""
    if column.mask is None:
        return column.kind in capabilities.renders
    if column.mask.algorithm not in capabilities.masks:
        return False
    return tells_nothing(column.mask) or (column.kind in _TEXTS and {column.kind, Kind.STRING} <= capabilities.renders)


_TEXTS = frozenset({Kind.STRING, Kind.DATE, Kind.DATETIME, Kind.DECIMAL})


def _beside(shape: Shape) -> tuple[Column, ...]:
    resource = shape.face.resource
    stable = Column(resource.stable_key, resource.stable_kind)
    named = [column for column in shape.outputs.columns if column.mask is None and column.name in resource.identifying]
    return tuple(dict.fromkeys((*named, stable)))


@dataclass(frozen=True, slots=True)
class TextPage:
    """One page: what was fetched, one row more than are shown where there are more, and the JSON array of the objects that are shown."""

    rows: Sequence[Row]
    nodes: bytes


def text_page(rows: Sequence[Row], first: int) -> TextPage | None:
    """The page of ``first`` rows out of what was fetched, at most one more; ``None`` where the hub has to fetch the columns and to render them."""
    if not isinstance(rows, TextRows) or rows.text is None:
        return None
    beyond = max(0, len(rows) - first)
    text = rows.text.without_last(beyond) if beyond else rows.text
    return TextPage(rows, b"[" + text.written() + b"]")
