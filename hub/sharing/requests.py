"""Access requests 共享申请 and feedback 疑义反馈: taken in, with the day by which they must be answered and the article that says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, insert, select, update

from auth.rights import Operation, SharingClass, Shown
from hub.acts import Actor, Acts, make_id
from hub.catalog.problems import Problem, Refused
from hub.catalog.scopes import SECURITY
from hub.sharing.tables import access_request, feedback, step
from hub.sharing.workdays import due_on, is_provisional
from hub.store.base import CHINA, now
from schema.faults import Fault
from schema.filters import check_rows
from schema.model import Resource

REASONS = ("NOT_NECESSARY", "NO_LEGAL_BASIS", "SCOPE_TOO_WIDE", "NOT_AVAILABLE", "OTHER")
"""Codified reasons of a refusal (APP-05)."""


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a rule set: working days, and the article that sets it."""

    working_days: int
    rule: str


ANSWER_UNCONDITIONAL = Term(1, "政务数据共享条例（国务院令第809号）第二十一条")
ANSWER_CONDITIONAL = Term(10, "政务数据共享条例（国务院令第809号）第二十一条")
CORRECTION = Term(10, "政务数据共享条例（国务院令第809号）第二十六条")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a case."""

    at: datetime
    actor: str
    step: str
    opinion: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """An access request or a feedback as its sender sees it."""

    id: str
    state: str
    due_on: date
    rule: str
    history: tuple[Step, ...]


class RequestService:
    """Takes in access requests and feedback."""

    def __init__(self, engine: Engine, acts: Acts) -> None:
        self._engine = engine
        self._acts = acts

    def request_access(self, actor: Actor, resource: Resource, given: Mapping[str, Any]) -> Case:
        """Files an access request; every part that is missing or wrong is named (APP-03)."""
        problems = _request_problems(resource, given)
        if problems:
            self._acts.refuse(actor, "requestAccess", resource.code, problems[0])
            raise Refused(*problems)
        term = ANSWER_UNCONDITIONAL if resource.sharing_class is SharingClass.UNCONDITIONAL else ANSWER_CONDITIONAL
        return self._file(actor, "requestAccess", access_request, "request", resource, given, term)

    def report_error(self, actor: Actor, resource: Resource, given: Mapping[str, Any]) -> Case:
        """Files a feedback that data are wrong (COR-01)."""
        item = given.get("item")
        problem = None
        if not 0 < len(str(given["description"]).strip()) <= 4000:
            problem = Problem("BAD_INPUT", "说明应为 1 至 4000 字 the description must have 1 to 4,000 characters", "", "description")
        elif item is not None and item not in resource.items:
            problem = Problem("BAD_INPUT", f"没有信息项 no item {item}", ", ".join(resource.items), "item")
        if problem:
            self._acts.refuse(actor, "reportError", resource.code, problem)
            raise Refused(problem)
        return self._file(actor, "reportError", feedback, "feedback", resource, given, CORRECTION)

    def review(self, actor: Actor, request_id: str, approve: bool, opinion: str, reason: str | None) -> Case:
        """Decides an access request. Not by who filed it; a refusal states a codified reason. The grant itself is an act of its own."""
        problem = _review_problem(actor, approve, opinion, reason)
        if problem:
            self._acts.refuse(actor, "reviewRequest", request_id, problem)
            raise Refused(problem)

        def work(connection: Connection) -> Case:
            row = connection.execute(select(access_request).where(access_request.c.id == request_id)).first()
            if row is None:
                raise Refused(Problem("NOT_FOUND", f"没有共享申请 no access request {request_id[:60]}", "请核对编号 compare the id", "id"))
            if row.state != "SUBMITTED":
                raise Refused(Problem("CONFLICT", f"申请已办结 the request is {row.state} already", "", "id"))
            if row.application == actor.application:
                raise Refused(Problem("FOUR_EYES", "申请人不得审核 who requests does not approve", "请由他人审核 let somebody else review", "id"))
            state = "APPROVED" if approve else "REFUSED"
            text = opinion if approve else f"{reason}: {opinion}"
            connection.execute(update(access_request).where(access_request.c.id == request_id).values(state=state))
            number = connection.execute(select(func.count()).select_from(step).where(step.c.subject == request_id)).scalar_one()
            connection.execute(insert(step).values(subject=request_id, number=number, at=now(), actor=actor.name, step=state, opinion=text))
            return _case(connection, request_id, state, date.fromisoformat(row.due_on), row.rule)

        return self._acts.do(actor, "reviewRequest", request_id, work, {"approve": approve, "reason": reason})

    def requests(self) -> list[Case]:
        """All access requests, newest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(access_request).order_by(access_request.c.created_at.desc()).limit(500)).all()
            return [_case(connection, row.id, row.state, date.fromisoformat(row.due_on), row.rule) for row in rows]

    def _file(self, actor: Actor, act: str, table: Table, prefix: str, resource: Resource, given: Mapping[str, Any], term: Term) -> Case:
        moment = now()
        due = due_on(moment.astimezone(CHINA).date(), term.working_days)
        rule = f"{term.rule}（暂按周一至周五推算）" if is_provisional(due) else term.rule
        case = Case(make_id(prefix), "SUBMITTED", due, rule, (Step(moment, actor.name, "SUBMITTED", None),))

        def work(connection: Connection) -> Case:
            values: dict[str, Any] = {"id": case.id, "application": actor.application, "resource": resource.code, "state": case.state, "rule": rule}
            terms = json.dumps(dict(given), ensure_ascii=False, sort_keys=True, default=str)
            if table is access_request:
                values |= {"origin": "REQUESTED", "filed_by": actor.name, "changed_at": moment}
            connection.execute(insert(table).values(**values, terms=terms, due_on=due.isoformat(), created_at=moment))
            connection.execute(insert(step).values(subject=case.id, number=0, at=moment, actor=actor.name, step="SUBMITTED", opinion=None))
            return case

        return self._acts.do(actor, act, f"{resource.code} {case.id}", work)


