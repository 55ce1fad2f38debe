"""A schema that knows its types by name when asked for one: it costs what a document names, not what can be reached from there over links."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from graphql import GraphQLNamedType, GraphQLObjectType, GraphQLSchema

T = TypeVar("T")
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
