"""The same catalog over PostgreSQL instead of SQLite gives the same answers, byte for byte, and the masks stay in the server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import asyncpg
import orjson
import pytest

from hub.demo.catalog import manifests
from hub.demo.city import SEED, draw_city
from hub.demo.postgres import load_into_postgres
from hub.demo.progress import silent
from hub.demo.tables import DEPARTMENTS_WITH_DATA
from tests.acceptance.test_rows import TRICKS
from tests.acceptance.transport import published
from tests.hub.running import PERSONS, Answer, RunningHub, started, stop
from tests.servers.postgres import Postgres

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hub")]

MOVED = tuple(department for department in DEPARTMENTS_WITH_DATA if department != "human_resources")
"""Human resources stays behind its REST service."""


@pytest.fixture(scope="module")
def other(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub whose departments' data lie in PostgreSQL: published through the API, with nothing else changed."""
    asyncio.run(load(postgres))
    with started(tmp_path_factory.mktemp("postgres") / "home") as running:
        sources = hub_sources(running)
        texts = manifests(running.home, sources, {department: postgres.url(department) for department in MOVED})
        for department in ("city_data", "civil_affairs", "housing", "market_regulation", "natural_resources"):
            published(running, texts[department])
        assert running.canaries.phones
        # Nothing can be read from the files any more.
        for department in MOVED:
            (running.home / "demo" / f"{department}.db").unlink()
        yield running
        stop(running)


async def load(server: Postgres) -> None:
    connect: Any = asyncpg.connect
    city = draw_city(PERSONS, SEED, silent)
    connection = await connect(server.url().replace("+asyncpg", ""))
    try:
        for department in MOVED:
            await connection.execute(f"CREATE DATABASE {department} TEMPLATE template0")
    finally:
        await connection.close()
    for department in MOVED:
        await load_into_postgres(server.url(department), department, city)


def hub_sources(hub: RunningHub) -> str:
    """The REST service's address, which the manifests of this home name."""
    port = orjson.loads((hub.home / "demo" / "service.json").read_bytes())["port"]
    return f"http://127.0.0.1:{port}"


def told(answer: Answer) -> bytes:
    """The answer without what differs between any two calls: receipts, moments, call ids."""
    content = dict(answer.content)
    content["extensions"] = {key: value for key, value in content.get("extensions", {}).items() if key != "receipt"}
    text = orjson.dumps([answer.status, content], option=orjson.OPT_SORT_KEYS)
    text = re.sub(rb'"asOf":"[^"]+"', b'"asOf":"MOMENT"', text)
    return re.sub(rb"call_[0-9a-f]+", b"CALL", text)


PERSON_LIST = """query ($where: CivilAffairsPersonWhere, $orderBy: [CivilAffairsPersonOrder!], $first: Int = 40) {
    civilAffairs { persons(where: $where, orderBy: $orderBy, first: $first) { totalCount
    nodes { idNumber name gender birthDate phone address district household { householdNo address district } } pageInfo { hasNextPage hasPreviousPage } } } }"""
COMPANY_LIST = """query ($where: MarketRegulationCompanyWhere, $orderBy: [MarketRegulationCompanyOrder!]) {
    marketRegulation { companies(where: $where, orderBy: $orderBy, first: 30) { totalCount nodes { uscc name status registeredOn registeredCapital
    legalRepIdNumber legalRep { name district } division { fullName parent { name parent { name } } } } } } }"""
ESTATE_LIST = """query ($where: NaturalResourcesRealEstateWhere, $orderBy: [NaturalResourcesRealEstateOrder!]) {
    naturalResources { realEstates(where: $where, orderBy: $orderBy, first: 30) { totalCount nodes { unitNo certificateNo areaM2 registeredOn mortgaged
    ownerIdNumber owner { name } } } } }"""
FLATS = """query ($where: HousingAffordableFlatWhere, $orderBy: [HousingAffordableFlatOrder!]) {
    housing { affordableFlats(where: $where, orderBy: $orderBy, first: 30) { totalCount nodes { flatNo project areaM2 rooms monthlyRent state } } } }"""
DIVISIONS = """query ($where: CityDataDivisionWhere, $orderBy: [CityDataDivisionOrder!]) {
    cityData { divisions(where: $where, orderBy: $orderBy, first: 200) { totalCount nodes { code name fullName level parent { name } } } } }"""
LICENCES = "{ marketRegulation { licences(first: 60) { nodes { licenceNo category address issuedOn validTo state company { name } } } } }"
INSURED = "{ humanResources { socialInsurances(first: 200) { nodes { state person { name phone } employer { name legalRepIdNumber } } } } }"

