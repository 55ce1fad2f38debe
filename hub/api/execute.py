"""Runs one document for one caller: departments by plan, everything else (catalog, introspection, mutations) by graphql-core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from anyio import CapacityLimiter, to_thread
from cachetools import LRUCache
from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableValues,
    execute,
    execute_sync,
    get_variable_values,
)

from auth.rights import Decision
from hub.api.context import Context
from hub.errors import internal
from hub.observation import places
from schema.answer import Answer, FieldError
from schema.collect import Fields
from schema.cursors import Cursors
from schema.documents import Document
from schema.faults import Code, Fault, bad_input
from schema.messages import in_chinese
from schema.plan import Plan, Plans
from schema.run import Run, run_departments
from schema.view import View

log = structlog.get_logger(__name__)
_INTROSPECTION = {"__schema", "__type"}


def variables_of(document: Document, operation: OperationDefinitionNode, given: Mapping[str, Any]) -> VariableValues:
    """The operation's variables, coerced.

    Raises:
        Fault: ``BAD_INPUT``, naming the variable.
    """
    found = get_variable_values(document.schema, operation.variable_definitions or (), dict(given), max_errors=10, hide_suggestions=True)
    if isinstance(found, list):
        message = found[0].message
        raise bad_input(in_chinese(message), message, "请对照文档中声明的变量类型", "compare with the types declared in the document")
    return found


def flags_of(names: frozenset[str], variables: VariableValues) -> dict[str, bool]:
    """Values of the variables on which ``@skip`` and ``@include`` depend.

    Raises:
        Fault: ``BAD_INPUT`` where one is missing or null.
    """
    flags = {}
    for name in names:
        value = variables.coerced.get(name)
        if not isinstance(value, bool):
            raise bad_input(f"变量 ${name} 须为 true 或 false", f"the variable ${name} must be true or false")
        flags[name] = value
    return flags


def check_operations(plan: Plan) -> list[Decision]:
    """The decisions on which the plan rests.

    Raises:
        Fault: ``FORBIDDEN`` where a resource may be exchanged but not queried.
    """
    for (code, operation), face in plan.faces.items():
        if not face.decision.allows(operation):
            raise Fault(
                Code.FORBIDDEN,
                f"授权不含对 {code} 的该操作",
                f"the grant does not give this operation on {code}",
                "该资源只能通过 startExchange 批量交换",
                "this resource can only be exchanged, by startExchange",
            )
    return [face.decision for face in plan.faces.values()]


class Executor:
    """Holds what is shared between calls: plans, cursors, cached introspection."""

    def __init__(self, plans: Plans, cursors: Cursors) -> None:
        self.plans = plans
        self.cursors = cursors
        self._introspected: LRUCache[tuple[int, bytes], tuple[Plan, dict[str, Any]]] = LRUCache(32)
        self._threads = CapacityLimiter(2)

    async def run(self, plan: Plan, context: Context, view: View, variables: VariableValues, given: Mapping[str, Any]) -> Answer:
        """The answer. Nothing in it has left yet."""
        answer = Answer()
        run = Run(context.live.sources.source, self.cursors, context.caller.name, variables)
        merged: dict[str, Any] | None = await run_departments(plan, run, answer) if plan.departments else {}
        if plan.others:
            rest = await self._others(plan, context, given, answer)
            merged = None if rest is None or merged is None else {**merged, **rest}
        answer.data = None if merged is None else {key: merged[key] for key in plan.order}
        return answer

    async def _others(self, plan: Plan, context: Context, given: Mapping[str, Any], answer: Answer) -> dict[str, Any] | None:
        """Root fields that are no departments. Introspection depends on the view alone and is computed off the event loop."""
        asked = {key: nodes for key, nodes in plan.others.items() if nodes[0].name.value in _INTROSPECTION}
        rest = {key: nodes for key, nodes in plan.others.items() if key not in asked}
        merged: dict[str, Any] = await self._introspect(plan, asked, given) if asked else {}
        if rest:
            found = execute(plan.document.schema, _only(plan, rest), {}, context, dict(given), hide_suggestions=True)
            result = found if isinstance(found, ExecutionResult) else await found
            answer.errors += [field_error(error) for error in result.errors or ()]
            if result.data is None:
                return None
            merged |= result.data
        return merged

    async def _introspect(self, plan: Plan, asked: Fields, given: Mapping[str, Any]) -> dict[str, Any]:
        node = _only(plan, asked)
        declared = {d.variable.name.value for d in plan.operation.variable_definitions or ()}
        values = {name: value for name, value in given.items() if name in declared}
        key = (id(plan), orjson.dumps(values, option=orjson.OPT_SORT_KEYS))
        found = self._introspected.get(key)
        if found is None or found[0] is not plan:
            result = await to_thread.run_sync(lambda: execute_sync(plan.document.schema, node, variable_values=values), limiter=self._threads)
            if result.errors or result.data is None:
                message = result.errors[0].message if result.errors else "introspection failed"
                raise bad_input(in_chinese(message), message)
            found = self._introspected[key] = (plan, result.data)
        return found[1]


def _only(plan: Plan, fields: Fields) -> DocumentNode:
    """The document cut to these root fields."""
    operation = plan.operation
    selected = SelectionSetNode(selections=tuple(node for nodes in fields.values() for node in nodes))
    cut = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=operation.variable_definitions,
        directives=operation.directives,
        selection_set=selected,
    )
    fragments = [d for d in plan.document.node.definitions if isinstance(d, FragmentDefinitionNode)]
    return DocumentNode(definitions=(cut, *fragments))


def field_error(error: GraphQLError) -> FieldError:
    """What graphql-core reports of a resolver, as a fault; anything unforeseen is logged without its text and told as INTERNAL."""
    path = tuple(error.path or ())
    cause = error.original_error
    if isinstance(cause, Fault):
        return FieldError(path, cause)
    if cause is None or isinstance(cause, GraphQLError):
        return FieldError(path, bad_input(in_chinese(error.message), error.message))
    log.error("resolver_failed", fault=type(cause).__name__, places=places(cause))
    return FieldError(path, internal())
