"""Field collection (GraphQL specification §6.3.2) with the conditions of ``@skip`` and ``@include`` already decided.

Resource types are objects, so a fragment's type condition holds wherever the document is valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    visit,
)
from graphql.language import Visitor

Fields = dict[str, list[FieldNode]]
"""Response key → the field's nodes, in the order of first appearance."""
_CONDITIONS = ("skip", "include")


class Collector:
    """Collects fields of one document under fixed values of its condition variables."""

    def __init__(self, document: DocumentNode, flags: Mapping[str, bool]) -> None:
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._flags = flags

    def fields(self, selected: Iterable[SelectionSetNode | None]) -> Fields:
        """Merged fields of selection sets that apply to the same object."""
        found: Fields = {}
        seen: set[str] = set()
        for selection_set in selected:
            self._walk(selection_set, found, seen)
        return found

    def below(self, nodes: Sequence[FieldNode]) -> Fields:
        """Merged sub-selection of a field's nodes."""
        return self.fields(node.selection_set for node in nodes)

    def _walk(self, selection_set: SelectionSetNode | None, found: Fields, seen: set[str]) -> None:
        for node in selection_set.selections if selection_set else ():
            if not self._included(node.directives or ()):
                continue
            if isinstance(node, FieldNode):
                found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                self._walk(node.selection_set, found, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                self._walk(self._fragments[node.name.value].selection_set, found, seen)

    def _included(self, directives: Sequence[DirectiveNode]) -> bool:
        for directive in directives:
            if directive.name.value in _CONDITIONS and directive.arguments:
                value = directive.arguments[0].value
                holds = self._flags[value.name.value] if isinstance(value, VariableNode) else isinstance(value, BooleanValueNode) and value.value
                if holds == (directive.name.value == "skip"):
                    return False
        return True


def condition_variables(document: DocumentNode, operation: OperationDefinitionNode) -> frozenset[str]:
    """Names of the variables that stand in ``@skip`` and ``@include`` of an operation and of what it spreads: their values are part of a plan's key."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    names: set[str] = set()
    waiting: list[Node] = [operation]

    class Conditions(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Node | str | int | list[object] | None) -> None:
            if node.name.value in _CONDITIONS:
                names.update(a.value.name.value for a in node.arguments or () if isinstance(a.value, VariableNode))

        def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Node | str | int | list[object] | None) -> None:
            if node.name.value in fragments:
                waiting.append(fragments.pop(node.name.value))

    while waiting:
        visit(waiting.pop(), Conditions())
    return frozenset(names)
