"""Document × rights → plan: what each root field reads, with which columns and masks, and how rows become the answer.

A plan holds no caller's value; arguments are bound when it runs. It is cached per view, text, operation and condition values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cachetools import LRUCache
from graphql import FieldNode, GraphQLField, OperationDefinitionNode, OperationType

from auth.rights import Operation
from connectors.selection import Column
from schema.aggregate_plan import AggregatePlan, aggregate_plan
from schema.batches import Batch, batches_of
from schema.coercion import Arguments
from schema.collect import Collector, Fields
from schema.documents import MOST_KEPT, Document
from schema.faces import Face
from schema.look_ups import LookUp
from schema.naming import pascal
from schema.shapes import ItemUse, Levels, Outputs, Shape, compile_shape
from schema.view import View


@dataclass(frozen=True, eq=False)
class OnePlan:
    """A look-up by identifier."""

    definition: GraphQLField
    node: FieldNode
    face: Face
    shape: Shape

    @cached_property
    def arguments(self) -> Arguments:
        """Its arguments, prepared."""
        return Arguments(self.definition, self.node)

    @cached_property
    def _look_ups(self) -> dict[str, LookUp]:
        return {}

    def look_up(self, name: str) -> LookUp:
        """By the identifier of this name."""
        found = self._look_ups.get(name)
        if found is None:
            found = self._look_ups[name] = LookUp.of(self.face, name, self.shape.outputs.columns, self.shape.uses)
        return found

    @cached_property
    def batches(self) -> tuple[Batch, ...]:
        """The calls that look up its links."""
        return batches_of([self.shape])


@dataclass(frozen=True, eq=False)
class EdgePlan:
    """``edges`` of a connection: what stands under each edge."""

    cursor: tuple[str, ...]
    typename: tuple[str, ...]
    nodes: tuple[tuple[str, Shape], ...]
    order: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ListPlan:
    """A connection: rows are fetched once and rendered by every shape under ``nodes`` and ``edges``."""

    definition: GraphQLField
    node: FieldNode
    face: Face
    outputs: Outputs
    entries: tuple[tuple[str, str, object], ...]
    """(response key, field name, what it needs): ``nodes`` a Shape, ``edges`` an EdgePlan, ``pageInfo`` its fields, others ``None``."""

    @cached_property
    def arguments(self) -> Arguments:
        """Its arguments, prepared."""
        return Arguments(self.definition, self.node)

    @cached_property
    def batches(self) -> tuple[Batch, ...]:
        """The calls that look up its links."""
        return batches_of([shape for _, shape in self.shapes])

    @cached_property
    def kept(self) -> dict[tuple[tuple[str, Any], ...], Any]:
        """What :func:`schema.lists.listing` prepares."""
        return {}

    @cached_property
    def shapes(self) -> tuple[tuple[tuple[str, ...], Shape], ...]:
        """(response keys below the connection, shape) of every place where rows are rendered."""
        found: list[tuple[tuple[str, ...], Shape]] = []
        for key, _, needs in self.entries:
            if isinstance(needs, Shape):
                found.append(((key,), needs))
            elif isinstance(needs, EdgePlan):
                found += [((key, inner), shape) for inner, shape in needs.nodes]
        return tuple(found)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns that all shapes together need; the stable key where they need none."""
        return self.outputs.columns or (Column(self.face.resource.stable_key, self.face.resource.stable_kind),)

    @cached_property
    def uses(self) -> tuple[ItemUse, ...]:
        """What rows of the list show."""
        return tuple(dict.fromkeys(use for _, shape in self.shapes for use in shape.uses))

    @cached_property
    def width(self) -> int:
        """Rows that one row of the list may bring: itself, and those of every link."""
        return max(1, sum(shape.width for _, shape in self.shapes))

    @cached_property
    def cells(self) -> int:
        """Values that one row of the list puts into the answer, its cursors among them."""
        edges = [needs for _, _, needs in self.entries if isinstance(needs, EdgePlan)]
        return sum(shape.cells for _, shape in self.shapes) + sum(len(edge.cursor) + len(edge.typename) for edge in edges)

    @cached_property
    def counts(self) -> bool:
        """Whether the total is asked for."""
        return any(name == "totalCount" for _, name, _ in self.entries)

    @cached_property
    def reads(self) -> bool:
        """Whether rows are needed."""
        return self.shows or any(name == "pageInfo" for _, name, _ in self.entries)

    @cached_property
    def shows(self) -> bool:
        """Whether rows are told one by one."""
        return any(name in ("nodes", "edges") for _, name, _ in self.entries)


