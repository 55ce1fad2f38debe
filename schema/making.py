"""The GraphQL types of a caller's departments and resources, made from their faces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLString,
)

from schema.aggregate_types import AggregateTypes, by_type, group_arguments
from schema.cuts import DepartmentType
from schema.faces import Face, Faces
from schema.inputs import SharedTypes, about, claims_type, lookup_arguments, order_type, subject_type, where_type
from schema.naming import described, pascal

T = TypeVar("T")
_ACTIONS = {
    "one": ("按标识查询", "looks up by identifier"),
    "list": ("列表查询，支持筛选、排序、游标分页", "lists with filter, order and cursor pages"),
    "verify": ("核验：声明是否与登记一致，不返回任何数据", "verifies claims; discloses nothing"),
    "verify_many": ("批量核验，一次不超过 100 条", "verifies up to 100 subjects"),
    "aggregate": ("统计：计数、合计、平均、最小、最大、分组", "counts, sums, averages, least and greatest values, by groups"),
}


class Making:
    """Makes each type once, when first asked for; they are kept in the departments' wings.

    ``base`` is the coding-time schema; it must hold ``PageInfo`` and ``Verification``.
    """

    def __init__(self, base: GraphQLSchema, faces: Faces) -> None:
        self.faces = faces
        self._shared = SharedTypes.of(base)

    def _root(self, code: str) -> GraphQLField:
        department = self.faces.snapshot.departments[code]
        return GraphQLField(self._department(code), resolve=_department_root, description=described(department.name, department.name_en))

    def _department(self, code: str) -> GraphQLObjectType:
        department = self.faces.snapshot.departments[code]
        text = described(department.name, department.name_en)
        return self._kept(code, pascal(code), lambda name: DepartmentType(name, partial(self._department_field, code), self.faces.department(code), text))

    def _kept(self, department: str, name: str, make: Callable[[str], T]) -> T:
        """The type of this name; made where it is not there yet."""
        types: dict[str, Any] = self.faces.wing(department).types
        if name not in types:
            types[name] = make(name)
        found: T = types[name]
        return found

    def field(self, department: str, name: str) -> GraphQLField:
        """Definition of a field on a department's type."""
        found: GraphQLField = self._department(department).fields[name]
        return found

    def _department_field(self, code: str, name: str) -> GraphQLField:
        action, face = self.faces.department(code)[name]
        makers = {"one": self._one, "list": self._list, "verify": self._verify, "verify_many": self._verify_many, "aggregate": self._aggregate}
        return makers[action](name, face)

    def _field(self, type_: GraphQLOutputType, args: Mapping[str, GraphQLArgument], action: str, face: Face) -> GraphQLField:
        zh, en = _ACTIONS[action]
        resource = face.resource
        text = described(f"{resource.name}:{zh}", f"{resource.name_en or resource.code}: {en}")
        return GraphQLField(type_, dict(args), description=text, extensions={"huitong": (action, face)})

    def _one(self, _name: str, face: Face) -> GraphQLField:
        return self._field(self.object(face), lookup_arguments(face, self._shared), "one", face)

    def _list(self, _name: str, face: Face) -> GraphQLField:
        args: dict[str, GraphQLArgument] = {}
        if face.filters:
            order = self._own(face, "Order", lambda _: order_type(face))
            args["where"] = GraphQLArgument(self._where(face), description="筛选条件\n\nFilter")
            args["orderBy"] = GraphQLArgument(GraphQLList(GraphQLNonNull(order)), description="排序\n\nOrder")
        text = f"每页条数,1 至 {face.decision.page_limit}\n\nPage size, 1 to {face.decision.page_limit}"
        args["first"] = GraphQLArgument(GraphQLInt, default_value=face.page_size, description=text)
        args["after"] = GraphQLArgument(GraphQLString, description="上一页的 endCursor\n\nThe previous page's endCursor")
        return self._field(GraphQLNonNull(self._connection(face)), args, "list", face)

    def _aggregate(self, _name: str, face: Face) -> GraphQLField:
        args = {"where": GraphQLArgument(self._where(face), description="筛选条件\n\nFilter")} if face.filters else {}
        if face.groupable:
            args |= group_arguments(self._own(face, "AggregateBy", lambda name: by_type(name, face)))
        made = AggregateTypes(face, self._shared, partial(self._own, face)).whole()
        return self._field(made, args, "aggregate", face)

    def _own(self, face: Face, suffix: str, make: Callable[[str], T]) -> T:
        return self._kept(face.resource.department, face.type_name + suffix, make)

    def _where(self, face: Face) -> GraphQLInputObjectType:
        return self._own(face, "Where", lambda _: where_type(face, self._shared, self._where))

    def _verify(self, _name: str, face: Face) -> GraphQLField:
        args = {"subject": GraphQLArgument(GraphQLNonNull(self._subject(face))), "claims": GraphQLArgument(GraphQLNonNull(self._claims(face)))}
        return self._field(GraphQLNonNull(self._output("Verification")), args, "verify", face)

    def _verify_many(self, _name: str, face: Face) -> GraphQLField:
        args = {"requests": GraphQLArgument(GraphQLNonNull(GraphQLList(GraphQLNonNull(self._request(face)))))}
        outcome = GraphQLNonNull(GraphQLList(GraphQLNonNull(self._output("Verification"))))
        return self._field(outcome, args, "verify_many", face)

    def _subject(self, face: Face) -> GraphQLInputObjectType:
        return self._own(face, "Subject", lambda _: subject_type(face, self._shared))

    def _claims(self, face: Face) -> GraphQLInputObjectType:
        return self._own(face, "Claims", lambda _: claims_type(face, self._shared))

    def _request(self, face: Face) -> GraphQLInputObjectType:
        parts = {"subject": self._subject(face), "claims": self._claims(face)}
        fields = {name: GraphQLInputField(GraphQLNonNull(part)) for name, part in parts.items()}
        return self._own(face, "VerificationRequest", lambda name: GraphQLInputObjectType(name, fields))

    def object(self, face: Face) -> GraphQLObjectType:
        """The object type of a resource: its visible items and the links that may be followed."""
        fields, text = partial(self._object_fields, face), described(face.resource.description or face.resource.name, face.resource.name_en)
        return self._own(face, "", lambda name: GraphQLObjectType(name, fields, description=text))

    def _object_fields(self, face: Face) -> dict[str, GraphQLField]:
        fields = {
            name: GraphQLField(self._shared.scalar(item.kind), description=_item_text(face, name), extensions={"huitong": ("item", item)})
            for name, item in face.fields.items()
        }
        for name, (link, target) in face.links.items():
            text = described(target.resource.name, target.resource.name_en)
            fields[name] = GraphQLField(self.object(target), description=text, extensions={"huitong": ("link", (face, link, target))})
        return fields

    def _connection(self, face: Face) -> GraphQLObjectType:
        node = GraphQLNonNull(self.object(face))
        edge = self._plain(face, "Edge", {"cursor": GraphQLNonNull(GraphQLString), "node": node})
        several = GraphQLNonNull(GraphQLList(GraphQLNonNull(edge)))
        nodes = GraphQLNonNull(GraphQLList(node))
        fields: dict[str, GraphQLOutputType] = {
            "nodes": nodes,
            "edges": several,
            "pageInfo": GraphQLNonNull(self._output("PageInfo")),
            "totalCount": GraphQLInt,
        }
        return self._plain(face, "Connection", fields)

    def _plain(self, face: Face, suffix: str, fields: Mapping[str, GraphQLOutputType]) -> GraphQLObjectType:
        return self._own(face, suffix, lambda name: GraphQLObjectType(name, {key: GraphQLField(kind) for key, kind in fields.items()}))

    def _output(self, name: str) -> GraphQLObjectType:
        found = self._shared.types.get(name)
        if not isinstance(found, GraphQLObjectType):
            raise TypeError(f"the coding-time schema has no object type {name}")
        return found


def _item_text(face: Face, name: str) -> str | None:
    item = face.fields[name]
    mask = face.decided(item.code).mask
    text = about(item)
    return f"{text}\n\n脱敏 masked: {mask.label}" if mask else text


def _department_root(*_: Any) -> dict[str, Any]:
    return {}
