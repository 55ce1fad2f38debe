"""Conditions of transitions that the state machine names and data alone cannot say, and what an approved request turns into."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from hub.acts import Actor, bump, make_id
from hub.catalog.problems import Problem, Refused
from hub.catalog.tables import department
from hub.sharing.agreement import Side, agreed_terms, agreement_text, hash_of
from hub.sharing.calendar_service import read_calendar
from hub.sharing.due import due_of
from hub.sharing.filing import MOST_TEXT, moment_of, stored_terms, supplemented, terms_asked
from hub.sharing.live_grants import NewGrant, live_grant, store_grant, terms_text
from hub.sharing.machine import Transition
from hub.sharing.request_checks import check_offered, shared_resource
from hub.sharing.rules import RuleBook
from hub.sharing.steps import add_step
from hub.sharing.tables import application, grant
from hub.sharing.texts import NOT_PLAIN, is_plain
from hub.sharing.workdays import china_day
from hub.store.base import now
from schema.model import Snapshot

Changes = dict[str, Any]
MOST_MISSING = 20
_ANEW = "请撤回后重新申请 withdraw and apply anew"


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

    def grant_number(self, connection: Connection, case: Mapping[str, Any]) -> Changes:
        """Under which number the agreement's grant is to stand: a new one, or that of the live grant which it prolongs.

        Raises:
            Refused: the agreement cannot come into force any more.
        """
        _check_end(agreed_terms(case["agreement"]).valid_to)
        self._check_offer(connection, case)
        held = live_grant(connection, case["application"], case["resource"])
        if held is None and case["extends"] is not None:
            raise Refused(_bad("CONFLICT", f"所延续的授权已终止 the grant to be prolonged has ended: {case['extends']}", _ANEW, "id"))
        if held is not None and held.id != case["extends"]:
            raise Refused(_bad("CONFLICT", f"已有有效授权 there is a live grant already: {held.id}", "请先撤销 revoke it first", "id"))
        return {"grant": held.id if held else make_id("grant")}

    @staticmethod
    def activate(connection: Connection, case: Mapping[str, Any], actor: Actor) -> None:
        """The grant that the agreement gives, with exactly its terms; one that prolongs a live grant takes its place under the same number."""
        agreed, number = agreed_terms(case["agreement"]), case["grant"]
        approved = (case["decided_by"], case["id"], case["agreement_hash"])
        made = NewGrant(number, case["application"], case["resource"], agreed.grant, agreed.valid_from or now(), agreed.valid_to, *approved)
        if case["extends"] is None:
            store_grant(connection, made, actor.name)
            return
        more = {"approver": made.approver, "agreement_hash": made.agreement_hash, "request": made.request, "terms": terms_text(made.terms)}
        connection.execute(update(grant).where(grant.c.id == number).values(valid_to=made.valid_to, **more))
        add_step(connection, number, actor.name, "extend", case["id"])
        bump(connection, "rights")

    def _check_offer(self, connection: Connection, case: Mapping[str, Any]) -> None:
        """What was asked for must still be what the catalog gives: nobody approves or signs what is not shared any more."""
        stored, catalog = json.loads(case["terms"]), self._catalog(connection)
        check_offered(catalog, case["resource"])
        resource = shared_resource(catalog, case["resource"])
        why = "资源已下架 the resource was withdrawn"
        if resource is not None:
            try:
                if terms_asked(resource, stored["given"], case["created_at"])["grant"] == stored["grant"]:
                    return
                why = "条款将与申请不同 the terms would differ from those asked for"
            except Refused as refused:
                why = "; ".join(f"{problem.path}: {problem.message}" for problem in refused.problems)
        raise Refused(_bad("CONFLICT", f"申请之后目录已变更 the catalog has changed since the request: {why}", _ANEW, "id"))

    @staticmethod
    def _missing(_connection: Connection, _case: Mapping[str, Any], given: Given) -> Changes:
        """N809-21: one notice that names everything that is missing."""
        named = [part.strip() for part in given.missing]
        if not 0 < len(named) <= MOST_MISSING or any(not 0 < len(part) <= 200 for part in named):
            raise Refused(_bad("BAD_INPUT", f"须列明所缺材料 1 至 {MOST_MISSING} 项 name 1 to {MOST_MISSING} missing papers", 'missing: ["…"]', "missing"))
        if not all(is_plain(part) for part in named):
            raise Refused(_bad("BAD_INPUT", NOT_PLAIN, "请去除 remove them", "missing"))
        return {"missing": json.dumps(named, ensure_ascii=False)}

    def _supplement(self, connection: Connection, case: Mapping[str, Any], given: Given) -> Changes:
        if not given.supplement and not given.opinion.strip():
            raise Refused(_bad("BAD_INPUT", "须补充材料或说明 supplement something", "scenario, legalBasis, documents … or opinion", "id"))
        if not given.supplement:
            return {}
        resource = shared_resource(self._catalog(connection), case["resource"])
        if resource is None:
            raise Refused(_bad("NOT_FOUND", f"资源已下架 the resource was withdrawn: {case['resource']}", "请撤回 withdraw", "id"))
        asked = supplemented(json.loads(case["terms"]).get("given", {}), given.supplement)
        return {"terms": stored_terms(resource, asked, now())}

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
            raise Refused(_bad("CONFLICT", "该申请的条款不完整 the request's terms are not complete", _ANEW, "id"))
        _check_end(moment_of(stored["valid_to"]))
        self._check_offer(connection, case)
        terms = {name: stored[name] for name in ("grant", "valid_from", "valid_to", "disposal_days")}
        names = {row.code: row.name for row in connection.execute(select(department.c.code, department.c.name))}
        app = connection.execute(select(application.c.name).where(application.c.client_id == case["application"])).scalar_one()
        consumer, provider = (Side(case[side], names.get(case[side], case[side])) for side in ("consumer", "provider"))
        text = agreement_text(case["id"], app, consumer, provider, case["resource"], china_day(now()), terms)
        return {"agreement": text, "agreement_hash": hash_of(text)}

    @staticmethod
    def _hash(_connection: Connection, case: Mapping[str, Any], given: Given) -> Changes:
        if hash_of(case["agreement"]) != case["agreement_hash"]:
            raise Refused(_bad("CONFLICT", "协议文本与其 SHA-256 不符，已被改动 the agreement was changed: its text has another SHA-256", _ANEW, "id"))
        if (given.hash or "").lower() != case["agreement_hash"]:
            raise Refused(_bad("BAD_INPUT", "所签协议与本申请的协议不符 this is not the agreement's SHA-256", "accessRequest { agreement { hash } }", "hash"))
        return {}


def _check_end(ends: datetime | None) -> None:
    if ends is not None and ends <= now():
        raise Refused(_bad("CONFLICT", "协议的终止时间已过 the agreement's end has passed", _ANEW, "id"))


def _bad(code: str, message: str, hint: str, path: str) -> Problem:
    return Problem(code, message, hint, path)


__all__ = ["MOST_TEXT", "Changes", "Given", "Guards"]