@dataclass(frozen=True, eq=False)
class VerifyPlan:
    """Verification of one subject, or of a list; selects no value."""

    definition: GraphQLField
    node: FieldNode
    face: Face
    many: bool
    fields: Fields
    collector: Collector

    @cached_property
    def arguments(self) -> Arguments:
        """Its arguments, prepared."""
        return Arguments(self.definition, self.node)

    @cached_property
    def claimed(self) -> Mapping[str, Mapping[str, str]]:
        """What is asked of claims: response keys of ``claims`` → response key below → name."""
        asked = {key: nodes for key, nodes in self.fields.items() if nodes[0].name.value == "claims"}
        return {key: {inner: found[0].name.value for inner, found in self.collector.below(nodes).items()} for key, nodes in asked.items()}

    def cells(self, claims: int) -> int:
        """Values that a verification of so many claims puts into the answer."""
        return len(self.fields) + claims * sum(map(len, self.claimed.values()))


RootPlan = OnePlan | ListPlan | VerifyPlan | AggregatePlan


@dataclass(frozen=True, eq=False)
class DepartmentPlan:
    """One department at the root: response key → field plan, or ``None`` for ``__typename``."""

    type_name: str
    fields: Mapping[str, RootPlan | None]


@dataclass(frozen=True, eq=False)
class Plan:
    """A compiled operation. Other root fields (catalog, introspection, mutations) are left to graphql-core."""

    document: Document
    operation: OperationDefinitionNode
    order: tuple[str, ...]
    departments: Mapping[str, DepartmentPlan]
    others: Mapping[str, list[FieldNode]]
    named: Mapping[str, str]
    """Response key of each ``__typename`` at the root → the root type's name."""
    faces: Mapping[tuple[str, Operation], Face]
    """Every (resource, operation) that running the plan makes use of."""
    masking: Mapping[str, str]
    """Path without list indexes → rule."""

    @cached_property
    def filtering(self) -> tuple[ListPlan | AggregatePlan, ...]:
        """Lists and aggregates whose filter may lead through links."""
        roots = (root for department in self.departments.values() for root in department.fields.values())
        return tuple(
            root
            for root in roots
            if isinstance(root, ListPlan | AggregatePlan) and root.face.link_filters and any(a.name.value == "where" for a in root.node.arguments or ())
        )

    @cached_property
    def roots(self) -> tuple[RootPlan, ...]:
        """The fields of all departments."""
        return tuple(root for department in self.departments.values() for root in department.fields.values() if root is not None)

    @cached_property
    def statements(self) -> int:
        """The most statements that it may have under way at once; of a verification there is no saying."""
        links = sum(len(root.batches) for root in self.roots if isinstance(root, OnePlan | ListPlan))
        return 1000 if self.verifies else 2 * len(self.roots) + links

    @cached_property
    def verifies(self) -> bool:
        """Whether it holds a verification."""
        return any(isinstance(root, VerifyPlan) for root in self.roots)

    @cached_property
    def looked_up(self) -> frozenset[str]:
        """Codes of the resources in which it looks up by key."""
        return frozenset(root.face.resource.code for root in self.roots if isinstance(root, OnePlan))

    @cached_property
    def asks(self) -> bool:
        """Whether it may ask for aggregates, itself or by a dry run."""
        return bool(self.others) or any(isinstance(root, AggregatePlan) for root in self.roots)


class Plans:
    """Compiled plans, bounded by the weight of their documents, which they hold. Lives on the event loop."""

    def __init__(self, weight: int = 1_000_000) -> None:
        self._plans: LRUCache[tuple[object, ...], Plan] = LRUCache(weight, getsizeof=lambda plan: plan.document.weight)

    @staticmethod
    def flags(document: Document, operation: OperationDefinitionNode) -> frozenset[str]:
        """Names of the variables whose values the plan depends on."""
        return document.conditions(operation)

    def plan(self, view: View, document: Document, operation: OperationDefinitionNode, flags: Mapping[str, bool]) -> Plan:
        """The plan of the operation under these condition values."""
        key = (id(document), id(operation), tuple(sorted(flags.items())))
        found = self._plans.get(key)
        if found is None or found.document is not document:
            found = compile_plan(view, document, operation, flags)
            if len(document.text) <= MOST_KEPT:
                self._plans[key] = found
        return found


