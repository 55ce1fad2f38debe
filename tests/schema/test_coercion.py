"""Variables and arguments as prepared against graphql-core's own: the same values or the same errors, whatever types, defaults and values there are."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from random import Random
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLDefaultInput,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    VariableValues,
    get_argument_values,
    get_variable_values,
    parse,
    validate,
)
from hypothesis import currently_in_test_context, note

from schema.coercion import Arguments, Variables
from schema.scalars import BIGINT, DATE
from tests.schema.dice import SEED, Dice, examples

pytestmark = pytest.mark.fast

ENUM = GraphQLEnumType("Order", {"ASC": 1, "DESC": {"down": True}})
PLAIN = (GraphQLString, GraphQLID, GraphQLInt, GraphQLBoolean, GraphQLFloat)
SCALARS = (*PLAIN, *PLAIN, BIGINT, DATE, ENUM)
WRONG: tuple[Any, ...] = (
    None,
    True,
    1,
    2**31,
    -(2**31) - 1,
    2**53 + 1,
    0.5,
    1e400,
    float("nan"),
    3.0,
    "",
    "1",
    "ASC",
    "2026-11-22",
    "张\u2028三",
    [],
    {},
    ["a", None],
)
RIGHT: dict[str, tuple[Any, ...]] = {
    "String": ("", "a", "张三\u2028\x00"),
    "ID": ("x", "1", 7),
    "Int": (0, 1, -(2**31), 2**31 - 1),
    "Boolean": (True, False),
    "Float": (0.0, -0.0, 1.5, 1e300, 3),
    "BigInt": ("5", str(2**60), 7),
    "Date": ("2026-11-22", "2000-02-29"),
    "Order": ("ASC", "DESC"),
}


class Catalog:
    """Random input types, and a field that takes some of them."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.inputs: list[GraphQLInputObjectType] = []
        for number in range(dice.number(0, 3)):
            self.inputs.append(self._input(number))
        self.field = GraphQLField(GraphQLInt, args={f"a{i}": self._argument(i) for i in range(dice.number(0, 4))})
        self.schema = GraphQLSchema(GraphQLObjectType("Query", {"f": self.field}), types=[*self.inputs, BIGINT, DATE, ENUM])

    def type_(self) -> Any:
        """A type of input."""
        named = self.dice.pick([*SCALARS, *self.inputs, *self.inputs, *self.inputs])
        made: Any = GraphQLNonNull(named) if self.dice.chance(40) else named
        if self.dice.chance(30):
            made = GraphQLList(made)
            if self.dice.chance(50):
                made = GraphQLNonNull(made)
        return made

    def _input(self, number: int) -> GraphQLInputObjectType:
        one_of = self.dice.chance(15)
        fields = {}
        for i in range(self.dice.number(1, 4)):
            type_ = self.type_()
            if one_of:
                fields[f"f{i}"] = GraphQLInputField(type_.of_type if isinstance(type_, GraphQLNonNull) else type_)
            else:
                fields[f"f{i}"] = GraphQLInputField(type_, out_name=f"out_{i}" if self.dice.chance(30) else None, **self._default(type_))
        finish = (lambda given: {"made": given}) if self.dice.chance(20) else None
        return GraphQLInputObjectType(f"In{number}", fields, out_type=finish, is_one_of=one_of)

    def _argument(self, number: int) -> GraphQLArgument:
        type_ = self.type_()
        return GraphQLArgument(type_, out_name=f"out_{number}" if self.dice.chance(30) else None, **self._default(type_))

    def _default(self, type_: Any) -> dict[str, Any]:
        """As a value that is coerced already, or as one that is not."""
        named = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if named not in PLAIN or not self.dice.chance(25):
            return {}
        value = self.dice.pick(RIGHT[named.name])
        return {"default_value": value} if self.dice.chance(50) else {"default": GraphQLDefaultInput(value)}

    def value(self, type_: Any, depth: int = 0) -> Any:
        """A value as JSON carries it, mostly of the type."""
        if self.dice.chance(6):
            return self.dice.pick(WRONG)
        if isinstance(type_, GraphQLNonNull):
            return self.value(type_.of_type, depth)
        if self.dice.chance(10) or depth > 4:
            return None
        if isinstance(type_, GraphQLList):
            return (
                [self.value(type_.of_type, depth + 1) for _ in range(self.dice.number(0, 2))] if self.dice.chance(85) else self.value(type_.of_type, depth + 1)
            )
        if isinstance(type_, GraphQLInputObjectType):
            names = self.dice.some(list(type_.fields), 0 if not type_.is_one_of else 1, 1 if type_.is_one_of else 9)
            made = {
                name: self.value(type_.fields[name].type, depth + 1) for name in type_.fields if name in names or (self.dice.chance(50) and not type_.is_one_of)
            }
            return made | ({"unknown": 1} if self.dice.chance(2) else {})
        return self.dice.pick(RIGHT[type_.name])


