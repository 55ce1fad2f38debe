"""How a row looks: scalars and links as they were selected, each column as long as the list's own rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow
import pyarrow.compute

from connectors.arrow_types import arrow_type
from connectors.selection import Kind, Output
from hub.exchange.work.joining import Table, both
from hub.exchange.work.leaves import leaf_kind, masked
from schema.export_spec import Branch, ExportSpec, Leaf

_pa: Any = pyarrow
_pc: Any = pyarrow.compute


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """A scalar's values: of the kind's Arrow type, or their wire texts."""

    key: str
    kind: Kind
    values: Any


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A link; ``there`` tells which rows have it."""

    key: str
    there: Any
    fields: tuple[Shown, ...]


Shown = Cells | Group


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Rows as they are written."""

    fields: tuple[Shown, ...]
    rows: int
    undelivered: int


def page_of(table: Table, fields: Sequence[Leaf | Branch]) -> Page:
    """The rows of a table with its links."""
    laid = _Laid()
    return Page(laid.fields(table, fields, None), table.rows, laid.undelivered)


class _Laid:
    def __init__(self) -> None:
        self.undelivered = 0

    def fields(self, table: Table, fields: Sequence[Leaf | Branch], places: Any) -> tuple[Shown, ...]:
        """``places``: of the list's rows in the table; ``None`` where they are the table's own."""
        return tuple(self._cells(table, each, places) if isinstance(each, Leaf) else self._group(table, each, places) for each in fields)

    def _cells(self, table: Table, leaf: Leaf, places: Any) -> Cells:
        if leaf.place is None:
            return Cells(leaf.key, Kind.STRING, _taken(_pa.repeat(_pa.scalar(leaf.constant, _pa.string()), table.rows), places))
        values, unfit = masked(leaf, table.columns[leaf.place])
        if not (leaf.mask is not None and leaf.mask.algorithm == "NULL"):
            self._count(both(table.lost.get(leaf.place, table.counts[leaf.place]), unfit), places)
        return Cells(leaf.key, leaf_kind(leaf, table.outputs), _taken(values, places))

    def _group(self, table: Table, branch: Branch, places: Any) -> Group:
        linked = table.links[branch.key]
        self._count(linked.lost, places)
        there = _taken(linked.places, places)
        return Group(branch.key, _pc.is_valid(there), self.fields(linked.target, branch.fields, there))

    def _count(self, lost: int | Any, places: Any) -> None:
        self.undelivered += lost if isinstance(lost, int) else _pc.sum(_taken(lost, places)).as_py() or 0


def _taken(values: Any, places: Any) -> Any:
    return values if places is None else values.take(places)


def schema_of(spec: ExportSpec) -> Any:
    """The columns of a typed file: a link is a struct, and left out where nothing is selected of it. They depend on the spec alone: all chunks agree."""
    return _pa.schema(_types(spec.fields, spec.root.selection.outputs))


def _types(fields: Sequence[Leaf | Branch], outputs: tuple[Output, ...]) -> list[Any]:
    made = []
    for each in fields:
        if isinstance(each, Leaf):
            made.append(_pa.field(each.key, arrow_type(leaf_kind(each, outputs))))
        elif below := _types(each.fields, each.target.selection.outputs):
            made.append(_pa.field(each.key, _pa.struct(below)))
    return made


def typed(page: Page, schema: Any) -> Any:
    """The page as a record batch of that schema."""
    columns = _columns(page.fields, schema)
    return _pa.RecordBatch.from_arrays(columns, schema=schema)


def _columns(fields: Sequence[Shown], types: Any) -> list[Any]:
    shown = {each.key: each for each in fields}
    return [_typed(shown[field.name], field.type) for field in types]


def _typed(shown: Shown, type_: Any) -> Any:
    if isinstance(shown, Group):
        children = _columns(shown.fields, type_.fields)
        return _pa.StructArray.from_arrays(children, fields=list(type_.fields), mask=_pc.invert(shown.there))
    return shown.values if shown.values.type == type_ else shown.values.cast(type_)


def flat(fields: Sequence[Shown], prefix: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Cells]]:
    """Every scalar with the response keys that lead to it."""
    found: list[tuple[tuple[str, ...], Cells]] = []
    for each in fields:
        found += flat(each.fields, (*prefix, each.key)) if isinstance(each, Group) else [((*prefix, each.key), each)]
    return found


def paths_of(fields: Sequence[Leaf | Branch], prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The same of a spec."""
    found: list[tuple[str, ...]] = []
    for each in fields:
        found += paths_of(each.fields, (*prefix, each.key)) if isinstance(each, Branch) else [(*prefix, each.key)]
    return found
