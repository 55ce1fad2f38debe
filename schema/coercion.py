"""Variables and arguments by way of a compiled form: what graphql-core computes anew for every call is prepared once for a document.

Only what is plainly right is taken this way. Whatever is not (a missing value, a type that does not fit, a default) is left to graphql-core,
which knows every rule and every message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    GraphQLType,
    ListValueNode,
    NameNode,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableNode,
    VariableValues,
    coerce_input_literal,
    get_argument_values,
    get_nullable_type,
    visit,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValueSource
from graphql.language import Visitor
from graphql.type import is_required_argument, is_required_input_field

Check = Callable[[Any], bool]
Make = Callable[[Mapping[str, Any]], Any]
"""Coerced variables → a value."""


class Elsewhere(Exception):
    """Left to graphql-core."""


def _int(value: Any) -> bool:
    return type(value) is int and -(2**31) <= value < 2**31


_CHECKS: Mapping[GraphQLType, Check] = {
    GraphQLString: lambda value: type(value) is str,
    GraphQLID: lambda value: type(value) is str,
    GraphQLInt: _int,
    GraphQLBoolean: lambda value: type(value) is bool,
    GraphQLFloat: lambda value: type(value) is float and value - value == 0,
}
"""Values of JSON that these types take as they are."""


class Variables:
    """The variables of one operation."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._known: dict[str, tuple[Check, GraphQLVariableSignature]] | None = {}
        for definition in operation.variable_definitions or ():
            signature = get_variable_signature(schema, definition)
            check = None if isinstance(signature, GraphQLError) else _CHECKS.get(get_nullable_type(signature.type))
            if isinstance(signature, GraphQLError) or check is None:
                self._known = None
                return
            self._known[signature.name] = check, signature

    def values(self, given: Mapping[str, Any]) -> VariableValues | None:
        """The variables coerced; ``None`` where graphql-core is to say."""
        if self._known is None:
            return None
        sources, made = {}, {}
        for name, (check, signature) in self._known.items():
            value = given.get(name)
            if not check(value):
                return None
            made[name] = value
            sources[name] = VariableValueSource(signature, value)
        return VariableValues(sources, made)


class Arguments:
    """The arguments of one field of one document."""

    def __init__(self, definition: GraphQLField, node: FieldNode) -> None:
        self._definition, self._node = definition, node
        self._constant: dict[str, Any] | None = None
        self._made: list[tuple[str, Make]] | None
        try:
            self._made = _compiled(definition, node)
            if not self._made or not _uses_variables(node):
                self._constant = get_argument_values(definition, node, hide_suggestions=True)
        except Exception:  # noqa: BLE001 - whatever cannot be prepared is not: the call says what is wrong with it
            self._made = None

    def values(self, variables: VariableValues) -> dict[str, Any]:
        """By name, as ``graphql.get_argument_values`` gives them.

        Raises:
            GraphQLError: one is missing or does not fit.
        """
        if self._constant is not None:
            return dict(self._constant)
        if self._made is not None:
            try:
                return {name: make(variables.coerced) for name, make in self._made}
            except Elsewhere:
                pass
        return get_argument_values(self._definition, self._node, variables, hide_suggestions=True)


def _compiled(definition: GraphQLField, node: FieldNode) -> list[tuple[str, Make]]:
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    made = []
    for name, known in definition.args.items():
        out = known.out_name or name
        if name in given:
            made.append((out, _make(given[name], known.type)))
        elif is_required_argument(known):
            raise Elsewhere
        elif (default := _default(known, definition, name)) is not Undefined:
            made.append((out, _constantly(default)))
    return made


def _default(known: GraphQLArgument, definition: GraphQLField, name: str) -> Any:
    """What an argument is that is left out: by graphql-core, asked for this one alone."""
    alone = GraphQLField(definition.type, args={name: known})
    return get_argument_values(alone, FieldNode(name=NameNode(value=name), arguments=()), hide_suggestions=True).get(known.out_name or name, Undefined)


def _make(node: ValueNode, type_: GraphQLInputType) -> Make:
    if not _uses_variables(node):
        value = coerce_input_literal(node, type_)
        if value is Undefined:
            raise Elsewhere
        return _constantly(value)
    if isinstance(node, VariableNode):
        return _variable(node.name.value, isinstance(type_, GraphQLNonNull))
    if isinstance(type_, GraphQLNonNull):
        return _make(node, type_.of_type)
    if isinstance(type_, GraphQLList) and isinstance(node, ListValueNode):
        parts = [_make(each, type_.of_type) for each in node.values or ()]
        return lambda variables: [part(variables) for part in parts]
    if isinstance(type_, GraphQLInputObjectType) and isinstance(node, ObjectValueNode) and not type_.is_one_of:
        return _object(node, type_)
    raise Elsewhere


def _object(node: ObjectValueNode, type_: GraphQLInputObjectType) -> Make:
    given = {field.name.value: field.value for field in node.fields or ()}
    fields = []
    for name, known in type_.fields.items():
        if name in given:
            fields.append((known.out_name or name, _make(given[name], known.type)))
        elif is_required_input_field(known) or known.default_value is not Undefined or getattr(known, "default", None) is not None:
            raise Elsewhere
    finish = type_.out_type
    return lambda variables: finish({name: make(variables) for name, make in fields})


def _variable(name: str, required: bool) -> Make:
    def make(variables: Mapping[str, Any]) -> Any:
        value = variables.get(name)
        # A null may be one that was sent, or stand for a default or for nothing.
        if value is None:
            raise Elsewhere
        return value

    return make


def _constantly(value: Any) -> Make:
    return lambda _variables: value


class _Finder(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def enter_variable(self, *_: object) -> None:
        self.found = True


def _uses_variables(node: ValueNode | FieldNode) -> bool:
    """Whether a value, or a field's arguments, hold a variable."""
    finder = _Finder()
    for part in (node.arguments or ()) if isinstance(node, FieldNode) else (node,):
        visit(part, finder)
    return finder.found
