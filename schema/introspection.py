"""Introspection and SDL, made type by type over a view that is never there as a whole. All of it pauses often."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import orjson
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    VariableValues,
    get_argument_values,
    is_introspection_type,
    is_specified_scalar_type,
    print_type,
)

from schema.collect import Collector
from schema.cuts import CutSchema
from schema.packed import Packed
from schema.view import View

ROOTS = frozenset({"__schema", "__type"})
Render = Callable[[Any], Any]


def _object_type(type_: object) -> GraphQLObjectType:
    found = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if not isinstance(found, GraphQLObjectType):
        raise TypeError(f"{found} is no object type")
    return found


_SCHEMA = _object_type(SchemaMetaFieldDef.type)
_TYPE = _object_type(TypeMetaFieldDef.type)


@dataclass(frozen=True, slots=True)
class Question:
    """One root field of a document, ``__schema`` or ``__type``."""

    nodes: list[FieldNode]
    collector: Collector
    variables: VariableValues


Kept = Callable[[str, str, Callable[[], Iterator[bytes]]], Packed]
"""(department, response key of ``types``, what makes its part) → the part, remembered or made."""
Pause = Callable[[], None]
"""Called wherever others may have their turn."""


class _Selections:
    """Compiles selections on introspection types to functions over graphql-core's own resolvers; arguments are bound once."""

    def __init__(self, schema: CutSchema, question: Question, pause: Pause) -> None:
        self._info = SimpleNamespace(schema=schema)
        self._collector = question.collector
        self._variables = question.variables
        self._pause = pause
        self._known: list[dict[int, tuple[object, Any]]] = []

    def forget(self) -> None:
        """Lets go of the types that were rendered."""
        for known in self._known:
            known.clear()

    def fields(self, type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> Iterator[tuple[str, list[FieldNode], Render]]:
        """(response key, nodes, function from the parent to the field's value) of what is selected below these nodes."""
        for key, found in self._collector.below(nodes).items():
            yield key, found, self._field(type_, found)

    def _field(self, type_: GraphQLObjectType, nodes: list[FieldNode]) -> Render:
        name = nodes[0].name.value
        if name == "__typename":
            return lambda _: type_.name
        definition, info = type_.fields[name], self._info
        args, resolve, complete = self.arguments(definition, nodes[0]), definition.resolve, self.value(definition.type, nodes)
        if resolve is None:
            raise TypeError(f"no resolver for {type_.name}.{name}")
        return lambda parent: complete(resolve(parent, info, **args))

    def arguments(self, definition: Any, node: FieldNode) -> dict[str, Any]:
        """The values of a field's arguments."""
        return get_argument_values(definition, node, self._variables, hide_suggestions=True)

    def value(self, type_: GraphQLOutputType, nodes: list[FieldNode]) -> Render:
        """Function from what a resolver gives to JSON."""
        if isinstance(type_, GraphQLNonNull):
            return self.value(type_.of_type, nodes)
        if isinstance(type_, GraphQLList):
            each = self.value(type_.of_type, nodes)
            return lambda values: None if values is None else [each(value) for value in values]
        if isinstance(type_, GraphQLObjectType):
            return self._object(type_, nodes)
        return type_.coerce_output_value if isinstance(type_, GraphQLEnumType) else lambda value: value

    def _object(self, type_: GraphQLObjectType, nodes: list[FieldNode]) -> Render:
        fields = [(key, render) for key, _, render in self.fields(type_, nodes)]
        known: dict[int, tuple[object, Any]] = {}
        self._known.append(known)
        pause = self._pause

        def render(value: Any) -> Any:
            pause()
            return None if value is None else {key: field(value) for key, field in fields}

        def once(value: Any) -> Any:
            # Most references are to a few named types: StringFilter, Date, String.
            if not isinstance(value, GraphQLNamedType):
                return render(value)
            found = known.get(id(value))
            if found is None:
                found = known[id(value)] = (value, render(value))
            return found[1]

        return once if type_ is _TYPE else render


def introspect(view: View, question: Question, kept: Kept, pause: Pause) -> Iterator[bytes | Packed]:
    """The JSON of the field's value. Every department is rendered from a view of its own that is then let go."""
    node = question.nodes[0]
    if node.name.value == "__schema":
        yield from _schema(view, question, kept, pause)
        return
    selections = _Selections(view.whole, question, pause)
    name = selections.arguments(TypeMetaFieldDef, node)["name"]
    yield orjson.dumps(selections.value(TypeMetaFieldDef.type, question.nodes)(view.whole.get_type(name)))


def _schema(view: View, question: Question, kept: Kept, pause: Pause) -> Iterator[bytes | Packed]:
    lead = b"{"
    for key, nodes, render in _Selections(view.whole, question, pause).fields(_SCHEMA, question.nodes):
        yield lead + orjson.dumps(key) + b":"
        lead = b","
        if nodes[0].name.value == "types":
            yield from _types(view, question, key, nodes, kept, pause)
        else:
            yield orjson.dumps(render(view.whole))
    yield b"}" if lead == b"," else b"{}"


def _types(view: View, question: Question, key: str, nodes: list[FieldNode], kept: Kept, pause: Pause) -> Iterator[bytes | Packed]:
    for _ in view.faces.departments:  # the root type needs to know them all at once
        pause()
    selections = _Selections(view.whole, question, pause)
    render = selections.value(_TYPE, nodes)
    lead = b"["
    for found in view.shared_types().values():
        yield lead + orjson.dumps(render(found))
        lead = b","
    selections.forget()
    for code in view.faces.snapshot.by_department:
        yield kept(code, key, partial(_department, view, code, selections, render))
    yield b"]"


def _department(view: View, code: str, selections: _Selections, render: Render) -> Iterator[bytes]:
    apart = view.apart()
    for found in apart.types(code).values():
        yield b"," + orjson.dumps(render(found))
    selections.forget()
    apart.dismantle()


def sdl(view: View, kept: Kept, pause: Pause) -> Iterator[bytes | Packed]:
    """The view in the schema definition language, type by type."""
    yield from _printed(view.shared_types().values(), pause)
    for code in view.faces.snapshot.by_department:
        yield kept(code, "", partial(_printed_department, view, code, pause))


def _printed(types: Iterable[GraphQLNamedType], pause: Pause) -> Iterator[bytes]:
    for found in types:
        pause()
        if not is_introspection_type(found) and not is_specified_scalar_type(found):
            yield f"{print_type(found)}\n\n".encode()


def _printed_department(view: View, code: str, pause: Pause) -> Iterator[bytes]:
    apart = view.apart()
    yield from _printed(apart.types(code).values(), pause)
    apart.dismantle()
