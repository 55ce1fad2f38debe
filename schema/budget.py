"""How much work a document may ask for, measured before it is validated, in time linear in its size (each fragment is walked once).

Depth, expanded fields (fragments and aliases multiplied out) and root fields are bounded; so are operations and fragments. A fragment that no
operation spreads is measured as an operation is, for validation walks it all the same. The subtrees of ``__schema`` and ``__type`` are exempt
from the depth bound (tools' introspection is deep) but count as fields.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode, OperationDefinitionNode, SelectionSetNode, StringValueNode

from schema.faults import Code, Fault

_MOST = 10**9
_MOST_KEYED = 5000
"""Fields behind which keys are counted no further: the bound of fields is broken already."""
_INTROSPECTION = ("__schema", "__type")


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds of one document."""

    depth: int = 10
    fields: int = 600
    """Of all operations together."""
    root_fields: int = 30
    second_fields: int = 40
    """Fields directly below root fields: what is asked of departments."""
    introspections: int = 2
    """Occurrences of ``__schema`` and ``__type``, small ones apart."""
    repeats: int = 10
    """How often one response key may stand in one selection set: comparing them costs the square."""
    merged: int = 25
    """The same with what the selection set spreads."""
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
    merged: int = 0
    keys: Mapping[str, int] = field(default_factory=dict)
    """Response keys of the selection set itself and of what it spreads, and how often each stands there."""


class _Meter:
    def __init__(self, document: DocumentNode) -> None:
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self.done: dict[str, Cost] = {}
        self.open: set[str] = set()

    def selections(self, selected: SelectionSetNode | None) -> Cost:
        depth = fields = roots = seconds = directives = introspections = repeats = merged = 0
        own: dict[str, int] = {}
        keys: Counter[str] | None = None
        for node in selected.selections if selected else ():
            directives = min(_MOST, directives + len(node.directives or ()))
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                own[key] = own.get(key, 0) + 1
                if node.selection_set is None:
                    depth, fields, roots = max(depth, 1), fields + 1, roots + 1
                    introspections += _introspects(node)
                    continue
                cost = self._field(node)
            else:
                cost = self._fragment(node.name.value) if isinstance(node, FragmentSpreadNode) else self.selections(getattr(node, "selection_set", None))
                if fields <= _MOST_KEYED:
                    keys = Counter() if keys is None else keys
                    keys.update(cost.keys)
            repeats, merged = max(repeats, cost.repeats), max(merged, cost.merged)
            seconds = min(_MOST, seconds + cost.seconds)
            introspections = min(_MOST, introspections + cost.introspections)
            depth = max(depth, cost.depth)
            fields = min(_MOST, fields + cost.fields)
            roots = min(_MOST, roots + cost.roots)
            directives = min(_MOST, directives + cost.directives)
        if keys is not None:
            keys.update(own)
        known = own if keys is None else keys
        return Cost(depth, fields, roots, seconds, directives, max((repeats, *own.values())), introspections, max((merged, *known.values())), known)

    def _field(self, node: FieldNode) -> Cost:
        inner = self.selections(node.selection_set)
        depth = 1 if node.name.value in _INTROSPECTION else inner.depth + 1
        seconds = 0 if node.name.value in _INTROSPECTION else inner.roots
        introspections = inner.introspections + _introspects(node)
        return Cost(depth, inner.fields + 1, 1, seconds, inner.directives, inner.repeats, introspections, inner.merged)

    def _fragment(self, name: str) -> Cost:
        if name in self.open or name not in self.fragments:
            return Cost()  # a cycle or an unknown name: validation names it
        if name not in self.done:
            self.open.add(name)
            self.done[name] = self.selections(self.fragments[name].selection_set)
            self.open.discard(name)
        return self.done[name]


def _introspects(node: FieldNode) -> bool:
    """Whether a field may show much of the schema. Introspection's own types are few: tools look there, one by one, for what a server knows."""
    if node.name.value != "__type":
        return node.name.value in _INTROSPECTION
    names = [argument.value for argument in node.arguments or () if argument.name.value == "name"]
    return not any(isinstance(name, StringValueNode) and name.value.startswith("__") for name in names)


def cost_of(document: DocumentNode, operation: OperationDefinitionNode) -> Cost:
    """What one operation of a document costs, as it is counted against the budget."""
    return _Meter(document).selections(operation.selection_set)


def check_budget(document: DocumentNode, budget: Budget) -> None:
    """Raises :class:`Fault` ``QUERY_BUDGET`` when the document asks for more than the budget."""
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    meter = _Meter(document)
    _within("operations", "操作数", len(operations), budget.operations)
    _within("fragments", "片段数", len(meter.fragments), budget.fragments)
    costs = [meter.selections(operation.selection_set) for operation in operations]
    costs += [meter.selections(fragment.selection_set) for name, fragment in meter.fragments.items() if name not in meter.done]
    for cost in costs:
        _within("depth", "嵌套层数", cost.depth, budget.depth)
        _within("root fields", "顶层字段数", cost.roots, budget.root_fields)
        _within("fields of departments", "部门下的字段数", cost.seconds, budget.second_fields)
        _within("introspections", "自省字段数", cost.introspections, budget.introspections)
        _within("repeats of one response key", "同一响应键的重复次数", cost.repeats, budget.repeats)
        _within("repeats of one response key, fragments included", "同一响应键（含片段）的重复次数", cost.merged, budget.merged)
    _within("fields", "展开后的字段数", sum(cost.fields for cost in costs), budget.fields)
    _within("directives", "指令数", sum(cost.directives for cost in costs), budget.directives)


def _within(what: str, zh: str, value: int, most: int) -> None:
    if value > most:
        raise Fault(
            Code.QUERY_BUDGET,
            f"查询超出预算：{zh}超过 {most}",
            f"query budget exceeded: more than {most} {what}",
            "请拆分查询或减少嵌套、别名与片段",
            "split the query, or use less nesting, fewer aliases and fragments",
        )
