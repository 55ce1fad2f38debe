"""The published GraphQL contract: what it shows exists as it shows it, whatever more there is."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    build_schema,
    get_introspection_query,
    get_named_type,
    is_specified_scalar_type,
)

from tests.hub.running import RunningHub

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

# The contract names the household without showing it; the demonstration's names say that it has these items.
CONTRACT = Path(__file__).with_name("contract.graphql").read_text(encoding="utf-8") + "\ntype CivilAffairsHousehold { address: String }"
MUTATIONS = [
    "createDepartment",
    "createApplication",
    "disableApplication",
    "registerSource",
    "checkSource",
    "importManifest",
    "reviewCatalog",
    "publishCatalog",
    "createGrant",
    "revokeGrant",
    "reviewRequest",
    "suspendGrant",
]


def schema(hub: RunningHub, name: str, path: str = "/graphql") -> GraphQLSchema:
    return build_client_schema(hub.ask(name, get_introspection_query(), path=path).data)


def differences(wanted: GraphQLNamedType, have: GraphQLNamedType | None) -> list[str]:
    if have is None or type(have).__name__ != type(wanted).__name__:
        return [f"{wanted.name}: missing or of another kind"]
    if isinstance(wanted, GraphQLEnumType) and isinstance(have, GraphQLEnumType):
        return [f"{wanted.name}.{value}: missing" for value in set(wanted.values) - set(have.values)]
    if isinstance(wanted, GraphQLObjectType | GraphQLInputObjectType) and isinstance(have, GraphQLObjectType | GraphQLInputObjectType):
        return [found for name in wanted.fields for found in field_differences(wanted, have, name)]
    return []


def field_differences(wanted: GraphQLObjectType | GraphQLInputObjectType, have: GraphQLObjectType | GraphQLInputObjectType, name: str) -> list[str]:
    mine, theirs = have.fields.get(name), wanted.fields[name]
    if mine is None:
        return [f"{wanted.name}.{name}: missing"]
    found = [] if str(mine.type) == str(theirs.type) else [f"{wanted.name}.{name}: {mine.type}, the contract says {theirs.type}"]
    given = getattr(mine, "args", {})
    for argument, shape in getattr(theirs, "args", {}).items():
        if argument not in given or str(given[argument].type) != str(shape.type) or given[argument].default_value != shape.default_value:
            found.append(f"{wanted.name}.{name}({argument}:): missing or of another type or default")
    return found


def test_housing_sees_all_that_the_contract_shows(hub: RunningHub) -> None:
    have = schema(hub, "housing")
    shown = {name: kind for name, kind in build_schema(CONTRACT).type_map.items() if not name.startswith("__") and not is_specified_scalar_type(kind)}
    assert [found for name, kind in shown.items() for found in differences(kind, have.type_map.get(name))] == []


def test_the_sdl_is_the_schema_that_introspection_tells(hub: RunningHub) -> None:
    answer = hub.http("GET", "/graphql/schema.graphql", headers={"Authorization": f"Bearer {hub.token('housing')}"})
    told, read = schema(hub, "housing"), build_schema(answer.text)
    assert sorted(told.type_map) == sorted(read.type_map)
    assert [found for name, kind in told.type_map.items() for found in differences(kind, read.type_map.get(name))] == []


def test_administrators_have_the_sdl_of_their_endpoint(hub: RunningHub) -> None:
    path = "/governance/graphql/schema.graphql"
    answer = hub.http("GET", path, headers={"Authorization": f"Bearer {hub.token('security_admin')}"})
    told, read = schema(hub, "security_admin", "/governance/graphql"), build_schema(answer.text)
    assert sorted(told.type_map) == sorted(read.type_map)
    assert [found for name, kind in told.type_map.items() for found in differences(kind, read.type_map.get(name))] == []
    refused = hub.http("GET", path, headers={"Authorization": f"Bearer {hub.token('housing')}"})
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    assert hub.http("GET", path).status_code == 401


@pytest.mark.parametrize("document", ["{ nothing }", "{ me "])
def test_who_errs_is_led_to_the_schema_of_the_endpoint_that_was_asked(hub: RunningHub, document: str) -> None:
    for name, path in (("housing", "/graphql"), ("security_admin", "/governance/graphql")):
        (error,) = hub.ask(name, document, path=path).response.json()["errors"]
        for hint in (error["extensions"]["hint"], error["extensions"]["hintEn"]):
            assert re.findall(r"/\S+\.graphql", hint) == [f"{path}/schema.graphql"]


def test_every_described_name_is_described_in_chinese_and_english(hub: RunningHub) -> None:
    have = schema(hub, "housing")
    person = have.type_map["CivilAffairsPerson"]
    assert isinstance(person, GraphQLObjectType)
    texts = [person.description, *(person.fields[name].description for name in ("idNumber", "name", "birthDate", "phone", "household"))]
    for text in texts:
        chinese, english, *_ = str(text).split("\n\n")
        assert not chinese.isascii(), text
        assert english.isascii(), text


def test_governance_offers_the_contracts_mutations(hub: RunningHub) -> None:
    mutation = schema(hub, "security_admin", "/governance/graphql").mutation_type
    assert mutation is not None
    assert [name for name in MUTATIONS if name not in mutation.fields] == []
    for name in MUTATIONS:
        payload = get_named_type(mutation.fields[name].type)
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["problems"].type) == "[Problem!]!", name


@pytest.mark.parametrize(
    "path", ["/health/live", "/health/ready", "/ledger/checkpoint", "/ledger/key", "/ledger/keys", "/.well-known/oauth-authorization-server", "/oauth/jwks"]
)
def test_public_addresses_answer(hub: RunningHub, path: str) -> None:
    deadline = time.monotonic() + 10
    # The first checkpoint of a hub that has just been started takes a second or two, as any entry does.
    while (answer := hub.http("GET", path)).status_code == 404 and path == "/ledger/checkpoint" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert answer.status_code == 200
