"""The governance endpoint ``/governance/graphql``: administrators only, no resource types, larger bodies for manifests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import structlog
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute,
    print_schema,
    specified_rules,
    validate,
)

from hub.api.context import Caller, Context
from hub.api.entries import call_entry, refusal_entry
from hub.api.execute import coerced, field_error
from hub.api.governance_acts import EXCEEDED_HINT, exceeded_in_words
from hub.api.http import HttpAnswer, read_graphql
from hub.api.turn import Turn, body_of
from hub.errors import field_errors
from hub.ledger.append import Ledger
from hub.live import Live
from hub.people.permissions import reach
from hub.people.roles import ROLES
from schema.answer import Answer
from schema.documents import Document, Documents, InvalidDocument
from schema.faces import Faces
from schema.faults import Code, Fault

GOVERNANCE_SDL = "/governance/graphql/schema.graphql"
log = structlog.get_logger(__name__)


class GovernanceService:
    """Answers documents of the governance endpoint. Each answer has an entry; each act in it has one of its own besides."""

    def __init__(self, live: Live, schema: GraphQLSchema, documents: Documents, ledger: Ledger, services: Any) -> None:
        self._live = live
        self._schema = schema
        self._documents = documents
        self._ledger = ledger
        self._services = services

    async def answer(self, turn: Turn, caller: Caller) -> HttpAnswer:
        """Runs the request's document."""
        _admit(caller)
        request = read_graphql(turn.request.body)
        document = self._check(request.query)
        turn.document = document.sha256
        operation = document.operation(request.operation_name)
        exceeded = self._exceeded(turn, caller, document, operation)
        if not exceeded:
            coerced(document, operation, request.variables)
        context = Context(self._live, caller, turn.call, Faces(self._live.snapshot, caller.rights), self._services, exceeded=exceeded)
        found = execute(self._schema, document.node, {}, context, dict(request.variables), request.operation_name, hide_suggestions=True)
        result = found if isinstance(found, ExecutionResult) else await found
        if exceeded and result.errors:
            raise _forbidden(exceeded)
        answer = Answer(data=result.data, errors=[field_error(error) for error in result.errors or ()])
        return await self._finish(turn, caller, document, operation, answer, context.readings)

    def sdl(self, caller: Caller) -> str:
        """The schema, the same for every administrator.

        Raises:
            Fault: ``UNAUTHENTICATED`` or ``FORBIDDEN``.
        """
        _admit(caller)
        return print_schema(self._schema)

    @staticmethod
    def _exceeded(turn: Turn, caller: Caller, document: Document, operation: OperationDefinitionNode) -> tuple[str, ...]:
        """Root fields that the caller's roles do not give (``hub.people.permissions``): for one of them nothing of the document runs.

        A mutation answers each of its fields with the problem, as the contract has it of every act that is not done.

        Raises:
            Fault: ``FORBIDDEN``, for a query.
        """
        mutation = operation.operation is OperationType.MUTATION
        fields = root_fields(operation.selection_set, document.node)
        refused = tuple(sorted(name for name in fields if reach(name, caller.rights.scopes, mutation) is None))
        if not refused:
            return ()
        log.warning("role_exceeded", call=turn.call)
        turn.details = {"actor": caller.identified().name, "act": ", ".join(refused)[:200], "alert": True}
        if not mutation:
            raise _forbidden(refused)
        return refused

    def _check(self, text: str) -> Document:
        try:
            node = self._documents.parse(text)
        except InvalidDocument as refused:
            raise InvalidDocument(refused.errors, GOVERNANCE_SDL) from None
        errors: list[GraphQLError] = validate(self._schema, node, specified_rules, max_errors=20, hide_suggestions=True)
        if errors:
            raise InvalidDocument(errors, GOVERNANCE_SDL)
        return Document.of(text, node, self._schema)

    async def _finish(
        self, turn: Turn, caller: Caller, document: Document, operation: OperationDefinitionNode, answer: Answer, readings: list[dict[str, Any]]
    ) -> HttpAnswer:
        data = orjson.dumps(answer.data)
        kind = "governance.mutation" if operation.operation is OperationType.MUTATION else "governance.query"
        if turn.details:
            draft = refusal_entry(turn.call, caller, Code.FORBIDDEN.value, False, document.sha256, kind, details=turn.details)
        else:
            details = {"actor": caller.identified().name, "act": kind, **({"read": readings} if readings else {})}
            draft = call_entry(turn.call, caller, answer, (), document, None, len(data), kind, details)
        receipt = await self._ledger.append(draft)
        body = body_of(data, field_errors(answer.errors, turn.call, turn.english), {"receipt": receipt.as_json()})
        return HttpAnswer(200, body, {"content-language": "en" if turn.english else "zh-CN"})


def _admit(caller: Caller) -> None:
    caller.identified()
    if not caller.rights.scopes & set(ROLES):
        raise Fault(
            Code.FORBIDDEN,
            "治理接口仅限管理员使用",
            "the governance endpoint is for administrators",
            f"令牌须含其一：{', '.join(ROLES)}",
            f"the token needs one of: {', '.join(ROLES)}",
        )


def _forbidden(names: Sequence[str]) -> Fault:
    zh, en = exceeded_in_words(names)
    return Fault(Code.FORBIDDEN, zh, en, *EXCEEDED_HINT)


def root_fields(selection: SelectionSetNode, document: DocumentNode) -> frozenset[str]:
    """Names of the fields at an operation's root, through fragments and whatever directives say; those of introspection apart."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [selection]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                found.add(node.name.value)
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                waiting.append(fragments[node.name.value].selection_set)
    return frozenset(name for name in found if not name.startswith("__"))
