"""An answer as JSON. A value that JSON cannot carry is null with an error at its path; looking for it costs only the answers that hold one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schema.answer import MOST_BY_PATH, Answer, Path, errors_at
from schema.faces import Face
from schema.model import Item
from schema.plan import DepartmentPlan, ListPlan, OnePlan, Plan
from schema.shapes import Shape
from schema.values import deliverable, dumped, undeliverable


class Mending:
    """Makes values that cannot be delivered null, and keeps where they stood: the first places of each field, and how many there are."""

    def __init__(self) -> None:
        self.places: dict[Path, list[Path]] = {}
        self.counts: dict[Path, int] = {}

    @property
    def count(self) -> int:
        """How many values were made null."""
        return sum(self.counts.values())

    def mended(self, value: Any, path: Path) -> Any:
        """The same with nulls; objects are made anew, because one may stand in several places."""
        if isinstance(value, dict):
            return {key: self.mended(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.mended(inner, (*path, i)) for i, inner in enumerate(value)]
        if deliverable(value):
            return value
        self.note(path)
        return None

    def note(self, path: Path) -> None:
        """The value at this path was made null."""
        field = tuple(part for part in path if isinstance(part, str))
        self.counts[field] = self.counts.get(field, 0) + 1
        places = self.places.setdefault(field, [])
        if len(places) < MOST_BY_PATH:
            places.append(path)


def delivered(plan: Plan, answer: Answer) -> bytes:
    """The answer's data as JSON. Where a value of a resource cannot be delivered, ``answer`` is changed: null, and an error that names the item."""
    try:
        return dumped(answer.data)
    except TypeError:
        answer.data = _mended(plan, answer)
    return dumped(answer.data)


def _mended(plan: Plan, answer: Answer) -> Any:
    made = dict(answer.data)
    mending = Mending()
    for key in plan.departments:
        made[key] = mending.mended(made[key], (key,))
    for field, places in mending.places.items():
        face, item = item_at(plan, field)
        answer.errors += errors_at(places, undeliverable(face.resource, item), mending.counts[field])
    return made


def item_at(plan: Plan, field: Path) -> tuple[Face, Item]:
    """The resource and the item behind response keys.

    Raises:
        TypeError: none; what stands there is not a source's.
    """
    department: DepartmentPlan = plan.departments[str(field[0])]
    root = department.fields[str(field[1])]
    shapes: Mapping[Path, Shape] = {(): root.shape} if isinstance(root, OnePlan) else dict(root.shapes) if isinstance(root, ListPlan) else {}
    for keys, shape in shapes.items():
        if field[2 : 2 + len(keys)] == keys:
            return _item(shape, field[2 + len(keys) :])
    raise TypeError("a value that is no item cannot be delivered")


def _item(shape: Shape, keys: Path) -> tuple[Face, Item]:
    for key in keys[:-1]:
        shape = next(link.shape for link in shape.links if link.response_key == key)
    return shape.face, shape.items[str(keys[-1])]
