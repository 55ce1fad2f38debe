"""Selections on objects as selections on their snapshots: tables for bindings, ``c0``, ``c1`` … for the columns' names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from connectors.aggregation import Aggregation
from connectors.errors import SourceRefused
from connectors.selection import Binding, Column, Compare, Every, Linked, Match, Not, Output, Predicate, Selection, Some


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an object lies: its snapshot's table, and its columns' names there."""

    table: Binding
    columns: Mapping[str, str]


def bindings(selection: Selection) -> set[Binding]:
    """All objects that a selection reads."""
    return {selection.binding, *_linked(selection.where)}


def _linked(where: Predicate | None) -> Iterator[Binding]:
    match where:
        case Every(parts) | Some(parts):
            for part in parts:
                yield from _linked(part)
        case Not(part):
            yield from _linked(part)
        case Linked(binding=binding, where=inner):
            yield binding
            yield from _linked(inner)


class Rewriting:
    """For the objects of one selection, as they lie now."""

    def __init__(self, source: str, places: Mapping[Binding, Placed]) -> None:
        self._source = source
        self._places = places

    def selection(self, asked: Selection) -> Selection:
        """The selection on the snapshots.

        Raises:
            SourceRefused: it names a column that the catalog's description of the file does not have.
        """
        here = asked.binding
        order = tuple(replace(each, column=self.column(here, each.column)) for each in asked.order)
        outputs = tuple(self._output(here, each) for each in asked.outputs)
        where = None if asked.where is None else self._predicate(here, asked.where)
        return replace(asked, binding=self._places[here].table, outputs=outputs, where=where, order=order)

    def aggregation(self, asked: Aggregation) -> Aggregation:
        """The aggregation on the snapshots; see :meth:`selection`."""
        here = asked.binding
        where = None if asked.where is None else self._predicate(here, asked.where)
        marks = tuple(self._predicate(here, each) for each in asked.marks)
        measures = tuple(replace(each, column=self.column(here, each.column)) for each in asked.measures)
        keys = tuple(self.key(here, each) for each in asked.keys)
        return replace(asked, binding=self._places[here].table, where=where, marks=marks, keys=keys, measures=measures)

    def key(self, binding: Binding, key: Column) -> Column:
        """The key's column."""
        return replace(key, name=self.column(binding, key.name))

    def column(self, binding: Binding, name: str) -> str:
        """The name of a column in the snapshot."""
        found = self._places[binding].columns.get(name)
        if found is None:
            raise SourceRefused(self._source, f"a column of {binding.object} does not exist; compare the catalog with the source")
        return found

    def _output(self, binding: Binding, output: Output) -> Output:
        if isinstance(output, Match):
            return replace(output, column=self.column(binding, output.column))
        return replace(output, name=self.column(binding, output.name))

    def _predicate(self, here: Binding, part: Predicate) -> Predicate:
        match part:
            case Every(parts):
                return Every(tuple(self._predicate(here, each) for each in parts))
            case Some(parts):
                return Some(tuple(self._predicate(here, each) for each in parts))
            case Not(negated):
                return Not(self._predicate(here, negated))
            case Linked(column=column, binding=there, key=key, where=where):
                inner = self._predicate(there, where)
                return replace(part, column=self.column(here, column), binding=self._places[there].table, key=self.column(there, key), where=inner)
            case Compare(column=column):
                return replace(part, column=self.column(here, column))
