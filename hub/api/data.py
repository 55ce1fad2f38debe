"""The data endpoint ``/graphql``: query, verify, exchange, catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from anyio import to_thread
from graphql import OperationType, VariableValues
from sqlalchemy import Connection

from auth.rights import Decision, Operation, Purpose
from hub.anomalies.throttle import Throttled
from hub.anomalies.watch import Watch
from hub.api.call_entries import CallEntries
from hub.api.context import Caller, Context
from hub.api.entries import operation_of, remote_details
from hub.api.execute import Executor
from hub.api.http import HttpAnswer, read_graphql
from hub.api.introspection import DEPARTMENTS_HEADER, departments_of
from hub.api.long import size_of, spliced
from hub.api.prepared import CheckedPlans, Checks, Prepared, PreparedDocuments
from hub.api.troubles import Troubles
from hub.api.turn import Turn, body_of
from hub.errors import field_errors
from hub.exchange.executors.precedence import Precedence
from hub.ledger.append import Ledger
from hub.ledger.batch import Work
from hub.live import Live
from hub.sharing.cohorts import CallQuestions, Cohorts, Overtaken
from hub.sharing.quota import check_quota, usage
from hub.verification.alerts import Alerts
from hub.verification.budgets import Budgets, Spending
from hub.verification.limits import Limits, OverBudget
from hub.verification.padding import padded, state_slack
from hub.withdrawal.telling import check_document, check_in_force
from schema.answer import Answer, SourceState
from schema.delivery import delivered
from schema.documents import Documents
from schema.plan import Plan
from schema.questions import Questions
from schema.run import Run
from schema.view import View

_ATTEMPTS = 4
"""Of a call whose aggregates others of its department overtake."""


class DataService:
    """Answers documents of the data endpoint."""

    def __init__(self, live: Live, documents: Documents, executor: Executor, ledger: Ledger, watch: Watch, services: Any) -> None:
        self._live = live
        self._executor = executor
        self._prepared = PreparedDocuments(executor.plans, lambda text, view: check_document(live, documents, text, view))
        self._checked = CheckedPlans()
        self._ledger = ledger
        subjects = live.core.subjects
        self._entries = CallEntries(subjects, ledger.log)
        self._watch = watch
        self._services = services
        self._precedence: Precedence | None = services.runner.precedence
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
        prepared = self._prepared.of(view, request.query, request.operation_name)
        turn.document = prepared.document.sha256
        variables = prepared.variables(request.variables)
        plan = turn.plan = prepared.plan(variables)
        self._watch.check(caller.application, plan)
        checks = Checks(plan, prepared.document) if plan.filtering else self._checked.of(plan, prepared.document)
        purpose = checks.purpose(caller.use, public=caller.rights.public)
        if checks.bounded:
            await to_thread.run_sync(check_quota, self._live.core.engine, checks.bounded)
        spending = self._budgets.spending(caller.application, plan, variables)
        await spending.check()
        asked = Asked(turn, caller, prepared, plan, variables, request.variables, purpose, checks.bounded, spending)
        attempt = 0
        while True:
            asking = self._cohorts.of_call(caller.application) if plan.asks else None
            try:
                return await self._read(asked, view, asking)
            except Overtaken:
                # Only queries ask questions: reading again is safe.
                attempt += 1
                if attempt == _ATTEMPTS:
                    raise

    async def _read(self, asked: Asked, view: View, asking: CallQuestions | None) -> HttpAnswer:
        context = self._context(asked, view, asking) if asked.plan.others else None
        caller = asked.caller
        questions = _UNASKED if asking is None else asking.questions
        run = Run(self._live.sources.source, self._executor.cursors, caller.name, asked.variables, questions, caller.rights.fingerprint)
        precedence = self._precedence if asked.plan.departments else None
        if precedence is not None:
            precedence.began()
        try:
            answer = await self._executor.run(asked.plan, run, context, view, asked.given)
            return await self._finish(asked, answer, context, asking)
        finally:
            if precedence is not None:
                precedence.ended()

    def _context(self, asked: Asked, view: View, asking: CallQuestions | None) -> Context:
        turn = asked.turn
        departments = departments_of(turn.request.headers.get(DEPARTMENTS_HEADER), view)
        context = Context(self._live, asked.caller, turn.call, view.faces, self._services, departments=departments, address=turn.request.address)
        if asking is not None:
            context.questions = asking.questions
        return context

    async def _finish(self, asked: Asked, answer: Answer, context: Context | None, asking: CallQuestions | None) -> HttpAnswer:
        turn, caller, plan, spending = asked.turn, asked.caller, asked.plan, asked.spending
        check_in_force(self._live, plan)
        self._troubles.note(turn.call, answer.sources.values())
        data = spliced(delivered(plan, answer), answer.long)
        kind = _EXCHANGE if context and context.details else operation_of(answer) if plan.verifies else _QUERY
        size = size_of(data) + answer.slack
        made = self._entries.answered(turn.call, caller, answer, asked.prepared.document, asked.purpose, size, kind, _details(asked, context))
        works = [usage(asked.bounded, made.rows)] if asked.bounded else []
        works += [*made.sets, *spending.works(answer), *(asking.works() if asking else ())]
        receipt = await self._ledger.append_filled(made.entry, in_turn(works) if works else None)
        self._watch.note(caller.application, answer)
        extensions: dict[str, Any] = {"receipt": orjson.Fragment(receipt.as_bytes())}
        if answer.masking:
            extensions["masking"] = answer.masking
        if answer.sources:
            extensions["sources"] = [source_state(answer.sources[code]) for code in sorted(answer.sources)]
        body = body_of(data, field_errors(answer.errors, turn.call, turn.english) if answer.errors else [], extensions)
        if spending.verifies:
            body = padded(body, answer.slack + state_slack(extensions.get("sources", ())))
        return HttpAnswer(200, body, _LANGUAGE[turn.english], packable=not spending.verifies and not answer.parted)


_QUERY, _EXCHANGE = Operation.QUERY.scope_prefix, Operation.EXCHANGE.scope_prefix
_UNASKED = Questions()
"""Of plans without aggregates, which ask none."""
_LANGUAGE = {True: {"content-language": "en"}, False: {"content-language": "zh-CN"}}


@dataclass(slots=True, eq=False)
class Asked:
    """A call that may run: by whom, what, with which values and for what."""

    turn: Turn
    caller: Caller
    prepared: Prepared
    plan: Plan
    variables: VariableValues
    given: Mapping[str, Any]
    """The variables as the request had them."""
    purpose: Purpose | None
    bounded: Sequence[Decision]
    """Decisions whose grants have a quota or a rate."""
    spending: Spending


def _details(asked: Asked, context: Context | None) -> dict[str, Any] | None:
    details: dict[str, Any] | None = context.details if context else None
    if not details and asked.prepared.operation.operation is OperationType.MUTATION:
        details = {"mutation": _fields(asked.plan)}
    if remote := remote_details():
        details = {**(details or {}), **remote}
    if context and context.readings:
        details = {**(details or {}), "read": context.readings}
    return details or None


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
