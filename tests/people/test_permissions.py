"""Which role may read and do what: every root field for every role; what is refused is an alert; what is bounded is bounded."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from graphql import GraphQLNonNull, GraphQLObjectType, OperationDefinitionNode, get_named_type, parse
from sqlalchemy import insert

from hub.acts import bump
from hub.api.governance import root_fields
from hub.api.governance_schema import make_governance_schema
from hub.app import create_app
from hub.catalog.scopes import AUDIT, CATALOG, OWNER, SECURITY, STEWARD, SYSTEM
from hub.core import Core
from hub.people.codes import CONSOLE as CONSOLE_CLIENT
from hub.people.permissions import MUTATIONS, QUERIES, Reach, reach
from hub.people.roles import ROLES
from hub.people.tables import account_role, person
from hub.store.base import now
from tests.catalog.homes import CONSOLE, new_core
from tests.people.house import entries

pytestmark = [pytest.mark.fast, pytest.mark.anyio]
SCHEMA = make_governance_schema()._schema
PURPOSE = [{"code": "x", "scenario": "s", "basis": "b"}]


class World:
    """A hub in this process with one person per role, each of the department housing."""

    def __init__(self, core: Core, hub: Any, http: httpx2.AsyncClient) -> None:
        self.core, self.hub, self.http = core, hub, http

    async def ask(self, role: str, document: str, path: str = "/governance/graphql") -> Any:
        """The answer to a person of this role, as JSON."""
        token = self.hub._tokens.issue(CONSOLE_CLIENT, [role], subject=person_of(role)).token
        answer = await self.http.post(path, json={"query": document}, headers={"authorization": f"Bearer {token}", "accept-language": "en"})
        return answer.json()

    async def codes(self, role: str, document: str, path: str = "/governance/graphql") -> list[str]:
        """The codes of the answer's errors and of its acts' problems."""
        answer = await self.ask(role, document, path)
        acts = [made for made in (answer.get("data") or {}).values() if isinstance(made, dict)]
        problems = {problem["code"]: None for made in acts for problem in made.get("problems") or ()}
        return [error["extensions"]["code"] for error in answer.get("errors", ())] + list(problems)


def person_of(role: str) -> str:
    return f"person_{role.partition(':')[2]}"


def fill(core: Core) -> None:
    core.catalog.create_department(CONSOLE, code="housing", name="市住建局", uscc="11520100009395416E")
    core.catalog.create_department(CONSOLE, code="transport", name="市交通局", uscc="11520100009392151C")
    for name, owner in (("rents", "housing"), ("permits", "transport"), ("ferries", "transport")):
        core.sharing.create_application(CONSOLE, name, owner, PURPOSE, [])
    for department in ("housing", "transport"):
        core.catalog.register_source(CONSOLE, department, code="own", kind="rest", url="http://127.0.0.1:1")
    moment = now()
    with core.engine.begin() as connection:
        for role in ROLES:
            made = {"id": person_of(role), "name": role.partition(":")[2], "display_name": "人", "department": "housing", "state": "ACTIVE"}
            connection.execute(insert(person).values(**made, created_by="a", approved_by="b", created_at=moment))
            connection.execute(insert(account_role).values(account=made["id"], role=role, given_by="b", given_at=moment))
        connection.exec_driver_sql(f"UPDATE application SET owner = '{person_of(OWNER)}' WHERE name = 'ferries'")
        bump(connection, "rights")
    core.registry.refresh()


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for all tests of the file: they share the hub, and change nothing in it."""
    return "asyncio"


