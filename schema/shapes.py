"""Shapes: a selection on a resource, compiled to the columns it needs and a generated function that turns a row into the answer's object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from auth.rights import Shown
from connectors.selection import UNDELIVERABLE, Column, Kind, Row, Value
from schema.collect import Collector, Fields
from schema.faces import Face
from schema.model import Item, Link
from schema.scalars import write_bigint

Render = Callable[[Sequence[Row], Sequence[Mapping[Value, Any]]], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class ItemUse:
    """What a call took of one item: ``clear``, ``masked``, ``key`` (used to find or link, not shown), ``match`` (compared, not shown) or ``aggregate`` (in figures of many rows)."""

    code: str
    shown: Literal["clear", "masked", "key", "match", "aggregate"]
    mask: str | None = None
    version: int | None = None


class Outputs:
    """The columns that one statement fetches, each once; an index is a column's place in the row."""

    def __init__(self) -> None:
        self._columns: dict[Column, int] = {}

    def place(self, column: Column) -> int:
        """Where the column will stand in the row."""
        return self._columns.setdefault(column, len(self._columns))

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, in the order of their places."""
        return tuple(self._columns)


class Levels:
    """Outputs of the links below one root field: one for each identifier that links of one level end in, whatever path leads there."""

    def __init__(self) -> None:
        self._outputs: dict[tuple[int, str, str], Outputs] = {}

    def outputs(self, level: int, resource: str, item: str) -> Outputs:
        """What the one call for these links will fetch."""
        return self._outputs.setdefault((level, resource, item), Outputs())


@dataclass(frozen=True, eq=False)
class LinkStep:
    """One batched look-up: the keys of the parents' rows → the linked resource's rows."""

    response_key: str
    item: Item
    """The parent's item that holds the key."""
    place: int
    """Where the parent's row holds it."""
    key: Column
    """The identifier at the link's end, raw, by which the target is looked up."""
    shape: Shape


@dataclass(frozen=True, eq=False)
class Shape:
    """A selection on one resource, ready to run."""

    face: Face
    outputs: Outputs
    links: tuple[LinkStep, ...]
    entries: tuple[str, ...]
    """Of the generated function, in the order of the answer's keys."""
    uses: tuple[ItemUse, ...]
    masking: Mapping[str, str]
    """Response keys of masked items → rule."""
    leaves: tuple[tuple[str, int | None, Kind], ...]
    """(response key, place in the row, kind) of every scalar; place ``None`` for ``__typename``."""
    items: Mapping[str, Item]
    """Response keys of scalars and links → the item that is read for them."""
    order: tuple[str, ...] = field(default=())
    """Response keys as selected."""

    @cached_property
    def ranged(self) -> tuple[tuple[str, int, Kind], ...]:
        """(response key, place, kind) of scalars whose GraphQL type holds less than a source may, ``Int`` and ``Float``, and of links that go by them."""
        found = tuple((key, place, kind) for key, place, kind in self.leaves if place is not None and kind in (Kind.INTEGER, Kind.FLOAT))
        kinds = {place: kind for _, place, kind in found}
        return (*found, *((link.response_key, link.place, kinds[link.place]) for link in self.links if link.place in kinds))

    @cached_property
    def _renders(self) -> dict[int, Render]:
        return {}

    def render(self, rows: Sequence[Row], links: Sequence[Mapping[Value, Any]]) -> list[dict[str, Any]]:
        """The answer's objects of rows that all have the same columns, by a function generated for so many."""
        if not rows:
            return []
        made = self._renders.get(len(rows[0]))
        if made is None:
            made = self._renders[len(rows[0])] = _generate(self.entries, len(rows[0]), len(self.links))
        return made(rows, links)

    @cached_property
    def width(self) -> int:
        """Rows behind one row: itself, and those of every link."""
        return 1 + sum(link.shape.width for link in self.links)

    @cached_property
    def cells(self) -> int:
        """Values in one rendered object, links included."""
        return len(self.leaves) + sum(link.shape.cells for link in self.links)


def compile_shape(face: Face, fields: Fields, collector: Collector, levels: Levels, outputs: Outputs, level: int = 0) -> Shape:
    """Compiles the merged fields of a resource's object type. ``outputs`` is shared by shapes that are fetched together."""
    entries: list[str] = []
    links: list[LinkStep] = []
    uses: dict[ItemUse, None] = {}
    masking: dict[str, str] = {}
    leaves: list[tuple[str, int | None, Kind]] = []
    items: dict[str, Item] = {}
    for response_key, nodes in fields.items():
        name = nodes[0].name.value
        if name == "__typename":
            entries.append(f"{response_key!r}: {face.type_name!r}")
            leaves.append((response_key, None, Kind.STRING))
        elif name in face.fields:
            place, use, kind = _item(face, name, outputs)
            entries.append(f"{response_key!r}: {_expression(place, kind)}")
            uses[use] = None
            leaves.append((response_key, place, kind))
            items[response_key] = face.fields[name]
            if use.mask:
                masking[response_key] = use.mask
        else:
            link, target = face.links[name]
            there = levels.outputs(level + 1, target.resource.code, link.to_item)
            shape = compile_shape(target, collector.below(nodes), collector, levels, there, level + 1)
            step = _link(face, link, response_key, shape, outputs)
            entries.append(f"{response_key!r}: l{len(links)}(c{step.place})")
            links.append(step)
            items[response_key] = step.item
            uses[ItemUse(link.item, "key")] = None
    outputs.place(Column(face.resource.stable_key, face.resource.stable_kind))
    return Shape(face, outputs, tuple(links), tuple(entries), tuple(uses), masking, tuple(leaves), items, tuple(fields))


def _item(face: Face, name: str, outputs: Outputs) -> tuple[int, ItemUse, Kind]:
    item = face.fields[name]
    decided = face.decided(item.code)
    place = outputs.place(Column(item.column, item.kind, decided.mask))
    if decided.shown is Shown.MASKED and decided.mask:
        return place, ItemUse(item.code, "masked", decided.mask.label, decided.mask.version), item.kind
    return place, ItemUse(item.code, "clear"), item.kind


def _link(face: Face, link: Link, response_key: str, shape: Shape, outputs: Outputs) -> LinkStep:
    own, other = face.resource.items[link.item], shape.face.resource.items[link.to_item]
    return LinkStep(response_key, own, outputs.place(Column(own.column, own.kind)), Column(other.column, other.kind), shape)


def _expression(place: int, kind: Kind) -> str:
    return f"big(c{place})" if kind is Kind.BIGINT else f"c{place}"


def _big(value: Any) -> Any:
    try:
        return None if value is None else write_bigint(value)
    except (TypeError, ValueError):
        return UNDELIVERABLE


def _generate(entries: Sequence[str], width: int, links: int) -> Render:
    """The function of all rows. Its text holds response keys as literals and numbers, and nothing else that a caller chose."""
    columns = "".join(f"c{place}, " for place in range(width))
    getting = "".join(f"l{number} = links[{number}].get; " for number in range(links))
    body = f"return [{{{', '.join(entries)}}} for {columns}in rows]"
    source = f"def render(rows, links): {getting}{body}"
    scope: dict[str, Any] = {"__builtins__": {}, "big": _big}
    exec(source, scope)  # noqa: S102 - generated above; GraphQL names are [_A-Za-z0-9]
    made: Render = scope["render"]
    return made