class Text:
    """A random document over a catalog: literals and variables, at any depth."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.dice = catalog, catalog.dice
        self.declared: dict[str, tuple[Any, str]] = {}
        args = catalog.field.args
        names = [name for name in args if isinstance(args[name].type, GraphQLNonNull) or self.dice.chance(75)]
        given = ", ".join(f"{name}: {self.write(args[name].type)}" for name in names)
        declared = ", ".join(f"${name}: {type_}{default}" for name, (type_, default) in self.declared.items())
        self.text = f"query{f'({declared})' if declared else ''} {{ f{f'({given})' if given else ''} }}"

    def write(self, type_: Any, depth: int = 0) -> str:
        """A value of the type, in GraphQL."""
        if self.dice.chance(45):
            return self._variable(type_)
        if isinstance(type_, GraphQLNonNull):
            return self.write(type_.of_type, depth)
        if self.dice.chance(8) or depth > 4:
            return "null"
        if isinstance(type_, GraphQLList):
            return "[" + ", ".join(self.write(type_.of_type, depth + 1) for _ in range(self.dice.number(0, 2))) + "]"
        if isinstance(type_, GraphQLInputObjectType):
            fields = type_.fields
            names = (
                [self.dice.pick(list(fields))] if type_.is_one_of else [n for n in fields if isinstance(fields[n].type, GraphQLNonNull) or self.dice.chance(60)]
            )
            return "{" + ", ".join(f"{name}: {self.write(fields[name].type, depth + 1)}" for name in names) + "}"
        return _literal(type_, self.dice.pick(RIGHT[type_.name]))

    def _variable(self, type_: Any) -> str:
        known = [name for name, (other, _) in self.declared.items() if str(other) == str(type_)]
        if known and self.dice.chance(40):
            return f"${self.dice.pick(known)}"
        name = f"v{len(self.declared)}"
        strict = type_ if isinstance(type_, GraphQLNonNull) or not self.dice.chance(40) else GraphQLNonNull(type_)
        default = ""
        if self.dice.chance(30):
            loose = type_.of_type if isinstance(type_, GraphQLNonNull) and self.dice.chance(70) else strict
            strict = loose
            named = loose.of_type if isinstance(loose, GraphQLNonNull) else loose
            if isinstance(loose, GraphQLNonNull) or not self.dice.chance(20):
                default = f" = {_literal(named, self.dice.pick(RIGHT[named.name]))}" if named in SCALARS else ""
            else:
                default = " = null"
        self.declared[name] = (strict, default)
        return f"${name}"

    def variables(self) -> dict[str, Any]:
        """Values for them; some missing, null or wrong, some that nobody asked for."""
        made = {name: self.catalog.value(type_) for name, (type_, _) in self.declared.items() if not self.dice.chance(15)}
        return made | ({"more": 1} if self.dice.chance(10) else {})


def _literal(type_: Any, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if type_ is ENUM else '"' + value.replace("\x00", "\\u0000") + '"'
    return str(value)


def outcome(call: Any, *arguments: Any, **named: Any) -> tuple[str, Any]:
    """What a call gives, or its error."""
    try:
        return "value", call(*arguments, **named)
    except GraphQLError as error:
        return "error", (error.message, error.path, [node.loc for node in error.nodes or ()])


def same(left: Any, right: Any) -> bool:
    """Equal in value and in type, at every depth."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return repr(left) == repr(right)