LISTS: list[tuple[str, str, dict[str, Any]]] = [
    ("everybody", PERSON_LIST, {"first": 1000}),
    *[(f"{first} of all", PERSON_LIST, {"first": first}) for first in (1, 39, 393, 394)],
    *[(f"tricks: {name}", PERSON_LIST, {"where": where}) for name, where in TRICKS.items()],
    *[
        (f"ordered by {name} {direction}", PERSON_LIST, {"orderBy": [{name: direction}], "first": 1000})
        for name in ("birthDate", "gender", "district")
        for direction in ("ASC", "DESC")
    ],
    ("two keys", PERSON_LIST, {"orderBy": [{"gender": "DESC"}, {"birthDate": "ASC"}], "first": 1000}),
    ("a span", PERSON_LIST, {"where": {"birthDate": {"gt": "1970-01-01", "lte": "1990-12-31"}}, "orderBy": [{"birthDate": "DESC"}]}),
    ("not in", PERSON_LIST, {"where": {"gender": {"notIn": ["男", "x"]}}}),
    ("a bad date", PERSON_LIST, {"where": {"birthDate": {"eq": "1990-02-30"}}}),
    ("page of nothing", PERSON_LIST, {"first": 0}),
    ("companies", COMPANY_LIST, {}),
    ("companies by day", COMPANY_LIST, {"orderBy": [{"registeredOn": "DESC"}]}),
    ("companies in business", COMPANY_LIST, {"where": {"status": {"ne": "存续"}, "registeredOn": {"gte": "2010-01-01"}}}),
    ("companies by district", COMPANY_LIST, {"where": {"district": {"startsWith": "5201"}}, "orderBy": [{"district": "ASC"}]}),
    ("estates", ESTATE_LIST, {}),
    ("mortgaged", ESTATE_LIST, {"where": {"mortgaged": {"eq": True}}, "orderBy": [{"registeredOn": "ASC"}]}),
    ("not mortgaged", ESTATE_LIST, {"where": {"not": {"mortgaged": {"eq": True}}}, "orderBy": [{"mortgaged": "DESC"}]}),
    ("flats", FLATS, {}),
    ("flats by rooms", FLATS, {"where": {"rooms": {"in": [1, 3]}}, "orderBy": [{"rooms": "DESC"}]}),
    ("divisions", DIVISIONS, {"where": {"parentCode": {"eq": "520100"}}}),
    ("divisions by name", DIVISIONS, {"where": {"name": {"startsWith": "南"}}, "orderBy": [{"name": "DESC"}]}),
    ("divisions by their text's order", DIVISIONS, {"orderBy": [{"name": "ASC"}]}),
    ("the highest divisions", DIVISIONS, {"where": {"parentCode": {"isNull": True}}}),
    ("by superior, nulls last", DIVISIONS, {"orderBy": [{"parentCode": "DESC"}]}),
    ("licences", LICENCES, {}),
    ("across REST and SQL", INSURED, {}),
]


@pytest.mark.parametrize(("document", "variables"), [case[1:] for case in LISTS], ids=[case[0] for case in LISTS])
def test_lists(hub: RunningHub, other: RunningHub, document: str, variables: dict[str, Any]) -> None:
    expected = told(hub.ask("housing", document, variables))
    assert told(other.ask("housing", document, variables)) == expected


@pytest.mark.parametrize("application", ["civil_affairs_own", "bank", None])
def test_other_callers(hub: RunningHub, other: RunningHub, application: str | None) -> None:
    for document in (PERSON_LIST, COMPANY_LIST.replace("legalRepIdNumber legalRep { name district }", ""), DIVISIONS, "{ __typename }"):
        assert told(other.ask(application, document)) == told(hub.ask(application, document))


def test_look_ups_and_verifications(hub: RunningHub, other: RunningHub) -> None:
    look_up = "query ($id: String!) { civilAffairs { person(idNumber: $id) { idNumber name birthDate phone address household { householdNo } } } }"
    verify = """query ($id: String!, $claims: CivilAffairsPersonClaims!) { civilAffairs {
        verifyPerson(subject: {idNumber: $id}, claims: $claims) { outcome claims { item outcome } } } }"""
    assert hub.samples == other.samples
    for person in (*hub.samples["persons"], {"id_number": "520102199001011230", "name": "x", "birth_date": "1990-01-01"}):
        claims = [{"name": person["name"], "birthDate": person["birth_date"]}, {"name": "x", "gender": "男"}, {"birthDate": "1990-01-01"}, {}]
        for application in ("housing", "civil_affairs_own"):
            number = {"id": person["id_number"]}
            assert told(other.ask(application, look_up, number)) == told(hub.ask(application, look_up, number))
            for claimed in claims:
                variables = {**number, "claims": claimed}
                assert told(other.ask(application, verify, variables)) == told(hub.ask(application, verify, variables))


