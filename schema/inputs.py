"""Input types for resources: filters, orders, look-up arguments, subjects and claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from weakref import WeakKeyDictionary

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    specified_directives,
)

from connectors.selection import Kind
from schema.faces import Face
from schema.filters import comparisons
from schema.model import Item
from schema.naming import described
from schema.scalars import BIGINT, DATE, DATETIME, DECIMAL

DIRECTION = GraphQLEnumType("Direction", {"ASC": "ASC", "DESC": "DESC"}, description="排序方向\n\nSort direction")
_SCALARS: Mapping[Kind, GraphQLScalarType] = {
    Kind.STRING: GraphQLString,
    Kind.INTEGER: GraphQLInt,
    Kind.BIGINT: BIGINT,
    Kind.FLOAT: GraphQLFloat,
    Kind.DECIMAL: DECIMAL,
    Kind.BOOLEAN: GraphQLBoolean,
    Kind.DATE: DATE,
    Kind.DATETIME: DATETIME,
}
_FILTER_NAMES = {GraphQLString: "StringFilter", GraphQLInt: "IntFilter", GraphQLFloat: "FloatFilter", GraphQLBoolean: "BooleanFilter"}


class SharedTypes:
    """Scalars, filters and ``PageInfo`` that all views of one coding-time schema share: taken from there where it has them, so that no name has two types."""

    def __init__(self, base: GraphQLSchema) -> None:
        self._base = base.type_map
        self._filters = {kind: _filter_type(kind, self.scalar(kind)) for kind in _SCALARS}
        own = {each.name: each for each in (DIRECTION, *map(self.scalar, _SCALARS), *self._filters.values())}
        there = {name: each for name, each in self._base.items() if each is not base.query_type and not name.startswith("__")}
        self.types = {**own, **there}
        """What every view has, whether its resources need it or not."""
        query = GraphQLObjectType("Query", dict(base.query_type.fields) if base.query_type else {})
        self.schema = GraphQLSchema(
            query=query,
            mutation=base.mutation_type,
            types=list(self.types.values()),
            directives=specified_directives,
            extensions=dict(base.extensions),
            assume_valid=True,
        )
        """The coding-time schema with them."""

    @classmethod
    def of(cls, base: GraphQLSchema) -> SharedTypes:
        """Those of this schema."""
        found = _SHARED.get(base)
        if found is None:
            found = _SHARED[base] = cls(base)
        return found

    def scalar(self, kind: Kind) -> GraphQLScalarType:
        """The scalar of an item's type."""
        own = _SCALARS[kind]
        found = self._base.get(own.name, own)
        return found if isinstance(found, GraphQLScalarType) else own

    def named(self, name: str) -> GraphQLNamedType:
        """A type of the coding-time schema."""
        return self._base[name]

    def filter(self, kind: Kind) -> GraphQLInputObjectType:
        """``StringFilter``, ``DateFilter`` … for an item's type."""
        return self._filters[kind]


_SHARED: WeakKeyDictionary[GraphQLSchema, SharedTypes] = WeakKeyDictionary()
Where = Callable[[Face], GraphQLInputObjectType]
"""Gives the filter type of a face, the same one each time."""


def _filter_type(kind: Kind, scalar: GraphQLScalarType) -> GraphQLInputObjectType:
    several = GraphQLList(GraphQLNonNull(scalar))
    lists: dict[str, GraphQLInputType] = {"in": several, "notIn": several, "isNull": GraphQLBoolean}
    fields = {name: lists.get(name, scalar) for name in comparisons(kind)}
    name = _FILTER_NAMES.get(scalar, f"{scalar.name}Filter")
    return GraphQLInputObjectType(name, {key: GraphQLInputField(kind_of) for key, kind_of in fields.items()})


def where_type(face: Face, shared: SharedTypes, other: Where) -> GraphQLInputObjectType:
    """``CivilAffairsPersonWhere``, for a face that has filters; those of links refer to ``other`` ones."""

    def fields() -> dict[str, GraphQLInputField]:
        several = GraphQLList(GraphQLNonNull(where))
        own = {"and": GraphQLInputField(several), "or": GraphQLInputField(several), "not": GraphQLInputField(where)}
        items = {name: GraphQLInputField(shared.filter(item.kind), description=about(item)) for name, item in face.filters.items()}
        return own | items | {name: _through(target, other) for name, (_, target) in face.link_filters.items()}

    where = GraphQLInputObjectType(f"{face.type_name}Where", fields)
    return where


def _through(target: Face, other: Where) -> GraphQLInputField:
    resource = target.resource
    text = described(f"{resource.name}:有满足条件的关联记录", f"{resource.name_en or resource.code}: a linked row exists for which this holds")
    return GraphQLInputField(other(target), description=text)


def order_type(face: Face) -> GraphQLInputObjectType:
    """``CivilAffairsPersonOrder``, one key each."""
    fields = {name: GraphQLInputField(DIRECTION, description=about(item)) for name, item in face.filters.items()}
    return GraphQLInputObjectType(f"{face.type_name}Order", fields)


def subject_type(face: Face, shared: SharedTypes) -> GraphQLInputObjectType:
    """``CivilAffairsPersonSubject``; ``@oneOf`` where there are several identifiers."""
    single = len(face.keys) == 1
    fields = {
        name: GraphQLInputField(GraphQLNonNull(shared.scalar(item.kind)) if single else shared.scalar(item.kind), description=about(item))
        for name, item in face.keys.items()
    }
    return GraphQLInputObjectType(f"{face.type_name}Subject", fields, is_one_of=not single)


def claims_type(face: Face, shared: SharedTypes) -> GraphQLInputObjectType:
    """``CivilAffairsPersonClaims``."""
    fields = {name: GraphQLInputField(shared.scalar(item.kind), description=about(item)) for name, item in face.claims.items()}
    return GraphQLInputObjectType(f"{face.type_name}Claims", fields)


def lookup_arguments(face: Face, shared: SharedTypes) -> dict[str, GraphQLArgument]:
    """Arguments of the look-up field: the identifier, or one nullable argument for each of several."""
    wrap: Callable[[GraphQLScalarType], GraphQLInputType] = GraphQLNonNull if len(face.keys) == 1 else lambda scalar: scalar
    return {name: GraphQLArgument(wrap(shared.scalar(item.kind)), description=about(item)) for name, item in face.keys.items()}


def about(item: Item) -> str | None:
    """An item's description for the docs: Chinese, blank line, English."""
    zh = f"{item.name}:{item.description}" if item.description else item.name
    return described(zh, item.name_en)
