"""What an access request is checked against beside its own terms."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from auth.rights import SharingClass
from hub.catalog.problems import Problem, Refused
from hub.sharing.live_grants import live_grant
from hub.sharing.tables import access_request, application
from schema.model import Resource, Snapshot


def check_room(connection: Connection, app: Row[Any], resource: str, extends: str | None) -> None:
    """One live grant and one open request per application and resource; what prolongs a grant says so."""
    held = live_grant(connection, app.client_id, resource)
    if extends is not None and (held is None or held.id != extends):
        raise Refused(Problem("NOT_FOUND", f"没有可延续的有效授权 no live grant to extend: {extends[:80]}", held.id if held else "", "extends"))
    if held is not None and extends is None:
        raise Refused(Problem("CONFLICT", f"{app.name} 对 {resource} 已有有效授权 has a live grant already", f"extends: {held.id}", "extends"))
    waiting = select(access_request.c.id).where(access_request.c.application == app.client_id, access_request.c.resource == resource)
    found = connection.execute(waiting.where(access_request.c.party.is_not(None), access_request.c.origin == "REQUESTED")).first()
    if found:
        hint = "请先办结或撤回 finish or withdraw it first"
        raise Refused(Problem("CONFLICT", f"{app.name} 对 {resource} 已有未办结的申请 has an open request already: {found.id}", hint, "resource"))


def check_offered(snapshot: Snapshot, code: str) -> None:
    """Nobody asks for a resource that is withdrawn, nor gives it: whether and how it comes back is not known yet."""
    found = snapshot.resources.get(code)
    if found is not None and found.withdrawn:
        hint = "恢复共享之后再办理 go on when it is given back"
        raise Refused(Problem("CONFLICT", f"资源已撤回，暂不受理 the resource is withdrawn: {code}", hint, "resource"))


def shared_resource(snapshot: Snapshot, code: str) -> Resource | None:
    """The resource as whoever may ask for it sees it: one that is not shared does not exist."""
    found = snapshot.resources.get(code)
    return None if found is None or found.sharing_class is SharingClass.NOT_SHARED else found


def owner_of(connection: Connection, client_id: str) -> str | None:
    """The account of the person who answers for an application."""
    found: str | None = connection.execute(select(application.c.owner).where(application.c.client_id == client_id)).scalar_one()
    return found


def department_of(connection: Connection, client_id: str) -> str:
    """The code of an application's department."""
    return str(connection.execute(select(application.c.department).where(application.c.client_id == client_id)).scalar_one())
