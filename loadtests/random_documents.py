"""Documents drawn at random from what a caller sees: all different, of a wanted length, that read a few rows of several resources."""

from __future__ import annotations

import random

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type, is_required_argument

_ROWS = 2
_DEPTH = 2
"""Links below a node."""


class Documents:
    """Draws documents over a schema; ``departments`` are root fields that may be asked for."""

    def __init__(self, schema: GraphQLSchema, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311 - which fields are asked for
        self._lists = list(_lists(schema))

    def make(self, length: int) -> str:
        """One document of about that many bytes: lists of several departments under aliases of their own, with items and links of each node."""
        parts: list[str] = []
        while (size := sum(map(len, parts))) < length - 40:
            department, name, field = self._draw.choice(self._lists)
            node = _node_of(field)
            if node is not None:
                inner = self._selection(node, length - size - 60, _DEPTH)
                parts.append(f"{self._alias()}: {department} {{ {self._alias()}: {name}(first: {_ROWS}) {{ nodes {{ {inner} }} }} }}")
        return f"{{ {' '.join(parts)} }}"

    def _selection(self, type_: GraphQLObjectType, room: int, depth: int) -> str:
        """Some of a type's items, and perhaps a link."""
        plain = [
            name for name, field in type_.fields.items() if is_leaf_type(get_named_type(field.type)) and not any(map(is_required_argument, field.args.values()))
        ]
        chosen = self._draw.sample(plain, self._draw.randint(min(2, len(plain)), len(plain)))
        made: list[str] = []
        size = 0
        for name in chosen:
            text = f"{self._alias()}: {name}" if self._draw.random() < 0.3 else name
            if made and size + len(text) > room:
                break
            made.append(text)
            size += len(text) + 1
        links = [(name, field) for name, field in type_.fields.items() if isinstance(field.type, GraphQLObjectType) and not field.args]
        if depth and links and size < room - 60:
            name, field = self._draw.choice(links)
            if isinstance(field.type, GraphQLObjectType) and "nodes" not in field.type.fields:
                made.append(f"{self._alias()}: {name} {{ {self._selection(field.type, room - size, depth - 1)} }}")
        return " ".join(made)

    def _alias(self) -> str:
        return "".join(self._draw.choices("abcdefghijklmnopqrstuvwxyz", k=6))


def _lists(schema: GraphQLSchema) -> list[tuple[str, str, GraphQLField]]:
    query = schema.query_type
    found = []
    for department, root in query.fields.items() if query else ():
        if isinstance(type_ := get_named_type(root.type), GraphQLObjectType) and not root.args:
            found += [(department, name, field) for name, field in type_.fields.items() if "first" in field.args and _node_of(field)]
    return found


def _node_of(field: GraphQLField) -> GraphQLObjectType | None:
    type_ = get_named_type(field.type)
    nodes = type_.fields.get("nodes") if isinstance(type_, GraphQLObjectType) else None
    node = get_named_type(nodes.type) if nodes is not None else None
    return node if isinstance(node, GraphQLObjectType) else None
