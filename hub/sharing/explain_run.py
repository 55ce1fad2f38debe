"""Dry runs of documents: the same checks, in the same order, and the same plan as a call, over sources without data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from graphql import OperationDefinitionNode
from sqlalchemy import Engine

from auth.rights import Decision, Purpose, Use
from connectors.spi import Source
from hub.api.execute import check_operations, planned
from hub.api.use import check_documents, check_use
from hub.sharing.quota import check_quota, limited
from hub.sharing.registry import Application
from schema.answer import FieldError
from schema.budget import Cost, cost_of
from schema.cursors import Cursors
from schema.documents import Document, Documents, InvalidDocument
from schema.dry_run import DryRun, dry_run
from schema.faults import Fault, bad_input
from schema.messages import in_chinese
from schema.plan import Plan, Plans
from schema.reader import Allowance
from schema.run import Run
from schema.view import View


@dataclass(frozen=True)
class Asked:
    """A document to run dry, for whom. ``use`` ``None``: no use is declared, and any purpose that fits will do."""

    text: str
    variables: Mapping[str, Any]
    operation: str | None = None
    caller: str = "public"
    """What cursors are bound to: the client id."""
    use: Use | None = None

    @classmethod
    def of(cls, app: Application | None, text: str, variables: Mapping[str, Any], operation: str | None, purpose: str | None) -> Asked:
        """Asked by somebody else about an application; ``None``: the public."""
        return cls(text, variables, operation, app.client_id if app else "public", Use(purpose, "-") if purpose else None)


@dataclass(frozen=True)
class Report:
    """What a document would do. Where it does not even compile there are refusals alone."""

    refusals: tuple[FieldError, ...]
    document: Document | None = None
    operation: OperationDefinitionNode | None = None
    plan: Plan | None = None
    cost: Cost | None = None
    run: DryRun | None = None

    @property
    def decisions(self) -> Mapping[str, Decision]:
        """By resource, those on which it rests."""
        return {code: face.decision for (code, _), face in self.plan.faces.items()} if self.plan else {}

    @property
    def purposes(self) -> tuple[Purpose, ...]:
        """Purposes that every resource of the document is given for."""
        return common_purposes(list(self.decisions.values()))


def common_purposes(decisions: Sequence[Decision]) -> tuple[Purpose, ...]:
    """Purposes that all decisions have."""
    if not decisions:
        return ()
    shared = set.intersection(*({purpose.code for purpose in each.purposes} for each in decisions))
    return tuple(purpose for purpose in decisions[0].purposes if purpose.code in shared)


class DryRunner:
    """Runs documents dry. Lives beside the endpoint, or at the command line, where no source is open."""

    def __init__(self, engine: Engine, documents: Documents, plans: Plans, cursors: Cursors) -> None:
        self._engine = engine
        self._documents = documents
        self._plans = plans
        self._cursors = cursors

    async def report(self, view: View, asked: Asked, allowance: Allowance | None = None) -> Report:
        """What the document would do. Faults of the document are told in the report, none is raised."""
        try:
            document = self._documents.check(asked.text, view)
            operation = document.operation(asked.operation)
            plan, variables = planned(self._plans, view, document, operation, asked.variables)
        except Fault as fault:
            return Report(tuple(_errors(fault)))
        refusals = [FieldError((), fault) for fault in await self._refusals(view, plan, document, asked.use)]
        run = await dry_run(plan, Run(_no_source, self._cursors, asked.caller, variables), allowance)
        cost = cost_of(document.node, operation)
        return Report((*refusals, *run.faults), document, operation, plan, cost, run)

    async def _refusals(self, view: View, plan: Plan, document: Document, use: Use | None) -> list[Fault]:
        """Each check by itself: whoever asks wants to know of all."""
        decisions = [face.decision for face in plan.faces.values()]
        found: list[Fault] = []
        checks: list[Callable[[], object]] = [lambda: check_operations(plan)]
        if not view.faces.rights.public:
            declared = use or _fitting(decisions)
            checks.append(lambda: check_use(declared, decisions))
        checks.append(lambda: check_documents(decisions, document))
        for check in checks:
            try:
                check()
            except Fault as fault:
                found.append(fault)
        for decision in limited(decisions):
            try:
                await to_thread.run_sync(check_quota, self._engine, [decision])
            except Fault as fault:
                found.append(fault)
        return found


def _fitting(decisions: Sequence[Decision]) -> Use:
    known = common_purposes(decisions) or next((each.purposes for each in decisions if each.purposes), ())
    return Use(known[0].code if known else "-", "-")


def _no_source(code: str) -> Source:
    raise AssertionError(f"a dry run opens no source: {code}")


def _errors(fault: Fault) -> list[FieldError]:
    """An invalid document has one entry per finding."""
    if not isinstance(fault, InvalidDocument):
        return [FieldError((), fault)]
    texts = [error.message for error in fault.errors]
    return [FieldError((), Fault(fault.code, f"查询文档无效：{in_chinese(text)}", text, fault.hint_zh, fault.hint_en)) for text in texts]


def variables_from(given: Any) -> Mapping[str, Any]:
    """Variables as sent.

    Raises:
        Fault: ``BAD_INPUT`` where they are no object.
    """
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise bad_input("variables 应为对象", "variables must be an object")
    return given
