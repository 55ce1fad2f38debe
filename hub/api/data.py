"""The data endpoint ``/graphql``: query, verify, exchange, catalog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anyio import to_thread
from graphql import OperationDefinitionNode, OperationType
from sqlalchemy import Connection

from auth.rights import Decision, Operation, Purpose
from hub.anomalies.throttle import Throttled
from hub.anomalies.watch import Watch
from hub.api.context import Caller, Context
from hub.api.entries import access_entries, asked_of, call_entry, operation_of, remote_details
from hub.api.execute import Executor, check_operations, planned
from hub.api.http import HttpAnswer, read_graphql
from hub.api.introspection import DEPARTMENTS_HEADER, departments_of
from hub.api.long import size_of, spliced
from hub.api.troubles import Troubles
from hub.api.turn import Turn, body_of
from hub.api.use import check_documents, check_use
from hub.errors import field_errors
from hub.ledger.append import Ledger
from hub.ledger.batch import Work
from hub.live import Live
from hub.sharing.cohorts import CallQuestions, Cohorts, Overtaken
from hub.sharing.quota import check_quota, limited, usage
from hub.tracing.sets import set_aside
from hub.verification.alerts import Alerts
from hub.verification.budgets import Budgets, Spending
from hub.verification.limits import Limits, OverBudget
from hub.verification.padding import padded, state_slack
from hub.withdrawal.telling import check_document, check_in_force
from schema.answer import Answer, SourceState
from schema.delivery import delivered
from schema.documents import Document, Documents
from schema.plan import Plan

_ATTEMPTS = 4
"""Of a call whose aggregates others of its department overtake."""


class DataService:
    """Answers documents of the data endpoint."""

    def __init__(self, live: Live, documents: Documents, executor: Executor, ledger: Ledger, watch: Watch, services: Any) -> None:
        self._live = live
        self._documents = documents
        self._executor = executor
        self._ledger = ledger
        self._subjects = subjects = live.core.subjects
        self._watch = watch
        self._services = services
        self._troubles = Troubles()
        self._budgets = Budgets(live.core.engine, subjects, Limits.of(live.core.settings))
        self._alerts = Alerts()
        self._cohorts = Cohorts(live.core.engine, subjects, live.core.cursor_key)

    async def answer(self, turn: Turn, caller: Caller) -> HttpAnswer:
        """Runs the request's document; the answer is made only after its entry is durable."""
        try:
            return await self._answer(turn, caller)
        except OverBudget as fault:
            turn.details = fault.details
            self._alerts.tell(turn.call, fault)
            raise
        except Throttled as fault:
            turn.details = {"anomaly": fault.anomaly}
            raise

    async def _answer(self, turn: Turn, caller: Caller) -> HttpAnswer:
        self._ledger.check_release()
        request = read_graphql(turn.request.body)
        view = self._live.view(caller.rights)
        document = check_document(self._live, self._documents, request.query, view)
        turn.document = document.sha256
        operation = document.operation(request.operation_name)
        plan, variables = planned(self._executor.plans, view, document, operation, request.variables)
        if plan.faces:
            turn.operation, turn.asked = operation_of(plan), asked_of(plan, caller.rights.fingerprint)
        self._watch.check(caller.application, plan)
        decisions = check_operations(plan)
        purpose = None if caller.rights.public else check_use(caller.use, decisions)
        check_documents(decisions, document)
        bounded = limited(decisions)
        if bounded:
            await to_thread.run_sync(check_quota, self._live.core.engine, bounded)
        spending = self._budgets.spending(caller.application, plan, variables)
        await spending.check()
        departments = departments_of(turn.request.headers.get(DEPARTMENTS_HEADER), view)
        attempt = 0
        while True:
            asking = self._cohorts.of_call(caller.application)
            context = Context(
                self._live, caller, turn.call, view.faces, self._services, departments=departments, questions=asking.questions, address=turn.request.address
            )
            answer = await self._executor.run(plan, context, view, variables, request.variables)
            try:
                return await self._finish(turn, caller, document, operation, plan, answer, purpose, context, bounded, spending, asking)
            except Overtaken:
                # Only queries ask questions: reading again is safe.
                attempt += 1
                if attempt == _ATTEMPTS:
                    raise

    async def _finish(
        self,
        turn: Turn,
        caller: Caller,
        document: Document,
        operation: OperationDefinitionNode,
        plan: Plan,
        answer: Answer,
        purpose: Purpose | None,
        context: Context,
        bounded: list[Decision],
        spending: Spending,
        asking: CallQuestions,
    ) -> HttpAnswer:
        check_in_force(self._live, plan)
        self._troubles.note(turn.call, answer.sources.values())
        data = spliced(delivered(plan, answer), answer.long)
        accesses, sets = set_aside(access_entries(answer, self._subjects, caller.rights.fingerprint))
        kind = Operation.EXCHANGE.scope_prefix if context.details else operation_of(answer)
        details = context.details or ({"mutation": _fields(plan)} if operation.operation is OperationType.MUTATION else None)
        if remote := remote_details():
            details = {**(details or {}), **remote}
        if context.readings:
            details = {**(details or {}), "read": context.readings}
        draft = call_entry(turn.call, caller, answer, accesses, document, purpose, size_of(data) + answer.slack, kind, details)
        works = [usage(bounded, {a.resource: a.rows for a in accesses})] if bounded else []
        works += [*sets, *spending.works(answer), *asking.works()]
        receipt = await (self._ledger.append_with(draft, in_turn(works)) if works else self._ledger.append(draft))
        self._watch.note(caller.application, answer)
        extensions: dict[str, Any] = {"receipt": receipt.as_json()}
        if answer.masking:
            extensions["masking"] = answer.masking
        if answer.sources:
            extensions["sources"] = [source_state(answer.sources[code]) for code in sorted(answer.sources)]
        body = body_of(data, field_errors(answer.errors, turn.call, turn.english), extensions)
        if spending.verifies:
            body = padded(body, answer.slack + state_slack(extensions.get("sources", ())))
        return HttpAnswer(200, body, {"content-language": "en" if turn.english else "zh-CN"}, packable=not spending.verifies)


def source_state(state: SourceState) -> dict[str, Any]:
    """One entry of ``extensions.sources``."""
    return {"source": state.source, "state": state.state, "asOf": state.as_of.isoformat() if state.as_of else None}


def in_turn(works: Sequence[Work]) -> Work:
    """Several changes as one."""

    def work(connection: Connection) -> None:
        for each in works:
            each(connection)

    return work


def _fields(plan: Plan) -> list[str]:
    return sorted({nodes[0].name.value for nodes in plan.others.values()})
