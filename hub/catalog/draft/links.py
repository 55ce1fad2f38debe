"""Foreign keys → links: from the item with the column to the identifier that it refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.selection import Kind
from connectors.spi import ForeignKey
from hub.catalog.draft.naming import ItemNames
from hub.catalog.draft.parts import Item, Link, Report, Resource

_TAIL = re.compile(r"_(?:id|no|code|key|number|uuid|fk)\Z")
_WHOLE = (Kind.INTEGER, Kind.BIGINT)


@dataclass(frozen=True, slots=True)
class Target:
    """A resource that can be linked to: its code with the department's, and its identifiers by column."""

    code: str
    identifiers: Mapping[str, tuple[str, Kind]]


@dataclass(frozen=True, slots=True)
class _Possible:
    resource: Resource
    item: Item
    key: ForeignKey


def link(owner: str, resources: Sequence[Resource], existing: Mapping[str, Target], report: Report) -> None:
    """Adds the links of all resources. ``existing``: resources of the department that are published already, by object."""
    objects = {resource.described.binding.object: resource for resource in resources}
    possible = [each for resource in resources for each in _possible(resource, report)]
    _widen(possible, objects)
    for each in possible:
        target = _target(owner, objects.get(each.key.to_object)) or existing.get(each.key.to_object)
        _link(each, target, report)


def _possible(resource: Resource, report: Report) -> Iterator[_Possible]:
    for key in resource.described.foreign_keys:
        item = resource.item(key.columns[0])
        if len(key.columns) > 1:
            _tell(report, resource, key, "外键由多列组成 the foreign key has several columns")
        elif item is None or len(key.to_columns) != 1:
            _tell(report, resource, key, "外键列不在目录中 its column is no item")
        else:
            yield _Possible(resource, item, key)


def _widen(possible: Sequence[_Possible], objects: Mapping[str, Resource]) -> None:
    """``integer`` at one end and ``bigint`` at the other: both become ``bigint``, which holds either without loss."""
    changed = True
    while changed:
        changed = False
        for each in possible:
            target = objects.get(each.key.to_object)
            other = target.item(each.key.to_columns[0]) if target else None
            if target and other and {each.item.kind, other.kind} == set(_WHOLE):
                each.item.kind = other.kind = Kind.BIGINT
                if target.stable_key == other.column:
                    target.stable_kind = Kind.BIGINT
                changed = True


def _target(owner: str, resource: Resource | None) -> Target | None:
    if resource is None:
        return None
    return Target(f"{owner}.{resource.code}", {item.column: (item.code, item.kind) for item in resource.items if item.code in resource.identifiers})


def _link(possible: _Possible, target: Target | None, report: Report) -> None:
    resource, item, key = possible.resource, possible.item, possible.key
    if target is None:
        _tell(report, resource, key, "所指的表不在目录中 the table that it refers to is not in the catalog")
        return
    found = target.identifiers.get(key.to_columns[0])
    if found is None:
        _tell(report, resource, key, f"{key.to_columns[0]} 不是 {target.code} 的标识 is no identifier there")
    elif found[1] is not item.kind:
        _tell(report, resource, key, f"两端类型不同 the two ends differ in type: {item.kind.value}, {found[1].value}")
    else:
        resource.links.append(Link(_field(resource, item, target), item.code, f"{target.code}.{found[0]}"))


def _field(resource: Resource, item: Item, target: Target) -> str:
    names = ItemNames()
    for taken in (*(item.code for item in resource.items), *(link.field for link in resource.links)):
        names.take(taken)
    bare, other = _TAIL.sub("", item.code), target.code.partition(".")[2]
    return names.take(bare, f"{bare}_{other}"[:50].rstrip("_"), f"linked_{other}"[:50].rstrip("_"))


def _tell(report: Report, resource: Resource, key: ForeignKey, reason: str) -> None:
    place = f"{resource.described.binding.object} ({', '.join(key.columns)}) → {key.to_object} ({', '.join(key.to_columns)})"
    report.links_left_out.append({"foreign_key": place, "reason": reason})
