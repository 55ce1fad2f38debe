"""Administrative acts on people: proposed by the system administrator, approved by the security administrator, who alone gives roles."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update

from hub.acts import Actor, Acts, bump, make_id
from hub.catalog.problems import Problem, Refused
from hub.catalog.scopes import SECURITY, SYSTEM
from hub.catalog.tables import department
from hub.names import UNSEEN_IN_NAME, is_seen
from hub.people.enrolment import hash_half, invitation_ends, new_half
from hub.people.reading import PersonRecord, people, read_person
from hub.people.roles import BOOTSTRAP, identity_of, own_account_problem, role_problems
from hub.people.sessions import close_all_in
from hub.people.tables import account_role, person, role_change
from hub.sharing.tables import application
from hub.store.base import now

_NAME = re.compile(r"[a-z][a-z0-9._-]{2,39}\Z")
_VOID = {"password_hash": None, "totp_secret": None, "invitation_hash": None, "invitation_until": None}


@dataclass(frozen=True, slots=True)
class Told:
    """A person, and the half of an invitation that is told once to who acted."""

    person: PersonRecord
    code: str = field(repr=False)


class PeopleService:
    """Every method may raise :class:`Refused`; then nothing was changed."""

    def __init__(self, engine: Engine, acts: Acts) -> None:
        self._engine = engine
        self._acts = acts

    def people(self) -> list[PersonRecord]:
        """All people, by name."""
        with self._engine.connect() as connection:
            return people(connection)

    def propose(self, actor: Actor, name: str, display_name: str, owner: str, roles: Collection[str]) -> Told:
        """Proposes an account; nothing can be done with it until it is approved."""
        self._need(actor, "proposePerson", name, SYSTEM)
        wanted = sorted(set(roles))
        self._refuse_if(actor, "proposePerson", name, _name_problems(name, display_name) + role_problems(wanted))
        half = new_half()

        def work(connection: Connection) -> Told:
            _check_free(connection, name, owner)
            made = {"id": make_id("person"), "name": name, "display_name": display_name.strip(), "department": owner}
            connection.execute(
                insert(person).values(**made, state="PROPOSED", proposal_hash=hash_half(half), created_by=identity_of(connection, actor), created_at=now())
            )
            _propose_roles(connection, made["id"], wanted, identity_of(connection, actor))
            return Told(read_person(connection, name), half)

        return self._acts.do(actor, "proposePerson", name, work, {"department": owner, "roles": wanted})

    def approve(self, actor: Actor, name: str) -> Told:
        """Approves a proposed account and its roles; the holder enrols with both halves of the invitation within 72 hours."""
        self._need(actor, "approvePerson", name, SECURITY)
        half = new_half()

        def work(connection: Connection) -> Told:
            row = self._other(connection, actor, name)
            if row.state != "PROPOSED":
                raise Refused(
                    Problem("CONFLICT", f"账号状态为 {row.state} the account is {row.state}", "只有待批准的账号可以批准 only a proposed one", "person")
                )
            if row.created_by == identity_of(connection, actor):
                raise Refused(_four_eyes())
            values = {
                "state": "INVITED",
                "approved_by": identity_of(connection, actor),
                "invitation_hash": hash_half(half),
                "invitation_until": invitation_ends(),
            }
            connection.execute(update(person).where(person.c.id == row.id).values(**values))
            if _open_change(connection, row.id):
                _decide_roles(connection, row.id, True, actor)
            bump(connection, "rights")
            return Told(read_person(connection, name), half)

        return self._acts.do(actor, "approvePerson", name, work)

    def invite(self, actor: Actor, name: str) -> Told:
        """Proposes a new enrolment, as for a lost telephone: password, code secret and sessions end at once, roles stay and wait for approval."""
        self._need(actor, "invitePerson", name, SYSTEM)
        half = new_half()

        def work(connection: Connection) -> Told:
            row = self._other(connection, actor, name)
            values = {"state": "PROPOSED", "proposal_hash": hash_half(half), "created_by": identity_of(connection, actor), "approved_by": None, **_VOID}
            connection.execute(update(person).where(person.c.id == row.id).values(**values))
            close_all_in(connection, row.id)
            return Told(read_person(connection, name), half)

        return self._acts.do(actor, "invitePerson", name, work)

    def disable(self, actor: Actor, name: str) -> PersonRecord:
        """Disables an account: its sessions and tokens end at once. ``invite`` brings it back."""
        self._need(actor, "disablePerson", name, SYSTEM, SECURITY)

        def work(connection: Connection) -> PersonRecord:
            row = _row(connection, name)
            connection.execute(update(person).where(person.c.id == row.id).values(state="DISABLED", proposal_hash=None, **_VOID))
            close_all_in(connection, row.id)
            return read_person(connection, name)

        return self._acts.do(actor, "disablePerson", name, work)

    def propose_roles(self, actor: Actor, name: str, roles: Collection[str]) -> PersonRecord:
        """Proposes which roles a person is to hold, in place of the present ones."""
        self._need(actor, "proposeRoles", name, SYSTEM)
        wanted = sorted(set(roles))
        self._refuse_if(actor, "proposeRoles", name, role_problems(wanted))

        def work(connection: Connection) -> PersonRecord:
            row = self._other(connection, actor, name)
            if _open_change(connection, row.id):
                raise Refused(Problem("CONFLICT", "已有待批准的角色变更 a change of roles waits already", "请先批准或者退回 decide it first", "person"))
            _propose_roles(connection, row.id, wanted, identity_of(connection, actor))
            return read_person(connection, name)

        return self._acts.do(actor, "proposeRoles", name, work, {"roles": wanted})

    def approve_roles(self, actor: Actor, name: str, approve: bool = True) -> PersonRecord:
        """Decides a proposed change of roles; where it is approved the person's sessions end, and the next token has the new roles."""
        self._need(actor, "approveRoles", name, SECURITY)

        def work(connection: Connection) -> PersonRecord:
            row = self._other(connection, actor, name)
            _decide_roles(connection, row.id, approve, actor)
            if approve:
                close_all_in(connection, row.id)
            return read_person(connection, name)

        return self._acts.do(actor, "approveRoles", name, work, {"approve": approve})

    def bootstrap(self, actor: Actor, owner: str, accounts: Collection[tuple[str, str, str]]) -> list[Told]:
        """The first three people (name, display name, role), invited without a proposal; once only."""

        def work(connection: Connection) -> list[Told]:
            if people(connection):
                raise Refused(
                    Problem("CONFLICT", "已有人员账号，不得再次引导 there are people already: a bootstrap happens once", "huitong person add", "name")
                )
            return [_first(connection, owner, *account) for account in accounts]

        return self._acts.do(actor, "bootstrapPeople", owner, work)

    def _other(self, connection: Connection, actor: Actor, name: str) -> Row[Any]:
        """The person, who is not the actor."""
        row = _row(connection, name)
        if problem := own_account_problem(connection, actor, row.id):
            raise Refused(problem)
        return row

    def _need(self, actor: Actor, act: str, target: str, *scopes: str) -> None:
        if not actor.may(*scopes):
            hint = "请使用具有该角色的账号 use an account that has this role"
            self._refuse_if(actor, act, target, [Problem("FORBIDDEN", f"需要权限 this act needs {' / '.join(scopes)}", hint)])

    def _refuse_if(self, actor: Actor, act: str, target: str, problems: list[Problem]) -> None:
        if problems:
            self._acts.refuse(actor, act, target, problems[0])
            raise Refused(*problems)


