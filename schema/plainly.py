"""Documents of plain form are found valid in one walk. What this does not vouch for may be valid all the same: graphql-core says, by all its rules.

Plain are: one query; fields whose response keys are all different in each selection set; no fragments; variables of types that are as strict as
their places; ``@skip`` and ``@include``. Literals are checked by graphql-core itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLSkipDirective,
    GraphQLType,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    is_input_type,
    is_required_argument,
    is_required_input_field,
    type_from_ast,
)
from graphql.utilities import is_type_sub_type_of, validate_input_literal

_CONDITIONS = {"skip": GraphQLSkipDirective, "include": GraphQLIncludeDirective}
_INT_DIGITS = 9
"""Of numbers that are certainly within 32 bits."""


class _NotPlain(Exception):
    pass


def plainly_valid(schema: GraphQLSchema, document: DocumentNode) -> bool:
    """Whether the document is certainly valid: then ``graphql.validate`` finds nothing by any of its rules. ``False`` says nothing."""
    definition = document.definitions[0]
    query = schema.query_type
    if len(document.definitions) != 1 or not isinstance(definition, OperationDefinitionNode) or query is None:
        return False
    if definition.operation is not OperationType.QUERY or definition.directives:
        return False
    try:
        walk = _Walk(schema, definition.variable_definitions or ())
        walk.selections(query, definition.selection_set)
    except _NotPlain:
        return False
    return walk.used == walk.variables.keys()


class _Walk:
    """One operation's. ``used`` are the names of its variables that were met."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        self._schema = schema
        self.used: set[str] = set()
        self.variables = {each.variable.name.value: self._declared(each) for each in definitions}
        if len(self.variables) != len(definitions):
            raise _NotPlain

    def _declared(self, definition: VariableDefinitionNode) -> GraphQLInputType:
        type_ = type_from_ast(self._schema, definition.type)
        if definition.directives or not is_input_type(type_):
            raise _NotPlain
        if definition.default_value is not None:
            _literal(definition.default_value, type_)
        return type_

    def selections(self, parent: GraphQLObjectType, selected: SelectionSetNode) -> None:
        """Checks a selection set on an object type."""
        keys: set[str] = set()
        fields = parent.fields
        for node in selected.selections:
            if type(node) is not FieldNode:
                raise _NotPlain
            name = node.name.value
            keys.add(node.alias.value if node.alias else name)
            if node.directives:
                self._conditions(node.directives)
            definition = fields.get(name)
            if definition is None:
                _typename(node)
                continue
            if node.arguments or definition.args:
                self._arguments(definition, node.arguments or ())
            self._below(definition.type, node.selection_set)
        if len(keys) != len(selected.selections):
            raise _NotPlain

    def _below(self, type_: GraphQLOutputType, selected: SelectionSetNode | None) -> None:
        named: GraphQLType = type_
        while isinstance(named, GraphQLNonNull | GraphQLList):
            named = named.of_type
        if selected is None:
            if not isinstance(named, GraphQLScalarType | GraphQLEnumType):
                raise _NotPlain
        elif isinstance(named, GraphQLObjectType):
            self.selections(named, selected)
        else:
            raise _NotPlain

    def _conditions(self, directives: Sequence[DirectiveNode]) -> None:
        if len({each.name.value for each in directives}) != len(directives):
            raise _NotPlain
        for each in directives:
            known = _CONDITIONS.get(each.name.value)
            arguments = each.arguments or ()
            if known is None or self._schema.get_directive(known.name) is not known or len(arguments) != 1 or arguments[0].name.value != "if":
                raise _NotPlain
            value = arguments[0].value
            if isinstance(value, VariableNode):
                self._variable(value, GraphQLNonNull(GraphQLBoolean))
            elif not isinstance(value, BooleanValueNode):
                raise _NotPlain

    def _arguments(self, definition: GraphQLField, given: Sequence[ArgumentNode]) -> None:
        values = {each.name.value: each.value for each in given}
        if len(values) != len(given):
            raise _NotPlain
        for name, value in values.items():
            known = definition.args.get(name)
            if known is None:
                raise _NotPlain
            self._value(value, known.type)
        if any(name not in values and is_required_argument(known) for name, known in definition.args.items()):
            raise _NotPlain

    def _value(self, value: ValueNode, type_: GraphQLInputType) -> None:
        if isinstance(value, VariableNode):
            self._variable(value, type_)
            return
        bare = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(value, ListValueNode) and isinstance(bare, GraphQLList):
            for each in value.values:
                self._value(each, bare.of_type)
        elif isinstance(value, ObjectValueNode) and isinstance(bare, GraphQLInputObjectType):
            self._object(value, bare)
        else:
            _literal(value, type_)

    def _object(self, value: ObjectValueNode, type_: GraphQLInputObjectType) -> None:
        given = {each.name.value: each.value for each in value.fields}
        if len(given) != len(value.fields):
            raise _NotPlain
        if type_.is_one_of:
            inner = next(iter(given.values()), None)
            nullable = isinstance(inner, VariableNode) and not isinstance(self.variables.get(inner.name.value), GraphQLNonNull)
            if len(given) != 1 or nullable or isinstance(inner, NullValueNode):
                raise _NotPlain
        for name, each in given.items():
            known = type_.fields.get(name)
            if known is None:
                raise _NotPlain
            self._value(each, known.type)
        if any(name not in given and is_required_input_field(known) for name, known in type_.fields.items()):
            raise _NotPlain

    def _variable(self, node: VariableNode, type_: GraphQLInputType) -> None:
        declared = self.variables.get(node.name.value)
        if declared is None or not is_type_sub_type_of(self._schema, declared, type_):
            raise _NotPlain
        self.used.add(node.name.value)


def _typename(node: FieldNode) -> None:
    if node.name.value != "__typename" or node.arguments or node.selection_set is not None:
        raise _NotPlain


def _literal(value: ValueNode, type_: GraphQLInputType) -> None:
    if type_ is GraphQLInt and isinstance(value, IntValueNode) and len(value.value) <= _INT_DIGITS:
        return
    _constant(value)
    validate_input_literal(value, type_, _refuse, hide_suggestions=True)


def _constant(value: ValueNode) -> None:
    """That no variable is inside, and no object names a field twice."""
    if isinstance(value, VariableNode):
        raise _NotPlain
    if isinstance(value, ListValueNode):
        for each in value.values:
            _constant(each)
    elif isinstance(value, ObjectValueNode):
        if len({each.name.value for each in value.fields}) != len(value.fields):
            raise _NotPlain
        for field in value.fields:
            _constant(field.value)


def _refuse(*_: object) -> None:
    raise _NotPlain
