"""Random documents that are valid for a view, written by walking its GraphQL types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLNonNull,
    GraphQLString,
    get_named_type,
    is_leaf_type,
)

from schema.faces import Face
from schema.model import Item
from schema.view import View
from tests.schema.dice import Dice
from tests.schema.worlds import World, make_comparison, wire_values

MOST_DEPTH = 7


class Literal(str):
    """A name that is written without quotes: a variable or an enum value."""

    __slots__ = ()


def literal(value: Any) -> str:
    """A value as GraphQL writes it."""
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {literal(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def plain(value: Any) -> Any:
    """The same value as JSON carries it in variables."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return str(value) if isinstance(value, str) else value


@dataclass
class Writer:
    """Writes one document."""

    dice: Dice
    world: World
    view: View
    variables: dict[str, Any] = field(default_factory=dict)
    declared: dict[str, str] = field(default_factory=dict)
    fragments: dict[str, str] = field(default_factory=dict)
    cursors: list[str] = field(default_factory=list)
    """Variables that take a cursor."""
    fields: int = 0
    names: int = 0
    whole: bool = False
    """Uses all of the language: several operations, introspection beside data, variables with nulls and defaults wherever they may stand."""
    aggregates: bool = True
    operation: str | None = None
    """The operation that is meant where the document has several."""

    def document(self) -> str | None:
        """A document; ``None`` where the view shows no department."""
        names = list(self.view.faces.departments)
        if not names:
            return None
        query = self.view.full.query_type
        assert query is not None
        parts = ["__typename"] if self.dice.chance(10) else []
        for i in range(self.dice.number(1, 2)):
            name = self.dice.pick(names)
            head = f"d{i}: {name}" if i or self.dice.chance(30) else name
            type_ = get_named_type(query.fields[name].type)
            parts += [f"{head}{self.condition()} {self.selection(type_, 1)}" for _ in range(2 if self.dice.chance(15) else 1)]
        others = self._beside(parts) if self.whole else []
        body = "{ " + " ".join(parts) + " }"
        declared = ", ".join(f"${name}: {kind}" for name, kind in self.declared.items())
        head = f"query Q({declared}) " if declared else "query Q " if others else self.dice.pick(("", "query "))
        return "\n".join([*others, head + body, *self.fragments.values()])

    def _beside(self, parts: list[str]) -> list[str]:
        """Puts introspection among the root fields, sometimes; sometimes other operations, which are not meant."""
        if self.dice.chance(25):
            name = self.maybe_variable(GraphQLNonNull(GraphQLString), self.dice.pick(["Query", "Date", "Nothing", *list(self.view.full.type_map)[:3]]))
            asked = f"i0: __type(name: {literal(name)}){self.condition()} {{ __typename kind name fields {{ name{self.condition()} type {{ kind name }} }} }}"
            parts.insert(self.dice.number(0, len(parts)), asked)
        if self.dice.chance(10):
            parts.insert(self.dice.number(0, len(parts)), "__schema { queryType { name } a: mutationType { name } }")
        if not self.dice.chance(20):
            return []
        self.operation = "Q"
        others = ["query Other($b0: Boolean!) { __typename a: __typename @include(if: $b0) }", 'query Another { __type(name: "Query") { name } }']
        return others[: self.dice.number(1, 2)]

    def selection(self, type_: Any, depth: int) -> str:
        """A selection set on an object type."""
        parts = [self.one_field(type_, depth) for _ in range(self.dice.number(1, 4))]
        if depth < MOST_DEPTH and self.dice.chance(15):
            on = self.dice.pick((f" on {type_.name}", ""))
            parts.append(f"...{on}{self.condition()} {self.selection(type_, depth)}")
        if depth < MOST_DEPTH and self.dice.chance(15):
            parts.append(f"...{self.fragment(type_, depth)}{self.condition()}")
        return "{ " + " ".join(parts) + " }"

    def fragment(self, type_: Any, depth: int) -> str:
        """The name of a fragment on the type: a known one, or a new one."""
        known = [name for name in self.fragments if name.endswith(f"_{type_.name}_{depth}")]
        if known and self.dice.chance(40):
            return self.dice.pick(known)
        name = f"F{self.names}_{type_.name}_{depth}"
        self.names += 1
        text = self.selection(type_, depth)
        self.fragments[name] = f"fragment {name} on {type_.name} {text}"
        return name

    def condition(self) -> str:
        """Sometimes ``@skip`` or ``@include``."""
        if not self.dice.chance(12):
            return ""
        directive = self.dice.pick(("include", "skip"))
        if self.dice.chance(50):
            return f" @{directive}(if: {self.dice.pick(('true', 'false'))})"
        name = f"b{len(self.declared)}"
        self.declared[name] = self.dice.pick(("Boolean!", "Boolean! = true"))
        if self.declared[name] == "Boolean!" or self.dice.chance(50):
            self.variables[name] = self.dice.chance(50)
        return f" @{directive}(if: ${name})"

    def one_field(self, type_: Any, depth: int) -> str:
        """A field with its arguments and what is below it, sometimes twice with different things below."""
        self.fields += 1
        known = type_.fields if self.aggregates else {name: each for name, each in type_.fields.items() if not name.endswith("Aggregate")}
        choices = [(name, each) for name, each in known.items() if name != "asOf" and (depth < MOST_DEPTH or is_leaf_type(get_named_type(each.type)))]
        if not choices or self.dice.chance(8):
            return f"{self.alias('__typename')}__typename{self.condition()}"
        links = [choice for choice in choices if not is_leaf_type(get_named_type(choice[1].type))]
        name, picked = self.dice.pick(links if links and self.dice.chance(25) else choices)
        if self.fields > 60 and not is_leaf_type(get_named_type(picked.type)):
            return "__typename"
        head = f"{self.alias(name, unique=bool(picked.args))}{name}{self.arguments(name, picked)}"
        if is_leaf_type(get_named_type(picked.type)):
            return f"{head}{self.condition()}"
        below = get_named_type(picked.type)
        times = 2 if self.dice.chance(12) else 1
        return " ".join(f"{head}{self.condition()} {self.selection(below, depth + 1)}" for _ in range(times))

    def alias(self, name: str, unique: bool = False) -> str:
        """An alias that clashes with nothing: of its own where arguments may differ, else always the same for the same field."""
        if unique:
            self.names += 1
            return f"u{self.names}: "
        return f"x_{name}: " if self.dice.chance(20) else ""

    def arguments(self, name: str, known: GraphQLField) -> str:
        """Arguments of a resource's field."""
        if not known.args:
            return ""
        action, face = known.extensions["huitong"]
        given = {"one": self._one, "list": self._list, "verify": self._verify, "verify_many": self._verify_many, "aggregate": self._aggregate}[action](
            face, known.args
        )
        return "(" + ", ".join(f"{key}: {literal(value)}" for key, value in given.items()) + ")" if given else ""

    def _one(self, face: Face, args: Mapping[str, GraphQLArgument]) -> dict[str, Any]:
        names = list(face.keys) if len(face.keys) > 1 and self.dice.chance(8) else [self.dice.pick(list(face.keys))]
        return {name: self.maybe_variable(args[name].type, self.value(face, face.keys[name])) for name in names}

    def _list(self, face: Face, args: Mapping[str, GraphQLArgument]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if "where" in args and self.dice.chance(45):
            given["where"] = self.maybe_variable(args["where"].type, self.where(face))
        if "orderBy" in args and self.dice.chance(50):
            entries = [{name: Literal(self.dice.pick(("ASC", "DESC")))} for name in self.dice.some(list(face.filters), 0, 3)]
            given["orderBy"] = self.maybe_variable(args["orderBy"].type, entries)
        if self.dice.chance(70):
            given["first"] = self.maybe_variable(args["first"].type, self.dice.pick((0, 1001, None)) if self.dice.chance(4) else self.dice.pick((1, 2, 2, 3)))
        if self.dice.chance(50):
            name = f"c{len(self.declared)}"
            self.declared[name] = "String"
            self.cursors.append(name)
            given["after"] = Literal(f"${name}")
        return given

    def _aggregate(self, face: Face, args: Mapping[str, GraphQLArgument]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if "where" in args and self.dice.chance(45):
            given["where"] = self.maybe_variable(args["where"].type, self.where(face))
        if "groupBy" in args and self.dice.chance(70):
            names = [Literal(name) for name in self.dice.some(list(face.groupable), 0 if self.dice.chance(10) else 1, 2)]
            given["groupBy"] = self.maybe_variable(args["groupBy"].type, names)
        if "first" in args and self.dice.chance(40):
            given["first"] = self.maybe_variable(args["first"].type, self.dice.pick((0, 1001)) if self.dice.chance(4) else self.dice.pick((1, 2, 100)))
        return given

    def _verify(self, face: Face, args: Mapping[str, GraphQLArgument]) -> dict[str, Any]:
        return {"subject": self.maybe_variable(args["subject"].type, self.subject(face)), "claims": self.maybe_variable(args["claims"].type, self.claims(face))}

    def _verify_many(self, face: Face, args: Mapping[str, GraphQLArgument]) -> dict[str, Any]:
        asked = [{"subject": self.subject(face), "claims": self.claims(face)} for _ in range(self.dice.number(0, 3))]
        return {"requests": self.maybe_variable(args["requests"].type, asked)}

    def subject(self, face: Face) -> dict[str, Any]:
        """Exactly one identifier."""
        name = self.dice.pick(list(face.keys))
        return {name: self.value(face, face.keys[name])}

    def claims(self, face: Face) -> dict[str, Any]:
        """Some claims, mostly true ones of the first row."""
        least = 0 if self.dice.chance(8) else 1
        return {name: self.value(face, face.claims[name]) for name in self.dice.some(list(face.claims), least, 3)}

    def where(self, face: Face, depth: int = 0) -> dict[str, Any]:
        """A filter."""
        if depth < 3 and self.dice.chance(25):
            name = self.dice.pick(("and", "or", "not"))
            if name == "not":
                return {name: self.where(face, depth + 1)}
            return {name: [self.where(face, depth + 1) for _ in range(self.dice.number(0, 2))]}
        if depth < 3 and face.link_filters and self.dice.chance(35):
            name = self.dice.pick(list(face.link_filters))
            return {name: self.where(face.link_filters[name][1], depth + 1)}
        made: dict[str, Any] = {}
        for name in self.dice.some(list(face.filters), 0 if self.dice.chance(10) else 1, 2):
            item = face.filters[name]
            made[name] = None if self.dice.chance(3) else make_comparison(self.dice, wire_values(self.world, face.resource, item), item.kind)
        return made

    def value(self, face: Face, item: Item) -> Any:
        """A value for an item: often one that is stored."""
        if self.dice.chance(3) and item.kind.value == "string":
            return "nul\0"
        return self.dice.pick(wire_values(self.world, face.resource, item))

    def maybe_variable(self, type_: Any, value: Any) -> Any:
        """The value itself, or a variable that carries it."""
        if not self.dice.chance(40):
            return value if value is not None or not isinstance(type_, GraphQLNonNull) else []
        name = f"v{len(self.declared)}"
        self.declared[name] = str(type_)
        if self.whole and value is not None and self.dice.chance(25):
            return self._variable(name, type_, value)
        if isinstance(type_, GraphQLNonNull) or not self.dice.chance(10):
            self.variables[name] = plain(value)
        return Literal(f"${name}")

    def _variable(self, name: str, type_: Any, value: Any) -> Literal:
        """One with a default or a null, or both, or left out."""
        loose = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        default = self.dice.chance(60)
        if default:
            self.declared[name] = f"{loose if self.dice.chance(60) else type_} = {literal(value)}"
        choice = self.dice.pick(("value", "null", "none"))
        if choice == "value" or (type_ is not loose and not default):
            self.variables[name] = plain(value)
        elif choice == "null" and not self.declared[name].partition(" ")[0].endswith("!"):
            self.variables[name] = None
        return Literal(f"${name}")
