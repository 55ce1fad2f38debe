"""Conditions of transitions that the state machine names and data alone cannot say, and what an approved request turns into."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from hub.acts import Actor, bump, make_id
from hub.catalog.problems import Problem, Refused
from hub.catalog.tables import department
from hub.sharing.agreement import Side, agreed_terms, agreement_text, hash_of
from hub.sharing.calendar_service import read_calendar
from hub.sharing.due import due_of
from hub.sharing.filing import MOST_TEXT, terms_asked
from hub.sharing.live_grants import NewGrant, live_grant, store_grant, terms_text
from hub.sharing.machine import Transition
from hub.sharing.rules import RuleBook
from hub.sharing.steps import add_step
from hub.sharing.tables import application, grant
from hub.sharing.workdays import china_day
from hub.store.base import now
from schema.model import Snapshot

Changes = dict[str, Any]
MOST_MISSING = 20


@dataclass(frozen=True, slots=True)
class Given:
    """What comes with an act: opinion and reason; the papers that are missing; parts of the request anew; the agreement's hash; working days."""

    opinion: str = ""
    reason: str | None = None
    missing: tuple[str, ...] = ()
    supplement: Mapping[str, Any] | None = None
    hash: str | None = None
    days: int | None = None

    def told(self, reason: str | None) -> str | None:
        """What the history says beside the act."""
        parts = [f"{reason}:" if reason else "", "; ".join(self.missing), f"+{self.days}" if self.days else "", self.opinion.strip()]
        return " ".join(part for part in parts if part) or None