def check(random: Random, counted: Counter[str]) -> None:
    """One catalog, some documents, some sets of variables each."""
    dice = Dice(random)
    catalog = Catalog(dice)
    for _ in range(4):
        text = Text(catalog)
        document = parse(text.text)
        if validate(catalog.schema, document):
            counted["invalid"] += 1
            continue
        (operation,) = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        (node,) = operation.selection_set.selections
        assert isinstance(node, FieldNode)
        prepared, arguments = Variables(catalog.schema, operation), Arguments(catalog.field, node)
        kept: list[tuple[Any, Any]] = []
        for _ in range(6):
            given = text.variables()
            if currently_in_test_context():
                note(f"HYPOTHESIS_SEED={SEED}\n{text.text}\n{given}")
            if (found := check_variables(catalog.schema, operation, prepared, given, counted)) is not None:
                check_arguments(catalog, node, arguments, found, kept, counted)
        assert all(same(value, copy) for value, copy in kept), "what one call was given is not changed by the next"


def check_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, prepared: Variables, given: dict[str, Any], counted: Counter[str]
) -> VariableValues | None:
    """The variables both ways; graphql-core's."""
    found = get_variable_values(schema, operation.variable_definitions or (), dict(given), hide_suggestions=True)
    quick = prepared.values(given)
    if isinstance(found, list):
        assert quick is None, "what graphql-core refuses is not taken"
        counted["variables refused"] += 1
        return None
    if quick is not None:
        assert same(quick.coerced, found.coerced)
        assert {name: source.value for name, source in quick.sources.items()} == {name: source.value for name, source in found.sources.items()}
        assert [source.signature.name for source in quick.sources.values()] == [source.signature.name for source in found.sources.values()]
        counted["variables at once"] += 1
    else:
        counted["variables by graphql-core"] += 1
    return quick or found


def check_arguments(
    catalog: Catalog, node: FieldNode, arguments: Arguments, variables: VariableValues, kept: list[tuple[Any, Any]], counted: Counter[str]
) -> None:
    """The arguments both ways."""
    right = outcome(get_argument_values, catalog.field, node, variables, hide_suggestions=True)
    made = outcome(arguments.values, variables)
    assert same(list(made), list(right)) if made[0] == "value" else made == right
    if made[0] == "value":
        made[1]["added by the caller"] = True
        kept.append((made[1], deepcopy(made[1])))
    counted[f"arguments: {made[0]}"] += 1
    counted["arguments prepared" if arguments._made is not None else "arguments by graphql-core"] += 1


COUNTED: Counter[str] = Counter()
OUTCOMES = ("variables at once", "variables by graphql-core", "variables refused", "arguments: value", "arguments: error", "arguments prepared")


@examples(100)
def drawn(random: Random) -> None:
    """Draws."""
    check(random, COUNTED)


def test_prepared_variables_and_arguments_are_graphql_cores() -> None:
    """Some outcomes are rare: more is drawn until each was met."""
    COUNTED.clear()
    drawn()
    for number in range(2000):
        if all(COUNTED[each] for each in OUTCOMES):
            break
        check(Random(SEED + number), COUNTED)
    assert all(COUNTED[each] for each in OUTCOMES), COUNTED
    assert COUNTED["arguments prepared"] > 20 * COUNTED["arguments by graphql-core"]


@pytest.mark.parametrize("name", [scalar.name for scalar in (*PLAIN, BIGINT, DATE, ENUM)])
def test_every_kind_of_value_for_every_scalar(name: str) -> None:
    counted: Counter[str] = Counter()
    schema = GraphQLSchema(GraphQLObjectType("Query", {"f": GraphQLField(GraphQLInt)}), types=[*PLAIN, BIGINT, DATE, ENUM])
    for declared in (name, f"{name}!", f"[{name}]", f"{name} = null"):
        (operation,) = parse(f"query($v: {declared}) {{ f }}").definitions
        assert isinstance(operation, OperationDefinitionNode)
        for value in (*WRONG, *(each for values in RIGHT.values() for each in values), 2**31 - 1, 2**31 + 1, -(2**31)):
            check_variables(schema, operation, Variables(schema, operation), {"v": value}, counted)
    assert counted["variables refused"]
    assert counted["variables at once"] or name in ("BigInt", "Date", "Order")