@pytest.fixture(scope="module")
async def world(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The hub with its people."""
    with new_core(tmp_path_factory.mktemp("world")) as core:
        fill(core)
        hub = create_app(core)
        transport = httpx2.ASGITransport(app=hub)
        async with hub._rest.router.lifespan_context(hub._rest), httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
            yield World(core, hub, http)


def root(mutation: bool) -> GraphQLObjectType:
    found = SCHEMA.mutation_type if mutation else SCHEMA.query_type
    assert found is not None
    return found


def document_of(name: str, mutation: bool) -> str:
    """A valid document of one root field, whose variables are left out: whoever may ask is told so, and nothing is done."""
    field = root(mutation).fields[name]
    required = {arg: of for arg, of in field.args.items() if isinstance(of.type, GraphQLNonNull)}
    variables = ", ".join(f"${arg}: {of.type}" for arg, of in required.items())
    arguments = ", ".join(f"{arg}: ${arg}" for arg in required)
    selection = " { __typename }" if isinstance(get_named_type(field.type), GraphQLObjectType) else ""
    head = f"({variables})" if variables else ""
    return f"{'mutation' if mutation else 'query'}{head} {{ {name}{f'({arguments})' if arguments else ''}{selection} }}"


def test_every_root_field_stands_in_the_table_and_nothing_else() -> None:
    assert set(QUERIES) == set(root(False).fields)
    assert set(MUTATIONS) == set(root(True).fields)
    assert {role for roles in (*QUERIES.values(), *MUTATIONS.values()) for role in roles} == set(ROLES)


def test_what_does_not_stand_in_the_table_is_nobodys() -> None:
    assert all(reach("deleteLedger", {role}, mutation) is None for role in ROLES for mutation in (True, False))
    assert reach("createGrant", {SECURITY}) is None, "a mutation is no query"


def test_the_auditor_changes_nothing_and_the_system_administrator_sees_no_rights() -> None:
    assert [name for name, roles in MUTATIONS.items() if AUDIT in roles] == []
    assert [name for name, roles in QUERIES.items() if AUDIT not in roles] == []
    assert {"grants", "accessRequests", "explain", "dryRun", "ledger", "disposals"}.isdisjoint(name for name, roles in QUERIES.items() if SYSTEM in roles)
    assert [name for name, roles in MUTATIONS.items() if {SYSTEM, SECURITY} <= set(roles)] == [
        "disableDepartment",
        "enableDepartment",
        "disableApplication",
        "reviewCatalog",
        "publishCatalog",
        "disablePerson",
    ], "what either does alone; a catalog's import and review need two accounts all the same"


async def test_every_field_answers_a_role_of_the_table_and_refuses_another(world: World) -> None:
    for mutation, table in ((False, QUERIES), (True, MUTATIONS)):
        for number, (name, roles) in enumerate(table.items()):
            others = [role for role in ROLES if role not in roles]
            for role in (list(roles)[number % len(roles)], *others[number % max(1, len(others)) :][:1]):
                refused = "FORBIDDEN" in await world.codes(role, document_of(name, mutation))
                assert refused == (role not in roles), (name, role)


async def test_a_refusal_is_an_alert_in_the_ledger_and_nothing_of_the_document_runs(world: World) -> None:
    document = (
        'mutation { disableApplication(input: {application: "rents"}) { problems { code } } approvePerson(input: {name: "audit"}) { problems { code } } }'
    )
    assert await world.codes(SYSTEM, document) == ["FORBIDDEN"]
    last = entries(world.core)[-1]
    assert '"alert":true' in last
    assert '"act":"approvePerson"' in last
    assert '"actor":"system"' in last
    app = world.core.registry.by_name("rents")
    assert app is not None
    assert app.active


HIDDEN = [
    "query { ...f } fragment f on Query { grants { id } }",
    "query { ...f ...f } fragment f on Query { ...g } fragment g on Query { grants { id } }",
    "query { ... on Query { departments { code } ... { grants { id } } } }",
    "query { departments: grants { id } }",
    "query ($no: Boolean = false) { departments { code } grants @include(if: $no) { id } }",
    "query a { departments { code } grants { id } }",
]


@pytest.mark.parametrize("document", HIDDEN)
def test_root_fields_are_found_wherever_they_stand(document: str) -> None:
    node = parse(document)
    operation = node.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert "grants" in root_fields(operation.selection_set, node)


async def test_no_way_of_writing_gets_past_the_table(world: World) -> None:
    for document in HIDDEN:
        assert await world.codes(SYSTEM, document) == ["FORBIDDEN"], document
    assert await world.codes(SYSTEM, "{ __typename __schema { queryType { name } } departments { code } }") == []


async def test_b10_administrators_keep_to_their_own(world: World) -> None:
    """B10: the system administrator reads no data and no audit, the auditor edits no policy, the security administrator deletes no log."""
    before = len(entries(world.core))
    assert await world.codes(SYSTEM, "{ ledger { nodes { entry } } }") == ["FORBIDDEN"]
    assert await world.codes(SYSTEM, "{ grants { id } }") == ["FORBIDDEN"]
    for document in (
        'mutation { revokeGrant(input: {id: "x"}) { problems { code } } }',
        'mutation { setCalendarDays(input: {days: [], reason: "x"}) { __typename } }',
    ):
        found = await world.codes(AUDIT, document)
        assert set(found) <= {"FORBIDDEN", "INVALID_DOCUMENT"} != set()
    assert await world.codes(AUDIT, 'mutation { revokeGrant(input: {id: "x"}) { problems { code } } }') == ["FORBIDDEN"]
    assert await world.codes(SECURITY, "mutation { deleteLedger }") == ["INVALID_DOCUMENT"]
    assert sum('"alert":true' in each for each in entries(world.core)[before:]) >= 4
    kept = [name for name in root(True).fields if re.search(r"ledger|audit|entry|[a-z]Logs?(?![a-z])", name)]
    assert kept == [], "no act of the interface touches the log"
    scopes = (await world.ask(SYSTEM, "{ me { scopes } }"))["data"]["me"]["scopes"]
    assert scopes == [SYSTEM], "no scope of data"


async def test_administrators_applications_hold_no_scope_of_data(core: Core) -> None:
    for role in (SYSTEM, SECURITY, AUDIT):
        core.sharing.create_application(CONSOLE, role.partition(":")[2], "city_data", PURPOSE, [role])
    core.registry.refresh()
    for role in (SYSTEM, SECURITY, AUDIT):
        app = core.registry.by_name(role.partition(":")[2])
        assert app is not None
        assert app.scopes() == {role}


async def test_stewards_see_their_department_and_owners_their_applications(world: World) -> None:
    document = "{ applications { name } }"

    async def names(role: str) -> list[str]:
        return [each["name"] for each in (await world.ask(role, document))["data"]["applications"]]

    assert await names(AUDIT) == ["ferries", "permits", "rents"]
    assert await names(STEWARD) == ["rents"]
    assert await names(OWNER) == ["ferries"]
    assert await world.codes(CATALOG, document) == ["FORBIDDEN"]
    sources = "{ sources { code } }"
    assert [each["code"] for each in (await world.ask(STEWARD, sources))["data"]["sources"]] == ["housing.own"]
    assert [each["code"] for each in (await world.ask(CATALOG, sources))["data"]["sources"]] == ["housing.own", "transport.own"]


async def test_the_auditor_reads_acts_and_alerts(world: World) -> None:
    await world.codes(SYSTEM, "{ grants { id } }")
    alerts = (await world.ask(AUDIT, "{ ledger(filter: {alerts: true}, first: 1) { nodes { actor act alert outcome code } } }"))["data"]["ledger"]["nodes"]
    assert alerts == [{"actor": "system", "act": "grants", "alert": True, "outcome": "REFUSED", "code": "FORBIDDEN"}]
    last = (await world.ask(AUDIT, "{ ledger(first: 200) { nodes { entry act actor } } }"))["data"]["ledger"]["nodes"]
    first = (await world.ask(AUDIT, '{ ledger(filter: {highest: "8"}) { nodes { entry act } } }'))["data"]["ledger"]["nodes"]
    assert "grants" in {each["act"] for each in last}
    assert {"createDepartment", "createApplication", "registerSource"} <= {each["act"] for each in first}
    assert max(int(each["entry"]) for each in first) < 9
    assert await world.codes(AUDIT, "{ departments { code } }") == []
    read = (await world.ask(AUDIT, '{ ledger(filter: {kind: ["call"]}, first: 3) { nodes { actor act kind } } }'))["data"]["ledger"]["nodes"]
    assert {"actor": "audit", "act": "governance.query", "kind": "call"} in read, "the auditor's own reading stands in it too"
    assert await world.codes(AUDIT, "{ ledger(first: 100000) { nodes { entry } } }") == ["BAD_INPUT"]


def test_reaches_widen() -> None:
    assert reach("applications", {OWNER, STEWARD}) is Reach.DEPARTMENT
    assert reach("applications", {OWNER}) is Reach.OWN
    assert reach("applications", set()) is None
