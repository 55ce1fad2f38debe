"""``orderBy`` → orders, ended by the resource's stable key so that every row has one place; scrambled where the key's own order would tell too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auth.rights import Shown
from connectors.selection import Order
from schema.faces import Face
from schema.faults import bad_input
from schema.model import Item, Resource

_OF_PERSONS = frozenset({"resident_id", "mobile", "person_name"})
"""Validators of values that are a person's, marked as sensitive or not."""


def order(resource: Resource, filters: Mapping[str, Item], order_by: Sequence[Mapping[str, Any]], *, scrambled: bool = False) -> tuple[Order, ...]:
    """The order asked for, ended by the stable key: by its hash and then by itself, where it is ``scrambled``.

    Raises:
        Fault: ``BAD_INPUT``, unless each entry has exactly one key and no key stands twice.
    """
    found: list[Order] = []
    for i, entry in enumerate(order_by):
        # Clients in C# and Java send null for what was not set, and it can mean nothing else here.
        named = [(name, direction) for name, direction in entry.items() if direction is not None]
        if len(named) != 1:
            raise bad_input(
                f"orderBy[{i}] 须恰有一个键",
                f"orderBy[{i}] must have exactly one key",
                "例如 [{birthDate: ASC}, {district: DESC}]",
                "e.g. [{birthDate: ASC}, {district: DESC}]",
            )
        name, direction = named[0]
        item = filters[name]
        if any(known.column == item.column for known in found):
            raise bad_input(f"orderBy 中 {name} 出现两次", f"orderBy names {name} twice")
        found.append(Order(item.column, item.kind, direction == "DESC", item.nullable))
    if not any(known.column == resource.stable_key for known in found):
        if scrambled:
            found.append(Order(resource.stable_key, resource.stable_kind, nullable=False, scrambled=True))
        found.append(Order(resource.stable_key, resource.stable_kind, nullable=False))
    return tuple(found)


def hides_stable_key(face: Face) -> bool:
    """Whether the stable key holds values that are to be hidden from the caller: their rank must not be seen either.

    They are, where an item of that column is sensitive, a person's, or masked for sharing or for the caller, and the caller sees none in clear.
    """
    items = [item for item in face.resource.items.values() if item.column == face.resource.stable_key]
    shown = [face.decided(item.code).shown for item in items]
    return Shown.CLEAR not in shown and (Shown.MASKED in shown or any(_protected(item) for item in items))


def _protected(item: Item) -> bool:
    return "sensitive" in item.marks or item.validator in _OF_PERSONS or item.share_mask is not None