def paged(hub: RunningHub, document: str, variables: dict[str, Any]) -> list[Any]:
    found, after, more = [], None, True
    while more:
        page = hub.ask("housing", document, {**variables, "after": after}).data["civilAffairs"]["persons"]
        found.append(page["nodes"])
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    return found


@pytest.mark.parametrize("order", [[], [{"birthDate": "DESC"}], [{"gender": "ASC"}, {"birthDate": "DESC"}]])
def test_cursors(hub: RunningHub, other: RunningHub, order: list[dict[str, str]]) -> None:
    document = """query ($by: [CivilAffairsPersonOrder!], $after: String) { civilAffairs { persons(orderBy: $by, first: 37, after: $after) {
        nodes { name birthDate phone } pageInfo { hasNextPage endCursor } } } }"""
    assert paged(other, document, {"by": order}) == paged(hub, document, {"by": order})


def statements(server: Postgres, start: int, table: str) -> list[str]:
    """What the server says that it executed on a table since a position of its log."""
    records = [" ".join(record.split()) for record in re.split(r"(?m)^(?=\d+ \[)", server.logged(start))]
    return [record for record in records if " execute " in record and re.search(rf'FROM "?{table}"? ', record)]


def outputs(statement: str) -> list[str]:
    """The expressions between SELECT and FROM."""
    listed = statement.partition("SELECT ")[2].partition(" FROM ")[0]
    return [expression.strip(", ") for expression in re.split(r" AS o\d+", listed) if expression]


def test_the_server_itself_masks(other: RunningHub, postgres: Postgres) -> None:
    start = postgres.log.stat().st_size
    page = other.ask("housing", "{ civilAffairs { persons(first: 3) { nodes { idNumber name phone address household { address } } } } }").data
    assert "****" in str(page)
    (persons,), (households,) = statements(postgres, start, "person"), statements(postgres, start, "household")
    for statement, columns in ((persons, ("id_number", "phone", "address")), (households, ("address",))):
        for column in columns:
            (shown,) = [expression for expression in outputs(statement) if f'"{column}"' in expression]
            assert shown.startswith("CASE ")
            assert any(taken in shown for taken in ("substr(", "left("))
            assert "****" in shown
    assert 'CAST("person"."name" AS TEXT)' in outputs(persons)


def test_a_verification_selects_no_value(other: RunningHub, postgres: Postgres) -> None:
    start = postgres.log.stat().st_size
    document = """query ($id: String!) { civilAffairs {
        verifyPerson(subject: {idNumber: $id}, claims: {name: "x", birthDate: "1990-01-01"}) { outcome } } }"""
    assert other.ask("housing", document, {"id": other.inside[0]["id_number"]}).data["civilAffairs"]["verifyPerson"] == {"outcome": "MISMATCH"}
    (statement,) = statements(postgres, start, "person")
    assert len(outputs(statement)) == 2
    assert all(" = " in expression for expression in outputs(statement))


def test_a_filter_is_applied_in_the_server(other: RunningHub, postgres: Postgres) -> None:
    start = postgres.log.stat().st_size
    document = '{ civilAffairs { persons(first: 3, where: {birthDate: {gt: "1970-01-01"}, gender: {eq: "女"}}) { nodes { idNumber } } } }'
    assert len(other.ask("housing", document).data["civilAffairs"]["persons"]["nodes"]) == 3
    (statement,) = statements(postgres, start, "person")
    condition = statement.partition(" WHERE ")[2]
    for column in ("birth_date", "gender"):
        assert f'"{column}"' in condition
        assert not any(f'"{column}"' in expression for expression in outputs(statement))


def test_nothing_but_what_was_asked_for_is_read(other: RunningHub, postgres: Postgres) -> None:
    start = postgres.log.stat().st_size
    other.ask("housing", "{ civilAffairs { persons(first: 3) { nodes { birthDate } } } }")
    (statement,) = statements(postgres, start, "person")
    for column in ("id_number", "name", "phone", "address", "household_no", "gender"):
        assert f'"{column}"' not in statement
