"""Who reports what of whom: whether a report's entry and earlier case are the reporter's own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from hub.acts import Actor
from hub.catalog.problems import Problem, Refused
from hub.feedback.given import READ_BY, Report, no_entry
from hub.feedback.public import holds
from hub.feedback.tables import feedback_case
from hub.ledger import tables as ledger
from hub.sharing.machine import PUBLIC_ACTOR
from hub.sharing.tables import application
from schema.model import Resource


def reported(connection: Connection, actor: Actor, resource: Resource, report: Report, code: str | None) -> dict[str, Any]:
    """The columns of a new case that say who reports what of whom.

    Raises:
        Refused: ``NOT_FOUND`` for an entry or an earlier case that is not the reporter's.
    """
    public = actor is PUBLIC_ACTOR
    if not public and actor.application is None:
        raise Refused(Problem("FORBIDDEN", "反馈须以令牌提交 a report needs the token of an application or a person", "", "application"))
    if (entry := report.entry()) is not None and not _is_own_call(connection, entry, actor, resource.code):
        raise no_entry(entry, "subjectEntry")
    who = {"application": actor.application, "reporter": actor.name, "consumer": "" if public else actor.department or "", "filed_by": actor.name}
    what = {"kind": report.kind, "resource": resource.code, "provider": resource.department, "item": report.item, "description": report.description}
    return {**who, **what, "subject_entry": entry, **_complained_of(connection, actor, report.about, code)}


def no_case(number: str) -> Refused:
    """A case that does not exist, or is none of the caller's."""
    return Refused(Problem("NOT_FOUND", f"没有反馈 no feedback {number[:80]}", "请核对编号与查询码 compare the number, and the code", "id"))


def owner_of(connection: Connection, client_id: str | None) -> str | None:
    """The person who answers for an application; a person answers for what it reported itself."""
    found: str | None = connection.execute(select(application.c.owner).where(application.c.client_id == client_id)).scalar()
    return found


def _is_own_call(connection: Connection, entry: int, actor: Actor, resource: str) -> bool:
    """Whether the entry is of a call of the reporter's that carried data of the resource."""
    columns, access = ledger.entry.c, ledger.access.c
    own = (columns.seq == entry) & (columns.application == actor.application) & columns.kind.in_(READ_BY) & columns.outcome.in_(("OK", "PARTIAL"))
    touching = select(access.seq).where(access.seq == entry, access.resource == resource)
    return connection.execute(select(columns.seq).where(own, columns.seq.in_(touching))).first() is not None


def _complained_of(connection: Connection, actor: Actor, about: str | None, code: str | None) -> dict[str, Any]:
    """The earlier case that a complaint is about, which must be the complainant's, and who decided it."""
    if about is None:
        return {"about": None, "complained_of": None}
    row = connection.execute(select(feedback_case).where(feedback_case.c.id == about)).first()
    own = row is not None and (holds(code, row.code_hash) if actor is PUBLIC_ACTOR else row.application == actor.application)
    if row is None or not own:
        raise no_case(about)
    return {"about": about, "complained_of": row.decided_by}
