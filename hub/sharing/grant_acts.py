"""Acts on grants 授权: suspended, resumed, revoked, terminated, expired, as the state machine says; every end makes a disposal due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, update

from hub.acts import Actor, Acts, bump
from hub.catalog.problems import Problem, Refused
from hub.sharing.disposal_terms import make_due
from hub.sharing.machine import GRANT, SYSTEM_ACTOR, Transition, check_role, choose, sides
from hub.sharing.reasons import check_opinion, reason_of
from hub.sharing.rules import RuleBook
from hub.sharing.steps import add_step
from hub.sharing.tables import access_request, application, grant
from hub.sharing.workdays import china_day
from hub.store.base import now


@dataclass(frozen=True, slots=True)
class GrantGiven:
    """What comes with an act on a grant; ``rectify_by``: the day by which a suspended consumer has to rectify."""

    opinion: str = ""
    reason: str | None = None
    rectify_by: date | None = None


class GrantActs:
    """Does acts on grants. ``act`` may raise :class:`Refused`; then nothing was changed."""

    def __init__(self, engine: Engine, acts: Acts, book: RuleBook) -> None:
        self._engine = engine
        self._acts = acts
        self._book = book

    def act(self, actor: Actor, act: str, number: str, given: GrantGiven | None = None) -> str:
        """Does an act of the state machine on a grant; its id. In force with the next call."""
        more = given or GrantGiven()
        details = {"grant": number[:80], "step": act, **({"reason": more.reason[:80]} if more.reason else {})}
        name = "terminateGrant" if act == "terminateUnrectified" else act if act.endswith("Termination") else f"{act}Grant"
        return self._acts.do(actor, name, number, lambda connection: self._do(connection, actor, act, number, more), details)

    def expire(self, number: str) -> bool:
        """Records the end of a grant whose term is over; false where another process was first."""
        try:
            self.act(SYSTEM_ACTOR, "expire", number)
        except Refused:
            return False
        return True

    def past(self) -> list[str]:
        """Grants whose term is over and whose end is not recorded yet."""
        statement = select(grant.c.id).where(grant.c.state.in_(("ACTIVE", "SUSPENDED")), grant.c.valid_to <= now()).limit(1000)
        with self._engine.connect() as connection:
            return list(connection.execute(statement).scalars())

    def _do(self, connection: Connection, actor: Actor, act: str, number: str, given: GrantGiven) -> str:
        check_role(GRANT, act, actor)
        case = _case(connection, number)
        on = sides(actor, case, case["owner"]) if case else set()
        if case is None or not on:
            raise Refused(Problem("NOT_FOUND", f"没有授权 no grant {number[:80]}", "请核对编号 compare the number", "id"))
        transition = choose(GRANT, act, case, actor, on)
        reason = reason_of(self._book, transition, given.reason, given.opinion)
        check_opinion(transition, given.opinion)
        changes = _guarded(transition, case, given) | self._moved(connection, transition, case, actor, reason)
        connection.execute(update(grant).where(grant.c.id == number).values(**changes))
        told = " ".join(part for part in (f"{reason}:" if reason else "", given.opinion.strip()) if part)
        add_step(connection, number, actor.name, act, told)
        bump(connection, "rights")
        return number

    def _moved(self, connection: Connection, transition: Transition, case: Mapping[str, Any], actor: Actor, reason: str | None) -> dict[str, Any]:
        state, moment = transition.leads_to(case["state"]), now()
        changes: dict[str, Any] = {"state": state} | dict.fromkeys(transition.records, actor.name) | dict.fromkeys(transition.clears)
        if reason is not None:
            changes["reason"] = reason
        if transition.starts == "disposal":
            ended = min(case["valid_to"] or moment, moment)
            changes["ended_at"] = ended
            make_due(connection, self._book, case["id"], ended)
        return changes


def _guarded(transition: Transition, case: Mapping[str, Any], given: GrantGiven) -> dict[str, Any]:
    """What a transition's ``guard`` asks, and the columns that change by it."""
    past = case["valid_to"] is not None and case["valid_to"] <= now()
    today = china_day(now())
    if transition.guard == "past" and not past:
        raise Refused(Problem("CONFLICT", "授权尚未到期 the grant's term is not over", "", "id"))
    if transition.guard == "alive" and past:
        raise Refused(Problem("CONFLICT", "授权已到期 the grant's term is over", "请重新申请 apply anew", "id"))
    if transition.guard == "unrectified" and case["rectify_by"] is None:
        hint = "请恢复后限期暂停，或撤销 resume it and suspend it with rectifyBy, or revoke it"
        raise Refused(Problem("CONFLICT", "未定整改期限 no day for rectification was set", hint, "id"))
    if transition.guard == "unrectified" and today <= date.fromisoformat(case["rectify_by"]):
        raise Refused(Problem("CONFLICT", f"整改期限未过 the time for rectification runs until {case['rectify_by']}", "", "id"))
    if transition.act == "suspend":
        if given.rectify_by is not None and given.rectify_by < today:
            raise Refused(Problem("BAD_INPUT", "整改期限不得早于今日 rectifyBy is before today", today.isoformat(), "rectifyBy"))
        return {"rectify_by": given.rectify_by.isoformat() if given.rectify_by else None}
    return {"rectify_by": None} if transition.act == "resume" else {}


def _case(connection: Connection, number: str) -> dict[str, Any] | None:
    """A grant with the departments and the owner of its two sides."""
    statement = select(grant, application.c.department.label("consumer"), application.c.owner)
    row: Row[Any] | None = connection.execute(statement.join(application, application.c.client_id == grant.c.application).where(grant.c.id == number)).first()
    if row is None:
        return None
    filed = connection.execute(select(access_request.c.filed_by).where(access_request.c.id == row.request)).scalar()
    return {**row._mapping, "provider": row.resource.partition(".")[0], "filed_by": filed}
