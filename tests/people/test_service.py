"""People are proposed by one and approved by another; which roles go together; the database refuses what a program forgets."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from hub.acts import Actor
from hub.catalog.tables import department
from hub.core import Core
from hub.people.roles import ADMINISTRATORS, ROLES, role_problems
from hub.people.service import PeopleService
from hub.people.tables import account_role, person, role_change
from hub.store.base import now
from hub.store.engine import open_engine
from hub.store.migrate import upgrade
from tests.catalog.homes import CONSOLE, refused
from tests.people.house import DU, REN, entries
from tests.servers.postgres import Postgres
from tests.store.databases import make_database

OWNER, STEWARD, CATALOG = "governance:owner", "governance:steward", "governance:catalog"
SYSTEM, SECURITY, AUDIT = "governance:system", "governance:security", "governance:audit"


def proposed(core: Core, name: str = "zhang.wei", *roles: str) -> PeopleService:
    core.people.propose(REN, name, "张伟", "housing", roles or (STEWARD,))
    return core.people


def roles_of(core: Core, name: str) -> tuple[str, ...]:
    return next(each.roles for each in core.people.people() if each.name == name)


@pytest.mark.slow
def test_roles_are_given_with_the_approval_and_not_before(core: Core) -> None:
    people = proposed(core, "zhang.wei", OWNER, STEWARD)
    (waiting,) = people.people()
    assert (waiting.state, waiting.roles, waiting.proposed_roles) == ("PROPOSED", (), (OWNER, STEWARD))
    approved = people.approve(DU, "zhang.wei").person
    assert (approved.state, approved.roles, approved.proposed_roles) == ("INVITED", (OWNER, STEWARD), None)
    assert (approved.created_by, approved.approved_by) == ("person_ren", "person_du")
    with core.engine.connect() as connection:
        assert {row.given_by for row in connection.execute(select(account_role))} == {"person_du"}


@pytest.mark.slow
@pytest.mark.parametrize("unseen", ["\u202e", "\u200b", "\n", "\0"])
def test_names_read_as_they_are(core: Core, unseen: str) -> None:
    """Who approves an account, consents to a program or reads a report sees the name that was given."""
    name = f"张{unseen}伟"
    [problem] = refused(core.people.propose, REN, "zhang.wei", name, "housing", (STEWARD,))
    assert (problem.code, problem.path) == ("BAD_INPUT", "displayName")
    for path, given in (("name", {"name": name}), ("nameEn", {"name": "市水务局", "name_en": name})):
        [problem] = refused(core.catalog.create_department, CONSOLE, code="water", uscc="11520100009395416E", **given)
        assert (problem.code, problem.path) == ("BAD_INPUT", path)


@pytest.mark.slow
def test_of_all_pairs_those_with_an_administrator_are_refused(core: Core) -> None:
    """Fifteen pairs: the three exclude each other, and every other role."""
    pairs = list(combinations(ROLES, 2))
    apart = [pair for pair in pairs if ADMINISTRATORS & set(pair)]
    assert (len(pairs), len(apart)) == (15, 12)
    for number, pair in enumerate(pairs):
        name = f"person.{number}"
        assert [problem.code for problem in role_problems(pair)] == (["ROLES_EXCLUSIVE"] if pair in apart else [])
        if pair in apart:
            assert [p.code for p in refused(core.people.propose, REN, name, "张伟", "housing", pair)] == ["ROLES_EXCLUSIVE"]
        else:
            proposed(core, name, *pair).approve(DU, name)
            assert roles_of(core, name) == tuple(sorted(pair))
    assert len(core.people.people()) == 3


@pytest.mark.slow
def test_nor_by_a_change_of_roles(core: Core) -> None:
    people = proposed(core, "zhang.wei", SYSTEM)
    people.approve(DU, "zhang.wei")
    assert [p.code for p in refused(people.propose_roles, REN, "zhang.wei", [SYSTEM, AUDIT])] == ["ROLES_EXCLUSIVE"]
    people.propose_roles(REN, "zhang.wei", [AUDIT])
    people.approve_roles(DU, "zhang.wei")
    assert roles_of(core, "zhang.wei") == (AUDIT,)


ACTS: dict[str, tuple[str, tuple[Any, ...], frozenset[str]]] = {
    "proposePerson": ("propose", ("li.na", "李娜", "housing", [STEWARD]), frozenset({SYSTEM})),
    "approvePerson": ("approve", ("zhang.wei",), frozenset({SECURITY})),
    "invitePerson": ("invite", ("zhang.wei",), frozenset({SYSTEM})),
    "disablePerson": ("disable", ("zhang.wei",), frozenset({SYSTEM, SECURITY})),
    "proposeRoles": ("propose_roles", ("zhang.wei", [OWNER]), frozenset({SYSTEM})),
    "approveRoles": ("approve_roles", ("zhang.wei",), frozenset({SECURITY})),
}


@pytest.mark.slow
def test_only_the_right_administrator_acts_and_a_refusal_is_in_the_ledger(core: Core) -> None:
    people = proposed(core)
    before, tried = people.people(), 0
    for act, (method, given, allowed) in ACTS.items():
        for role in sorted(set(ROLES) - allowed):
            actor = Actor("someone", "housing", frozenset({role}), application="person_someone")
            assert [p.code for p in refused(getattr(people, method), actor, *given)] == ["FORBIDDEN"], (act, role)
            tried += 1
    assert people.people() == before
    entered = [each for each in entries(core) if '"actor":"someone"' in each]
    assert len(entered) == tried
    assert all('"outcome":"REFUSED"' in each for each in entered)
    assert all(any(f'"act":"{act}"' in each for each in entered) for act in ACTS)


@pytest.mark.slow
def test_who_proposes_does_not_approve(core: Core) -> None:
    both = replace(REN, scopes=frozenset({SYSTEM, SECURITY}))
    people = proposed(core)
    assert [p.code for p in refused(people.approve, both, "zhang.wei")] == ["FOUR_EYES"]
    people.approve(DU, "zhang.wei")
    people.propose_roles(REN, "zhang.wei", [OWNER])
    assert [p.code for p in refused(people.approve_roles, both, "zhang.wei")] == ["FOUR_EYES"]
    people.invite(REN, "zhang.wei")
    assert [p.code for p in refused(people.approve, both, "zhang.wei")] == ["FOUR_EYES"]
    cli = replace(CONSOLE, name="cli:ren")
    people.propose(cli, "li.na", "李娜", "housing", [STEWARD])
    assert [p.code for p in refused(people.approve, cli, "li.na")] == ["FOUR_EYES"]
    people.approve(replace(CONSOLE, name="cli:du"), "li.na")


@pytest.mark.slow
def test_one_person_is_one_at_the_command_line_and_at_the_interface(core: Core) -> None:
    """``cli:ren`` and the account ``ren`` are two names of who proposed; neither approves what the other proposed, nor what concerns the account."""
    people, ren = proposed(core, "ren", SYSTEM), replace(CONSOLE, name="cli:ren")
    account = people.approve(replace(CONSOLE, name="cli:du"), "ren").person.id
    own = Actor("ren", "housing", frozenset({SYSTEM, SECURITY}), application=account)
    for first, second, name in ((ren, own, "li.na"), (own, ren, "wu.min")):
        people.propose(first, name, "李娜", "housing", [STEWARD])
        assert [p.code for p in refused(people.approve, second, name)] == ["FOUR_EYES"]
        people.approve(DU, name)
        people.propose_roles(first, name, [OWNER])
        assert [p.code for p in refused(people.approve_roles, second, name)] == ["FOUR_EYES"]
    assert [p.code for p in refused(people.propose_roles, ren, "ren", [AUDIT])] == ["FOUR_EYES"]
    assert [p.code for p in refused(people.invite, ren, "ren")] == ["FOUR_EYES"]


@pytest.mark.slow
def test_nobody_gives_himself_a_role(core: Core) -> None:
    people = proposed(core, "xu.fang", SECURITY)
    people.approve(DU, "xu.fang")
    own = Actor("xu.fang", "housing", frozenset({SYSTEM, SECURITY}), application=people.people()[0].id)
    assert [p.code for p in refused(people.propose_roles, own, "xu.fang", [OWNER])] == ["FOUR_EYES"]
    people.propose_roles(REN, "xu.fang", [OWNER])
    assert [p.code for p in refused(people.approve_roles, own, "xu.fang")] == ["FOUR_EYES"]
    assert [p.code for p in refused(people.invite, own, "xu.fang")] == ["FOUR_EYES"]
    assert roles_of(core, "xu.fang") == (SECURITY,)


@pytest.mark.slow
def test_a_refused_change_leaves_the_roles(core: Core) -> None:
    people = proposed(core)
    people.approve(DU, "zhang.wei")
    people.propose_roles(REN, "zhang.wei", [OWNER])
    assert [p.code for p in refused(people.propose_roles, REN, "zhang.wei", [CATALOG])] == ["CONFLICT"]
    people.approve_roles(DU, "zhang.wei", approve=False)
    assert roles_of(core, "zhang.wei") == (STEWARD,)
    assert [p.code for p in refused(people.approve_roles, DU, "zhang.wei")] == ["NOT_FOUND"]
    people.propose_roles(REN, "zhang.wei", [CATALOG])
    people.approve_roles(DU, "zhang.wei")
    assert roles_of(core, "zhang.wei") == (CATALOG,)


FAULTS: dict[str, tuple[tuple[Any, ...], str]] = {
    "name too short": (("ab", "张伟", "housing", [STEWARD]), "BAD_INPUT"),
    "name with capitals": (("Zhang", "张伟", "housing", [STEWARD]), "BAD_INPUT"),
    "name of a command-line actor": (("cli:ren", "张伟", "housing", [STEWARD]), "BAD_INPUT"),
    "name taken": (("taken.name", "张伟", "housing", [STEWARD]), "CONFLICT"),
    "name of an application": (("portal", "张伟", "housing", [STEWARD]), "CONFLICT"),
    "nameless": (("zhang.wei", " ", "housing", [STEWARD]), "BAD_INPUT"),
    "no department": (("zhang.wei", "张伟", "nowhere", [STEWARD]), "NOT_FOUND"),
    "no role": (("zhang.wei", "张伟", "housing", []), "BAD_INPUT"),
    "unknown role": (("zhang.wei", "张伟", "housing", ["governance:all"]), "BAD_INPUT"),
}


@pytest.mark.slow
def test_a_faulty_proposal_is_refused_with_its_code(core: Core) -> None:
    proposed(core, "taken.name")
    core.sharing.create_application(CONSOLE, "portal", "housing", [{"code": "x", "scenario": "s", "basis": "b"}], [])
    for fault, (given, code) in FAULTS.items():
        assert [p.code for p in refused(core.people.propose, REN, *given)] == [code], fault


@pytest.mark.slow
def test_the_first_three_are_invited_once(core: Core) -> None:
    told = core.people.bootstrap(CONSOLE, "city_data", [("system", "系统管理员", SYSTEM), ("security", "安全管理员", SECURITY)])
    assert [(each.person.state, each.person.roles) for each in told] == [("INVITED", (SYSTEM,)), ("INVITED", (SECURITY,))]
    assert len({each.code for each in told}) == 2
    assert [p.code for p in refused(core.people.bootstrap, CONSOLE, "city_data", [("audit", "审计管理员", AUDIT)])] == ["CONFLICT"]
    assert not any(each.code in "".join(entries(core)) for each in told)


@pytest.mark.slow
def test_names_of_people_and_applications_differ(core: Core) -> None:
    """The ledger's actor is one or the other."""
    proposed(core, "portal")
    given = ("portal", "housing", [{"code": "x", "scenario": "s", "basis": "b"}], [])
    assert [p.code for p in refused(core.sharing.create_application, CONSOLE, *given)] == ["CONFLICT"]


