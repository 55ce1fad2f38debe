"""Conditions of the feedback's transitions that the state machine names and data alone cannot say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from hub.catalog.tables import department
from hub.feedback.given import MOST_ITEMS, READ_BY, Evidence, Given, bad, no_entry
from hub.ledger import tables as ledger
from hub.sharing.due import Due
from hub.sharing.filing import shared_part
from hub.sharing.machine import Transition
from hub.sharing.workdays import china_day
from hub.store.base import now
from schema.model import Snapshot
from schema.naming import CODE

Changes = dict[str, Any]
Case = Mapping[str, Any]


class NotYet(Exception):
    """Time has not brought it: neither change nor entry."""


class Guards:
    """Checks what a transition's ``guard`` names; answers the columns that change by it."""

    def __init__(self, catalog: Callable[[Connection], Snapshot]) -> None:
        self._catalog = catalog

    def check(self, connection: Connection, transition: Transition, case: Case, given: Given, due: Due) -> Changes:
        """The columns that change. ``due`` is the end of the term that runs.

        Raises:
            Refused: the condition does not hold.
            NotYet: of what only time brings.
        """
        if transition.guard == "evidence":
            return self._evidence(connection, case, given.evidence)
        if transition.guard == "transfer":
            return _transfer(connection, case, given.to)
        if transition.guard == "past":
            return _past(case, due)
        return _lapsed(case) if transition.guard == "lapsed" else {}

    def _evidence(self, connection: Connection, case: Case, given: Evidence | None) -> Changes:
        """COR-02: no correction without evidence of it."""
        if given is None or not 0 < len(given.items) <= MOST_ITEMS:
            message = f"更正须列明所更正的信息项 1 至 {MOST_ITEMS} 个 a correction names 1 to {MOST_ITEMS} items"
            raise bad("BAD_INPUT", message, "items", "items, asOf | entry")
        resource = self._catalog(connection).resources.get(case["resource"])
        shared = shared_part(resource).items if resource else None
        unknown = [item for item in given.items if not (CODE.match(item) if shared is None else item in shared)]
        if unknown:
            raise bad("BAD_INPUT", f"没有信息项 no item {unknown[0][:120]}", "items", ", ".join(shared or ()))
        if given.as_of is None and given.entry is None:
            message = (
                "更正须有证据：更正后数据的时点，或读取它的日志条目 a correction needs evidence: the moment of the source's new state, or an entry that read it"
            )
            raise bad("BAD_INPUT", message, "asOf", "asOf | entry")
        if given.as_of is not None and not case["created_at"] < given.as_of <= now():
            message = "时点应在反馈之后、当前之前 the moment must lie between the report and now"
            raise bad("BAD_INPUT", message, "asOf", case["created_at"].isoformat())
        if given.entry is not None and not _read_since(connection, case, given.entry):
            raise no_entry(given.entry, "entry")
        return {"evidence": given.text()}


def _read_since(connection: Connection, case: Case, entry: int) -> bool:
    """Whether the entry is of a call that took data of the resource after the report; a refused one read nothing."""
    touching = select(ledger.access.c.seq).where(ledger.access.c.seq == entry, ledger.access.c.resource == case["resource"])
    answered = ledger.entry.c.kind.in_(READ_BY), ledger.entry.c.outcome.in_(("OK", "PARTIAL"))
    at = connection.execute(select(ledger.entry.c.at).where(ledger.entry.c.seq.in_(touching), *answered)).scalar()
    return at is not None and at > case["created_at"]


def _transfer(connection: Connection, case: Case, to: str | None) -> Changes:
    """A term that was broken stays with who broke it."""
    if case["late"] is not None:
        raise bad("CONFLICT", "期限已过，不得转办 the term is over: the case stays", "id")
    known = connection.execute(select(department.c.active).where(department.c.code == (to or ""))).scalar()
    if not known or to == case["provider"]:
        raise bad("NOT_FOUND", f"没有可转办的部门 no other department in use: {(to or '')[:80]}", "to", "departments { code }")
    if to == case["consumer"]:
        message = "不得转办至反馈人所在部门 a case does not go to the reporter's own department, which would answer itself"
        raise bad("CONFLICT", message, "to", "explainFeedback | rejectFeedback | departments { code }")
    return {"provider": to, "transferred_from": case["provider"], "received_at": now()}


def _past(case: Case, due: Due) -> Changes:
    if not (case["runs"] and due.counted and china_day(now()) > due.on):
        raise NotYet
    return {"late": case["party"]}


def _lapsed(case: Case) -> Changes:
    if case["closes_on"] is None or china_day(now()).isoformat() <= case["closes_on"]:
        raise NotYet
    return {}
