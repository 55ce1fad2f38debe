"""An aggregate as a document selects it, and its answer under the response keys asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphql import FieldNode, GraphQLField

from schema.aggregate_figures import Aggregated, Figures, Wanted
from schema.coercion import Arguments
from schema.collect import Collector, Fields
from schema.faces import Face

_FIGURES = ("sum", "avg", "min", "max")
_SUFFIXES = {"sum": "AggregateSum", "avg": "AggregateAverage", "min": "AggregateExtreme", "max": "AggregateExtreme", "key": "AggregateKey"}
Names = Mapping[str, str]
"""Response key → field name."""


@dataclass(frozen=True)
class Selected:
    """What is selected of the whole or of a group: (response key, field name, what is below it)."""

    entries: tuple[tuple[str, str, Any], ...]

    def items(self, *figures: str) -> set[str]:
        """Items of which these figures are wanted, here and in groups."""
        found: set[str] = set()
        for _, name, below in self.entries:
            if name in figures:
                found |= set(below.values())
            elif isinstance(below, Selected):
                found |= below.items(*figures)
        return found - {"__typename"}


@dataclass(frozen=True, eq=False)
class AggregatePlan:
    """Counts and figures; no row is selected."""

    definition: GraphQLField
    node: FieldNode
    face: Face
    selected: Selected
    wanted: Wanted

    @cached_property
    def arguments(self) -> Arguments:
        """Its arguments, prepared."""
        return Arguments(self.definition, self.node)

    def places(self, path: str, grouped: Collection[str]) -> list[tuple[str, str]]:
        """(path of response keys, item's code) wherever something of an item stands in the answer; a key only of those ``grouped`` by: the rest is null."""
        return list(_places(self.face, path, self.selected, grouped))

    def rendered(self, told: Aggregated) -> dict[str, Any]:
        """The answer."""
        return _rendered(self.face.type_name, "Aggregate", self.selected, told.whole, told)


def aggregate_plan(definition: GraphQLField, node: FieldNode, face: Face, fields: Fields, collector: Collector) -> AggregatePlan:
    """Compiles the selection."""
    selected = _selected(fields, collector)
    sums, averages, extremes = selected.items("sum"), selected.items("avg"), selected.items("min", "max")
    wanted = Wanted(
        {name: item for name, item in face.summable.items() if name in sums},
        {name: item for name, item in face.summable.items() if name in averages},
        {name: item for name, item in face.ranged.items() if name in extremes},
    )
    return AggregatePlan(definition, node, face, selected, wanted)


def _selected(fields: Fields, collector: Collector) -> Selected:
    entries: list[tuple[str, str, Any]] = []
    for key, nodes in fields.items():
        name, below = nodes[0].name.value, collector.below(nodes)
        if name == "groups":
            entries.append((key, name, _selected(below, collector)))
        elif name in (*_FIGURES, "key"):
            entries.append((key, name, {inner: found[0].name.value for inner, found in below.items()}))
        else:
            entries.append((key, name, None))
    return Selected(tuple(entries))


def _rendered(type_name: str, suffix: str, selected: Selected, figures: Figures, parent: Any) -> dict[str, Any]:
    known: dict[str, Mapping[str, Any]] = {"sum": figures.sums, "avg": figures.averages, "min": figures.least, "max": figures.most}
    made: dict[str, Any] = {}
    for key, name, below in selected.entries:
        if name == "__typename":
            made[key] = type_name + suffix
        elif name in _SUFFIXES:
            values = parent.key if name == "key" else known[name]
            made[key] = {inner: type_name + _SUFFIXES[name] if field == "__typename" else values.get(field) for inner, field in below.items()}
        elif name == "groups":
            told = parent.groups
            made[key] = None if told is None else [_rendered(type_name, "AggregateGroup", below, each.figures, each) for each in told]
        else:
            made[key] = {"count": figures.count, "withheld": getattr(parent, "withheld", None), "moreGroups": getattr(parent, "more", None)}[name]
    return made


def _places(face: Face, path: str, selected: Selected, grouped: Collection[str]) -> Any:
    for key, name, below in selected.entries:
        if name == "groups":
            yield from _places(face, f"{path}.{key}", below, grouped)
        elif name in _SUFFIXES:
            there = {inner: field for inner, field in below.items() if field != "__typename" and (name != "key" or field in grouped)}
            yield from ((f"{path}.{key}.{inner}", face.fields[field].code) for inner, field in there.items())
