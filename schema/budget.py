"""How much work a document may ask for, measured before it is validated, in time linear in its size (each fragment is walked once).

Depth, expanded fields (fragments and aliases multiplied out) and root fields are bounded; so are operations and fragments. The subtrees
of ``__schema`` and ``__type`` are exempt from the depth bound (tools' introspection is deep) but count as fields.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode, OperationDefinitionNode, SelectionSetNode

from schema.faults import Code, Fault

_MOST = 10**9
_INTROSPECTION = ("__schema", "__type")


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds of one document."""

    depth: int = 10
    fields: int = 600
    root_fields: int = 30
    second_fields: int = 40
    """Fields directly below root fields: what is asked of departments."""
    introspections: int = 2
    """Occurrences of ``__schema`` and ``__type``."""
    repeats: int = 10
    """How often one response key may stand in one selection set: comparing them costs the square."""
    operations: int = 10
    fragments: int = 50
    directives: int = 200


@dataclass(frozen=True, slots=True)
class Cost:
    """What a selection asks for, fragments and aliases multiplied out."""

    depth: int = 0
    fields: int = 0
    roots: int = 0
    seconds: int = 0
    directives: int = 0
    repeats: int = 0
    introspections: int = 0


class _Meter:
    def __init__(self, document: DocumentNode) -> None:
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self.done: dict[str, Cost] = {}
        self.open: set[str] = set()

    def selections(self, selected: SelectionSetNode | None) -> Cost:
        depth = fields = roots = seconds = directives = introspections = 0
        keys: Counter[str] = Counter()
        repeats = 0
        for node in selected.selections if selected else ():
            cost = self._selection(node)
            if isinstance(node, FieldNode):
                keys[node.alias.value if node.alias else node.name.value] += 1
            repeats = max(repeats, cost.repeats)
            seconds = min(_MOST, seconds + cost.seconds)
            introspections = min(_MOST, introspections + cost.introspections)
            depth = max(depth, cost.depth)
            fields = min(_MOST, fields + cost.fields)
            roots = min(_MOST, roots + cost.roots)
            directives = min(_MOST, directives + cost.directives + len(node.directives or ()))
        return Cost(depth, fields, roots, seconds, directives, max((repeats, *keys.values())), introspections)

    def _selection(self, node: object) -> Cost:
        if isinstance(node, FieldNode):
            inner = self.selections(node.selection_set)
            depth = 1 if node.name.value in _INTROSPECTION else inner.depth + 1
            seconds = 0 if node.name.value in _INTROSPECTION else inner.roots
            introspections = inner.introspections + (node.name.value in _INTROSPECTION)
            return Cost(depth, inner.fields + 1, 1, seconds, inner.directives, inner.repeats, introspections)
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        return self.selections(getattr(node, "selection_set", None))

    def _fragment(self, name: str) -> Cost:
        if name in self.open or name not in self.fragments:
            return Cost()  # a cycle or an unknown name: validation names it
        if name not in self.done:
            self.open.add(name)
            self.done[name] = self.selections(self.fragments[name].selection_set)
            self.open.discard(name)
        return self.done[name]


def cost_of(document: DocumentNode, operation: OperationDefinitionNode) -> Cost:
    """What one operation of a document costs, as it is counted against the budget."""
    return _Meter(document).selections(operation.selection_set)


def check_budget(document: DocumentNode, budget: Budget) -> None:
    """Raises :class:`Fault` ``QUERY_BUDGET`` when the document asks for more than the budget."""
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    meter = _Meter(document)
    _within("operations", "操作数", len(operations), budget.operations)
    _within("fragments", "片段数", len(meter.fragments), budget.fragments)
    for operation in operations:
        cost = meter.selections(operation.selection_set)
        _within("depth", "嵌套层数", cost.depth, budget.depth)
        _within("root fields", "顶层字段数", cost.roots, budget.root_fields)
        _within("fields of departments", "部门下的字段数", cost.seconds, budget.second_fields)
        _within("introspections", "自省字段数", cost.introspections, budget.introspections)
        _within("repeats of one response key", "同一响应键的重复次数", cost.repeats, budget.repeats)
        _within("fields", "展开后的字段数", cost.fields, budget.fields)
        _within("directives", "指令数", cost.directives, budget.directives)


def _within(what: str, zh: str, value: int, most: int) -> None:
    if value > most:
        raise Fault(
            Code.QUERY_BUDGET,
            f"查询超出预算：{zh}超过 {most}",
            f"query budget exceeded: more than {most} {what}",
            "请拆分查询或减少嵌套、别名与片段",
            "split the query, or use less nesting, fewer aliases and fragments",
        )
