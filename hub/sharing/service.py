"""Administrative acts on applications and grants."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select, update

from auth.client_keys import key_ids
from auth.clients import hash_secret, make_secret
from hub.acts import Actor, Acts, bump, make_id
from hub.catalog.problems import Problem, Refused
from hub.catalog.scopes import SECURITY, SYSTEM
from hub.catalog.tables import department
from hub.people.roles import ADMINISTRATORS, ROLES
from hub.people.tables import account_role, person
from hub.sharing.clients import ROLES_NEED_CONSOLE, Proving
from hub.sharing.drafts import check_draft
from hub.sharing.grant_acts import GrantActs, GrantGiven
from hub.sharing.grant_records import GrantRecord, GrantsWanted, filtered, grants_statement, record_of
from hub.sharing.grants import purposes_from, terms_from
from hub.sharing.reasons import NOT_STATED, OTHER
from hub.sharing.recorded import record_grant, record_registration
from hub.sharing.request_checks import check_offered
from hub.sharing.rules import RuleBook
from hub.sharing.tables import application, grant
from hub.sharing.unmasked import check_told, unmasked_by_record
from hub.store.base import now
from hub.store.engine import reading
from schema.model import Snapshot
from schema.naming import CODE

_NOT_ON_PAPER = Problem(
    "FORBIDDEN",
    "本市不登记纸面批准的授权 decisions on paper are not recorded here (HUITONG_RECORDED_GRANTS=refused)",
    "请通过 requestAccess 申请 apply by requestAccess",
)


@dataclass(frozen=True, slots=True)
class NewApplication:
    """A registered application; the secret is told once and stored only as a hash. One that proves itself by a key has none: it is empty."""

    name: str
    client_id: str
    client_secret: str = field(repr=False)
    keys: tuple[str, ...] = ()
    """The ids of its public keys."""


class SharingService:
    """Every method may raise :class:`Refused`; then nothing was changed."""

    def __init__(self, engine: Engine, acts: Acts, catalog: Callable[[Connection], Snapshot], book: RuleBook, recorded: bool = True) -> None:
        self._engine = engine
        self._acts = acts
        self._catalog = catalog
        self._book = book
        self._recorded = recorded
        self.grant_acts = GrantActs(engine, acts, book)

    def create_application(
        self,
        actor: Actor,
        name: str,
        owner: str,
        purposes: list[dict[str, str]],
        roles: list[str],
        secret: str | None = None,
        proving: Proving | None = None,
    ) -> NewApplication:
        """Registers an application of a department; ``roles`` are governance scopes. No account holds two of the three administrators' roles.

        ``proving``: how it proves itself; by a secret where nothing else is said.
        """
        proving = proving or Proving()
        self._need(actor, "createApplication", name, SYSTEM)
        problems: list[Problem] = []
        if not CODE.match(name) or len(name) > 60:
            problems.append(Problem("BAD_INPUT", f"应用代码不合格式 wrong code: {name}", "a-z, 0-9, _", "name"))
        problems += [Problem("BAD_INPUT", f"没有角色 no role {role}", ", ".join(ROLES), "roles") for role in roles if role not in ROLES]
        if roles and not (actor.may(SYSTEM) and actor.may(SECURITY)):
            problems.append(ROLES_NEED_CONSOLE)
        if len(ADMINISTRATORS & set(roles)) > 1:
            problems.append(
                Problem("ROLES_EXCLUSIVE", "三员角色不得兼任 no account holds two of the three administrators' roles", "请分设账号 use two accounts", "roles")
            )
        checked = purposes_from(purposes, "purposes", problems)
        columns = proving.columns(problems)
        self._refuse_if(actor, "createApplication", name, problems)
        made = NewApplication(name, make_id("app"), "" if proving.by_key else secret or make_secret(), tuple(key_ids(columns["jwks"])))

        def work(connection: Connection) -> NewApplication:
            if not connection.execute(select(department.c.code).where(department.c.code == owner)).first():
                raise Refused(Problem("NOT_FOUND", f"没有部门 no department {owner}", "请先登记部门 register the department first", "department"))
            taken = (select(application.c.name).where(application.c.name == name), select(person.c.name).where(person.c.name == name))
            if any(connection.execute(each).first() for each in taken):
                raise Refused(Problem("CONFLICT", f"应用 {name} 已存在 exists already", "请换用其他代码 choose another code", "name"))
            values = {"client_id": made.client_id, "name": name, "department": owner, "secret_hash": hash_secret(made.client_secret or make_secret())}
            moment = now()
            texts = {"purposes": json.dumps(checked, ensure_ascii=False)}
            connection.execute(insert(application).values(**values, **texts, **columns, active=True, created_at=moment))
            given = {"account": made.client_id, "given_by": actor.name, "given_at": moment}
            for role in sorted(set(roles)):
                connection.execute(insert(account_role).values(**given, role=role))
            record_registration(connection, self._book, made.client_id, owner, checked, actor)
            bump(connection, "rights")
            return made

        return self._acts.do(actor, "createApplication", name, work, {"department": owner, "roles": sorted(set(roles)), "method": columns["auth_method"]})

    def disable_application(self, actor: Actor, name: str) -> str:
        """Disables an application: its tokens stop working at once."""
        self._need(actor, "disableApplication", name, SYSTEM, SECURITY)

        def work(connection: Connection) -> str:
            changed = connection.execute(update(application).where(application.c.name == name).values(active=False))
            if changed.rowcount == 0:
                raise Refused(Problem("NOT_FOUND", f"没有应用 no application {name}", "", "application"))
            bump(connection, "rights")
            return name

        return self._acts.do(actor, "disableApplication", name, work)

    def create_grant(self, actor: Actor, given: Mapping[str, Any]) -> GrantRecord:
        """Records a grant that was decided on paper, with a request of its own. One live grant per application and resource."""
        target = f"{given.get('application')} {given.get('resource')}"
        self._need(actor, "createGrant", target, SECURITY)
        if not self._recorded:
            self._refuse_if(actor, "createGrant", target, [_NOT_ON_PAPER])
        try:
            check_draft(given)
        except Refused as refused:
            self._refuse_if(actor, "createGrant", target, list(refused.problems))
        with reading(self._engine) as before:
            told = unmasked_by_record(before, self._catalog, given)

        def work(connection: Connection) -> str:
            catalog = self._catalog(connection)
            check_offered(catalog, given["resource"])
            resource = catalog.resources.get(given["resource"])
            if resource is None:
                raise Refused(Problem("NOT_FOUND", f"没有已发布的资源 no published resource {given['resource']}", "请核对代码 compare the code", "resource"))
            app = _application(connection, given["application"])
            begins, ends = given.get("valid_from") or now(), given.get("valid_to")
            if ends is not None and ends <= begins:
                raise Refused(Problem("BAD_INPUT", "终止时间须晚于起始时间 validTo must be later than validFrom", "", "validTo"))
            if not str(given.get("approver") or "").strip():
                raise Refused(Problem("BAD_INPUT", "须写明批准人员 an approver is needed (LOG-01)", "", "approver"))
            terms = terms_from(resource, given)
            check_told(told, unmasked_by_record(connection, self._catalog, given))
            return record_grant(connection, self._book, app, resource.code, terms, given, actor, begins)

        details = {**told, "approver": str(given["approver"])[:200]} if told else {}
        return self.grant(self._acts.do(actor, "createGrant", target, work, details))

    def change_grant(self, actor: Actor, grant_id: str, state: str, given: GrantGiven | None = None) -> GrantRecord:
        """Revokes (``REVOKED``), suspends (``SUSPENDED``) or resumes (``ACTIVE``) a grant, effective on the next call. Revoked is final."""
        act = {"REVOKED": "revoke", "SUSPENDED": "suspend", "ACTIVE": "resume"}[state]
        if act == "suspend" and (given is None or given.reason is None):
            given = replace(given or GrantGiven(), reason=OTHER, opinion=given.opinion if given and given.opinion else NOT_STATED)
        return self.grant(self.grant_acts.act(actor, act, grant_id, given))

    def act_on_grant(self, actor: Actor, act: str, grant_id: str, given: GrantGiven | None = None) -> GrantRecord:
        """Does an act of the grant's state machine."""
        return self.grant(self.grant_acts.act(actor, act, grant_id, given))

    def grant(self, grant_id: str) -> GrantRecord:
        """One grant."""
        with self._engine.connect() as connection:
            row = connection.execute(grants_statement().where(grant.c.id == grant_id)).first()
        if row is None:
            raise Refused(Problem("NOT_FOUND", f"没有授权 no grant {grant_id[:80]}", "请核对编号 compare the number", "id"))
        return record_of(row)

    def grants(self, client_id: str | None = None) -> list[GrantRecord]:
        """All grants, newest first; of one application where its client id is given."""
        return self.find_grants(GrantsWanted(client_id))

    def find_grants(self, wanted: GrantsWanted) -> list[GrantRecord]:
        """Grants, newest first."""
        statement = filtered(grants_statement(), wanted).order_by(grant.c.id.desc()).limit(wanted.first)
        with self._engine.connect() as connection:
            return [record_of(row) for row in connection.execute(statement)]

    def applications(self) -> list[Mapping[str, Any]]:
        """All applications, without their secrets' hashes."""
        columns = [c for c in application.c if c.name != "secret_hash"]
        with self._engine.connect() as connection:
            roles: dict[str, list[str]] = {}
            for row in connection.execute(select(account_role).order_by(account_role.c.role)):
                roles.setdefault(row.account, []).append(row.role)
            rows = connection.execute(select(*columns).order_by(application.c.name)).mappings()
            return [{**row, "roles": roles.get(row["client_id"], [])} for row in rows]

    def _need(self, actor: Actor, act: str, target: str, *scopes: str) -> None:
        if not actor.may(*scopes):
            problem = Problem("FORBIDDEN", f"需要权限 this act needs {' / '.join(scopes)}", "请使用具有该角色的账号 use an account that has this role")
            self._refuse_if(actor, act, target, [problem])

    def _refuse_if(self, actor: Actor, act: str, target: str, problems: list[Problem]) -> None:
        if problems:
            self._acts.refuse(actor, act, target, problems[0])
            raise Refused(*problems)


def _application(connection: Connection, name: str) -> Row[Any]:
    row = connection.execute(select(application).where(application.c.name == name)).first()
    if row is None:
        raise Refused(Problem("NOT_FOUND", f"没有应用 no application {name}", "请先登记应用 register it first", "application"))
    return row