class Guards:
    """Checks what a transition's ``guard`` names; answers the columns that change by it."""

    def __init__(self, book: RuleBook, catalog: Callable[[Connection], Snapshot]) -> None:
        self._book = book
        self._catalog = catalog
        self._checks: Mapping[str, Callable[[Connection, Mapping[str, Any], Given], Changes]] = {
            "missing": self._missing,
            "supplement": self._supplement,
            "extendable": self._extendable,
            "extension": self._extension,
            "terms": self._terms,
            "hash": self._hash,
        }

    def check(self, connection: Connection, transition: Transition, case: Mapping[str, Any], given: Given) -> Changes:
        """The columns that change.

        Raises:
            Refused: the condition does not hold.
        """
        return self._checks[transition.guard](connection, case, given) if transition.guard else {}

    def activate(self, connection: Connection, case: Mapping[str, Any], actor: Actor) -> Changes:
        """The grant that the agreement gives, with exactly its terms; one that prolongs a live grant takes its place under the same number."""
        agreed = agreed_terms(case["agreement"])
        moment = now()
        if agreed.valid_to is not None and agreed.valid_to <= moment:
            raise Refused(_bad("CONFLICT", "协议的终止时间已过 the agreement's end has passed", "请撤回后重新申请 withdraw and apply anew", "id"))
        held = live_grant(connection, case["application"], case["resource"])
        if held is not None and held.id != case["extends"]:
            raise Refused(_bad("CONFLICT", f"已有有效授权 there is a live grant already: {held.id}", "请先撤销 revoke it first", "id"))
        begins = agreed.valid_from or moment
        number = held.id if held else make_id("grant")
        made = NewGrant(
            number, case["application"], case["resource"], agreed.grant, begins, agreed.valid_to, case["decided_by"], case["id"], case["agreement_hash"]
        )
        if held is None:
            store_grant(connection, made, actor.name)
        else:
            times = {"valid_from": min(begins, held.valid_from), "valid_to": made.valid_to, "approver": made.approver}
            more = {"agreement_hash": made.agreement_hash, "request": made.request, "terms": terms_text(made.terms)}
            connection.execute(update(grant).where(grant.c.id == number).values(**times, **more))
            add_step(connection, number, actor.name, "extend", case["id"])
            bump(connection, "rights")
        return {"grant": number}

    @staticmethod
    def _missing(_connection: Connection, _case: Mapping[str, Any], given: Given) -> Changes:
        """N809-21: one notice that names everything that is missing."""
        named = [part.strip() for part in given.missing]
        if not 0 < len(named) <= MOST_MISSING or any(not 0 < len(part) <= 200 for part in named):
            raise Refused(_bad("BAD_INPUT", f"须列明所缺材料 1 至 {MOST_MISSING} 项 name 1 to {MOST_MISSING} missing papers", 'missing: ["…"]', "missing"))
        return {"missing": json.dumps(named, ensure_ascii=False)}

    def _supplement(self, connection: Connection, case: Mapping[str, Any], given: Given) -> Changes:
        if not given.supplement and not given.opinion.strip():
            raise Refused(_bad("BAD_INPUT", "须补充材料或说明 supplement something", "scenario, legalBasis, documents … or opinion", "id"))
        if not given.supplement:
            return {}
        resource = self._catalog(connection).resources.get(case["resource"])
        if resource is None:
            raise Refused(_bad("NOT_FOUND", f"资源已下架 the resource was withdrawn: {case['resource']}", "请撤回 withdraw", "id"))
        asked = {**json.loads(case["terms"]).get("given", {}), **given.supplement}
        terms = {**terms_asked(resource, asked, now()), "given": asked}
        return {"terms": json.dumps(terms, ensure_ascii=False, sort_keys=True, default=str)}

    def _extendable(self, connection: Connection, case: Mapping[str, Any], given: Given) -> Changes:
        self._days(connection, case, given)
        if case["late"]:
            raise Refused(_bad("CONFLICT", "期限已过，不得延长 the term is over and cannot be extended", "", "id"))
        return {}

    def _extension(self, connection: Connection, case: Mapping[str, Any], given: Given) -> Changes:
        return {"extended_days": self._days(connection, case, given)}

    def _days(self, connection: Connection, case: Mapping[str, Any], given: Given) -> int:
        most = due_of(self._book, read_calendar(connection), case["term"], case["term_at"]).extendable
        days = most if given.days is None else given.days
        if not 1 <= days <= most:
            message = (
                f"可延长 1 至 {most} 个工作日 an extension has 1 to {most} working days" if most else "现行规则集不许延长 no rule in force allows an extension"
            )
            raise Refused(_bad("BAD_INPUT", message, "", "days"))
        return days

    def _terms(self, connection: Connection, case: Mapping[str, Any], _given: Given) -> Changes:
        """The agreement is drawn up with the approval."""
        stored = json.loads(case["terms"])
        if "grant" not in stored:
            raise Refused(_bad("CONFLICT", "该申请的条款不完整 the request's terms are not complete", "请撤回后重新申请 withdraw and apply anew", "id"))
        terms = {name: stored[name] for name in ("grant", "valid_from", "valid_to", "disposal_days")}
        names = {row.code: row.name for row in connection.execute(select(department.c.code, department.c.name))}
        app = connection.execute(select(application.c.name).where(application.c.client_id == case["application"])).scalar_one()
        consumer, provider = (Side(case[side], names.get(case[side], case[side])) for side in ("consumer", "provider"))
        text = agreement_text(case["id"], app, consumer, provider, case["resource"], china_day(now()), terms)
        return {"agreement": text, "agreement_hash": hash_of(text)}

    @staticmethod
    def _hash(_connection: Connection, case: Mapping[str, Any], given: Given) -> Changes:
        if (given.hash or "").lower() != case["agreement_hash"]:
            raise Refused(_bad("BAD_INPUT", "所签协议与本申请的协议不符 this is not the agreement's SHA-256", "accessRequest { agreement { hash } }", "hash"))
        return {}


def _bad(code: str, message: str, hint: str, path: str) -> Problem:
    return Problem(code, message, hint, path)


__all__ = ["MOST_TEXT", "Changes", "Given", "Guards"]
