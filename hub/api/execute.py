"""Runs one document for one caller: departments by plan, everything else (catalog, introspection, mutations) by graphql-core."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import structlog
from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableValues,
    execute,
    get_variable_values,
)
from sqlalchemy.exc import DataError

from auth.rights import Decision
from hub.api.context import Context
from hub.api.introspection import Introspector
from hub.errors import internal, unstorable
from hub.observation import places
from schema.answer import Answer, FieldError
from schema.collect import Fields
from schema.cursors import Cursors
from schema.documents import Document
from schema.faults import Code, Fault, bad_input
from schema.introspection import ROOTS
from schema.messages import in_chinese
from schema.plan import Plan, Plans
from schema.reach import reaching
from schema.run import Run, run_departments
from schema.view import View

log = structlog.get_logger(__name__)


_MOST_OBJECTS = 2_000
"""Objects and lists in the variables of one call: each costs as much as its type has fields. 100 verifications have 301, five filters as large as they may be 1,500."""


def variables_of(document: Document, operation: OperationDefinitionNode, given: Mapping[str, Any]) -> VariableValues:
    """The operation's variables, coerced.

    Raises:
        Fault: ``BAD_INPUT``, naming the variable; ``QUERY_BUDGET``.
    """
    check_size(given)
    return coerced(document, operation, given)


def coerced(document: Document, operation: OperationDefinitionNode, given: Mapping[str, Any]) -> VariableValues:
    """The operation's variables, however many they are.

    Raises:
        Fault: ``BAD_INPUT``, naming the variable.
    """
    found = get_variable_values(document.schema, operation.variable_definitions or (), dict(given), max_errors=10, hide_suggestions=True)
    if isinstance(found, list):
        message = found[0].message
        raise bad_input(in_chinese(message), message, "请对照文档中声明的变量类型", "compare with the types declared in the document")
    return found


def check_size(given: Mapping[str, Any]) -> None:
    """That variables are no more than one call may bring.

    Raises:
        Fault: ``QUERY_BUDGET``.
    """
    waiting: list[Any] = list(given.values())
    left = _MOST_OBJECTS
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict | list):
            left -= 1
            if left < 0:
                zh, en = (
                    f"查询超出预算：变量中的对象与列表超过 {_MOST_OBJECTS} 个",
                    f"query budget exceeded: more than {_MOST_OBJECTS} objects and lists in variables",
                )
                raise Fault(Code.QUERY_BUDGET, zh, en, "请分次查询", "ask in several calls")
            waiting += inner.values() if isinstance(inner, dict) else inner


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


def planned(plans: Plans, view: View, document: Document, operation: OperationDefinitionNode, given: Mapping[str, Any]) -> tuple[Plan, VariableValues]:
    """The plan of an operation with these variables, and the variables coerced: what runs, and what a dry run tells of.

    Raises:
        Fault: ``BAD_INPUT``.
    """
    variables = variables_of(document, operation, given)
    names = plans.flags(document, operation)
    return reaching(plans.plan(view, document, operation, flags_of(names, variables) if names else {}), variables), variables


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
    """Holds what is shared between calls: plans, cursors, introspection."""

    def __init__(self, plans: Plans, cursors: Cursors) -> None:
        self.plans = plans
        self.cursors = cursors
        self.introspector = Introspector()

    async def run(self, plan: Plan, run: Run, context: Context | None, view: View, given: Mapping[str, Any]) -> Answer:
        """The answer. Nothing in it has left yet. ``context`` is for root fields that are no departments; ``given`` are the variables as they came."""
        answer = Answer()
        merged: dict[str, Any] | None = await run_departments(plan, run, answer) if plan.departments else {}
        if plan.others and context is not None:
            rest = await self._others(plan, context, view, run.variables, given, answer)
            merged = None if rest is None or merged is None else {**merged, **rest}
        if merged is not None and plan.named:
            merged |= plan.named
        answer.data = None if merged is None else merged if len(merged) == 1 else {key: merged[key] for key in plan.order}
        return answer

    async def _others(
        self, plan: Plan, context: Context, view: View, variables: VariableValues, given: Mapping[str, Any], answer: Answer
    ) -> dict[str, Any] | None:
        """Root fields that are no departments."""
        asked = {key: nodes for key, nodes in plan.others.items() if nodes[0].name.value in ROOTS}
        named = [key for key, nodes in plan.others.items() if nodes[0].name.value == "__typename"]
        rest = {key: nodes for key, nodes in plan.others.items() if key not in asked and key not in named}
        root = plan.document.schema.get_root_type(plan.operation.operation)
        merged: dict[str, Any] = dict.fromkeys(named, root.name if root else None)
        for key in asked:
            try:
                part = await self.introspector.answer(view, plan, key, variables, given, context.departments)
            except GraphQLError as error:
                answer.errors.append(FieldError((key,), bad_input(in_chinese(error.message), error.message)))
                merged[key] = None
                continue
            merged[key] = name = f"{key} {secrets.token_hex(16)}"
            answer.long[name] = part
        if rest:
            found = execute(plan.document.schema, _only(plan, rest), {}, context, dict(given), hide_suggestions=True)
            result = found if isinstance(found, ExecutionResult) else await found
            answer.errors += [field_error(error) for error in result.errors or ()]
            if result.data is None:
                return None
            merged |= result.data
        return merged


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
    if isinstance(cause, DataError):
        return FieldError(path, unstorable())
    log.error("resolver_failed", fault=type(cause).__name__, places=places(cause))
    return FieldError(path, internal())
