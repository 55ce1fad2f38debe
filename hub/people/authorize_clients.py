"""Which applications people may authorize, and who answers for an application."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, Row, select, update

from auth.redirects import MAX_URIS, check_redirect_uri
from hub.acts import Actor, Acts, bump
from hub.catalog.problems import Problem, Refused
from hub.catalog.scopes import SECURITY, SYSTEM
from hub.people.roles import own_account_problem
from hub.people.tables import person
from hub.sharing.tables import application


class AuthorizedClients:
    """Acts of administrators; each may raise :class:`Refused`, then nothing was changed."""

    def __init__(self, acts: Acts) -> None:
        self._acts = acts

    def set_redirect_uris(self, actor: Actor, name: str, uris: Sequence[str]) -> str:
        """From now on codes of this application go to these addresses alone; with none, nobody can authorize it. Of the system administrator."""

        def work(connection: Connection) -> str:
            _need(actor, SYSTEM)
            problems = _problems(uris)
            if problems:
                raise Refused(*problems)
            row = _application(connection, name)
            stored = json.dumps(list(dict.fromkeys(uris)))
            connection.execute(update(application).where(application.c.client_id == row.client_id).values(redirect_uris=stored))
            bump(connection, "rights")
            return name

        return self._acts.do(actor, "setRedirectUris", name, work, {"uris": [uri[:200] for uri in uris[:MAX_URIS]]})

    def set_owner(self, actor: Actor, name: str, owner: str | None) -> str:
        """The person who answers for the application and may act for it; ``None``: nobody. Of the security administrator, for others only."""

        def work(connection: Connection) -> str:
            _need(actor, SECURITY)
            row = _application(connection, name)
            identity = _person(connection, actor, owner, row.department) if owner is not None else None
            connection.execute(update(application).where(application.c.client_id == row.client_id).values(owner=identity))
            bump(connection, "rights")
            return name

        return self._acts.do(actor, "setOwner", name, work, {"owner": owner[:100] if owner else None})


def _problems(uris: Sequence[str]) -> list[Problem]:
    problems = [Problem("BAD_INPUT", f"回调地址过多 too many redirect URIs: {len(uris)}", f"≤ {MAX_URIS}", "uris")] if len(uris) > MAX_URIS else []
    for place, uri in enumerate(uris[:MAX_URIS]):
        try:
            check_redirect_uri(uri)
        except ValueError as fault:
            problems.append(Problem("BAD_INPUT", f"回调地址不合要求：{fault}", "https://app.example/callback", f"uris[{place}]"))
    return problems


def _need(actor: Actor, scope: str) -> None:
    if not actor.may(scope):
        raise Refused(Problem("FORBIDDEN", f"需要权限 this act needs {scope}", "请使用具有该角色的账号 use an account that has this role"))


def _application(connection: Connection, name: str) -> Row[tuple[object, ...]]:
    row = connection.execute(select(application).where(application.c.name == name)).first()
    if row is None:
        raise Refused(Problem("NOT_FOUND", f"没有应用 no application {name[:60]}", "huitong app list", "application"))
    return row


def _person(connection: Connection, actor: Actor, name: str, department: str) -> str:
    row = connection.execute(select(person).where(person.c.name == name)).first()
    if row is None or row.state != "ACTIVE":
        raise Refused(Problem("NOT_FOUND", f"没有在用的人员账号 no active account {name[:60]}", "huitong person list", "owner"))
    if row.department != department:
        raise Refused(Problem("BAD_INPUT", "负责人须为应用所属部门人员 the owner is of the application's department", department, "owner"))
    if problem := own_account_problem(connection, actor, row.id):
        raise Refused(problem)
    return str(row.id)