def _review_problem(actor: Actor, approve: bool, opinion: str, reason: str | None) -> Problem | None:
    if not actor.may(SECURITY):
        return Problem("FORBIDDEN", f"需要权限 this act needs {SECURITY}", "请使用具有该角色的账号 use an account that has this role")
    if approve or (reason in REASONS and opinion.strip()):
        return None
    return Problem("BAD_INPUT", "不予共享须说明理由 a refusal states its reason (APP-05)", f"reason: {', '.join(REASONS)}; opinion", "reason")


def _case(connection: Connection, request_id: str, state: str, due: date, rule: str) -> Case:
    rows = connection.execute(select(step).where(step.c.subject == request_id).order_by(step.c.number)).all()
    return Case(request_id, state, due, rule, tuple(Step(row.at, row.actor, row.step, row.opinion) for row in rows))


def _request_problems(resource: Resource, given: Mapping[str, Any]) -> list[Problem]:
    problems = [
        Problem("BAD_INPUT", f"{name} 不能为空 must not be empty (APP-03)", "", name)
        for name in ("purpose", "scenario", "legal_basis")
        if not str(given.get(name) or "").strip()
    ]
    offered = ", ".join(o.value for o in resource.operations)
    if not given["operations"] or any(Operation(o) not in resource.operations for o in given["operations"]):
        problems.append(Problem("BAD_INPUT", "申请的操作须为资源所提供 operations must be among those offered", offered, "operations"))
    for i, item in enumerate(given["items"]):
        known = resource.items.get(item["code"])
        if known is None or known.sharing_class is SharingClass.NOT_SHARED:
            problems.append(Problem("BAD_INPUT", f"没有信息项 no item {item['code']}", ", ".join(resource.items), f"items[{i}].code"))
        elif item["access"] not in (Shown.CLEAR.value, Shown.MASKED.value):
            problems.append(Problem("BAD_INPUT", "应为 CLEAR 或 MASKED must be CLEAR or MASKED", "", f"items[{i}].access"))
    if not given["items"]:
        problems.append(Problem("BAD_INPUT", "至少申请一个信息项 ask for at least one item", ", ".join(resource.items), "items"))
    if given.get("rows") is not None:
        try:
            check_rows(resource, given["rows"])
        except Fault as fault:
            problems.append(Problem("BAD_INPUT", f"{fault.zh} {fault.en}", fault.hint_en, "rows"))
    return problems
