"""The GraphQL types of a resource's aggregates."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
)

from connectors.selection import Kind
from schema.faces import Face
from schema.inputs import SharedTypes, about
from schema.model import Item
from schema.naming import described

DEFAULT_GROUPS = 100
_SUMS = {Kind.INTEGER: Kind.BIGINT, Kind.BIGINT: Kind.BIGINT, Kind.FLOAT: Kind.FLOAT, Kind.DECIMAL: Kind.DECIMAL}
_AVERAGES = {Kind.INTEGER: Kind.DECIMAL, Kind.BIGINT: Kind.DECIMAL, Kind.FLOAT: Kind.FLOAT, Kind.DECIMAL: Kind.DECIMAL}
_TEXTS = {
    "withheld": ("有内容未给出，不说明原因", "something is withheld: too few rows, none, or too near to earlier answers; which of them is not told"),
    "count": ("记录数", "number of rows"),
    "sum": ("合计", "exact sums"),
    "avg": ("平均值，空值不计", "averages of the values there are"),
    "min": ("最小值", "least values"),
    "max": ("最大值", "greatest values"),
    "groups": ("各组；未给 groupBy 时为空", "the groups; null without groupBy"),
    "moreGroups": ("还有未列出的组，可增大 first", "there are groups beyond `first`"),
}


class AggregateTypes:
    """Makes the types of one face; ``own`` keeps each under its name."""

    def __init__(self, face: Face, shared: SharedTypes, own: Callable[[str, Callable[[str], GraphQLObjectType]], GraphQLObjectType]) -> None:
        self._face, self._shared, self._own = face, shared, own

    def whole(self) -> GraphQLObjectType:
        """``CivilAffairsPersonAggregate``."""
        fields: dict[str, GraphQLOutputType] = {"withheld": GraphQLNonNull(GraphQLBoolean), "count": GraphQLInt, **self._figures()}
        if self._face.groupable:
            fields |= {"groups": GraphQLList(GraphQLNonNull(self._group())), "moreGroups": GraphQLNonNull(GraphQLBoolean)}
        return self._made("Aggregate", fields)

    def _group(self) -> GraphQLObjectType:
        key = self._items("AggregateKey", self._face.groupable, {})
        return self._made("AggregateGroup", {"key": GraphQLNonNull(key), "count": GraphQLNonNull(GraphQLInt), **self._figures()})

    def _figures(self) -> dict[str, GraphQLOutputType]:
        found: dict[str, GraphQLOutputType] = {}
        if self._face.summable:
            found["sum"] = GraphQLNonNull(self._items("AggregateSum", self._face.summable, _SUMS))
            found["avg"] = GraphQLNonNull(self._items("AggregateAverage", self._face.summable, _AVERAGES))
        if self._face.ranged:
            found["min"] = found["max"] = GraphQLNonNull(self._items("AggregateExtreme", self._face.ranged, {}))
        return found

    def _items(self, suffix: str, items: Mapping[str, Item], kinds: Mapping[Kind, Kind]) -> GraphQLObjectType:
        def scalar(item: Item) -> GraphQLScalarType:
            return self._shared.scalar(kinds.get(item.kind, item.kind))

        return self._own(
            suffix,
            lambda name: GraphQLObjectType(name, {key: GraphQLField(scalar(item), description=about(item)) for key, item in items.items()}),
        )

    def _made(self, suffix: str, fields: Mapping[str, GraphQLOutputType]) -> GraphQLObjectType:
        def field(name: str) -> GraphQLField:
            return GraphQLField(fields[name], description=described(*_TEXTS[name]) if name in _TEXTS else None)

        return self._own(suffix, lambda name: GraphQLObjectType(name, {key: field(key) for key in fields}))


def group_arguments(by: GraphQLEnumType) -> dict[str, GraphQLArgument]:
    """``groupBy`` and ``first``."""
    return {
        "groupBy": GraphQLArgument(GraphQLList(GraphQLNonNull(by)), description="分组\n\nGroups"),
        "first": GraphQLArgument(GraphQLInt, default_value=DEFAULT_GROUPS, description="最多列出的组数,1 至 1000\n\nThe most groups, 1 to 1000"),
    }


def by_type(name: str, face: Face) -> GraphQLEnumType:
    """``CivilAffairsPersonAggregateBy``: the items by which groups are made."""
    made = GraphQLEnumType(name, {key: key for key in face.groupable})
    for key, item in face.groupable.items():
        made.values[key].description = about(item)
    return made
