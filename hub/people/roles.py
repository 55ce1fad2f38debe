"""Which roles one account may hold together, and who counts as the same account."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from hub.acts import CLI, Actor
from hub.catalog.problems import Problem
from hub.catalog.scopes import AUDIT, CATALOG, OWNER, SECURITY, STEWARD, SYSTEM
from hub.people.tables import person
from hub.sharing.tables import application

ROLES = (SYSTEM, SECURITY, AUDIT, CATALOG, STEWARD, OWNER)
ADMINISTRATORS = frozenset({SYSTEM, SECURITY, AUDIT})
"""三员 (GB/T 22239-2019 §8.1.5)."""
BOOTSTRAP = "bootstrap"
"""Who gave the first three their roles; no account has this name."""


def role_problems(roles: Collection[str]) -> list[Problem]:
    """What is wrong with a person's roles. Each of the three administrators' roles excludes every other role."""
    problems = [Problem("BAD_INPUT", f"没有角色 no role {role[:60]}", ", ".join(ROLES), "roles") for role in roles if role not in ROLES]
    if not roles:
        problems.append(Problem("BAD_INPUT", "至少须有一个角色 at least one role is needed", ", ".join(ROLES), "roles"))
    if ADMINISTRATORS & set(roles) and len(set(roles)) > 1:
        message = "三员角色不得兼任，也不得兼任其他角色 who holds one of the three administrators' roles holds no other"
        problems.append(Problem("ROLES_EXCLUSIVE", message, "请分设账号 use accounts of different people", "roles"))
    return problems


def identity_of(connection: Connection, actor: Actor) -> str:
    """Who acts, as four-eyes rules compare: the id of a person or application, of that name at the command line too; else the name itself."""
    if actor.application is not None:
        return actor.application
    name = actor.name.removeprefix(CLI)
    accounts = (select(person.c.id).where(person.c.name == name), select(application.c.client_id).where(application.c.name == name))
    found = (connection.execute(each).scalar() for each in accounts)
    return next((str(identity) for identity in found if identity is not None), actor.name)


def own_account_problem(connection: Connection, actor: Actor, person_id: str) -> Problem | None:
    """Nobody decides about oneself."""
    if identity_of(connection, actor) != person_id:
        return None
    return Problem("FOUR_EYES", "不得办理本人账号的事项 nobody acts on the own account", "请由他人办理 let somebody else do it", "person")
