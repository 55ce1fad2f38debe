"""Look-ups by identifier, prepared once for a plan: what is selected under which condition, and whom its row names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.selection import Column, Predicate, Selection
from schema.faces import Face
from schema.filters import Binds, row_condition
from schema.model import Item
from schema.shapes import ItemUse
from schema.subjects import Naming


@dataclass(frozen=True, eq=False, slots=True)
class LookUp:
    """A look-up by one of a resource's identifiers; ``binds`` are the values of the grant's row condition."""

    item: Item
    key: Column
    selection: Selection
    binds: Binds
    uses: tuple[ItemUse, ...]
    naming: Naming

    @classmethod
    def of(cls, face: Face, name: str, columns: tuple[Column, ...], uses: Sequence[ItemUse]) -> LookUp:
        """By the identifier of this GraphQL name."""
        item = face.keys[name]
        binds: Binds = {}
        where: Predicate | None = None if face.decision.rows is None else row_condition(face.resource, face.decision.rows, binds)
        selection = Selection(face.resource.binding, columns, where)
        every = tuple(dict.fromkeys((ItemUse(item.code, "key"), *uses)))
        return cls(item, Column(item.column, item.kind), selection, binds, every, face.naming(columns))
