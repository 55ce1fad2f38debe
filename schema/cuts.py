"""Schemas and types that know their parts by name when asked for one: they cost what a document names, not what can be reached from there."""

from __future__ import annotations

from collections.abc import Callable, Collection, ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from graphql import GraphQLField, GraphQLNamedType, GraphQLObjectType, GraphQLSchema

Named = Callable[[str], GraphQLNamedType | None]


class _Types(dict[str, GraphQLNamedType]):
    """Types that were looked up; others come from the coding-time schema or from ``named``."""

    def __init__(self, known: dict[str, GraphQLNamedType], query: GraphQLObjectType, named: Named) -> None:
        super().__init__({query.name: query})
        self._known = known
        self._named = named

    def get(self, key: str, default: Any = None) -> Any:
        if key in self:
            return self[key]
        return default

    def __contains__(self, key: object) -> bool:
        if super().__contains__(key):
            return True
        found = (self._known.get(key) or self._named(key)) if isinstance(key, str) else None
        if found is not None:
            self[found.name] = found
        return found is not None

    def __missing__(self, key: str) -> GraphQLNamedType:
        if key in self:
            return self[key]
        raise KeyError(key)


class CutSchema(GraphQLSchema):
    """``base`` with another query type, and with the types that ``named`` gives. Its ``type_map`` looks types up; it does not list them."""

    def __init__(self, base: GraphQLSchema, query: GraphQLObjectType, named: Named) -> None:
        # GraphQLSchema's own constructor walks from the roots through every type.
        self.__dict__.update(base.__dict__)
        self.query_type = query
        self.type_map = _Types(base.type_map, query, named)
        self._sub_type_map = {}


class _Fields(dict[str, GraphQLField]):
    """Fields that are made when they are looked up; all of them only when they are listed."""

    def __init__(self, make: Callable[[str], GraphQLField], known: Collection[str]) -> None:
        super().__init__()
        self._make = make
        self._known = known

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self._known else default

    def __contains__(self, key: object) -> bool:
        return key in self._known

    def __missing__(self, key: str) -> GraphQLField:
        made = self[key] = self._make(key)
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def keys(self) -> Any:
        return KeysView(self)

    def items(self) -> Any:
        return ItemsView(self)

    def values(self) -> Any:
        return ValuesView(self)


class DepartmentType(GraphQLObjectType):
    """A department's type: the types of a resource are made when one of its fields is looked up."""

    def __init__(self, name: str, make: Callable[[str], GraphQLField], known: Collection[str], description: str | None) -> None:
        super().__init__(name, {}, description=description)
        self.fields = _Fields(make, known)
