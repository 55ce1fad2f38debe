"""The GraphQL schema that one caller sees: the coding-time schema joined with the types of the resources that exist for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from typing import Any

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
    specified_directives,
)

from schema.faces import Face, Faces
from schema.inputs import SharedTypes, about, claims_type, lookup_arguments, order_type, subject_type, where_type
from schema.naming import described, pascal

DEFAULT_PAGE = 50
_ACTIONS = {
    "one": ("按标识查询", "looks up by identifier"),
    "list": ("列表查询，支持筛选、排序、游标分页", "lists with filter, order and cursor pages"),
    "verify": ("核验：声明是否与登记一致，不返回任何数据", "verifies claims; discloses nothing"),
    "verify_many": ("批量核验，一次不超过 100 条", "verifies up to 100 subjects"),
}


class View:
    """One caller's schema, for one snapshot and fingerprint. Types are made once and shared by the small schemas cut from it.

    ``base`` is the coding-time schema; it must hold ``PageInfo`` and ``Verification``.
    """

    def __init__(self, base: GraphQLSchema, faces: Faces) -> None:
        self._base = base
        self.faces = faces
        self._shared = SharedTypes(base.type_map)
        self._objects: dict[str, GraphQLObjectType] = {}
        self._departments: dict[str, GraphQLObjectType] = {}
        self._verifications: dict[str, tuple[GraphQLInputObjectType, GraphQLInputObjectType, GraphQLInputObjectType]] = {}
        self._schemas: dict[frozenset[str], GraphQLSchema] = {}

    @cached_property
    def full(self) -> GraphQLSchema:
        """The whole schema, for introspection and SDL."""
        return self.schema(self.faces.departments)

    def schema(self, root_fields: Iterable[str]) -> GraphQLSchema:
        """The schema cut to the departments that a document names: what a document is checked against and costs in proportion to it."""
        wanted = frozenset(name for name in root_fields if name in self.faces.departments)
        if wanted not in self._schemas:
            if len(self._schemas) >= 64:
                self._schemas.clear()
            self._schemas[wanted] = self._join(wanted)
        return self._schemas[wanted]

    def _join(self, wanted: frozenset[str]) -> GraphQLSchema:
        base_query = self._base.query_type
        fields = dict(base_query.fields) if base_query else {}
        for name, code in self.faces.departments.items():
            if name in wanted:
                department = self.faces.snapshot.departments[code]
                text = described(department.name, department.name_en)
                fields[name] = GraphQLField(self._department(code), resolve=_department_root, description=text)
        query = GraphQLObjectType("Query", fields, description=base_query.description if base_query else None)
        return GraphQLSchema(
            query=query,
            mutation=self._base.mutation_type,
            directives=specified_directives,
            extensions=dict(self._base.extensions),
            assume_valid=True,
        )

    def _department(self, code: str) -> GraphQLObjectType:
        if code not in self._departments:
            department = self.faces.snapshot.departments[code]
            fields = partial(self._department_fields, code)
            text = described(department.name, department.name_en)
            self._departments[code] = GraphQLObjectType(pascal(code), fields, description=text)
        return self._departments[code]

    def field(self, department: str, name: str) -> GraphQLField:
        """Definition of a field on a department's type."""
        found: GraphQLField = self._department(department).fields[name]
        return found

    def _department_fields(self, code: str) -> dict[str, GraphQLField]:
        makers = {"one": self._one, "list": self._list, "verify": self._verify, "verify_many": self._verify_many}
        return {name: makers[action](name, face) for name, (action, face) in self.faces.department(code).items()}

    def _field(self, type_: GraphQLOutputType, args: Mapping[str, GraphQLArgument], action: str, face: Face) -> GraphQLField:
        zh, en = _ACTIONS[action]
        resource = face.resource
        text = described(f"{resource.name}:{zh}", f"{resource.name_en or resource.code}: {en}")
        return GraphQLField(type_, dict(args), description=text, extensions={"huitong": (action, face)})

    def _one(self, _name: str, face: Face) -> GraphQLField:
        return self._field(self.object(face), lookup_arguments(face, self._shared), "one", face)

    def _list(self, _name: str, face: Face) -> GraphQLField:
        args: dict[str, GraphQLArgument] = {}
        where, order = where_type(face, self._shared), order_type(face)
        if where is not None and order is not None:
            args["where"] = GraphQLArgument(where, description="筛选条件\n\nFilter")
            args["orderBy"] = GraphQLArgument(GraphQLList(GraphQLNonNull(order)), description="排序\n\nOrder")
        text = f"每页条数,1 至 {face.decision.page_limit}\n\nPage size, 1 to {face.decision.page_limit}"
        args["first"] = GraphQLArgument(GraphQLInt, default_value=min(DEFAULT_PAGE, face.decision.page_limit), description=text)
        args["after"] = GraphQLArgument(GraphQLString, description="上一页的 endCursor\n\nThe previous page's endCursor")
        return self._field(GraphQLNonNull(self._connection(face)), args, "list", face)

    def _verify(self, _name: str, face: Face) -> GraphQLField:
        args = {
            "subject": GraphQLArgument(GraphQLNonNull(self._inputs(face)[0])),
            "claims": GraphQLArgument(GraphQLNonNull(self._inputs(face)[1])),
        }
        return self._field(GraphQLNonNull(self._output("Verification")), args, "verify", face)

    def _verify_many(self, _name: str, face: Face) -> GraphQLField:
        args = {"requests": GraphQLArgument(GraphQLNonNull(GraphQLList(GraphQLNonNull(self._inputs(face)[2]))))}
        outcome = GraphQLNonNull(GraphQLList(GraphQLNonNull(self._output("Verification"))))
        return self._field(outcome, args, "verify_many", face)

    def object(self, face: Face) -> GraphQLObjectType:
        """The object type of a resource: its visible items and the links that may be followed."""
        if face.type_name not in self._objects:
            text = described(face.resource.description or face.resource.name, face.resource.name_en)
            self._objects[face.type_name] = GraphQLObjectType(face.type_name, partial(self._object_fields, face), description=text)
        return self._objects[face.type_name]

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
        edge = self._made(f"{face.type_name}Edge", {"cursor": GraphQLNonNull(GraphQLString), "node": node})
        several = GraphQLNonNull(GraphQLList(GraphQLNonNull(edge)))
        nodes = GraphQLNonNull(GraphQLList(node))
        fields = {"nodes": nodes, "edges": several, "pageInfo": GraphQLNonNull(self._output("PageInfo")), "totalCount": GraphQLInt}
        return self._made(f"{face.type_name}Connection", fields)

    def _made(self, name: str, fields: Mapping[str, Any]) -> GraphQLObjectType:
        if name not in self._objects:
            self._objects[name] = GraphQLObjectType(name, {key: GraphQLField(kind) for key, kind in fields.items()})
        return self._objects[name]

    def _output(self, name: str) -> GraphQLObjectType:
        found = self._shared.named(name)
        if not isinstance(found, GraphQLObjectType):
            raise TypeError(f"the coding-time schema has no object type {name}")
        return found

    def _inputs(self, face: Face) -> tuple[GraphQLInputObjectType, GraphQLInputObjectType, GraphQLInputObjectType]:
        if face.type_name not in self._verifications:
            self._verifications[face.type_name] = _verification_inputs(face, self._shared)
        return self._verifications[face.type_name]


def _verification_inputs(face: Face, shared: SharedTypes) -> tuple[GraphQLInputObjectType, GraphQLInputObjectType, GraphQLInputObjectType]:
    subject, claims = subject_type(face, shared), claims_type(face, shared)
    fields = {"subject": GraphQLInputField(GraphQLNonNull(subject)), "claims": GraphQLInputField(GraphQLNonNull(claims))}
    return subject, claims, GraphQLInputObjectType(f"{face.type_name}VerificationRequest", fields)


def _item_text(face: Face, name: str) -> str | None:
    item = face.fields[name]
    mask = face.decided(item.code).mask
    text = about(item)
    return f"{text}\n\n脱敏 masked: {mask.label}" if mask else text


def _department_root(*_: Any) -> dict[str, Any]:
    return {}
