"""An export as plain data: what is read of which source, raw or masked, where it stands in a row, and whom it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphql import VariableValues

from auth.rights import Operation
from connectors.selection import Column, Kind, Selection, Value
from connectors.spi import SourceConfig
from masking.rules import Mask, tells_nothing
from schema.answer import Answer
from schema.batches import Batch
from schema.cursors import Cursors
from schema.export import Export
from schema.export_spec import Branch, ExportSpec, KeySubject, Leaf, Parameters, Reading, SubjectPlace
from schema.faces import Face
from schema.faults import bad_input
from schema.filters import Binds
from schema.lists import listing, note_page
from schema.model import Item
from schema.reader import Allowance, Reader, Sources
from schema.shapes import LinkStep, Outputs, Shape
from schema.subjects import STABLE

_NO_LIMIT = 10**15


def check_arguments(export: Export, variables: VariableValues) -> Mapping[str, Any]:
    """The arguments of the exported list.

    Raises:
        Fault: ``BAD_INPUT`` where they begin behind a cursor, for an exchange is the whole list.
    """
    args: Mapping[str, Any] = export.list.arguments.values(variables)
    if args.get("after") is not None:
        raise bad_input(
            "批量交换不接受 after", "an exchange takes no after", "请删去 after：交换的是整个列表", "leave after out: an exchange is the whole list"
        )
    return args


def spec_of(
    export: Export, variables: VariableValues, cursors: Cursors, caller: str, configs: Mapping[str, SourceConfig], sources: Sources, answer: Answer
) -> ExportSpec:
    """The export with its arguments bound.

    ``sources`` is asked what a source can mask, where its configuration says that it shall. Raw columns take the place of those that the exporting
    process masks; whom rows name is decided by the columns of a query, so that no one is named of whom the caller is shown nothing in clear.
    ``answer`` is told what is taken of which resource, without a row, and whom the filter names.

    Raises:
        Fault: ``BAD_INPUT`` for arguments that cannot be used.
    """
    plan = export.list
    reader = Reader(sources, answer, Allowance(_NO_LIMIT, _NO_LIMIT, _NO_LIMIT, 0))
    args = check_arguments(export, variables)
    listed = listing(plan.face, plan.columns, plan.uses, {**args, "first": 1}, reader, cursors, caller)
    note_page(listed, (), reader)
    making = _Making(_masking(configs, sources), reader, plan.batches)
    root, places = making.reading(plan.face, listed.selection, listed.binds)
    fields = making.fields(export.shape, places)
    key = None if args.get("orderBy") or listed.ordered.scrambled else Column(plan.face.resource.stable_key, plan.face.resource.stable_kind)
    order = () if key is not None else listed.selection.order
    root = replace(root, selection=replace(root.selection, order=order))
    return ExportSpec(root, fields, key, tuple(places[place][0] for place in listed.places), making.masks)


def _masking(configs: Mapping[str, SourceConfig], sources: Sources) -> Callable[[str], frozenset[str]]:
    """Which algorithms a source applies by itself."""
    return lambda code: frozenset() if configs[code].exchange_masks == "hub" else sources(code).capabilities.masks


Place = tuple[int, Mask | None]
"""Where a column of the query stands, and what is still to be done to it."""


class _Making:
    def __init__(self, able: Callable[[str], frozenset[str]], reader: Reader, batches: Sequence[Batch]) -> None:
        self._able = able
        self._targets: dict[LinkStep, tuple[Reading, Sequence[Place], tuple[KeySubject, ...]]] = {}
        self.masks: dict[str, int] = {}
        for batch in batches:
            face, binds = batch.face, Binds()
            reader.note(face, (), None, batch.uses, Operation.QUERY)
            selection = Selection(face.resource.binding, batch.outputs.columns, reader.where(face, binds))
            reading, places = self.reading(face, selection, binds)
            named = tuple(KeySubject(item.code, _form(item)) for item in face.resource.identifying.get(batch.key.name, ()))
            self._targets |= {link: (reading, places, named) for _, link in batch.members}

    def reading(self, face: Face, selection: Selection, binds: Binds) -> tuple[Reading, Sequence[Place]]:
        """What is read, and where each of the selection's outputs stands then."""
        resource, outputs = face.resource, Outputs()
        places = [self._place(face, column, outputs) for column in selection.outputs if isinstance(column, Column)]
        subjects = tuple(
            SubjectPlace(places[place][0], f"{resource.code}{STABLE}" if item is None else code, _form(item))
            for place, code, item in face.naming(selection.outputs).places
        )
        asked = Selection(selection.binding, outputs.columns, selection.where, selection.order)
        parameters: Parameters = {name: _bound(value) for name, value in binds.items()}
        return Reading(resource.source, resource.code, asked, parameters, subjects), places

    def _place(self, face: Face, column: Column, outputs: Outputs) -> Place:
        mask = column.mask
        if mask is None:
            return outputs.place(column), None
        if tells_nothing(mask):
            # Nothing is shown of it, so nothing is read: the rule hides the stable key as well.
            return outputs.place(Column(face.resource.stable_key, face.resource.stable_kind)), mask
        if mask.algorithm in self._able(face.resource.source):
            return outputs.place(column), None
        self.masks[mask.label] = mask.version
        return outputs.place(Column(column.name, column.kind)), mask

    def fields(self, shape: Shape, places: Sequence[Place]) -> tuple[Leaf | Branch, ...]:
        """The shape's scalars and links, in the order in which they were selected."""
        leaves = {key: self._leaf(shape, key, place, kind, places) for key, place, kind in shape.leaves}
        links = {link.response_key: link for link in shape.links}
        return tuple(leaves[key] if key in leaves else self._branch(links[key], places) for key in shape.order)

    @staticmethod
    def _leaf(shape: Shape, key: str, place: int | None, kind: Kind, places: Sequence[Place]) -> Leaf:
        if place is None:
            return Leaf(key, kind, None, constant=shape.face.type_name)
        return Leaf(key, kind, *places[place])

    def _branch(self, link: LinkStep, places: Sequence[Place]) -> Branch:
        target, there, named = self._targets[link]
        return Branch(link.response_key, link.item.kind, places[link.place][0], target, link.key, self.fields(link.shape, there), named)


def _bound(value: Value | Sequence[Value]) -> Value | tuple[Value, ...]:
    return value if value is None or isinstance(value, str | int | float) else tuple(value)


def _form(item: Item | None) -> str | None:
    return item.validator or "" if item is not None and item.kind is Kind.STRING else None