def past_the_service(engine: Engine) -> None:
    """Writes that no service makes; the database refuses each."""
    moment = now()
    whole = {"display_name": "张伟", "department": "housing", "created_at": moment}
    made = {"id": "person_1", "name": "zhang.wei", "state": "PROPOSED", "created_by": "person_ren", **whole}
    with engine.begin() as connection:
        connection.execute(insert(department).values(code="housing", name="x", name_en="x", uscc="", tier="CITY", created_at=moment))
        connection.execute(insert(person).values(**made))
        connection.execute(insert(account_role).values(account="person_1", role=SYSTEM, given_by="x", given_at=moment))
        connection.execute(insert(account_role).values(account="person_1", role=STEWARD, given_by="x", given_at=moment))
    change = {"id": "c", "person": "person_1", "roles": "[]", "state": "PROPOSED", "proposed_by": "person_ren", "proposed_at": moment}
    wrong: list[Any] = [insert(account_role).values(account="person_1", role=role, given_by="x", given_at=moment) for role in (SECURITY, AUDIT)]
    wrong += [
        update(account_role).where(account_role.c.role == STEWARD).values(role=AUDIT),
        update(person).values(approved_by="person_ren"),
        update(person).values(state="ACTIVE"),
        update(person).values(state="INVITED"),
        update(person).values(state="SUPER"),
        insert(role_change).values(**{**change, "decided_by": "person_ren"}),
        insert(role_change).values(**{**change, "state": "APPROVED"}),
        insert(role_change).values(**{**change, "proposed_by": "person_1"}),
        insert(role_change).values(**{**change, "decided_by": "person_1"}),
    ]
    for statement in wrong:
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(statement)
    with engine.begin() as connection:
        connection.execute(insert(role_change).values(**change))
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(insert(role_change).values(**{**change, "id": "second"}))


@pytest.mark.slow
def test_sqlite_refuses_what_a_program_forgets(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/control.db"
    upgrade(url)
    engine = open_engine(url)
    past_the_service(engine)
    engine.dispose()


@pytest.mark.slow
def test_postgresql_refuses_it_too(postgres: Postgres) -> None:
    url = make_database(postgres, "people_refused")
    upgrade(url)
    engine = open_engine(url)
    past_the_service(engine)
    engine.dispose()
