"""The document of a batch verification as the command line needs it: its text, and which columns its variables ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from graphql import GraphQLError, ListTypeNode, NamedTypeNode, NonNullTypeNode, OperationDefinitionNode, TypeNode, VariableDefinitionNode, parse

from hub.cli.faults import CliFault
from hub.cli.texts import read_text

_LIKE = "query ($id: String!, $name: String!) { … }"


@dataclass(frozen=True, slots=True)
class Document:
    """A document and the variables of the operation that is meant."""

    text: str
    types: Mapping[str, str]
    """Variable → its type's name."""
    required: frozenset[str]
    """Variables that must have a value."""


def read_document(path: Path, operation: str | None) -> Document:
    """The document in a file.

    Raises:
        CliFault: it is no GraphQL, has not the operation, or no variables.
    """
    text = read_text(path)
    try:
        parsed = parse(text)
    except GraphQLError as fault:
        place = f":{fault.locations[0].line}" if fault.locations else ""
        raise CliFault(f"{path}{place}: 不是 GraphQL 文档 is no GraphQL document: {fault.message}", "docs/graphql.md") from None
    definitions = _operation([each for each in parsed.definitions if isinstance(each, OperationDefinitionNode)], path, operation).variable_definitions or ()
    if not definitions:
        raise CliFault(f"{path}: 文档没有变量 the document has no variables", f"每列对应一个变量 each column is a variable: {_LIKE}")
    types = {each.variable.name.value: _named(each.type) for each in definitions}
    return Document(text, types, frozenset(each.variable.name.value for each in definitions if _is_required(each)))


def _operation(found: list[OperationDefinitionNode], path: Path, name: str | None) -> OperationDefinitionNode:
    names = [each.name.value if each.name else "" for each in found]
    if name is None and len(found) == 1:
        return found[0]
    if name in names:
        return found[names.index(name)]
    told = f"没有操作 there is no operation {name}" if name else "文档须有一个操作，或以 --operation 指明 the document has not one operation"
    raise CliFault(f"{path}: {told}", f"--operation: {', '.join(filter(None, names)) or '-'}")


def _named(type_: TypeNode) -> str:
    """Lists, which the hub refuses, are called by what they hold."""
    while isinstance(type_, NonNullTypeNode | ListTypeNode):
        type_ = type_.type
    return type_.name.value if isinstance(type_, NamedTypeNode) else ""


def _is_required(definition: VariableDefinitionNode) -> bool:
    return isinstance(definition.type, NonNullTypeNode) and definition.default_value is None
