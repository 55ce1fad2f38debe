"""Access requests 共享申请: filed, and led from step to step as the state machine says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select, update

from auth.rights import SharingClass
from hub.acts import Actor, Acts, make_id
from hub.catalog.problems import Problem, Refused
from hub.sharing.calendar_service import read_calendar
from hub.sharing.cases import MOST_LISTED, Case, CaseReader, Wanted
from hub.sharing.due import Due, due_of
from hub.sharing.filing import asked_again, stored_terms
from hub.sharing.guards import Given, Guards
from hub.sharing.machine import REQUEST, SYSTEM_ACTOR, Transition, check_role, choose, sides
from hub.sharing.reasons import check_opinion, reason_of
from hub.sharing.request_checks import check_offered, check_room, department_of, owner_of, shared_resource
from hub.sharing.rules import RuleBook
from hub.sharing.steps import Step, add_step
from hub.sharing.tables import access_request, application, grant
from hub.sharing.unmasked import check_told, unmasked_by_approval
from hub.sharing.workdays import china_day
from hub.store.base import now
from hub.store.engine import reading
from schema.model import Resource, Snapshot

__all__ = ["Case", "RequestService", "Step"]
_LEDGER = {"file": "requestAccess", "approve": "reviewRequest", "refuse": "reviewRequest", "complete": "checkRequest", "notice": "checkRequest"}
"""What the ledger calls an act; the others are ``…Request``, but for extensions and signatures."""


@dataclass(frozen=True, slots=True)
class _Filed:
    """What is filed beside the terms."""

    number: str
    actor: Actor
    app: Row[Any]
    given: Mapping[str, Any]


class RequestService:
    """Takes in access requests, and does every act on a request. Every method may raise :class:`Refused`; then nothing was changed."""

    def __init__(self, engine: Engine, acts: Acts, catalog: Callable[[Connection], Snapshot], book: RuleBook) -> None:
        self._engine = engine
        self._acts = acts
        self._catalog = catalog
        self._book = book
        self._guards = Guards(book, catalog)
        self.reader = CaseReader(engine, book)

    def request_access(self, actor: Actor, resource: Resource, given: Mapping[str, Any], client_id: str | None = None) -> Case:
        """Files an access request, for the actor's application or that of ``client_id``; every part that is missing or wrong is named (APP-03)."""
        number = make_id("request")

        def work(connection: Connection) -> str:
            check_role(REQUEST, "file", actor)
            app = connection.execute(select(application).where(application.c.client_id == (client_id or actor.application))).first()
            if app is None:
                raise Refused(_of_applications("申请须由业务应用系统提出 a request is an application's"))
            filed = _Filed(number, actor, app, given)
            self._file(connection, filed, resource)
            return number

        self._acts.do(actor, "requestAccess", f"{resource.code} {number}", work, {"request": number, "step": "file"})
        return self._read(number)

    def act(self, actor: Actor, act: str, number: str, **given: Any) -> Case:
        """Does an act of the state machine; ``given`` are the fields of :class:`hub.sharing.guards.Given`."""
        more = Given(**given)
        with reading(self._engine) as before:
            told = unmasked_by_approval(before, self._catalog, act, number)

        def work(connection: Connection) -> str:
            check_told(told, unmasked_by_approval(connection, self._catalog, act, number))
            return self._do(connection, actor, act, number, more)

        details = {"request": number[:80], "step": act, **({"reason": more.reason[:80]} if more.reason else {}), **told}
        self._acts.do(actor, ledger_name(act), number, work, details)
        return self._read(number)

    def review(self, actor: Actor, request_id: str, approve: bool, opinion: str, reason: str | None) -> Case:
        """The authority's decision; a refusal needs a codified reason and an opinion (APP-05)."""
        return self.act(actor, "approve" if approve else "refuse", request_id, opinion=opinion, reason=None if approve else reason)

    def sign(self, actor: Actor, request_id: str, named: str, for_provider: bool) -> Case:
        """Signs the agreement, which is named by its SHA-256; with the second signature the grant is there."""
        return self.act(actor, "signForProvider" if for_provider else "signForConsumer", request_id, hash=named)

    def extend(self, actor: Actor, grant_id: str, valid_to: str) -> Case:
        """Files a request to prolong a live grant by the same terms; it goes the way of every request."""
        with self._engine.connect() as connection:
            row = connection.execute(select(grant).where(grant.c.id == grant_id)).first()
            side = dict(row._mapping) | {"consumer": department_of(connection, row.application), "provider": ""} if row else {}
            if row is None or not sides(actor, side, owner_of(connection, row.application)) & {"applicant", "consumer"}:
                problem = Problem("NOT_FOUND", f"没有授权 no grant {grant_id[:80]}", "请核对编号 compare the number", "id")
                self._acts.refuse(actor, "requestAccess", grant_id, problem)
                raise Refused(problem)
            resource = shared_resource(self._catalog(connection), row.resource)
            stored = connection.execute(select(access_request.c.terms).where(access_request.c.id == row.request)).scalar()
            days = json.loads(stored).get("disposal_days") if stored else None
        if resource is None:
            problem = Problem("NOT_FOUND", f"资源已下架 the resource was withdrawn: {row.resource}", "", "id")
            self._acts.refuse(actor, "requestAccess", grant_id, problem)
            raise Refused(problem)
        return self.request_access(actor, resource, asked_again(row) | {"valid_to": valid_to, "disposal_days": days}, row.application)

    def requests(self) -> Sequence[Case]:
        """All access requests, newest first."""
        return self.reader.find(Wanted(first=MOST_LISTED))

    def _read(self, number: str) -> Case:
        found = self.reader.get(number)
        if found is None:
            raise Refused(_no_request(number))
        return found

    def _file(self, connection: Connection, filed: _Filed, resource: Resource) -> None:
        moment, app = now(), filed.app
        check_offered(self._catalog(connection), resource.code)
        text = stored_terms(resource, filed.given, moment)
        extends = filed.given.get("extends")
        check_room(connection, app, resource.code, extends)
        answer = "answer_unconditional" if resource.sharing_class is SharingClass.UNCONDITIONAL else "answer_conditional"
        due = due_of(self._book, read_calendar(connection), answer, moment)
        case = {"application": app.client_id, "consumer": app.department, "provider": resource.department, "state": "FILED"}
        connection.execute(
            insert(access_request).values(
                id=filed.number,
                resource=resource.code,
                terms=text,
                extends=extends,
                origin="REQUESTED",
                answer=answer,
                party=REQUEST.party("FILED", {}),
                filed_by=filed.actor.name,
                created_at=moment,
                changed_at=moment,
                **case,
                **_term(due, answer, moment, "FILED"),
            )
        )
        add_step(connection, filed.number, filed.actor.name, "file")

    def _do(self, connection: Connection, actor: Actor, act: str, number: str, given: Given) -> str:
        if act not in REQUEST.acts() or act == "file":
            raise Refused(Problem("BAD_INPUT", f"没有此步 no act {act[:60]}", ", ".join(REQUEST.acts()[1:]), "act"))
        check_role(REQUEST, act, actor)
        row = connection.execute(select(access_request).where(access_request.c.id == number)).first()
        owner = owner_of(connection, row.application) if row else None
        on = sides(actor, dict(row._mapping), owner) if row else set()
        if row is None or not on or row.origin != "REQUESTED":
            raise Refused(_no_request(number))
        case = dict(row._mapping)
        transition = choose(REQUEST, act, case, actor, on)
        reason = reason_of(self._book, transition, given.reason, given.opinion)
        check_opinion(transition, given.opinion)
        self.note_breach(connection, case)
        changes = self._guards.check(connection, transition, case, given)
        # The history says how many days were given, also where the rules' own number was meant: an opinion that begins with a number is none.
        given = replace(given, days=changes.get("extended_days", given.days))
        changes |= self._moved(connection, transition, case | changes, actor, reason)
        granting = transition.to == "GRANTED"
        if granting:
            changes |= self._guards.grant_number(connection, case | changes)
        connection.execute(update(access_request).where(access_request.c.id == number).values(**changes))
        if granting:
            # After the request: the database takes a grant only from a request that names it and has every approval.
            self._guards.activate(connection, case | changes, actor)
        add_step(connection, number, actor.name, act, given.told(reason))
        return number

    def _moved(self, connection: Connection, transition: Transition, case: Mapping[str, Any], actor: Actor, reason: str | None) -> dict[str, Any]:
        """The columns after a transition: state and party, who did it, and the term that begins, goes on or ends."""
        state, moment = transition.leads_to(case["state"]), now()
        changes: dict[str, Any] = dict.fromkeys(transition.records, actor.name) | dict.fromkeys(transition.clears)
        changes |= {"state": state, "party": REQUEST.party(state, {**case, **changes}), "changed_at": moment}
        if reason is not None:
            changes["reason"] = reason
        calendar = read_calendar(connection)
        if transition.starts:
            code = case["answer"] if transition.starts == "answer" else transition.starts
            due = due_of(self._book, calendar, code, moment)
            return changes | {"extended_days": 0, "late": None} | _term(due, code, moment, state)
        due = due_of(self._book, calendar, case["term"], case["term_at"], case["extended_days"])
        return changes | _term(due, case["term"], case["term_at"], state)

    def note_breach(self, connection: Connection, case: dict[str, Any]) -> bool:
        """Records once that a term ran out, and who was to act then; ``case`` is brought up to date."""
        due = due_of(self._book, read_calendar(connection), case["term"], case["term_at"], case["extended_days"])
        if not (case["runs"] and due.counted and case["late"] is None and china_day(now()) > due.on):
            return False
        case["late"] = case["party"]
        connection.execute(update(access_request).where(access_request.c.id == case["id"]).values(late=case["party"]))
        add_step(connection, case["id"], SYSTEM_ACTOR.name, "breach", f"{case['party']}: {due.on.isoformat()} {due.rule}")
        return True


def ledger_name(act: str) -> str:
    """What the ledger calls an act on a request."""
    if act in _LEDGER:
        return _LEDGER[act]
    if act.endswith("Extension"):
        return act if act == "requestExtension" else "decideExtension"
    if act.startswith("sign"):
        return "signAgreement"
    return "giveOpinion" if act in ("agree", "disagree") else f"{act}Request"


def _term(due: Due, code: str, since: datetime, state: str) -> dict[str, Any]:
    runs = due.counted and REQUEST.states[state].counts
    return {"term": code, "term_at": since, "due_on": due.on.isoformat(), "rule": due.rule, "runs": runs}


def _of_applications(message: str) -> Problem:
    return Problem("FORBIDDEN", message, "以应用的令牌提交 use the application's token", "application")


def _no_request(number: str) -> Problem:
    return Problem("NOT_FOUND", f"没有申请 no request {number[:80]}", "请核对编号 compare the number", "id")
