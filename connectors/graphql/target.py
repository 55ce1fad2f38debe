"""A remote list as the service's types have it: checked once against the manifest's description, then read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from connectors.errors import SourceRefused
from connectors.graphql.remote import LookUp, Remote
from connectors.graphql.types import Argument, Field, Type, TypeRef, Types


@dataclass(frozen=True, slots=True)
class Single:
    """A field that gives one object by an argument. ``path`` leads to it from the query type."""

    path: tuple[str, ...]
    argument: str
    type: TypeRef
    most: int


@dataclass(frozen=True, slots=True)
class Target:
    """One list. ``before`` leads from the field's value to the array, ``behind`` from an element to the object of type ``node``."""

    remote: Remote
    path: tuple[str, ...]
    arguments: Mapping[str, Argument]
    before: tuple[str, ...]
    behind: tuple[str, ...]
    node: Type
    comparisons: Mapping[str, Mapping[str, TypeRef]] = field(default_factory=dict)
    """By column and comparison: the operand's type, as another hub's ``where`` offers it."""
    orders: frozenset[str] = frozenset()
    """Columns that another hub orders by."""
    places: Mapping[str, TypeRef] = field(default_factory=dict)
    """By the path of an argument that filters or looks up: its type."""
    singles: Mapping[str, Single] = field(default_factory=dict)
    counts: bool = False


