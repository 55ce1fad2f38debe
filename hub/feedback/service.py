"""Feedback 疑义反馈 (COR-01…05): taken in, and led from step to step as the state machine says, each step with its entry in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from hub.acts import Actor, Acts, make_id
from hub.feedback.cases import FeedbackCase, FeedbackReader, machine_of
from hub.feedback.entries import ledger_name, step_details
from hub.feedback.given import COMPLAINT, Given, Report, bad, description_digest
from hub.feedback.guards import Guards, NotYet
from hub.feedback.public import Pace, hash_code, holds, make_code
from hub.feedback.reported import no_case, owner_of, reported
from hub.feedback.tables import feedback_case
from hub.sharing.calendar_service import read_calendar
from hub.sharing.due import Due, due_of
from hub.sharing.machine import ACTS, PUBLIC_ACTOR, SYSTEM_ACTOR, Transition, check_role, choose, sides
from hub.sharing.reasons import check_opinion
from hub.sharing.rules import RuleBook
from hub.sharing.steps import add_step
from hub.sharing.workdays import china_day
from hub.store.base import now
from schema.model import Resource, Snapshot

MOST_OPEN = 200
"""Cases of one account that wait for an answer."""
ANSWERS = ("CORRECTED", "EXPLAINED", "REJECTED", "REDRESSED", "DISMISSED")


class _AlreadyFiled(Exception):
    """The same report is open already: neither case nor entry."""


@dataclass(frozen=True, slots=True)
class Filed:
    """A report that was taken in; ``code`` is told to the public, once."""

    case: FeedbackCase
    code: str | None = None


class FeedbackService:
    """Takes in reports and does every act on them. Every method may raise :class:`hub.catalog.problems.Refused`; then nothing was changed."""

    def __init__(self, engine: Engine, acts: Acts, catalog: Callable[[Connection], Snapshot], book: RuleBook, pace: Pace, confirmation_days: int) -> None:
        self._engine = engine
        self._acts = acts
        self._book = book
        self._pace = pace
        self._confirmation_days = confirmation_days
        self._guards = Guards(catalog)
        self.reader = FeedbackReader(engine, book)

    def report(self, actor: Actor, resource: Resource, report: Report, address: str = "", code: str | None = None) -> Filed:
        """Files a report or a complaint of an application, a person, or the public at a network address; ``code`` is of the case complained of.

        The same report of the same account while the first is open is that one again.

        Raises:
            Fault: the public has reported as much as it may for today.
        """
        public = actor is PUBLIC_ACTOR
        if public:
            self._pace.check(address)
        number, moment = make_id("feedback"), now()
        made = make_code() if public else None
        digest = description_digest(number, report.description)
        act = "lodge" if report.kind == COMPLAINT else "report"

        def work(connection: Connection) -> None:
            report.check(resource)
            if public:
                self._pace.take(connection, address)
            row = reported(connection, actor, resource, report, code)
            self._check_room(connection, actor, row)
            kept = {"id": number, "digest": digest, "code_hash": hash_code(made) if made else None, "created_at": moment, "changed_at": moment}
            self._insert(connection, {**row, **kept}, moment)
            add_step(connection, number, actor.name, act, None, moment)

        details = {"description": digest, "kind": report.kind, **step_details(number, moment, actor, act, None)}
        try:
            self._acts.do(actor, ledger_name(act), f"{resource.code} {number}", work, details)
        except _AlreadyFiled as found:
            return Filed(self._read(str(found)))
        return Filed(self._read(number), made)

    def act(self, actor: Actor, act: str, number: str, given: Given | None = None) -> FeedbackCase:
        """Does an act of the state machine; what time has brought meanwhile is recorded before it."""
        more = given or Given()
        self.catch_up(number)
        moment, told = now(), more.told(act)

        def work(connection: Connection) -> None:
            if act not in ACTS or act in ("report", "lodge"):
                raise bad("BAD_INPUT", f"没有此步 no act {act[:60]}", "act")
            self._do(connection, actor, act, number, more, moment)
            add_step(connection, number, actor.name, act, told, moment)

        self._acts.do(actor, ledger_name(act), number[:80], work, step_details(number[:80], moment, actor, act, told))
        return self._read(number)

    def catch_up(self, number: str) -> int:
        """Records what time has brought for a case, each thing as an act of the hub's; how much."""
        return sum(self._bring(act, number) for act in ("overdue", "lapse"))

    def _bring(self, act: str, number: str) -> bool:
        moment, told = now(), None
        with self._engine.connect() as connection:
            row = connection.execute(select(feedback_case).where(feedback_case.c.id == number)).first()
            if row is None or not self._is_ripe(connection, act, dict(row._mapping)):
                return False
            told = f"{row.party}: {row.due_on} {row.rule}" if act == "overdue" else None

        def work(connection: Connection) -> None:
            case = dict(connection.execute(select(feedback_case).where(feedback_case.c.id == number)).one()._mapping)
            if not self._is_ripe(connection, act, case):
                raise NotYet
            self._do(connection, SYSTEM_ACTOR, act, number, Given(), moment)
            add_step(connection, number, SYSTEM_ACTOR.name, act, told, moment)

        try:
            self._acts.do(SYSTEM_ACTOR, ledger_name(act), number, work, step_details(number, moment, SYSTEM_ACTOR, act, told))
        except NotYet:
            return False
        return True

    def _is_ripe(self, connection: Connection, act: str, case: Mapping[str, Any]) -> bool:
        open_now = [each for each in machine_of(case["kind"]).of(act) if each.is_open(case["state"], case)]
        try:
            for each in open_now:
                self._guards.check(connection, each, case, Given(), self._due(connection, case))
        except NotYet:
            return False
        return bool(open_now)

    def _do(self, connection: Connection, actor: Actor, act: str, number: str, given: Given, moment: datetime) -> None:
        row = connection.execute(select(feedback_case).where(feedback_case.c.id == number)).first()
        case: dict[str, Any] = dict(row._mapping) if row else {"kind": "ERROR", "code_hash": None}
        machine = machine_of(case["kind"])
        if machine.of(act):
            check_role(machine, act, actor)
        known = actor is not PUBLIC_ACTOR or holds(given.code, case["code_hash"])
        on = sides(actor, case, owner_of(connection, case["application"])) & machine.parties() if row and known else set()
        if not on:
            raise no_case(number)
        if not machine.of(act):
            raise bad("CONFLICT", f"此类案件没有此步 no act of {machine.name_en.lower()}s: {act}", "id", ", ".join(machine.acts()[1:]))
        transition = choose(machine, act, case, actor, on)
        check_opinion(transition, given.opinion)
        changes = self._guards.check(connection, transition, case, given, self._due(connection, case))
        changes |= self._moved(connection, transition, case | changes, actor, moment)
        connection.execute(update(feedback_case).where(feedback_case.c.id == number).values(**changes))

    def _moved(self, connection: Connection, transition: Transition, case: Mapping[str, Any], actor: Actor, moment: datetime) -> dict[str, Any]:
        """The columns after a transition: state and party, who did it, the answer, and the term that begins, goes on or ends."""
        state, calendar = transition.leads_to(case["state"]), read_calendar(connection)
        changes: dict[str, Any] = dict.fromkeys(transition.records, actor.name) | dict.fromkeys(transition.clears)
        changes |= {"state": state, "party": machine_of(case["kind"]).party(state, case), "changed_at": moment}
        if state in ANSWERS and state != case["state"]:
            closes = calendar.due_on(china_day(moment), self._confirmation_days).isoformat() if case["kind"] != COMPLAINT else None
            changes |= {"outcome": state, "closes_on": closes}
            if case["answered_at"] is None:
                due = self._due(connection, case)
                changes |= {"answered_at": moment, "answered_due_on": due.on.isoformat() if due.counted else None}
        if transition.starts:
            changes |= {"late": None, "closes_on": None}
            return changes | self._term(connection, case["kind"], state, moment)
        return changes | {"runs": self._due(connection, case).counted and machine_of(case["kind"]).states[state].counts}

    def _check_room(self, connection: Connection, actor: Actor, row: Mapping[str, Any]) -> None:
        """Raises what the same report is already, or that too many of the account's wait."""
        if actor is PUBLIC_ACTOR:
            return
        columns = feedback_case.c
        waiting = (columns.application == actor.application) & columns.answered_at.is_(None) & columns.party.is_not(None)
        names = ("kind", "resource", "item", "subject_entry", "about", "description", "filed_by")
        same = [columns[name].is_not_distinct_from(row[name]) for name in names]
        if found := connection.execute(select(columns.id).where(waiting, *same)).scalar():
            raise _AlreadyFiled(found)
        if connection.execute(select(func.count()).select_from(feedback_case).where(waiting)).scalar_one() >= MOST_OPEN:
            raise bad("CONFLICT", f"待答复的反馈已有 {MOST_OPEN} 件 {MOST_OPEN} reports of yours await an answer", "resource")

    def _insert(self, connection: Connection, row: Mapping[str, Any], moment: datetime) -> None:
        machine = machine_of(row["kind"])
        started = {"state": machine.initial, "party": machine.party(machine.initial, row), "received_at": moment}
        connection.execute(insert(feedback_case).values(**row, **started, **self._term(connection, row["kind"], machine.initial, moment)))

    def _term(self, connection: Connection, kind: str, state: str, moment: datetime) -> dict[str, Any]:
        """The term of the answer, from this moment on."""
        code = "complaint" if kind == COMPLAINT else "correction"
        due = due_of(self._book, read_calendar(connection), code, moment)
        runs = due.counted and machine_of(kind).states[state].counts
        return {"term": code, "term_at": moment, "due_on": due.on.isoformat(), "rule": due.rule, "runs": runs}

    def _due(self, connection: Connection, case: Mapping[str, Any]) -> Due:
        return due_of(self._book, read_calendar(connection), case["term"], case["term_at"])

    def _read(self, number: str) -> FeedbackCase:
        found = self.reader.get(number)
        if found is None:
            raise no_case(number)
        return found
