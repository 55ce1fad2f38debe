"""Input types for resources: filters, orders, look-up arguments, subjects and claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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
    GraphQLScalarType,
    GraphQLString,
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
    """Scalars, filters and ``PageInfo`` as one schema knows them: taken from the coding-time schema where it has them, so that no name has two types."""

    def __init__(self, base: Mapping[str, GraphQLNamedType]) -> None:
        self._base = base
        self._filters: dict[Kind, GraphQLInputObjectType] = {}
        self._wheres: dict[str, GraphQLInputObjectType] = {}

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
        if kind not in self._filters:
            self._filters[kind] = _filter_type(kind, self.scalar(kind))
        return self._filters[kind]

    def where(self, face: Face) -> GraphQLInputObjectType:
        """``CivilAffairsPersonWhere``, which filters through links refer to as well."""
        if face.type_name not in self._wheres:
            self._wheres[face.type_name] = _where(face, self)
        return self._wheres[face.type_name]


def _filter_type(kind: Kind, scalar: GraphQLScalarType) -> GraphQLInputObjectType:
    several = GraphQLList(GraphQLNonNull(scalar))
    lists: dict[str, GraphQLInputType] = {"in": several, "notIn": several, "isNull": GraphQLBoolean}
    fields = {name: lists.get(name, scalar) for name in comparisons(kind)}
    name = _FILTER_NAMES.get(scalar, f"{scalar.name}Filter")
    return GraphQLInputObjectType(name, {key: GraphQLInputField(kind_of) for key, kind_of in fields.items()})


def where_type(face: Face, shared: SharedTypes) -> GraphQLInputObjectType | None:
    """``CivilAffairsPersonWhere``, or ``None`` where the caller may filter by nothing."""
    return shared.where(face) if face.filters else None


def _where(face: Face, shared: SharedTypes) -> GraphQLInputObjectType:
    def fields() -> dict[str, GraphQLInputField]:
        several = GraphQLList(GraphQLNonNull(where))
        own = {"and": GraphQLInputField(several), "or": GraphQLInputField(several), "not": GraphQLInputField(where)}
        items = {name: GraphQLInputField(shared.filter(item.kind), description=about(item)) for name, item in face.filters.items()}
        return own | items | {name: _through(target, shared) for name, (_, target) in face.link_filters.items()}

    where = GraphQLInputObjectType(f"{face.type_name}Where", fields)
    return where


def _through(target: Face, shared: SharedTypes) -> GraphQLInputField:
    resource = target.resource
    text = described(f"{resource.name}:有满足条件的关联记录", f"{resource.name_en or resource.code}: a linked row exists for which this holds")
    return GraphQLInputField(shared.where(target), description=text)


def order_type(face: Face) -> GraphQLInputObjectType | None:
    """``CivilAffairsPersonOrder``, one key each, or ``None`` where the caller may order by nothing."""
    if not face.filters:
        return None
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