class Resolver:
    """Makes targets of descriptions. Everything that does not exist is refused by its name, with what there is."""

    def __init__(self, source: str, types: Types) -> None:
        self._source = source
        self._types = types

    async def target(self, remote: Remote) -> Target:
        """The list that is described.

        Raises:
            SourceRefused: a field or argument does not exist or cannot be used; says which and how to mend it.
        """
        path = tuple(remote.field.split("."))
        parent, found = await self._walk(await self._types.query(), path)
        if remote.huitong:
            self._check_style(found)
        before, behind, node = await self._items(remote, found.type)
        if remote.huitong:
            comparisons, orders = await self._offered(found)
            places: dict[str, TypeRef] = {}
            singles = self._siblings(parent, path, node)
        else:
            comparisons, orders = {}, frozenset()
            places = {place: await self._place(found, place) for place in _places(remote)}
            singles = {column: await self._single(each) for column, each in remote.lookups.items()}
        self._check_arguments(remote, found)
        counts = await self._counts(remote, found.type)
        return Target(remote, path, found.arguments, before, behind, node, comparisons, orders, places, singles, counts)

    async def leaf(self, target: Target, column: str) -> TypeRef:
        """The type of a column's values."""
        names = column.split(".")
        _, found = await self._walk(target.node, names)
        type_ = found.type
        if type_.lists:
            raise self._refused(f"the column {column} is a list, which no item can hold; leave it out")
        if not type_.leaf:
            raise self._refused(f"the column {column} is an object; name one of its fields, like {column}.name")
        return type_

    async def _walk(self, start: Type, names: Iterable[str]) -> tuple[Type, Field]:
        parent, found = start, None
        for name in names:
            if found is not None:
                if found.type.lists:
                    raise self._refused(f"the way through {parent.name} leads through a list; only single objects can be passed")
                parent = await self._types.named(found.type.name)
            found = self._field(parent, name)
        if found is None:
            raise self._refused("a path is empty; name at least one field")
        return parent, found

    def _field(self, type_: Type, name: str) -> Field:
        if name not in type_.fields:
            raise self._refused(f"the field {name} does not exist in {type_.name}, or the hub may not see it; {_known(name, type_.fields)}")
        return type_.fields[name]

    async def _items(self, remote: Remote, type_: TypeRef) -> tuple[tuple[str, ...], tuple[str, ...], Type]:
        before: list[str] = []
        behind: list[str] = []
        lists = type_.lists
        for name in remote.item_path:
            type_ = self._field(await self._types.named(type_.name), name).type
            (behind if lists else before).append(name)
            lists += type_.lists
        if lists != 1:
            raise self._refused(f"{remote.field} has {'no' if lists == 0 else 'more than one'} list on the way to its items; set `items` and `style`")
        if type_.leaf:
            raise self._refused(f"the items of {remote.field} are no objects")
        return tuple(before), tuple(behind), await self._types.named(type_.name)

    def _check_style(self, found: Field) -> None:
        for name in ("first", "after"):
            if name not in found.arguments:
                raise self._refused(f'the list has no argument {name}, as another hub\'s has; is `style` "relay" or "list" meant?')

    async def _offered(self, found: Field) -> tuple[dict[str, Mapping[str, TypeRef]], frozenset[str]]:
        """What ``where`` and ``orderBy`` take; a list that the caller may not filter has neither."""
        if "where" not in found.arguments or "orderBy" not in found.arguments:
            return {}, frozenset()
        where = await self._types.named(found.arguments["where"].type.name)
        offered = {}
        for name, type_ in where.inputs.items():
            if name not in ("and", "or", "not"):
                offered[name] = (await self._types.named(type_.name)).inputs
        order = await self._types.named(found.arguments["orderBy"].type.name)
        return offered, frozenset(order.inputs)

    @staticmethod
    def _siblings(parent: Type, path: tuple[str, ...], node: Type) -> dict[str, Single]:
        """Another hub's look-ups beside the list: by each identifier that the caller may use as a key."""
        for name, each in parent.fields.items():
            if each.type.name == node.name and not each.type.lists:
                # 40 fields of departments and 600 fields in all is what a hub takes in one document.
                return {argument: Single((*path[:-1], name), argument, about.type, 30) for argument, about in each.arguments.items()}
        return {}

    async def _single(self, look_up: LookUp) -> Single:
        path = tuple(look_up.field.split("."))
        _, found = await self._walk(await self._types.query(), path)
        if look_up.argument not in found.arguments:
            raise self._refused(f"{look_up.field} has no argument {look_up.argument}: it does not exist; {_known(look_up.argument, found.arguments)}")
        if found.type.lists:
            raise self._refused(f"{look_up.field} gives a list; a look-up gives one object")
        return Single(path, look_up.argument, found.arguments[look_up.argument].type, look_up.most)

    async def _place(self, found: Field, place: str) -> TypeRef:
        """The type at the path of an argument and fields of its input types."""
        first, *rest = place.split(".")
        if first not in found.arguments:
            raise self._refused(f"the argument {first} does not exist; {_known(first, found.arguments)}")
        type_ = found.arguments[first].type
        for name in rest:
            inputs = (await self._types.named(type_.name)).inputs
            if name not in inputs:
                raise self._refused(f"the argument {place} does not exist: {type_.name} has no {name}; {_known(name, inputs)}")
            type_ = inputs[name]
        return type_

    def _check_arguments(self, remote: Remote, found: Field) -> None:
        paging = [name for name in (remote.size_argument, remote.cursor_argument, remote.offset) if name]
        for name in (*paging, *remote.arguments):
            if name not in found.arguments:
                raise self._refused(f"the argument {name} of {remote.field} does not exist; {_known(name, found.arguments)}")
        for name, argument in found.arguments.items():
            if not argument.optional and name not in paging and name not in remote.arguments:
                raise self._refused(f"{remote.field} needs the argument {name}; give its value in `arguments`")

    async def _counts(self, remote: Remote, type_: TypeRef) -> bool:
        if remote.total_path is None or type_.lists:
            return False
        _, found = await self._walk(await self._types.named(type_.name), remote.total_path.split("."))
        return found.type.leaf

    def _refused(self, message: str) -> SourceRefused:
        return SourceRefused(self._source, message)


def _places(remote: Remote) -> list[str]:
    return [*remote.filters.values(), *(each.argument for each in remote.keys.values())]


def _known(name: str, names: Iterable[str]) -> str:
    """The names nearest to one that is wrong, else the first there are."""
    known = list(names)
    near = difflib.get_close_matches(name, known, 3)
    return f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(sorted(known)[:12]) or 'none'}"
