"""Which links of a root field are looked up together: one call for each level and identifier, however many paths and aliases lead there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.selection import Column
from schema.faces import Face
from schema.shapes import ItemUse, LinkStep, Outputs, Shape


@dataclass(frozen=True, eq=False)
class Batch:
    """One call that looks up the links of one level that end in the same identifier of the same resource."""

    face: Face
    key: Column
    outputs: Outputs
    members: tuple[tuple[Shape, LinkStep], ...]
    """(the shape whose rows hold the keys, the link)."""
    after: tuple[int, ...]
    """The batches that fetch those rows; none on the first level."""
    uses: tuple[ItemUse, ...]


def batches_of(roots: Sequence[Shape]) -> tuple[Batch, ...]:
    """All calls for the links below shapes that render the same rows, level by level."""
    found: list[Batch] = []
    level: list[tuple[Shape, int | None]] = [(shape, None) for shape in roots]
    while level:
        groups: dict[int, list[tuple[Shape, LinkStep, int | None]]] = {}
        for shape, source in level:
            for link in shape.links:
                groups.setdefault(id(link.shape.outputs), []).append((shape, link, source))
        level = []
        for members in groups.values():
            level += [(link.shape, len(found)) for _, link, _ in members]
            found.append(_batch(members))
    return tuple(found)


def _batch(members: Sequence[tuple[Shape, LinkStep, int | None]]) -> Batch:
    first = members[0][1]
    after = dict.fromkeys(source for _, _, source in members if source is not None)
    uses = dict.fromkeys(use for _, link, _ in members for use in link.shape.uses)
    return Batch(first.shape.face, first.key, first.shape.outputs, tuple((shape, link) for shape, link, _ in members), tuple(after), tuple(uses))