def _name_problems(name: str, display_name: str) -> list[Problem]:
    problems = []
    if not _NAME.match(name):
        problems.append(Problem("BAD_INPUT", f"登录名不合格式 wrong name: {name[:60]}", "3–40: a-z, 0-9, . _ -", "name"))
    if not 0 < len(display_name.strip()) <= 60:
        problems.append(Problem("BAD_INPUT", "显示名应为 1 至 60 字 the display name must have 1 to 60 characters", "", "displayName"))
    if not is_seen(display_name):
        problems.append(Problem("BAD_INPUT", UNSEEN_IN_NAME, "请去除 remove them", "displayName"))
    return problems


def _check_free(connection: Connection, name: str, owner: str) -> None:
    if not connection.execute(select(department.c.code).where(department.c.code == owner)).first():
        raise Refused(Problem("NOT_FOUND", f"没有部门 no department {owner[:60]}", "请先登记部门 register the department first", "department"))
    taken = (select(person.c.name).where(person.c.name == name), select(application.c.name).where(application.c.name == name))
    if any(connection.execute(each).first() for each in taken):
        raise Refused(Problem("CONFLICT", f"{name} 已被人员或者应用使用 is the name of a person or an application", "请换用其他登录名 choose another", "name"))


def _row(connection: Connection, name: str) -> Row[Any]:
    row = connection.execute(select(person).where(person.c.name == name).with_for_update()).first()
    if row is None:
        raise Refused(Problem("NOT_FOUND", f"没有人员 no person {name[:60]}", "huitong person list", "person"))
    return row


def _open_change(connection: Connection, person_id: str) -> Row[Any] | None:
    return connection.execute(select(role_change).where(role_change.c.person == person_id, role_change.c.state == "PROPOSED")).first()


def _propose_roles(connection: Connection, person_id: str, roles: list[str], by: str) -> None:
    values = {"id": make_id("roles"), "person": person_id, "roles": json.dumps(roles), "state": "PROPOSED", "proposed_by": by, "proposed_at": now()}
    connection.execute(insert(role_change).values(**values))


def _decide_roles(connection: Connection, person_id: str, approve: bool, actor: Actor) -> None:
    change = _open_change(connection, person_id)
    if change is None:
        raise Refused(Problem("NOT_FOUND", "没有待批准的角色变更 no change of roles waits", "proposeRoles", "person"))
    by = identity_of(connection, actor)
    if change.proposed_by == by:
        raise Refused(_four_eyes())
    decided = {"state": "APPROVED" if approve else "REFUSED", "decided_by": by, "decided_at": now()}
    connection.execute(update(role_change).where(role_change.c.id == change.id).values(**decided))
    if approve:
        _give(connection, person_id, json.loads(change.roles), by)


def _give(connection: Connection, person_id: str, roles: Collection[str], by: str) -> None:
    connection.execute(delete(account_role).where(account_role.c.account == person_id))
    for role in roles:
        connection.execute(insert(account_role).values(account=person_id, role=role, given_by=by, given_at=now()))


def _first(connection: Connection, owner: str, name: str, display_name: str, role: str) -> Told:
    _check_free(connection, name, owner)
    half = new_half()
    made = {"id": make_id("person"), "name": name, "display_name": display_name, "department": owner, "state": "INVITED", "created_by": BOOTSTRAP}
    invitation = {"invitation_hash": hash_half(half), "invitation_until": invitation_ends(), "created_at": now()}
    connection.execute(insert(person).values(**made, **invitation))
    _give(connection, made["id"], [role], BOOTSTRAP)
    return Told(read_person(connection, name), half)


def _four_eyes() -> Problem:
    return Problem("FOUR_EYES", "提出人不得批准 who proposes does not approve", "请由他人批准 let somebody else approve", "person")