def compile_plan(view: View, document: Document, operation: OperationDefinitionNode, flags: Mapping[str, bool]) -> Plan:
    """Compiles without caching."""
    collector = Collector(document.node, flags)
    root = collector.fields([operation.selection_set])
    departments: dict[str, DepartmentPlan] = {}
    others: dict[str, list[FieldNode]] = {}
    compiler = _Compiler(view, collector)
    root_type = document.schema.get_root_type(operation.operation)
    named: dict[str, str] = {}
    for key, nodes in root.items():
        if nodes[0].name.value == "__typename" and root_type is not None:
            named[key] = root_type.name
            continue
        code = view.faces.departments.get(nodes[0].name.value)
        if operation.operation is OperationType.QUERY and code is not None:
            departments[key] = compiler.department(key, code, collector.below(nodes))
        else:
            others[key] = nodes
    return Plan(document, operation, tuple(root), departments, others, named, compiler.faces, compiler.masking)


class _Compiler:
    def __init__(self, view: View, collector: Collector) -> None:
        self._view = view
        self._collector = collector
        self.faces: dict[tuple[str, Operation], Face] = {}
        self.masking: dict[str, str] = {}

    def department(self, key: str, code: str, fields: Fields) -> DepartmentPlan:
        known = self._view.faces.department(code)
        made: dict[str, RootPlan | None] = {}
        for inner, nodes in fields.items():
            name = nodes[0].name.value
            made[inner] = None if name == "__typename" else self._root(f"{key}.{inner}", code, known[name], nodes)
        return DepartmentPlan(pascal(code), made)

    def _root(self, path: str, code: str, known: tuple[str, Face], nodes: list[FieldNode]) -> RootPlan:
        action, face = known
        definition = self._view.field(code, nodes[0].name.value)
        below = self._collector.below(nodes)
        if action in ("verify", "verify_many"):
            self.faces[face.resource.code, Operation.VERIFY] = face
            return VerifyPlan(definition, nodes[0], face, action == "verify_many", below, self._collector)
        if action == "aggregate":
            self.faces[face.resource.code, Operation.QUERY] = face
            return aggregate_plan(definition, nodes[0], face, below, self._collector)
        if action == "one":
            shape = compile_shape(face, below, self._collector, Levels(), Outputs())
            self._note(path, shape)
            return OnePlan(definition, nodes[0], face, shape)
        plan = self._list(definition, nodes[0], face, below)
        self.faces[face.resource.code, Operation.QUERY] = face
        for keys, shape in plan.shapes:
            self._note(".".join((path, *keys)), shape)
        return plan

    def _list(self, definition: GraphQLField, node: FieldNode, face: Face, fields: Fields) -> ListPlan:
        outputs, levels = Outputs(), Levels()
        entries: list[tuple[str, str, object]] = []
        for key, nodes in fields.items():
            name = nodes[0].name.value
            needs: object = None
            if name == "nodes":
                needs = compile_shape(face, self._collector.below(nodes), self._collector, levels, outputs)
            elif name == "edges":
                needs = self._edges(face, self._collector.below(nodes), levels, outputs)
            elif name == "pageInfo":
                needs = {inner: found[0].name.value for inner, found in self._collector.below(nodes).items()}
            entries.append((key, name, needs))
        return ListPlan(definition, node, face, outputs, tuple(entries))

    def _edges(self, face: Face, fields: Fields, levels: Levels, outputs: Outputs) -> EdgePlan:
        names = {key: nodes[0].name.value for key, nodes in fields.items()}
        nodes = tuple(
            (key, compile_shape(face, self._collector.below(found), self._collector, levels, outputs)) for key, found in fields.items() if names[key] == "node"
        )
        cursor = tuple(key for key, name in names.items() if name == "cursor")
        typename = tuple(key for key, name in names.items() if name == "__typename")
        return EdgePlan(cursor, typename, nodes, tuple(fields))

    def _note(self, path: str, shape: Shape) -> None:
        self.faces[shape.face.resource.code, Operation.QUERY] = shape.face
        self.masking |= {f"{path}.{key}": label for key, label in shape.masking.items()}
        for link in shape.links:
            self._note(f"{path}.{link.response_key}", link.shape)
